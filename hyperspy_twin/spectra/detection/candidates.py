"""Maxima of a spectrum that may be Bragg peaks, with the noise and the tails they stand in."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hyperspy_twin.spectra.background import (
    estimate_local_background,
    estimate_radial_background,
    on_half_plane,
    wrap,
)
from hyperspy_twin.spectra.detection.shape_transform import estimate_tails
from hyperspy_twin.spectra.fitting import Maxima, climb_to_maxima, fit_weight
from hyperspy_twin.spectra.transform import WindowedRegion

# Periods within the region: what has fewer is its shape, not a lattice.
FEWEST_PERIODS = 6
# Shortest period in pixels: detector and scan artefacts crowd the edge of the spectrum.
SHORTEST_PERIOD = 2.5
# Weakest peak as a fraction of the strongest power: the rounding error of single precision.
WEAKEST_PEAK = 1e-7
# Safety factor on the power that the window leaks. This and the constants below without another
# reason are set on the tuning half of benchmarks/spots.py.
LEAKAGE_MARGIN = 4.0
# Bins around a peak within which its leakage is looked for.
LEAKAGE_REACH = 60
# Samples across the window from which its leakage is computed: twice the reach, and some.
LEAKAGE_SAMPLES = 128
# Bins within which a maximum is that of a stronger one: the resolution of the window.
MERGING_DISTANCE = 2.5
# Fraction of a peak's power that may be left on the nearest frequencies.
SCALLOPING = 0.5
# Steps of at most half a bin each from a given position to its maximum.
CLIMBS = 4
# Fraction of the threshold that an interpolated maximum must reach before it is measured.
NEARLY = 0.85
# A neighbourhood this much above the radial mean is more than chance.
UNEVEN = 1.15


@dataclass(frozen=True)
class Candidates:
    """Local maxima of a windowed spectrum in the band of lattices, strongest first.

    Attributes
    ----------
    maxima
        Position, amplitude and power of each.
    row, column
        Nearest frequency on the half plane, each shape (n,).
    noise
        (n,) expected noise power.
    tail
        (n,) power that stronger peaks spread there because their crystals end inside the window.
    """

    maxima: Maxima
    row: np.ndarray
    column: np.ndarray
    noise: np.ndarray
    tail: np.ndarray

    def __len__(self) -> int:
        return len(self.noise)

    def __getitem__(self, index: np.ndarray) -> Candidates:
        """Take some of the candidates."""
        return Candidates(*(value[index] for value in vars(self).values()))

    @property
    def excess(self) -> np.ndarray:
        """Power over that of noise and shape-transform tails together, shape (n,)."""
        return self.maxima.power / (self.noise + self.tail)


def find_candidates(
    region: WindowedRegion, false_alarms: float, shortest_spacing: float = 0.0
) -> Candidates:
    """Find the maxima of a windowed spectrum that are above the noise.

    Side lobes of the window itself are left out.

    Parameters
    ----------
    region
        The windowed region with its spectrum.
    false_alarms
        Expected number of maxima in a spectrum of pure noise.
    shortest_spacing
        No lattice plane is sought below this spacing, in the unit of the grid.
    """
    height, width = region.grid.shape
    power = region.power
    radial = estimate_radial_background(power, region.grid)
    whitened = power / radial
    threshold = detection_threshold(region, false_alarms, shortest_spacing)
    rows, columns = _local_maxima(region, whitened, SCALLOPING * threshold, shortest_spacing)
    noise = _noise(radial, whitened, rows, columns, width)
    position, top = _interpolated(power, rows, columns, height, width)
    kept = power[rows, columns] > SCALLOPING * threshold * noise
    kept = np.flatnonzero(kept & (top > NEARLY * threshold * noise))
    kept = kept[_without_side_lobes(region, rows[kept], columns[kept])]
    maxima = climb_to_maxima(region, position[kept])
    above = np.flatnonzero(maxima.power > threshold * noise[kept])
    order = above[np.argsort(-maxima.power[above], kind="stable")]
    maxima, kept = maxima[order], kept[order]
    rows, columns, noise = rows[kept], columns[kept], noise[kept]
    tail = estimate_tails(region, rows, columns, maxima, noise)
    return Candidates(maxima, rows, columns, noise, tail)


def candidates_at(region: WindowedRegion, position: np.ndarray) -> Candidates:
    """Take the maxima of a windowed spectrum next to given positions, however weak, in their order.

    Parameters
    ----------
    region
        The windowed region.
    position
        Positions (x, y) in reciprocal units, shape (n, 2).
    """
    height, width = region.grid.shape
    power = region.power
    radial = estimate_radial_background(power, region.grid)
    maxima = Maxima(position * region.grid.scale, np.zeros(len(position)), np.zeros(len(position)))
    for _ in range(CLIMBS):
        maxima = climb_to_maxima(region, maxima.frequency)
    nearest = np.rint(maxima.frequency * (width, height)).astype(int)
    rows, columns = on_half_plane(nearest[:, 1], nearest[:, 0], height, width)
    noise = _noise(radial, power / radial, rows, columns, width)
    return Candidates(maxima, rows, columns, noise, np.zeros(len(noise)))


def _noise(
    radial: np.ndarray, whitened: np.ndarray, rows: np.ndarray, columns: np.ndarray, width: int
) -> np.ndarray:
    """Noise power at single frequencies: the radial one, or what is around them if clearly more."""
    around = estimate_local_background(whitened, rows, columns, len(whitened), width) / UNEVEN
    return radial[rows, columns] * np.maximum(around, 1.0)


def detection_threshold(
    region: WindowedRegion, false_alarms: float, shortest_spacing: float = 0.0
) -> float:
    """Multiple of the noise power that ``false_alarms`` maxima of noise exceed.

    A fringe of signal-to-noise ratio s passes the threshold t with the probability
    Q(sqrt(2 s), sqrt(2 t)), Marcum's function.
    """
    cells = resolution_cells(region, shortest_spacing)
    level = np.log(max(cells / false_alarms, math.e))
    for _ in range(20):
        level = np.log(max(cells * (2 * level - 1) / false_alarms, math.e))
    return float(level)


def resolution_cells(region: WindowedRegion, shortest_spacing: float) -> float:
    """Size of the searched band in cells that noise decorrelates over.

    Normalised such that noise has on average ``cells * (2 t - 1) * exp(-t)`` maxima above t times
    its mean power.
    """
    height, width = region.grid.shape
    scale_x, scale_y = region.grid.scale
    along_y = np.arange(height) / height - 0.5
    across = np.full(height, 1 / SHORTEST_PERIOD)
    if shortest_spacing > 0:
        left = np.maximum(shortest_spacing**-2 - (along_y / scale_y) ** 2, 0)
        across = np.minimum(across, scale_x * np.sqrt(left))
    area = across[np.abs(along_y) < 1 / SHORTEST_PERIOD].sum() / height
    extent = fit_weight(region.window**2).extent
    return float(area * 2 * np.pi * np.sqrt(np.linalg.det(extent)))


def expected_maxima(level: np.ndarray, cells: float) -> np.ndarray:
    """Mean number of maxima of noise above multiples of its mean power, shape of ``level``."""
    level = np.maximum(level, 1.0)
    return cells * (2 * level - 1) * np.exp(-level)


def _local_maxima(
    region: WindowedRegion, whitened: np.ndarray, threshold: float, shortest_spacing: float
) -> tuple[np.ndarray, np.ndarray]:
    """Local maxima above ``threshold`` times the radial background, in the band of lattices."""
    height, width = region.grid.shape
    scale_x, scale_y = region.grid.scale
    rows, columns = np.nonzero(whitened > threshold)
    along_y, along_x = np.fft.fftfreq(height)[rows], columns / width
    band = np.hypot(along_y * height, along_x * width) >= FEWEST_PERIODS
    band &= (np.abs(along_y) < 1 / SHORTEST_PERIOD) & (along_x < 1 / SHORTEST_PERIOD)
    band &= np.hypot(along_y / scale_y, along_x / scale_x) * shortest_spacing <= 1
    # The column of zero frequency holds both members of each pair.
    band &= (columns > 0) | (along_y > 0)
    rows, columns = rows[band], columns[band]
    strength = region.power[rows, columns]
    highest = _around(region.power, rows, columns, height, width).max(axis=(1, 2)) == strength
    highest &= strength > WEAKEST_PEAK * strength.max(initial=0.0)
    return rows[highest], columns[highest]


def _around(
    power: np.ndarray, rows: np.ndarray, columns: np.ndarray, height: int, width: int
) -> np.ndarray:
    """Power (n, 3, 3) at frequencies and their neighbours, indexed [n, row, column]."""
    step = np.arange(-1, 2)
    row, column = np.broadcast_arrays(
        rows[:, None, None] + step[:, None], columns[:, None, None] + step
    )
    return power[on_half_plane(row, column, height, width)]


def _interpolated(
    power: np.ndarray, rows: np.ndarray, columns: np.ndarray, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Fit parabolas to the logarithm of the power around local maxima.

    Returns their positions (x, y) in cycles per pixel, shape (n, 2), and their power, shape (n,).
    """
    tiny = np.finfo(np.float32).tiny
    level = np.log(np.maximum(_around(power, rows, columns, height, width), tiny))
    middle = level[:, 1, 1]
    shift, top = [], middle
    for before, after in ((level[:, 1, 0], level[:, 1, 2]), (level[:, 0, 1], level[:, 2, 1])):
        bend = np.maximum(2 * middle - after - before, tiny)
        shift.append(np.clip(0.5 * (after - before) / bend, -0.5, 0.5))
        top = top + 0.25 * (after - before) * shift[-1]
    position = np.stack([columns, np.fft.fftfreq(height)[rows] * height], axis=1)
    return (position + np.stack(shift, axis=1)) / (width, height), np.exp(top)


def _without_side_lobes(
    region: WindowedRegion, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Keep the maxima that no stronger one explains; indices, strongest first.

    A maximum is explained when it lies within the resolution of a stronger one, or below the
    level that the window's own transform leaks there.
    """
    height, width = region.grid.shape
    leakage = _leakage(region.window)
    frequency = np.stack([wrap(rows, height), columns], axis=1)
    strength = region.power[rows, columns]
    kept: list[int] = []
    for index in np.argsort(strength)[::-1]:
        others = np.asarray(kept, dtype=int)
        both = np.concatenate([frequency[others], -frequency[others]])
        shift = np.abs(wrap(frequency[index] - both, np.array([height, width])))
        level = np.zeros(len(both))
        near = np.all(shift <= LEAKAGE_REACH, axis=1)
        level[near] = leakage[2 * shift[near, 0], 2 * shift[near, 1]]
        leaked = level * np.tile(strength[others], 2)
        if not len(both) or (
            np.hypot(*shift.T).min() >= MERGING_DISTANCE and leaked.max() <= strength[index]
        ):
            kept.append(int(index))
    return np.asarray(kept, dtype=int)


def _leakage(window: np.ndarray) -> np.ndarray:
    """Power that a peak leaks by offset (row, column) in half bins, relative to its own.

    With a safety margin, and the largest value within one bin, since peaks lie between bins and
    the lobes of a window vanish on them.
    """
    step = max(1, min(window.shape) // LEAKAGE_SAMPLES)
    coarse = window[::step, ::step]
    offset = 0.5 * np.arange(-2, 2 * LEAKAGE_REACH + 3)
    waves = [
        np.exp(-2j * np.pi * offset[:, None] * np.arange(0, size, step)[None, :] / size)
        for size in window.shape
    ]
    amplitude = [waves[0] @ coarse @ waves[1].T, waves[0] @ coarse @ waves[1].conj().T]
    power = np.max(np.abs(amplitude) ** 2, axis=0)
    highest = ndimage.maximum_filter(power, 5, mode="nearest")[2:-2, 2:-2]
    return LEAKAGE_MARGIN * highest / power[2, 2]
