"""Peaks too close for the windowed spectrum, told apart by what one plane wave leaves over."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hyperspy_twin.spectra.fitting.peak_width import WidthInstrument
from hyperspy_twin.spectra.fitting.plane_waves import PlaneWaves, offset_spectrum, sum_waves
from hyperspy_twin.spectra.fitting.wave_fit import (
    COUPLING_REACH,
    FitWeight,
    fit_amplitudes,
    fit_waves,
    resolved_distance,
)

# Noise powers that are left over: by chance in one of a million peaks.
LEFT_OVER = 20.0
# Rounds of the fit of pairs. This and the constants below are set on the tuning half of
# benchmarks/spots.py.
PAIR_ROUNDS = 8
# Peaks tried before all are.
TRIAL = 4
# Resolutions between two waves of a pair, at least.
CLOSEST = 0.9
# Resolutions within which left-overs belong to one missing wave.
SAME = 2.5
# Resolutions between two waves below which they are one.
ON_TOP = 0.4
# Fraction of the highest left-over that is on the other side where the one wave is between two.
BETWEEN = 0.5
# Smallest amplitude of the weaker wave of a pair, relative to the stronger.
FAINTEST = 0.2


@dataclass(frozen=True)
class FitScene:
    """Pixels of a region as plane waves are fitted to them.

    Attributes
    ----------
    image
        Pixels without window, smooth background subtracted, float32 (rows, columns).
    weight
        Weight of the pixels.
    window
        Window of the region, float32 (rows, columns).
    instrument
        What the window makes of a plane wave and of noise.
    """

    image: np.ndarray
    weight: FitWeight
    window: np.ndarray
    instrument: WidthInstrument

    def residual(self, waves: PlaneWaves) -> np.ndarray:
        """Image less the sum of the waves."""
        return self.image - sum_waves(self.image.shape, waves)

    def left_over(self, residual: np.ndarray, waves: PlaneWaves) -> np.ndarray:
        """Windowed spectrum (n, m, m) of a residual around each wave."""
        side = len(self.instrument.amplitude)
        offset = np.arange(side) - side // 2
        windowed = residual * self.window
        return offset_spectrum(windowed, waves.frequency, self.instrument.steps, offset)


def split_pairs(
    scene: FitScene, waves: PlaneWaves, left: np.ndarray, background: np.ndarray
) -> tuple[PlaneWaves, np.ndarray, np.ndarray]:
    """Add the second wave where one wave leaves a peak over and two leave nothing but noise.

    A strained lattice leaves something over as well, but two waves do not explain it: its peak
    stays one.

    Parameters
    ----------
    scene, waves, left
        The pixels, fitted waves, and what these leave over, of :meth:`FitScene.left_over`.
    background
        (n,) expected noise power of the windowed spectrum.

    Returns
    -------
    waves, origin, split
        All waves; (k,) index of the given wave that each is or was split from; (k,) whether it is
        one of a pair. Side lobes of a pair that were taken for waves are gone.
    """
    power = np.abs(left) ** 2 / background[:, None, None]
    parent = np.nonzero(power.max(axis=(1, 2)) > LEFT_OVER)[0]
    parent = parent[np.argsort(-np.abs(waves.amplitude[parent]))]
    second = _doubled(scene, waves, left, parent).frequency[len(waves) :]
    free = _distance(second, waves.frequency, scene).min(axis=1, initial=np.inf) > ON_TOP
    parent, second = parent[free], second[free]
    parent = parent[_first_of_each(second, scene)]
    if len(parent) > TRIAL and not _promising(scene, waves, left, parent[:TRIAL], background):
        parent = parent[:0]
    while len(parent):
        both, good = _fit_pairs(scene, waves, left, parent, background)
        if good.all():
            return _without_ghosts(scene, both, parent, background)
        parent = parent[good]
    return waves, np.arange(len(waves)), np.zeros(len(waves), bool)


def _promising(
    scene: FitScene, waves: PlaneWaves, left: np.ndarray, parent: np.ndarray, background: np.ndarray
) -> bool:
    """Try the strongest peaks alone: strain broadens all of them, and none is a pair."""
    near = _distance(waves.frequency, waves.frequency[parent], scene).min(axis=1) < COUPLING_REACH
    few = PlaneWaves(waves.frequency[near], waves.amplitude[near])
    image = scene.residual(waves) + sum_waves(scene.image.shape, few)
    index = np.cumsum(near)[parent] - 1
    alone = replace(scene, image=image)
    return bool(_fit_pairs(alone, few, left[near], index, background[near])[1].any())


def _fit_pairs(
    scene: FitScene, waves: PlaneWaves, left: np.ndarray, parent: np.ndarray, background: np.ndarray
) -> tuple[PlaneWaves, np.ndarray]:
    """Fit two waves for each parent; all waves, and (k,) whether the two explain the peak."""
    tried = fit_amplitudes(scene.image, scene.weight, _doubled(scene, waves, left, parent))
    both = fit_waves(scene.image, scene.weight, tried, PAIR_ROUNDS)
    remaining = np.abs(scene.left_over(scene.residual(both), both)) ** 2
    remaining = remaining.max(axis=(1, 2)) / np.concatenate([background, background[parent]])
    second = np.arange(len(parent)) + len(waves)
    pair = np.sort(np.abs(both.amplitude)[[second, parent]], axis=0)
    gap = both.frequency[second] - both.frequency[parent]
    good = resolved_distance(gap, scene.weight.extent) > CLOSEST
    good &= (pair[0] / pair[1] > FAINTEST) & (remaining[second] < LEFT_OVER)
    return both, good & (remaining[parent] < LEFT_OVER)


def _distance(first: np.ndarray, second: np.ndarray, scene: FitScene) -> np.ndarray:
    """Measure resolved distances (n, k) of frequencies to others or to their mirror images."""
    gap = np.stack([first[:, None] - second, first[:, None] + second])
    return resolved_distance(gap, scene.weight.extent).min(axis=0)


def _first_of_each(frequency: np.ndarray, scene: FitScene) -> np.ndarray:
    """Pick the frequencies that no earlier one lies close to; indices."""
    distance = _distance(frequency, frequency, scene)
    kept: list[int] = []
    for index in range(len(frequency)):
        if distance[index, kept].min(initial=np.inf) > SAME:
            kept.append(index)
    return np.asarray(kept, dtype=int)


def _without_ghosts(
    scene: FitScene, waves: PlaneWaves, parent: np.ndarray, background: np.ndarray
) -> tuple[PlaneWaves, np.ndarray, np.ndarray]:
    """Drop waves next to a pair that the pair has left without power."""
    count = len(waves) - len(parent)
    origin = np.concatenate([np.arange(count), parent])
    split = np.isin(origin, parent)
    near = _distance(waves.frequency, waves.frequency[split], scene).min(axis=1) < COUPLING_REACH
    power = np.abs(waves.amplitude * scene.window.sum(dtype=float)) ** 2
    kept = split | ~near | (power > LEFT_OVER * background[origin])
    return PlaneWaves(waves.frequency[kept], waves.amplitude[kept]), origin[kept], split[kept]


def _doubled(
    scene: FitScene, waves: PlaneWaves, left: np.ndarray, parent: np.ndarray
) -> PlaneWaves:
    """Start of the fit of pairs: second waves at the highest of what is left over.

    Where as much is left over on the other side, the one wave stands between the two.
    """
    side = left.shape[1]
    level = np.abs(left[parent])
    level[:, side // 2, side // 2] = 0  # a second wave stands elsewhere
    down, across = divmod(level.reshape(len(parent), side * side).argmax(axis=1), side)
    each = np.arange(len(parent))
    opposite = level[each, side - 1 - down, side - 1 - across]
    between = opposite > BETWEEN * level[each, down, across]
    offset = (np.stack([across, down], axis=1) - side // 2) * scene.instrument.steps
    moved = waves.frequency.copy()
    moved[parent] -= np.where(between[:, None], offset, 0)
    second = waves.frequency[parent] + offset
    # Any amplitude does: the fit of the amplitudes is linear.
    amplitude = np.concatenate([waves.amplitude, 0.5 * waves.amplitude[parent]])
    return PlaneWaves(np.concatenate([moved, second]), amplitude)
