"""Row shifts of a map against the micrograph, safe against hops by vectors of the lattice.

A row alone fits at many places that differ by vectors of the lattice. All shifts of all rows are
weighed together: their evidence, and a random walk from one row to the next, by the forward-backward
algorithm (Rabiner, Proceedings of the IEEE 77, 257, 1989). The likeliest step of the walk is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from skimage.feature import match_template

from hyperspy_twin.composition.placement.fit import MapImage
from hyperspy_twin.composition.placement.scenes import Scene, sample_area
from hyperspy_twin.composition.placement.search import evidence_of
from hyperspy_twin.core import Grid

# Pixels of the map up to which a row may be shifted from where the tags have it.
REACH = 2.5
# Standard deviation of the shift of the first row, in pixels of the map: the beam comes back to the
# survey within about one.
START = 0.75
# Steps from one row to the next, in pixels of the map, of which the likeliest is taken.
WALKS = (0.05, 0.1, 0.2, 0.3)
# Pixels of the map within which two shifts of a row are the same.
SAME = 0.75
# Lags of the correlation of the image, in pixels of the map.
LAGS = 2


@dataclass(frozen=True, eq=False)
class Track:
    """Shifts of the rows.

    Attributes
    ----------
    row_shifts
        On the micrograph, shape (rows, 2).
    certainty
        Probability that a row is within :data:`SAME` of it and not elsewhere, shape (rows,).
    """

    row_shifts: np.ndarray
    certainty: np.ndarray


def track_rows(scene: Scene, recorded: MapImage, matrix: np.ndarray) -> Track:
    """Find the shift of each row of a map from near its place.

    Parameters
    ----------
    scene
        The micrograph.
    recorded
        What was recorded with the map.
    matrix
        Where the map is without drift, shape (2, 3).
    """
    steps = np.array(recorded.map_grid.scale) / recorded.grid.scale
    reach = np.ceil(REACH * steps).astype(int)
    seen = _seen_around(scene, recorded, matrix, reach)
    evidence = _row_evidence(seen, recorded, reach)
    axes = [np.arange(-n, n + 1) / step for n, step in zip(reach, steps, strict=True)]
    x, y = np.meshgrid(*axes)
    start = -0.5 * (x**2 + y**2) / START**2
    tried = [_posterior(evidence, start, walk * steps[::-1]) for walk in WALKS]
    posterior, _ = max(tried, key=lambda one: one[1])
    shifts, certainty = [], []
    for one in posterior:
        best = np.unravel_index(int(np.argmax(one)), one.shape)
        near = np.hypot(x - x[best], y - y[best]) <= SAME
        mass = one[near].sum()
        certainty.append(mass)
        shifts.append([(one * x)[near].sum() / mass, (one * y)[near].sum() / mass])
    moved = np.array(shifts) * recorded.map_grid.scale @ matrix[:, :2].T
    return Track(moved, np.array(certainty))


def _seen_around(
    scene: Scene, recorded: MapImage, matrix: np.ndarray, reach: np.ndarray
) -> np.ndarray:
    """The micrograph on the samples of the map and around it; NaN outside."""
    grid = recorded.grid
    shape = grid.shape[0] + 2 * reach[1], grid.shape[1] + 2 * reach[0]
    offset = tuple(np.array(grid.offset) - reach * grid.scale)
    wide = Grid(shape, grid.scale, offset)
    x, y = np.meshgrid(wide.x, wide.y)
    centres = np.column_stack([x.ravel(), y.ravel()]) @ matrix[:, :2].T + matrix[:, 2]
    area = sample_area(matrix[:, :2], grid.scale, scene.grid.pixel_size)
    value, _, inside = scene.look(centres, area)
    return np.where(inside, value, np.nan).reshape(shape)


def _row_evidence(seen: np.ndarray, recorded: MapImage, reach: np.ndarray) -> np.ndarray:
    """Evidence of each shift of each row of the map, shape (rows, shifts y, shifts x)."""
    rows = recorded.map_rows.reshape(recorded.grid.shape)[:, 0]
    count = recorded.map_grid.shape[0]
    found = np.zeros((count, 2 * reach[1] + 1, 2 * reach[0] + 1))
    known = np.where(np.isfinite(seen), seen, np.nanmean(seen))
    share = 1 / _correlated_pixels(recorded)
    for row in range(count):
        lines = np.flatnonzero(rows == row)
        strip = recorded.values[lines]
        if not len(lines) or not np.isfinite(strip).all() or np.ptp(strip) == 0:
            continue
        around = known[lines[0] : lines[-1] + 1 + 2 * reach[1]]
        correlation = np.clip(match_template(around, strip), 0.0, 1.0)
        found[row] = evidence_of(correlation, strip.size * share)
    return found


def _correlated_pixels(recorded: MapImage) -> float:
    """Pixels that count as one in a correlation of two such images (Bartlett's formula)."""
    values = np.where(np.isfinite(recorded.values), recorded.values, np.nanmean(recorded.values))
    values = values - values.mean()
    power = np.abs(np.fft.fft2(values, [2 * n for n in values.shape])) ** 2
    correlation = np.fft.ifft2(power).real
    correlation /= correlation[0, 0]
    reach = [
        min(int(LAGS * whole / one), size - 1)
        for whole, one, size in zip(
            recorded.map_grid.scale[::-1], recorded.grid.scale[::-1], values.shape, strict=True
        )
    ]
    near = np.ix_(*(np.arange(-n, n + 1) for n in reach))
    return max(float(np.square(correlation[near]).sum()), 1.0)


def _posterior(
    evidence: np.ndarray, start: np.ndarray, walk: np.ndarray
) -> tuple[np.ndarray, float]:
    """Probability of each shift of each row, and the logarithm of the likelihood of the walk."""
    rows = len(evidence)
    likelihood = np.exp(evidence - evidence.max(axis=(1, 2), keepdims=True))
    first = np.exp(start)

    def spread(one: np.ndarray) -> np.ndarray:
        for axis, width in enumerate(walk):
            one = gaussian_filter1d(one, width, axis=axis, mode="constant", truncate=6)
        return one

    forward = np.empty_like(evidence)
    total = float(evidence.max(axis=(1, 2)).sum())
    here = first / first.sum()
    for row in range(rows):
        joint = (spread(here) if row else here) * likelihood[row]
        total += float(np.log(joint.sum()))
        forward[row] = here = joint / joint.sum()
    backward = np.ones_like(first)
    posterior = np.empty_like(evidence)
    for row in reversed(range(rows)):
        joint = forward[row] * backward
        posterior[row] = joint / joint.sum()
        backward = spread(backward * likelihood[row])
        backward /= backward.max()
    return posterior, total
