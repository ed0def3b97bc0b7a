"""Noise of an image near its reflections: white noise and the jitter of scan lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from hyperspy_twin.strain.lattice_waves import LatticeWaves
from hyperspy_twin.strain.pieces import taper

# Radius of the ring around the peak in standard deviations of the Gaussian mask, inside: the peak
# itself lies within, also one that strain has moved or broadened.
INNER = 3.0
# The same outside: the ring then holds three times the area that it leaves out.
OUTER = 6.0
# A median of fewer is too uncertain: the standard error of one of 16 is a third.
MINIMUM_COEFFICIENTS = 16
# A lattice wave counts where its amplitude exceeds its noise by this factor: noise alone
# passes once in exp(9) = 8000 independent windows.
MINIMUM_AMPLITUDE_TO_NOISE = 3.0
# Power above this many medians belongs to another reflection: noise alone exceeds it once in 256
# coefficients.
OUTLIER = 8.0
# Line noise is only counted above this many standard errors of its estimate.
SIGNIFICANCE = 3.0


@dataclass(frozen=True)
class Noise:
    """Noise of the lattice waves of one piece.

    Attributes
    ----------
    white
        Noise power per pixel near each reflection, shape (k,): the variance of white noise.
    lines
        Covariance of the phase errors that each scan line (row) gives to the waves, squared
        radians, shape (k, k).
    """

    white: np.ndarray
    lines: np.ndarray


def measure_noise(region: LatticeWaves) -> Noise:
    """Noise near each reflection, from the spectrum around it.

    The white noise is the median over a ring around the reflection, divided by ln 2 since the
    power of noise is distributed exponentially: other reflections and streaks in the ring fill
    few of its coefficients and do not move the median. Rows that are displaced against each
    other make a streak through each reflection along y, and its excess over the white noise
    gives the phase error of a row; reflections share the displacement, so their errors are
    correlated.

    Raises
    ------
    ValueError
        If the ring holds too few Fourier coefficients.
    """
    distance = region.piece.distance
    # The widest smooth window that the piece holds keeps the tails of the peaks short.
    window = taper(distance, float(distance.max()))
    spectrum = region.coarse.spectrum(window * region.residual)
    energy = float(np.sum(window**2, dtype=float))
    white = np.array(
        [_ring_median(region, spectrum, wave.carrier) / energy for wave in region.waves]
    )
    return Noise(white=white, lines=_line_noise(region, window, white * energy))


def is_significant(region: LatticeWaves, noise: Noise, index: int) -> np.ndarray:
    """Nodes at which the amplitude of one wave stands out of its white noise."""
    magnitude = np.abs(region.waves[index].amplitude)
    limits = np.finfo(np.float32)
    rounding = max(float(limits.eps) * float(magnitude.max()), float(limits.tiny))
    deviation = np.sqrt(noise.white[index] * region.window.amplitude_noise) + rounding
    return (region.window.mass > 0.0) & (magnitude > MINIMUM_AMPLITUDE_TO_NOISE * deviation)


def _ring_median(region: LatticeWaves, spectrum: np.ndarray, vector: np.ndarray) -> float:
    """Noise power from the median over a ring around a reflection."""
    coarse = region.coarse
    step = 1.0 / (np.array(coarse.padded[::-1]) * np.array(coarse.scale))
    outer = OUTER / (2.0 * np.pi * coarse.resolution)
    centre = coarse.nearest_bin(vector)
    reach = np.ceil(outer / step).astype(int)
    column = np.arange(centre[0] - reach[0], centre[0] + reach[0] + 1)
    row = np.arange(centre[1] - reach[1], centre[1] + reach[1] + 1)
    half = np.array(coarse.padded) // 2
    column, row = column[np.abs(column) <= half[1]], row[np.abs(row) <= half[0]]
    distance = np.hypot(
        (column * step[0] - vector[0])[None, :], (row * step[1] - vector[1])[:, None]
    )
    ring = (distance <= outer) & (distance >= outer * INNER / OUTER)
    if np.count_nonzero(ring) < MINIMUM_COEFFICIENTS:
        raise ValueError(
            "too few Fourier coefficients around the reflection to measure the noise: "
            "use a larger image or region, or a smaller resolution"
        )
    power = np.abs(coarse.coefficients(spectrum, row, column)) ** 2
    return float(np.median(power[ring])) / np.log(2.0)


def _line_noise(region: LatticeWaves, window: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Covariance of the phase errors of the rows, from the streaks through the reflections."""
    rows, columns = region.coarse.shape
    scale = region.coarse.scale
    x, y = np.arange(columns) * scale[0], np.arange(rows) * scale[1]
    length = np.sum(window, axis=1, dtype=float)
    streaks, amplitudes = [], []
    for wave in region.waves:
        along = np.exp(-2j * np.pi * wave.carrier[0] * x).astype(np.complex64)
        lines = (window * region.residual) @ along * np.exp(-2j * np.pi * wave.carrier[1] * y)
        weights = region.window.mass**2
        mean = np.sqrt(np.sum(weights * np.abs(wave.amplitude) ** 2) / weights.sum())
        streaks.append(scipy.fft.fft(lines))
        amplitudes.append(mean * np.exp(1j * np.angle(lines.sum())))
    inner, outer = np.array([INNER, OUTER]) / (2.0 * np.pi * region.coarse.resolution)
    frequency = np.abs(scipy.fft.fftfreq(rows, scale[1]))
    ring = np.array(streaks)[:, (frequency >= inner) & (frequency <= outer)]
    count = len(power)
    if ring.shape[1] < MINIMUM_COEFFICIENTS or min(np.abs(amplitudes)) == 0.0:
        return np.zeros((count, count))
    strength = np.abs(ring) ** 2
    kept = (strength <= OUTLIER * np.median(strength, axis=1, keepdims=True)).all(axis=0)
    ring = ring[:, kept] / np.array(amplitudes)[:, None]
    power = power / np.abs(amplitudes) ** 2
    covariance = (ring @ ring.conj().T).real / ring.shape[1] - np.diag(power)
    clear = np.diag(covariance) > SIGNIFICANCE * power / np.sqrt(ring.shape[1])
    return covariance * np.outer(clear, clear) / np.sum(length**2)
