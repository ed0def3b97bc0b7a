"""Where a map may lie on a micrograph: all positions at several angles and scales.

Correlation coefficients over what map and micrograph have in common at each position, both of any
outline (Padfield, IEEE Transactions on Image Processing 21, 2706, 2012).
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
import scipy.fft
from scipy.ndimage import gaussian_filter, map_coordinates, maximum_filter

from hyperspy_twin.composition.placement.recorded import MapImage
from hyperspy_twin.composition.placement.scenes import Scene, average_blocks

# Samples of the search per pixel of the map.
SAMPLES = 2.0
# Pixels of the map by which its edge is off at half a step of angle or scale.
EDGE_ERROR = 0.75
# Standard deviation of the position within a pixel, over its side.
AREA = 1 / math.sqrt(12)
# Fraction of the map that has to lie on the micrograph.
SMALLEST_OVERLAP = 0.6
# Candidates within this many pixels of the map are one.
APART = 2.0
# Variance below this fraction of the image's is rounding of the sums.
ROUNDING = 1e-8
# Squared correlations are cut to this, whose logarithm is finite.
LARGEST = 1.0 - 1e-9


class Candidate(NamedTuple):
    """A place where the map may lie.

    Attributes
    ----------
    matrix
        Of the map, shape (2, 3).
    evidence
        Logarithm of the likelihood over that of no relation, were all pixels independent.
    """

    matrix: np.ndarray
    evidence: float


def search_places(
    scene: Scene,
    recorded: MapImage,
    linear: np.ndarray,
    *,
    angle: float,
    scale: float,
    most: int,
) -> list[Candidate]:
    """Find the likeliest places of a map, the best first.

    Parameters
    ----------
    scene
        The micrograph.
    recorded
        What was recorded with the map.
    linear
        From units of the map to those of the micrograph, as the pixel sizes and the angle of the
        scan tell it, shape (2, 2).
    angle
        Tolerance of the rotation, in radians.
    scale
        Tolerance of the ratio of lengths.
    most
        Number of candidates.
    """
    coarse = _Coarse(scene, recorded, linear)
    step = 2 * EDGE_ERROR / (max(recorded.map_grid.shape) / 2)
    poses = [
        _turned(linear, turn, 1 + stretch)
        for turn, stretch in itertools.product(_steps(angle, step), _steps(scale, step))
    ]
    best = np.full(coarse.lags, -np.inf)
    which = np.zeros(coarse.lags, np.intp)
    for number, pose in enumerate(poses):
        evidence = coarse.evidence(pose)
        better = evidence > best
        best[better], which[better] = evidence[better], number
    size = 2 * int(APART * SAMPLES) + 1
    peaks = np.isfinite(best) & (best == maximum_filter(best, size, mode="constant"))
    rows, columns = np.nonzero(peaks)
    order = np.argsort(-best[rows, columns], kind="stable")[:most]
    return [
        Candidate(coarse.matrix(poses[which[row, column]], row, column), float(best[row, column]))
        for row, column in zip(rows[order], columns[order], strict=True)
    ]


def evidence_of(correlation: np.ndarray | float, count: np.ndarray | float) -> np.ndarray:
    """Logarithm of the likelihood ratio of a linear relation between as many pairs of values."""
    return -0.5 * count * np.log1p(-np.minimum(np.square(correlation), LARGEST))


def _steps(tolerance: float, step: float) -> np.ndarray:
    """Values from minus to plus a tolerance, at most a step apart."""
    count = math.ceil(tolerance / step) if tolerance > 0 else 0
    return np.linspace(-tolerance, tolerance, 2 * count + 1)


def _turned(linear: np.ndarray, angle: float, scale: float) -> np.ndarray:
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    return np.array([[cosine, -sine], [sine, cosine]]) @ linear


class _Coarse:
    """The micrograph on the samples of the search, with what all poses share."""

    def __init__(self, scene: Scene, recorded: MapImage, linear: np.ndarray) -> None:
        size = math.sqrt(abs(np.linalg.det(linear))) * recorded.map_grid.pixel_size
        step = max(1, round(size / SAMPLES / scene.grid.pixel_size))
        blur = AREA * math.sqrt(max((size / scene.grid.pixel_size) ** 2 - step**2, 0.0))
        smooth = gaussian_filter(scene.values, blur, mode="nearest")
        image, self.grid = average_blocks(smooth, scene.grid, [step, step])
        known, _ = average_blocks(scene.known, scene.grid, [step, step])
        self.mask = (known > 0.5).astype(float)
        self.image = (image - image[self.mask > 0].mean()) * self.mask
        self.recorded = recorded
        values = recorded.values
        self.known = np.isfinite(values).astype(float)
        self.values = np.where(self.known > 0, values - np.nanmean(values), 0.0)
        corners = np.array(recorded.map_grid.extent) * [[1, 1], [1, -1]]
        reach = np.linalg.norm(corners @ linear.T, axis=1).max()
        # Samples of the square that holds the map in any pose; odd, with the middle in one.
        self.side = 2 * math.ceil(0.55 * reach / self.grid.pixel_size) + 1
        self.lags = tuple(n + self.side - 1 for n in self.grid.shape)
        self.padded = [scipy.fft.next_fast_len(n, real=True) for n in self.lags]
        self.spectra = [self._spectrum(one) for one in (self.image, self.image**2, self.mask)]
        self.power = float(np.square(self.image).sum() / self.mask.sum())
        self.per_pixel = self.grid.pixel_size**2 / size**2

    def evidence(self, linear: np.ndarray) -> np.ndarray:
        """Evidence of each position of a pose, minus infinity where too little is in common."""
        template, mask = self._pose(linear)
        image, squared, ones = self.spectra
        one, two, here = (
            self._spectrum(part[::-1, ::-1]) for part in (template, template**2, mask)
        )
        overlap = self._product(here, ones)
        total, other = self._product(here, image), self._product(one, ones)
        enough = overlap > SMALLEST_OVERLAP * mask.sum()
        count = np.where(enough, overlap, 1.0)
        covariance = self._product(one, image) - total * other / count
        variance = self._product(here, squared) - total**2 / count
        variance_of_map = self._product(two, ones) - other**2 / count
        power = float(np.square(template).sum() / max(mask.sum(), 1.0))
        clear = enough & (variance > ROUNDING * self.power * count)
        clear &= variance_of_map > ROUNDING * power * count
        product = np.where(clear, variance * variance_of_map, 1.0)
        # Where the map is dark and the micrograph bright, they do not show the same.
        correlation = np.maximum(covariance / np.sqrt(product), 0.0)
        found = evidence_of(correlation, overlap * self.per_pixel)
        return np.where(clear, found, -np.inf)

    def matrix(self, linear: np.ndarray, row: int, column: int) -> np.ndarray:
        """Matrix of a pose whose middle lies at a lag."""
        lag = np.array([column, row]) - (self.side - 1) / 2
        middle = self.grid.to_units(lag)
        grid = self.recorded.map_grid
        return np.column_stack([linear, middle - linear @ [grid.x.mean(), grid.y.mean()]])

    def _pose(self, linear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turn the map onto samples of the micrograph, and tell which of them it covers."""
        across = (np.arange(self.side) - (self.side - 1) / 2) * np.array(self.grid.scale)[:, None]
        x, y = np.meshgrid(*across)
        points = np.column_stack([x.ravel(), y.ravel()]) @ np.linalg.inv(linear).T
        grid = self.recorded.map_grid
        at = self.recorded.grid.to_pixels(points + [grid.x.mean(), grid.y.mean()])[:, ::-1].T
        size = np.array(self.values.shape)[:, None]
        inside = np.all((at >= -0.5) & (at <= size - 0.5), axis=0)
        known = map_coordinates(self.known, at, order=0, mode="nearest") > 0
        values = map_coordinates(self.values, at, order=1, mode="nearest")
        mask = (inside & known).reshape(self.side, self.side)
        return values.reshape(mask.shape) * mask, mask.astype(float)

    def _spectrum(self, array: np.ndarray) -> np.ndarray:
        return scipy.fft.rfft2(array, self.padded)

    def _product(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return scipy.fft.irfft2(one * other, self.padded)[: self.lags[0], : self.lags[1]]
