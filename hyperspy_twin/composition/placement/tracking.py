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
# Of two scans of one place over the spread of their brightness, root mean square. It is .24 in the
# one real pair at hand, and scans and detectors of no two are the same.
SMALLEST_DIFFERENCE = 0.15
# Rounds of tracking with the gain and offset of the round before.
ROUNDS = 2
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
    sums = _sum_rows(_look_around(scene, recorded, matrix, reach), recorded)
    axes = [np.arange(-n, n + 1) / step for n, step in zip(reach, steps, strict=True)]
    x, y = np.meshgrid(*axes)
    start = np.exp(-0.5 * (x**2 + y**2) / START**2)
    share = 1 / _correlated_pixels(recorded)
    # At first with the gain and offset of the map where it would be without drift.
    path = np.tile([reach[1], reach[0]], (len(sums.count), 1))
    gain = sums.gain_without_path(path)
    sure = 1.0
    for _ in range(ROUNDS):
        evidence, noise = sums.evidence(gain, share)
        tried = [_posterior(evidence, start, walk * steps[::-1]) for walk in WALKS]
        posterior, _ = max(tried, key=lambda one: one[1])
        flat = posterior.reshape(len(posterior), -1).argmax(axis=1)
        path = np.column_stack(np.unravel_index(flat, x.shape))
        gain, move, sure = _settle_gain(sums, path, start, axes, share / noise)
        path = path + move
    shifts, certainty = [], []
    for one, best in zip(_moved(posterior, move), map(tuple, path), strict=True):
        near = np.hypot(x - x[best], y - y[best]) <= SAME
        mass = max(float(one[near].sum()), np.finfo(float).tiny)
        certainty.append(min(mass, sure))
        shifts.append([(one * x)[near].sum() / mass, (one * y)[near].sum() / mass])
    moved = np.array(shifts) * recorded.map_grid.scale @ matrix[:, :2].T
    return Track(moved, np.array(certainty))


def _look_around(
    scene: Scene, recorded: MapImage, matrix: np.ndarray, reach: np.ndarray
) -> np.ndarray:
    """Sample the micrograph as the map does and around it; NaN outside."""
    grid = recorded.grid
    shape = grid.shape[0] + 2 * reach[1], grid.shape[1] + 2 * reach[0]
    corner = grid.to_units(-reach)
    wide = Grid(shape, grid.scale, (float(corner[0]), float(corner[1])))
    x, y = np.meshgrid(wide.x, wide.y)
    centres = np.column_stack([x.ravel(), y.ravel()]) @ matrix[:, :2].T + matrix[:, 2]
    area = sample_area(matrix[:, :2], grid.scale, scene.grid.pixel_size)
    value, _, inside = scene.look(centres, area)
    return np.where(inside, value, np.nan).reshape(shape)


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums over what a row and the micrograph have in common, by row and shift (y, x).

    ``count`` of pixels, ``seen`` and ``seen_squared`` of the micrograph, ``product`` of both,
    ``own`` and ``own_squared`` of the row.
    """

    count: np.ndarray
    seen: np.ndarray
    seen_squared: np.ndarray
    product: np.ndarray
    own: np.ndarray
    own_squared: np.ndarray

    def of_path(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """All sums over the rows at their shifts, shape (6, ...)."""
        number = np.arange(len(self.count)).reshape(-1, *[1] * (rows.ndim - 1))
        parts = vars(self).values()
        return np.array([part[number, rows, columns].sum(axis=0) for part in parts])

    def gain_without_path(self, path: np.ndarray) -> tuple[float, float]:
        """Gain and offset of the map by mean and spread alone."""
        count, seen, squared, _, own, own_squared = self.of_path(*path.T)
        spread = squared / count - (seen / count) ** 2
        own_spread = own_squared / count - (own / count) ** 2
        gain = np.sqrt(max(own_spread, 0.0) / max(spread, np.finfo(float).tiny))
        return float(gain), float(own / count - gain * seen / count)

    def evidence(self, gain: tuple[float, float], share: float) -> tuple[np.ndarray, float]:
        """Logarithm of the likelihood of each shift of each row, and the noise of a pixel."""
        slope, offset = gain
        square = (
            self.own_squared
            - 2 * slope * self.product
            - 2 * offset * self.own
            + slope**2 * self.seen_squared
            + 2 * slope * offset * self.seen
            + offset**2 * self.count
        )
        whole = self.count.max(axis=(1, 2), keepdims=True)
        spread = self.own_squared.max() / whole.max()
        # Where the micrograph ends, a pixel is as bad as one without any relation.
        mean = (np.maximum(square, 0.0) + spread * (whole - self.count)) / whole
        # With what a shift by a fraction of a sample does, which the parabolas tell but roughly.
        floor = max(SMALLEST_DIFFERENCE**2 * spread, np.finfo(float).tiny)
        noise = max(float(np.median(mean.min(axis=(1, 2)))), floor)
        return -0.5 * share * whole * _least_in_cells(mean) / noise, noise


def _sum_rows(seen: np.ndarray, recorded: MapImage) -> _Sums:
    level = float(np.nanmean(seen))
    known = np.isfinite(seen).astype(float)
    seen = np.where(known > 0, seen - level, 0.0)
    here = np.isfinite(recorded.values).astype(float)
    values = np.where(here > 0, recorded.values - np.nanmean(recorded.values), 0.0)
    rows = recorded.rows
    found = []
    for row in range(recorded.map_grid.shape[0]):
        lines = np.flatnonzero(rows == row)
        strip, mask = values[lines], here[lines]
        part = slice(lines[0], lines[-1] + 1 + seen.shape[0] - recorded.values.shape[0])
        pairs = (
            (known[part], mask),
            (seen[part], mask),
            (seen[part] ** 2, mask),
            (seen[part], strip),
            (known[part], strip),
            (known[part], strip**2),
        )
        found.append([correlate(one, other, "valid") for one, other in pairs])
    count, *others = np.moveaxis(np.array(found), 1, 0)
    return _Sums(np.maximum(np.rint(count), 0.0), *others)


def _settle_gain(
    sums: _Sums, path: np.ndarray, start: np.ndarray, axes: list[np.ndarray], weight: float
) -> tuple[tuple[float, float], np.ndarray, float]:
    """Gain and offset along a path, the shift of all its rows that fits best, and how sure it is.

    A gain that is not known makes up for the brightness of another period, so that a shift of all
    rows is told by the tags alone where the gain is free.
    """
    shape = start.shape
    moves = np.meshgrid(*[np.arange(n) - n // 2 for n in shape], indexing="ij")
    at = [
        np.clip(path[:, axis].reshape(-1, 1, 1) + moves[axis], 0, shape[axis] - 1)
        for axis in (0, 1)
    ]
    count, seen, squared, product, own, own_squared = sums.of_path(*at)
    count = np.maximum(count, 1.0)
    variance = np.maximum(squared / count - (seen / count) ** 2, np.finfo(float).tiny)
    own_variance = np.maximum(own_squared / count - (own / count) ** 2, 0.0)
    # The ratio of the spreads, since the slope of a regression is lowered by noise and drawn to
    # brighter periods.
    slope = np.sqrt(own_variance / variance)
    rest = 2 * (own_variance - slope * (product / count - seen * own / count**2))
    rest = _least_in_cells(np.maximum(rest, 0.0)[None])[0] * count
    inside = np.all(
        [
            (path[:, axis].reshape(-1, 1, 1) + moves[axis] == at[axis]).all(axis=0)
            for axis in (0, 1)
        ],
        axis=0,
    )
    first = np.log(np.maximum(start[at[0][0], at[1][0]], np.finfo(float).tiny))
    chance = np.where(inside, first - 0.5 * weight * rest, -np.inf)
    chance = np.exp(chance - chance.max())
    best = np.unravel_index(int(np.argmax(chance)), shape)
    x, y = np.meshgrid(*axes)
    near = np.hypot(x - x[best], y - y[best]) <= SAME
    gain = float(slope[best])
    offset = float((own[best] - gain * seen[best]) / count[best])
    move = np.array([moves[0][best], moves[1][best]])
    return (gain, offset), move, float(chance[near].sum() / chance.sum())


def _moved(posterior: np.ndarray, move: np.ndarray) -> np.ndarray:
    return np.roll(posterior, tuple(move), axis=(1, 2))


def _least_in_cells(values: np.ndarray) -> np.ndarray:
    """Lowest value within half a sample of each shift, by parabolas along both axes.

    Periods are no whole number of samples: at some of them a sample lies between two shifts.
    """
    least = values.copy()
    for axis in (1, 2):
        low, high = np.roll(values, 1, axis), np.roll(values, -1, axis)
        bend, tilt = low - 2 * values + high, (high - low) / 2
        ends: list[slice | int] = [slice(None)] * 3
        for ends[axis] in (0, -1):
            bend[tuple(ends)] = tilt[tuple(ends)] = 0.0
        step = np.where(bend > 0, -tilt / np.where(bend > 0, bend, 1.0), -np.sign(tilt))
        step = np.clip(step, -0.5, 0.5)
        least += tilt * step + bend * step**2 / 2
    return np.maximum(least, 0.0)


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
    tiny = np.finfo(float).tiny  # rows that contradict each other have no shift: probability 0
    for row in reversed(range(len(evidence))):
        joint = forward[row] * backward
        posterior[row] = joint / max(float(joint.sum()), tiny)
        backward = spread(backward * likelihood[row])
        backward /= max(float(backward.max()), tiny)
    return posterior, total
