"""Row shifts of a map against the micrograph, safe against hops by vectors of the lattice.

A row alone fits at many places that differ by vectors of the lattice. All shifts of all rows are
weighed together: their evidence, and a random walk from one row to the next, by the
forward-backward algorithm (Rabiner, Proceedings of the IEEE 77, 257, 1989). The likeliest step of
the walk is taken. Gain and offset are those of the whole map, since brightness tells one period
from the next where it changes along the map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import correlate

from hyperspy_twin.composition.placement.recorded import MapImage
from hyperspy_twin.composition.placement.scenes import Scene, sample_area
from hyperspy_twin.core import Grid

# Pixels of the map up to which a row may be shifted from where the tags have it. Slow scans of
# minutes drift by this much: 4.4 in the one real map at hand.
REACH = 6.0
# Standard deviation of the shift of the first row, in pixels of the map: the beam comes back to the
# survey within about one.
START = 0.75
# Steps from one row to the next, in pixels of the map, of which the likeliest is taken.
WALKS = (0.05, 0.1, 0.2, 0.3)
# Pixels of the map within which two shifts of a row are the same.
SAME = 0.75
# Lags of the correlation of the image, in pixels of the map.
LAGS = 2
# Widths of a step of the walk beyond which it does not happen.
FARTHEST = 6.0
# Samples of the image per pixel of the map at least: fewer cannot tell a step of the walk.
FEWEST_SAMPLES = 4


@dataclass(frozen=True, eq=False)
class Track:
    """Shifts of the rows.

    Attributes
    ----------
    row_shifts
        On the micrograph, shape (rows, 2).
    certainty
        Probability that a row is shifted by this, within :data:`SAME` pixels; shape (rows,).
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
        What was recorded with the map, with at least :data:`FEWEST_SAMPLES` samples per pixel of
        the map.
    matrix
        Where the map is without drift, shape (2, 3).
    """
    steps = recorded.steps
    reach = np.ceil(REACH * steps).astype(int)
    evidence = _row_evidence(_look_around(scene, recorded, matrix, reach), recorded, reach)
    axes = [np.arange(-n, n + 1) / step for n, step in zip(reach, steps, strict=True)]
    x, y = np.meshgrid(*axes)
    start = np.exp(-0.5 * (x**2 + y**2) / START**2)
    tried = [_posterior(evidence, start, walk * steps[::-1]) for walk in WALKS]
    posterior, _ = max(tried, key=lambda one: one[1])
    shifts, certainty = [], []
    for one in posterior:
        best = np.unravel_index(int(np.argmax(one)), one.shape)
        near = np.hypot(x - x[best], y - y[best]) <= SAME
        mass = float(one[near].sum())
        certainty.append(mass)
        shifts.append([(one * x)[near].sum() / mass, (one * y)[near].sum() / mass])
    moved = np.array(shifts) * recorded.map_grid.scale @ matrix[:, :2].T
    return Track(moved, np.array(certainty))


def _look_around(
    scene: Scene, recorded: MapImage, matrix: np.ndarray, reach: np.ndarray
) -> np.ndarray:
    """The micrograph on the samples of the map and around it; NaN outside."""
    grid = recorded.grid
    shape = grid.shape[0] + 2 * reach[1], grid.shape[1] + 2 * reach[0]
    corner = grid.to_units(-reach)
    wide = Grid(shape, grid.scale, (float(corner[0]), float(corner[1])))
    x, y = np.meshgrid(wide.x, wide.y)
    centres = np.column_stack([x.ravel(), y.ravel()]) @ matrix[:, :2].T + matrix[:, 2]
    area = sample_area(matrix[:, :2], grid.scale, scene.grid.pixel_size)
    value, _, inside = scene.look(centres, area)
    return np.where(inside, value, np.nan).reshape(shape)


def _row_evidence(seen: np.ndarray, recorded: MapImage, reach: np.ndarray) -> np.ndarray:
    """Logarithm of the likelihood of each shift of each row, shape (rows, shifts y, shifts x)."""
    inner = seen[reach[1] : -reach[1], reach[0] : -reach[0]]
    gain = np.nanstd(recorded.values) / max(float(np.nanstd(inner)), np.finfo(float).tiny)
    seen = gain * (seen - np.nanmean(inner)) + np.nanmean(recorded.values)
    known = np.isfinite(seen).astype(float)
    seen = np.where(known > 0, seen, 0.0)
    here = np.isfinite(recorded.values).astype(float)
    values = np.where(here > 0, recorded.values, 0.0)
    rows = recorded.rows
    squares, counts = [], []
    for row in range(recorded.map_grid.shape[0]):
        lines = np.flatnonzero(rows == row)
        strip, mask = values[lines], here[lines]
        part = slice(lines[0], lines[-1] + 1 + 2 * reach[1])
        counts.append(correlate(known[part], mask, "valid"))
        squares.append(
            correlate(known[part], strip**2, "valid")
            - 2 * correlate(seen[part], strip, "valid")
            + correlate(seen[part] ** 2, mask, "valid")
        )
    count, square = np.array(counts), np.maximum(squares, 0.0)
    # Where the micrograph ends, a pixel is as bad as one without any relation.
    whole = here.sum() / len(counts)
    missing = np.maximum(count.max(axis=(1, 2), keepdims=True) - count, 0.0)
    mean = (square + 2 * np.nanvar(recorded.values) * missing) / max(whole, 1.0)
    noise = max(float(np.median(mean.min(axis=(1, 2)))), np.finfo(float).tiny)
    return -0.5 * whole / _correlated_pixels(recorded) * mean / noise


def _correlated_pixels(recorded: MapImage) -> float:
    """Pixels that count as one in a correlation of two such images (Bartlett's formula)."""
    values = recorded.values - np.nanmean(recorded.values)
    values = np.where(np.isfinite(values), values, 0.0)
    power = np.abs(np.fft.fft2(values, [2 * n for n in values.shape])) ** 2
    correlation = np.fft.ifft2(power).real
    correlation /= max(float(correlation[0, 0]), np.finfo(float).tiny)
    lags = [
        np.arange(1 - min(int(LAGS * step), n), min(int(LAGS * step), n))
        for step, n in zip(recorded.steps[::-1], values.shape, strict=True)
    ]
    return max(float(np.square(correlation[np.ix_(*lags)]).sum()), 1.0)


def _posterior(
    evidence: np.ndarray, start: np.ndarray, walk: np.ndarray
) -> tuple[np.ndarray, float]:
    """Probability of each shift of each row, and the logarithm of the likelihood of the walk."""
    likelihood = np.exp(evidence - evidence.max(axis=(1, 2), keepdims=True))
    total = float(evidence.max(axis=(1, 2)).sum())

    def spread(one: np.ndarray) -> np.ndarray:
        for axis, width in enumerate(walk):
            one = gaussian_filter1d(one, width, axis=axis, mode="constant", truncate=FARTHEST)
        return one

    forward = np.empty_like(evidence)
    here = start / start.sum()
    for row, one in enumerate(likelihood):
        joint = (spread(here) if row else here) * one
        total += float(np.log(joint.sum()))
        forward[row] = here = joint / joint.sum()
    backward = np.ones_like(start)
    posterior = np.empty_like(evidence)
    for row in reversed(range(len(evidence))):
        joint = forward[row] * backward
        posterior[row] = joint / joint.sum()
        backward = spread(backward * likelihood[row])
        backward /= backward.max()
    return posterior, total
