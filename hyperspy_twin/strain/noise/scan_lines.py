"""Noise of scan lines, from the streaks that it makes through the reflections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
from scipy.special import chdtri

from hyperspy_twin.strain.lattice_waves import LatticeWaves
from hyperspy_twin.strain.noise.ring import (
    LOBE,
    are_ordinary,
    mean_product,
    padded_lengths,
    ring_radii,
)
from hyperspy_twin.strain.vectors import separation

# Part of the mean excess that the half of a streak next to the peak has to show: jitter shows all
# of it, and the tail of another reflection little. Set with the scenes of benchmarks/gpa_errors.py.
SAME_STRENGTH = 0.3
# Coefficients of the streaks of all pieces, at least; set with the same scenes, of which the lowest
# regions show so many.
MINIMUM_OF_LINES = 10
# Line noise counts where noise of pixels would give its power by chance in one of so many images.
CHANCE_OF_LINES = 1e-4


@dataclass(frozen=True)
class Streak:
    """What the streaks through the reflections of one piece say of the noise of its scan lines.

    Attributes
    ----------
    excess
        Sum over the coefficients of the power above that of the noise per pixel, shape (k, k).
    energy
        That which phase errors of unit covariance in each row would give, shape (k, k).
    deviation
        Standard error of the excess of each wave without any noise of lines, shape (k,).
    numbers
        How many independent numbers went into it.
    count
        Of coefficients, with their conjugates.
    """

    excess: np.ndarray
    energy: np.ndarray
    deviation: np.ndarray
    numbers: float
    count: int


def measure_streak(
    region: LatticeWaves,
    parts: np.ndarray,
    slopes: np.ndarray,
    power: np.ndarray,
    gain: float,
    lengths: np.ndarray,
) -> Streak:
    """Measure the streaks through the reflections of one piece.

    Parameters
    ----------
    region
        The waves.
    parts
        Weighted parts of the image in and out of phase, shape (k, rows, columns).
    slopes
        What amplitudes give to phases, shape (k, 2).
    power
        Covariance of the coefficients in the ring, shape (k, k).
    gain
        Of white noise from the rows of pixels to those of nodes.
    lengths
        Sum over each row of the weights times the amplitude of each wave, shape (k, rows).
    """
    (_, _), (padded, step) = padded_lengths(region)
    spacing = padded * step / region.coarse.reduced[0]
    rows = parts.sum(axis=2, dtype=complex)
    in_phase, streaks = (
        scipy.fft.rfft(one, region.coarse.reduced[0]) for one in (rows.real, rows.imag)
    )
    frequency = scipy.fft.rfftfreq(region.coarse.reduced[0], spacing)
    streaks = streaks - 1j * slopes[:, 1:] * frequency * in_phase
    inner, outer = ring_radii(region)
    # A sum over rows of pixels shows the tails of another reflection far above the noise.
    carriers = np.array([wave.carrier for wave in region.waves])
    clear = separation(carriers, region.coarse.scale) - 2.0 * LOBE / (region.coarse.shape[0] * step)
    ring = streaks[:, (frequency >= inner) & (frequency <= min(outer, clear))]
    if not ring.shape[1]:
        nothing = np.zeros_like(power)
        return Streak(nothing, nothing, np.zeros(len(power)), 0.0, 0)
    squares = np.sum(lengths**2, axis=0)
    total = max(float(np.sum(squares**2)), float(np.finfo(float).tiny))
    # Each stands for its conjugate too; the window joins neighbours.
    numbers = 2.0 * ring.shape[1] * float(squares.sum()) ** 2 / total / region.coarse.reduced[0]
    count = float(ring.shape[1])
    excess = count * (mean_product(ring[:, are_ordinary(ring)]) - power)
    deviation = count * np.diag(power) * np.sqrt(2.0 / max(numbers, 1.0))
    # Jitter is as strong in the half next to the peak; the tail of another reflection is not.
    near = np.mean(np.abs(ring[:, : (ring.shape[1] + 1) // 2]) ** 2, axis=1) - np.diag(power)
    deviation[count * near < SAME_STRENGTH * np.diag(excess)] = np.inf
    return Streak(
        excess, count * gain * (lengths @ lengths.T), deviation, numbers, 2 * ring.shape[1]
    )


def pool_lines(streaks: Sequence[Streak]) -> np.ndarray:
    """Covariance of the phase errors that each scan line gives to the waves, from all pieces.

    Jitter displaces the atoms that a line sees alike in all pieces, and so changes the phases.
    """
    excess, energy = sum(one.excess for one in streaks), sum(one.energy for one in streaks)
    deviation = np.sqrt(sum(one.deviation**2 for one in streaks))
    numbers = sum(one.numbers for one in streaks)
    if sum(one.count for one in streaks) < MINIMUM_OF_LINES or np.diag(energy).min() <= 0.0:
        return np.zeros_like(excess)
    # The power of few numbers has a long tail: that of chi squared.
    limit = np.sqrt(numbers / 2.0) * (chdtri(numbers, CHANCE_OF_LINES) / numbers - 1.0)
    clear = np.diag(excess) > limit * deviation
    return np.divide(excess, energy, out=np.zeros_like(excess), where=np.outer(clear, clear))
