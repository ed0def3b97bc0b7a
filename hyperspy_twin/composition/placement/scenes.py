"""A micrograph as the pixels of a map see it: averaged over their area, wherever that lies."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import correlate1d, map_coordinates, spline_filter

from hyperspy_twin.core import Grid

# Pixels of the reduced micrograph per pixel of the map. A block of this size loses
# 1 - sinc(1/6)^2 = 9 % of what two pixels of the map resolve, from 3 to 12 alike in the fits.
SAMPLES = 6
# Points per side at most at which the area of a pixel is sampled.
MOST_POINTS = 6


@dataclass(frozen=True, eq=False)
class Scene:
    """A micrograph made ready for its value and slope anywhere.

    Attributes
    ----------
    values
        Image, shape (rows, columns); the mean where it has no value.
    coefficients
        Of its cubic spline, same shape.
    slopes
        Of the image along x and y per unit of the grid, shape (2, rows, columns).
    known
        Whether a pixel and its neighbours have a value, same shape as ``values``.
    grid
        Its grid.
    """

    values: np.ndarray
    coefficients: np.ndarray
    slopes: np.ndarray
    known: np.ndarray
    grid: Grid

    def look(
        self, centres: np.ndarray, area: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean of value and slope over areas of one shape.

        Parameters
        ----------
        centres
            Positions (x, y) of the areas, shape (n, 2).
        area
            Points (x, y) that stand for an area, from its centre, shape (points, 2).

        Returns
        -------
        value : ndarray
            Shape (n,).
        slope : ndarray
            Along x and y, shape (n, 2).
        inside : ndarray
            Whether the micrograph has values in the whole area, shape (n,).
        """
        at = self.grid.to_pixels((centres[:, None] + area).reshape(-1, 2))[:, ::-1].T
        size = np.array(self.grid.shape)[:, None] - 1
        within = np.all((at >= -0.5) & (at <= size + 0.5), axis=0)
        nearest = np.clip(np.rint(at), 0, size).astype(np.intp)
        within &= self.known[tuple(nearest)]
        options = {"prefilter": False, "mode": "nearest"}
        value = map_coordinates(self.coefficients, at, order=3, **options)
        slope = [map_coordinates(one, at, order=1, **options) for one in self.slopes]
        shape = (len(centres), len(area))
        means = [one.reshape(shape).mean(axis=1) for one in (value, *slope)]
        return means[0], np.stack(means[1:], axis=1), within.reshape(shape).all(axis=1)


def prepare_scene(image: np.ndarray, grid: Grid, pixel: float) -> Scene:
    """Make a micrograph ready, reduced to what pixels of a map can resolve.

    Parameters
    ----------
    image
        Shape (rows, columns); not a number where it has no value.
    grid
        Its grid.
    pixel
        Size of a pixel of the map in the unit of the grid.
    """
    steps = [max(1, int(pixel / SAMPLES / one)) for one in grid.scale[::-1]]
    values, reduced = average_blocks(image, grid, steps)
    known = np.isfinite(values)
    values = np.where(known, values, np.mean(values[known]) if known.any() else 0.0)
    coefficients = spline_filter(values, mode="nearest")
    slopes = np.stack(
        [
            _slope_of_spline(coefficients, axis) / scale
            for axis, scale in zip((1, 0), reduced.scale, strict=True)
        ]
    )
    # Splines carry the edge of a hole into its neighbours.
    near = known.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            near &= np.roll(known, step, axis) | _border(known.shape, axis, step)
    return Scene(values, coefficients, slopes, near, reduced)


def average_blocks(image: np.ndarray, grid: Grid, steps: list[int]) -> tuple[np.ndarray, Grid]:
    """Mean of blocks of pixels, and the grid of their centres.

    Parameters
    ----------
    image
        Shape (rows, columns).
    grid
        Its grid.
    steps
        Pixels of a block along rows and columns.
    """
    rows, columns = (size // step for size, step in zip(image.shape, steps, strict=True))
    part = np.asarray(image[: rows * steps[0], : columns * steps[1]], float)
    means = part.reshape(rows, steps[0], columns, steps[1]).mean(axis=(1, 3))
    scale = grid.scale[0] * steps[1], grid.scale[1] * steps[0]
    # The centre of an even number of pixels lies between two of them.
    offset = tuple(
        start + (step - 1) / 2 * one
        for start, step, one in zip(grid.offset, steps[::-1], grid.scale, strict=True)
    )
    return means, Grid((rows, columns), scale, (offset[0], offset[1]))


def sample_area(linear: np.ndarray, size: tuple[float, float], resolution: float) -> np.ndarray:
    """Points (x, y) of the micrograph that stand for one pixel of a map, from its centre.

    Parameters
    ----------
    linear
        From the units of the map to those of the micrograph, shape (2, 2).
    size
        Of the pixel along x and y, in the unit of the map.
    resolution
        Pixel size of the micrograph.

    Returns
    -------
    ndarray
        Shape (points, 2), of zero mean.
    """
    sides = []
    for vector, length in zip(linear.T, size, strict=True):
        count = math.ceil(math.hypot(*vector) * length / resolution)
        count = min(max(count, 1), MOST_POINTS)
        sides.append(((np.arange(count) + 0.5) / count - 0.5) * length)
    x, y = np.meshgrid(*sides)
    return np.column_stack([x.ravel(), y.ravel()]) @ linear.T


def _slope_of_spline(coefficients: np.ndarray, axis: int) -> np.ndarray:
    """Slope per pixel of a cubic spline at its nodes.

    Differences of the pixels themselves turn the slope of a sharp oblique interface.
    """
    along = correlate1d(coefficients, [-0.5, 0.0, 0.5], axis, mode="nearest")
    return correlate1d(along, [1 / 6, 4 / 6, 1 / 6], 1 - axis, mode="nearest")


def _border(shape: tuple[int, ...], axis: int, step: int) -> np.ndarray:
    found = np.zeros(shape, bool)
    line = [slice(None), slice(None)]
    line[axis] = slice(0, 1) if step > 0 else slice(-1, None)
    found[tuple(line)] = True
    return found
