"""Profiles of strain along a line, averaged across it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import Grid
from hyperspy_twin.strain.mechanics.deformation import Gradients, product
from hyperspy_twin.strain.mechanics.gradient_errors import Analysis, Averaging, noise_of_pixels
from hyperspy_twin.strain.mechanics.interfaces import Interface
from hyperspy_twin.strain.mechanics.means import component_slopes, reference_variances

# Fraction of the extent of an outline over which a profile across it is averaged.
WIDTH_OF_INTERFACE = 0.8
# Resolutions over which a profile along a line is averaged: with these the errors of neighbouring
# windows average, and what bends within them is seen as before.
WIDTH_OF_LINE = 4.0


@dataclass(frozen=True)
class Line:
    """A line along which strain is looked at, and the width across it.

    Attributes
    ----------
    origin
        Position (x, y) of distance 0.
    direction
        Unit vector (x, y).
    start, stop
        Distances at its ends.
    width
        Over which pixels are averaged across it.
    """

    origin: tuple[float, float]
    direction: tuple[float, float]
    start: float
    stop: float
    width: float

    @property
    def angle(self) -> float:
        """Direction in degrees above x, counter-clockwise as seen on the screen."""
        return float(np.degrees(np.arctan2(-self.direction[1], self.direction[0])))

    def coordinates(self, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
        """Distance along and across the line of each pixel, shape (rows, columns)."""
        x, y = grid.x[None, :] - self.origin[0], grid.y[:, None] - self.origin[1]
        u, v = self.direction
        return x * u + y * v, y * u - x * v


@dataclass(frozen=True, eq=False)
class Profile:
    """Means across a line.

    Attributes
    ----------
    distance
        Along the line, shape (n,).
    mean
        Of each map, shape (maps, n); NaN where no pixel shows a lattice.
    error
        Standard errors of e_xx, e_yy, e_xy and rotation, shape (4, n); None where the noise is not
        known.
    """

    distance: np.ndarray
    mean: np.ndarray
    error: np.ndarray | None


def line_between(ends: np.ndarray, width: float | None, resolution: float) -> Line:
    """Line from one point (x, y) to another, ``ends`` of shape (2, 2).

    Raises
    ------
    ValueError
        If the ends are not two different points, or the width is not positive.
    """
    ends = np.asarray(ends, float)
    if ends.shape != (2, 2) or not np.isfinite(ends).all() or not np.ptp(ends, axis=0).any():
        raise ValueError("a line needs two different points: line=((x, y), (x, y))")
    vector = ends[1] - ends[0]
    length = float(np.linalg.norm(vector))
    u, v = vector / length
    chosen = _width(width, WIDTH_OF_LINE * resolution)
    return Line((float(ends[0, 0]), float(ends[0, 1])), (float(u), float(v)), 0.0, length, chosen)


def line_across(interface: Interface, inside: np.ndarray, grid: Grid, width: float | None) -> Line:
    """Line across an interface through the pixels of its two regions, with 0 at the interface.

    ``inside`` marks these pixels, shape (rows, columns).
    """
    chosen = _width(width, WIDTH_OF_INTERFACE * interface.length)
    line = Line(interface.centre, interface.normal, 0.0, 0.0, chosen)
    along, across = line.coordinates(grid)
    near = along[inside & (np.abs(across) <= chosen / 2)]
    return Line(
        line.origin, line.direction, float(near.min(initial=0)), float(near.max(initial=0)), chosen
    )


def measure_profile(
    maps: np.ndarray,
    mask: np.ndarray,
    grid: Grid,
    line: Line,
    *,
    sigmas: np.ndarray,
    analysis: Analysis | None,
    gradients: Gradients,
    angle: float = 0.0,
) -> Profile:
    """Means of maps across a line, and their standard errors.

    Each pixel counts for the two steps of the profile next to it. Pixels across the line are
    correlated as Gaussian windows of the resolution make them; the lines of a scan, over all of
    their pixels.

    Parameters
    ----------
    maps
        e_xx, e_yy, e_xy, rotation, and others of which the errors are not asked for, shape
        (maps, rows, columns).
    mask
        Pixels that count, shape (rows, columns).
    grid
        Pixel grid.
    line
        The line.
    sigmas
        Standard errors of e_xx, e_yy and e_xy of each pixel, shape (3, rows, columns).
    analysis
        How the strain was measured; None where that is not known.
    gradients
        Of each pixel.
    angle
        Of the axes of the components above those of the image.

    Raises
    ------
    ValueError
        If no pixel near the line shows a lattice.
    """
    along, across = line.coordinates(grid)
    step = grid.pixel_size
    first, last = int(np.ceil(line.start / step)), int(np.floor(line.stop / step))
    count = last - first + 1
    place = along / step - first
    used = mask & np.isfinite(maps).all(axis=0) & (np.abs(across) <= line.width / 2)
    used &= (place > -1.0) & (place < count)
    if count < 1 or not used.any():
        raise ValueError("no pixel near this line shows a lattice: move it into the crystal")
    lower = np.floor(place[used]).astype(int)
    part = place[used] - lower

    def gather(values: np.ndarray) -> np.ndarray:
        """Sum over the pixels of each step."""
        total = np.bincount(lower + 1, values * (1.0 - part), count + 2)
        return (total + np.bincount(lower + 2, values * part, count + 2))[1:-1]

    weight = gather(np.ones(len(part)))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.array([gather(one[used].astype(float)) for one in maps]) / weight
    error = None
    if analysis is not None:
        width = np.full(grid.shape, line.width)
        near = np.clip(np.rint(place[used]).astype(int), 0, count - 1)
        width[used] = weight[near] * grid.scale[0] * grid.scale[1] / step
        averaging = Averaging(line.angle, width, analysis.resolution)
        variances = _variances(analysis, gradients, averaging, sigmas, angle)
        with np.errstate(invalid="ignore", divide="ignore"):
            error = np.sqrt(np.array([gather(one[used]) for one in variances]) / weight)
    return Profile(step * (first + np.arange(count)), mean, error)


def _variances(
    analysis: Analysis,
    gradients: Gradients,
    averaging: Averaging,
    sigmas: np.ndarray,
    angle: float,
) -> np.ndarray:
    """Variances of the means at each pixel, shape (4, rows, columns)."""
    found = np.full((4, *analysis.grid.shape), np.nan)
    slopes = component_slopes(gradients, angle)
    weights = np.array([1.0, 1.0, 2.0])
    single = noise_of_pixels(analysis, gradients)
    averaged = noise_of_pixels(analysis, gradients, averaging)
    for (box, mask, pixels), (_, _, means) in zip(single, averaged, strict=True):
        at = slopes[(slice(None), slice(None), slice(None), *box)][..., mask]
        of_pixels, of_means = (
            np.sum([_contract(at, *one) for one in parts], axis=0) for parts in (pixels, means)
        )
        stated = sigmas[(slice(None), *box)][:, mask].astype(float) ** 2
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.tensordot(weights, stated, 1) / np.tensordot(weights, of_pixels[:3], 1)
        found[(slice(None), *box)][:, mask] = of_means * ratio
    others = analysis.labels != analysis.reference
    found[:, others] += reference_variances(analysis, gradients, angle)[:, others]
    return found


def _contract(slopes: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Variances of components with these slopes (4, 2, 2, pixels), shape (4, pixels)."""
    return np.array([np.sum(one * product(left, one, right), axis=(0, 1)) for one in slopes])


def _width(width: float | None, default: float) -> float:
    chosen = default if width is None else float(width)
    if not (np.isfinite(chosen) and chosen > 0.0):
        raise ValueError(f"the width of a profile is a positive length, not {width}")
    return chosen
