"""Noise of scan lines, from the streaks that it makes through the reflections.

A line that is displaced by (d_x, d_y) changes what it shows, a sum of lattice waves A_h, by
-2 pi i (h_x d_x + h_y d_y) A_h each. Displacements that differ at random from line to line thus
spread a column of the spectrum, k_x = h_x, evenly over all k_y, with a power that the reflections
of the column and the two variances determine. These are fitted to the columns of all reflections.
A wave then has the noise of all reflections in its column: lines between rows of atoms are dark,
so that displacements of high frequency, seen through the rows, look like those of low frequency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
from scipy.optimize import nnls
from scipy.special import chdtri

from hyperspy_twin.strain.lattice_waves import LatticeWaves
from hyperspy_twin.strain.noise.ring import INNER, KEPT_POWER, OUTER, OUTLIER, padded_lengths
from hyperspy_twin.strain.vectors import separation

# Columns beside a streak that show the noise without it, at distances of so many times the
# reciprocal of the width of a piece: beyond the main lobe, and near enough to be alike.
BESIDE = np.arange(4, 13)
# The taper along y is this power of a sine: tails of strong reflections under a squared sine were
# taken for jitter at a dose of 1000 and a resolution of one spacing.
POWER_OF_SINE = 4
# It makes so many coefficients on either side of one.
LEAKED = 3
# Squared mean of its square over the mean of its fourth power: the part of the rows that count as
# independent.
INDEPENDENT = (35.0 / 128.0) ** 2 / (6435.0 / 32768.0)
# Part of the rows that show atoms, and with them most of the noise: steady images of peaked columns
# scatter 1.1 to 1.5 times as much as if all rows counted.
BRIGHT = 0.55
# Part of the mean excess that its median has to show: jitter shows all of it, and the tail of a
# reflection, or one that is not known, little. Set with the scenes of benchmarks/gpa_errors.py.
SAME_STRENGTH = 0.3
# Line noise counts where noise of pixels would give its power by chance in one of so many images.
CHANCE_OF_LINES = 1e-4
# Standard errors by which noise of lines is stronger next to the reflections, if its power falls
# with the frequency.
CLEARLY_STRONGER = 3.0
# Rounds of the fit, whose weights follow from its result: the third changes it by less than 1 %.
ROUNDS = 4


@dataclass(frozen=True)
class Streak:
    """What some coefficients of a column say of the noise of scan lines.

    Attributes
    ----------
    excess
        Mean power above that of the noise per pixel.
    response
        That of displacements of unit variance along x, and along y.
    noise
        Mean power of the noise per pixel.
    numbers
        How many independent numbers went into it.
    """

    excess: float
    response: tuple[float, float]
    noise: float
    numbers: float


@dataclass(frozen=True)
class Column:
    """One column of the spectrum of a piece.

    Attributes
    ----------
    spectrum
        Coefficients under a taper along y, shape (n,).
    frequency
        Their frequencies along y, shape (n,).
    free
        Those away from the reflections, boolean, shape (n,).
    waves
        Indices of the waves whose reflections lie in the column.
    streaks
        One of all free coefficients, and one of those next to the reflections of the waves.
    """

    spectrum: np.ndarray
    frequency: np.ndarray
    free: np.ndarray
    waves: tuple[int, ...]
    streaks: tuple[Streak, Streak]


def measure_columns(region: LatticeWaves) -> list[Column]:
    """Measure the columns of the spectrum that hold the reflections of one piece."""
    coarse = region.coarse
    carriers = np.array([wave.carrier for wave in region.waves])
    (padded, step), (length, _) = padded_lengths(region)
    bins = np.rint(carriers[:, 0] * padded * step).astype(int)
    apart = np.rint(BESIDE * padded / coarse.shape[1]).astype(int)
    apart = apart[2 * apart < separation(carriers, coarse.scale) * padded * step]
    found = []
    for first in _distinct(bins):
        beside = first + np.concatenate([apart, -apart[apart <= 2 * first]])
        beside = beside[np.abs(beside) < region.spectrum.shape[1]]
        if len(beside):
            waves = tuple(np.flatnonzero(np.abs(bins - first) <= 1).tolist())
            every = coarse.coefficients(
                region.spectrum, np.arange(length), np.concatenate([[first], beside])
            )
            found.append(_measure_column(region, every, waves, first / (padded * step)))
    return found


def _distinct(bins: np.ndarray) -> list[int]:
    """Columns of which none is next to another."""
    chosen: list[int] = []
    for one in bins.tolist():
        if all(abs(one - other) > 1 for other in chosen):
            chosen.append(one)
    return chosen


def _measure_column(
    region: LatticeWaves, every: np.ndarray, waves: tuple[int, ...], along_x: float
) -> Column:
    """Measure a column, the first of those given; the others show the noise beside it."""
    coarse = region.coarse
    rows = coarse.shape[0]
    taper = np.sin(np.pi * (np.arange(rows) + 0.5) / rows)[:, None] ** POWER_OF_SINE
    size = scipy.fft.next_fast_len(rows)
    spectra = scipy.fft.fft(scipy.fft.ifft(every, axis=0)[:rows] * taper, size, axis=0)
    power = np.abs(spectra.astype(complex)) ** 2
    own, beside = power[:, 0], power[:, 1:].mean(axis=1)
    frequency = scipy.fft.fftfreq(size, coarse.scale[1])
    distance = np.min([abs(frequency - region.waves[n].carrier[1]) for n in waves], axis=0)
    mask = 1.0 / (2.0 * np.pi * coarse.resolution)
    apart = distance >= max(INNER * mask, LEAKED / (rows * coarse.scale[1]))
    free, near = (
        some & ~_is_high(own, some) & ~_is_high(beside, some)
        for some in (apart, apart & (distance < OUTER * mask))
    )
    excess = np.where(free, 0.0, own - beside)
    turn = (2.0 * np.pi) ** 2 / size
    response = (
        turn * along_x**2 * max(float(excess.sum()), 0.0),
        turn * max(float(np.sum(frequency**2 * excess)), 0.0),
    )
    # A column that is its own mirror image has half as many numbers.
    both = 1.0 if along_x != 0.0 else 0.5
    independent = both * BRIGHT * INDEPENDENT * rows / size
    streaks = [_streak(own[some], beside[some], response, independent) for some in (free, near)]
    return Column(spectra[:, 0], frequency, free, waves, (streaks[0], streaks[1]))


def _is_high(power: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Whether power is that of a reflection, or next to it, and not of the noise among some."""
    if not among.any():
        return among
    high = power > OUTLIER * np.median(power[among])
    return np.convolve(np.pad(high, LEAKED, mode="wrap"), np.ones(2 * LEAKED + 1), "valid") > 0


def _streak(
    own: np.ndarray, beside: np.ndarray, response: tuple[float, float], independent: float
) -> Streak:
    """Compare the power of a streak with that beside it."""
    if not len(own) or not max(response) > 0.0:
        return Streak(0.0, (0.0, 0.0), 1.0, 0.0)
    noise = max(float(beside.mean()), float(np.finfo(np.float32).tiny))
    excess = float(own.mean()) / KEPT_POWER - noise
    typical = float(np.median(own)) / np.log(2.0) - float(np.median(beside))
    if excess > 0.0 and typical < SAME_STRENGTH * excess:
        return Streak(0.0, (0.0, 0.0), noise, 0.0)
    return Streak(excess, response, noise, independent * len(own))


def fit_jitter(columns: Sequence[Column]) -> np.ndarray:
    """Variance of the displacement of scan lines along x and along y, from all columns.

    All frequencies count alike, as for displacements that differ from line to line; where those
    next to the reflections show clearly more, as of a slower motion, these count alone.
    """
    every, near = ([one.streaks[n] for one in columns] for n in (0, 1))
    variance, deviation = _fit(every)
    slow, uncertain = _fit(near)
    # Errors are proportional to what is found: that of the slow motion if it were no stronger.
    known = np.isfinite(deviation) & (slow > 0.0)
    usual = np.divide(np.maximum(variance, deviation), slow, out=np.zeros(2), where=known)
    limit = CLEARLY_STRONGER * np.where(known, uncertain, 0.0) * usual
    return np.where(known & (slow - variance > limit), slow, variance)


def _fit(streaks: Sequence[Streak]) -> tuple[np.ndarray, np.ndarray]:
    """Fit the two variances, which are not negative; with standard errors."""
    used = [one for one in streaks if one.numbers > 0.0]
    nothing = np.zeros(2), np.full(2, np.inf)
    if not used:
        return nothing
    excess, noise, numbers = (
        np.array([getattr(one, name) for one in used]) for name in ("excess", "noise", "numbers")
    )
    response = np.array([one.response for one in used])
    scale = np.maximum(response.max(axis=0), float(np.finfo(np.float32).tiny))
    response = response / scale
    total, found = np.maximum(excess, 0.0) + noise, np.zeros(2)
    for _ in range(ROUNDS):
        weight = np.sqrt(numbers) / total
        found = nnls(weight[:, None] * response, weight * excess)[0]
        total = response @ found + noise
    # What the fit finds in noise of pixels alone has the tail of chi squared of so many numbers.
    expected = response @ found
    clear = np.sum(numbers * excess * expected / noise**2)
    clear /= max(np.sqrt(np.sum(numbers * (expected / noise) ** 2)), float(np.finfo(float).tiny))
    count = float(numbers.sum())
    if clear <= np.sqrt(count) * (chdtri(2.0 * count, CHANCE_OF_LINES) / (2.0 * count) - 1.0):
        return nothing
    weighted = (np.sqrt(numbers) / total)[:, None] * response
    curvature = np.maximum(np.sum(weighted**2, axis=0), float(np.finfo(float).tiny))
    return found / scale, 1.0 / np.sqrt(curvature) / scale


def line_covariance(
    region: LatticeWaves, columns: Sequence[Column], jitter: np.ndarray
) -> np.ndarray:
    """Covariance of the phase errors that each scan line gives to the waves, shape (k, k).

    The phase of a wave follows the part of the image in its column that is out of phase with it.
    """
    count = len(region)
    covariance = np.zeros((count, count))
    if not jitter.any():
        return covariance
    rows = region.coarse.shape[0]
    answers, amplitudes = np.zeros((2, count, rows)), np.zeros((count, rows))
    mask = INNER / (2.0 * np.pi * region.coarse.resolution)
    for column in columns:
        of_crystal = np.where(column.free, 0.0, column.spectrum)
        steep = 2j * np.pi * column.frequency * of_crystal
        shown, slope = (scipy.fft.ifft(one)[:rows] for one in (of_crystal, steep))
        for index in column.waves:
            along_x, along_y = region.waves[index].carrier
            near = np.abs(column.frequency - along_y) <= mask
            own = scipy.fft.ifft(np.where(near, column.spectrum, 0.0))[:rows]
            amplitudes[index] = np.abs(own)
            phase = own.conj() / np.maximum(amplitudes[index], np.finfo(np.float32).tiny)
            answers[0, index] = -2.0 * np.pi * along_x * (shown * phase).real
            answers[1, index] = -(slope * phase).imag
    energy = np.maximum(amplitudes @ amplitudes.T, np.finfo(np.float32).tiny)
    for variance, answer in zip(jitter, answers, strict=True):
        covariance += variance * (answer @ answer.T) / energy
    return covariance
