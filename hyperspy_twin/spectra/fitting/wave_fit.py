"""Joint least-squares fit of plane waves to the pixels of a region."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hyperspy_twin.spectra.fitting.plane_waves import PlaneWaves, moments, sum_waves

# Resolutions within which two waves share their errors: beyond, the lobes of the window are small.
COUPLING_REACH = 6.0
# Relative amplitude, or phase in radians, that one round may change: steps of a linear fit.
LONGEST_STEP = 0.5
# Phase in radians at the border that one round may change; pi there is a frequency of one bin.
LONGEST_TURN = 0.5 * np.pi
# Resolutions that a wave may move from its start before it is taken for another one.
FARTHEST = 1.5
# Relative stiffness that keeps waves which coincide from a singular fit.
STIFFNESS = 1e-6


@dataclass(frozen=True)
class FitWeight:
    """Weight of each pixel in a fit, with the sums that every step needs.

    Attributes
    ----------
    weight
        float32 (rows, columns).
    products
        (4, 4) weighted products of the derivatives of a wave of amplitude 1.
    extent
        (2, 2) second central moments (x, y) in pixels.
    """

    weight: np.ndarray
    products: np.ndarray
    extent: np.ndarray


def fit_weight(weight: np.ndarray) -> FitWeight:
    """Take the sums of weights (rows, columns) that every step of a fit needs."""
    own = moments(weight, np.zeros((1, 2)), 2)
    first = own[[1, 0], [0, 1], 0].real / own[0, 0, 0].real
    second = own[[2, 1, 1, 0], [0, 1, 1, 2], 0].real.reshape(2, 2) / own[0, 0, 0].real
    half = np.asarray(weight.shape[::-1]) / 2
    extent = (second - first[:, None] * first) * half[:, None] * half
    return FitWeight(weight, _products(own)[..., 0].real, extent)


def fit_waves(image: np.ndarray, weight: FitWeight, start: PlaneWaves, rounds: int) -> PlaneWaves:
    """Joint least-squares fit of plane waves by Gauss-Newton rounds.

    Waves that move farther than ``FARTHEST`` from their start did not converge and keep it.
    """
    waves = start
    for _ in range(rounds):
        gradient = _gradient(image, weight, waves)
        step = np.linalg.solve(gram_matrix(weight, waves), gradient.ravel()).reshape(-1, 4)
        step[:, :2] = np.clip(step[:, :2], -LONGEST_STEP, LONGEST_STEP)
        step[:, 2:] = np.clip(step[:, 2:], -LONGEST_TURN, LONGEST_TURN)
        frequency = waves.frequency + step[:, 2:] / _phase_per_frequency(image.shape)
        amplitude = waves.amplitude * (1 + step[:, 0]) * np.exp(1j * step[:, 1])
        lost = ~(resolved_distance(frequency - start.frequency, weight.extent) < FARTHEST)
        waves = PlaneWaves(
            np.where(lost[:, None], start.frequency, frequency),
            np.where(lost, start.amplitude, amplitude),
        )
    return waves


def fit_amplitudes(image: np.ndarray, weight: FitWeight, waves: PlaneWaves) -> PlaneWaves:
    """Least-squares amplitudes of waves of given frequencies."""
    count = len(waves)
    gram = gram_matrix(weight, waves).reshape(count, 4, count, 4)[:, :2, :, :2]
    gradient = _gradient(image, weight, waves)[:, :2]
    step = np.linalg.solve(gram.reshape(2 * count, 2 * count), gradient.ravel()).reshape(-1, 2)
    return replace(waves, amplitude=waves.amplitude * (1 + step[:, 0] + 1j * step[:, 1]))


def _gradient(image: np.ndarray, weight: FitWeight, waves: PlaneWaves) -> np.ndarray:
    """Products (n, 4) of what the waves leave of an image with the derivatives of each wave."""
    residual = image - sum_waves(image.shape, waves)
    phased = 2 * waves.amplitude.conj() * moments(residual * weight.weight, waves.frequency, 1)
    return np.stack(
        [phased[0, 0].real, phased[0, 0].imag, phased[1, 0].imag, phased[0, 1].imag], axis=1
    )


def gram_matrix(weight: FitWeight, waves: PlaneWaves) -> np.ndarray:
    """Weighted products of the derivatives of all waves, shape (4 n, 4 n).

    The derivatives are by relative amplitude, phase, and the two frequencies in radians at the
    border of the image. Only waves closer than ``COUPLING_REACH`` to each other, or to the mirror
    image of each other, are coupled.
    """
    count = len(waves)
    frequency, amplitude = waves.frequency, waves.amplitude
    gram = np.zeros((count, 4, count, 4))
    each = np.arange(count)
    gram[each, :, each, :] = 2 * np.abs(amplitude[:, None, None]) ** 2 * weight.products
    for sign in (1, -1):
        # Products of wave k with wave j (sign 1) or with its mirror image (sign -1).
        gap = sign * frequency[None, :] - frequency[:, None]
        near = resolved_distance(gap, weight.extent) < COUPLING_REACH
        first, second = np.nonzero(np.triu(near, 1 if sign == 1 else 0))
        if not len(first):
            continue
        products = _products(moments(weight.weight, gap[first, second], 2))
        other = amplitude[second].conj() if sign == 1 else amplitude[second]
        if sign == -1:
            # Conjugating wave j turns its derivatives' factor -i back into i.
            products = products * np.array([1, -1, -1, -1])[None, :, None]
        block = 2 * (amplitude[first] * other * products).real.transpose(2, 0, 1)
        gram[first, :, second, :] += block
        distinct = first != second
        gram[second[distinct], :, first[distinct], :] += block[distinct].transpose(0, 2, 1)
    diagonal = np.einsum("kpkp->kp", gram)
    diagonal *= 1 + STIFFNESS
    return gram.reshape(4 * count, 4 * count)


def _products(moment: np.ndarray) -> np.ndarray:
    """Moments of u_p conj(u_q) with u = (1, i, i x, i y), shape (4, 4, n)."""
    powers, factor = np.array([(0, 0), (0, 0), (1, 0), (0, 1)]), np.array([1, 1j, 1j, 1j])
    x, y = (powers[:, None] + powers).transpose(2, 0, 1)
    return (factor[:, None] * factor.conj())[..., None] * moment[x, y]


def frequency_covariance(
    weight: FitWeight, waves: PlaneWaves, noise: np.ndarray, gram: np.ndarray
) -> np.ndarray:
    """Covariance (n, 2, 2) of fitted frequencies in squared cycles per pixel.

    It is that of a fit with the normal matrix ``gram``; ``noise``, (n,), is the noise variance per
    pixel at the frequency of each wave.
    """
    inverse = np.linalg.inv(gram)
    spread = np.repeat(np.sqrt(noise), 4)
    scatter = gram_matrix(fit_weight(weight.weight**2), waves) * spread[:, None] * spread[None, :]
    covariance = (inverse @ scatter @ inverse).reshape(len(waves), 4, len(waves), 4)
    each = np.arange(len(waves))
    per_radian = 1 / _phase_per_frequency(weight.weight.shape)
    return covariance[each, 2:, each, 2:] * per_radian[:, None] * per_radian[None, :]


def resolved_distance(gap: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Length of frequency differences (..., 2) in units of what a region resolves.

    ``extent`` are the second moments of the region in pixels; for a rectangle the unit is one bin.
    """
    return np.sqrt(12 * np.einsum("...i,ij,...j->...", gap, extent, gap))


def _phase_per_frequency(shape: tuple[int, int]) -> np.ndarray:
    """Radians at the border (x, y) for one cycle per pixel."""
    return np.pi * np.asarray(shape[::-1], float)
