"""Positions of peaks at the limit of the noise, their widths, and honest errors for both.

The window that keeps peaks apart throws away the border of a region, which says most about a
frequency. So each peak is first sought in the windowed spectrum; then all peaks are fitted
together to the pixels as plane waves, with the whole region as weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hyperspy_twin.spectra.fitting.bending import measure_bending
from hyperspy_twin.spectra.fitting.close_pairs import FitScene, split_pairs
from hyperspy_twin.spectra.fitting.peak_width import measure_widths, window_instrument
from hyperspy_twin.spectra.fitting.plane_waves import PlaneWaves, centred, moments, sum_waves
from hyperspy_twin.spectra.fitting.wave_fit import (
    fit_waves,
    fit_weight,
    frequency_covariance,
    gram_matrix,
)
from hyperspy_twin.spectra.transform import WindowedRegion

# Width of the rim as a fraction of the largest distance to the outline; costs 7 % of the precision.
TAPER = 0.1
# Pixels across the grid on which the rim is computed: ten across the rim.
COARSE_SIZE = 100
# Degree of the polynomial that stands for the smooth background.
SMOOTHEST = 4
# Rounds of the fit: the maximum of the windowed spectrum is close to the solution.
ROUNDS = 2
# Chi-squared of two numbers from which border and middle disagree: chance for one wave in 3000.
DISAGREEMENT = 16.0
# Standard errors of the excess width from which a peak is broad.
BROADENING = 4.0


@dataclass(frozen=True)
class Maxima(PlaneWaves):
    """Maxima of the continuous windowed spectrum, as the plane waves that make them.

    Attributes
    ----------
    power
        (n,) spectral power.
    """

    power: np.ndarray

    def __getitem__(self, index: np.ndarray) -> Maxima:
        """Pick some of the maxima."""
        return Maxima(self.frequency[index], self.amplitude[index], self.power[index])


@dataclass(frozen=True)
class FittedPeaks:
    """Peaks fitted to a region.

    Attributes
    ----------
    frequency
        (n, 2) cycles per pixel (x, y).
    error
        (n, 2) standard errors of ``frequency``.
    amplitude
        (n,) complex, half the amplitude of the fringe.
    snr
        (n,) power of the windowed spectrum over that of the noise.
    width
        (n,) standard deviation beyond the window's own width, in reciprocal units.
    width_error
        (n,) its standard error.
    origin
        (n,) index of the maximum that each was fitted to.
    """

    frequency: np.ndarray
    error: np.ndarray
    amplitude: np.ndarray
    snr: np.ndarray
    width: np.ndarray
    width_error: np.ndarray
    origin: np.ndarray


def climb_to_maxima(region: WindowedRegion, frequency: np.ndarray) -> Maxima:
    """Climb to the maxima of the continuous windowed spectrum near given frequencies.

    Parameters
    ----------
    region
        The windowed region.
    frequency
        (n, 2) cycles per pixel, within about a bin of the maxima.
    """
    found = moments(region.pixels, frequency, 2)
    value = found[0, 0]
    slope = -1j * np.stack([found[1, 0], found[0, 1]], axis=1)
    bend = -found[[[2, 1], [1, 0]], [[0, 1], [1, 2]]].transpose(2, 0, 1)
    # Newton's step of the logarithm of the power, which is nearly a parabola.
    relative = slope / value[:, None]
    gradient = 2 * relative.real
    curvature = 2 * (bend / value[:, None, None] - relative[:, :, None] * relative[:, None]).real
    trace, determinant = np.trace(curvature, axis1=1, axis2=2), np.linalg.det(curvature)
    concave = (determinant > 0) & (trace < 0)
    step = np.zeros_like(gradient)
    step[concave] = -np.linalg.solve(curvature[concave], gradient[concave][..., None])[..., 0]
    step = np.clip(step, -np.pi, np.pi)  # one bin
    taylor = np.einsum("ni,ni->n", slope, step) + 0.5 * np.einsum("nij,ni,nj->n", bend, step, step)
    power = np.abs(value) ** 2 * np.exp(0.5 * np.einsum("ni,ni->n", gradient, step))
    turned = value + taylor
    amplitude = turned / np.abs(turned) * np.sqrt(power) / float(region.window.sum(dtype=float))
    climbed = frequency + step / (np.pi * np.asarray(region.grid.shape[::-1]))
    return Maxima(climbed, amplitude, power)


def fit_peaks(region: WindowedRegion, maxima: Maxima, background: np.ndarray) -> FittedPeaks:
    """Fit plane waves to the peaks of a region.

    All waves are fitted together by weighted least squares to the pixels of the region, smooth
    background subtracted; the weights fall off over a narrow rim only, so that the standard error
    of the position is within 1.1 of the Cramer-Rao bound [1]_ of a fringe in white noise. Where a
    peak is no pure wave (it is broader than the window makes it, or its border disagrees with its
    middle, as in a strained or bent lattice) the maximum of the windowed spectrum stays, and the
    error grows by the disagreement and the width. Two peaks that the windowed spectrum does not
    resolve are split where two plane waves leave nothing but noise; the result then holds more
    peaks than ``maxima``.

    Parameters
    ----------
    region
        The windowed region.
    maxima
        Maxima of the windowed spectrum, of :func:`climb_to_maxima`.
    background
        (n,) expected noise power of the windowed spectrum at the peaks.

    References
    ----------
    .. [1] D. C. Rife and R. R. Boorstyn, Bell Syst. Tech. J. 55 (1976) 1389 (one dimension);
       Y. Hua, IEEE Trans. Signal Process. 40 (1992) 2267 (two dimensions).
    """
    window = region.window
    scale = np.asarray(region.grid.scale)
    weight = fit_weight(weigh_by_rim(window))
    start = PlaneWaves(maxima.frequency, maxima.amplitude)
    image = region.pixels / np.where(window == 0, np.float32(1), window)
    image -= _smooth_part(image - sum_waves(image.shape, start), weight.weight)
    scene = FitScene(image, weight, window, window_instrument(window, scale))
    waves = fit_waves(image, weight, start, ROUNDS)
    residual = scene.residual(waves)
    left = scene.left_over(residual, waves)
    waves, origin, split = split_pairs(scene, waves, left, background)
    total, total_squared = float(window.sum(dtype=float)), float((window**2).sum(dtype=float))
    if split.any():
        background, maxima = background[origin], maxima[origin]
        # The waves of a pair have no maximum of their own.
        maxima = Maxima(
            np.where(split[:, None], waves.frequency, maxima.frequency),
            np.where(split, waves.amplitude, maxima.amplitude),
            np.where(split, np.abs(total * waves.amplitude) ** 2, maxima.power),
        )
        residual = scene.residual(waves)
        left = scene.left_over(residual, waves)

    noise = background / total_squared
    covariance = frequency_covariance(weight, waves, noise, gram_matrix(weight, waves))
    bent = measure_bending(residual, weight, waves, noise)
    patch = left + (total * waves.amplitude)[:, None, None] * scene.instrument.amplitude
    excess, excess_error, centre, spread = measure_widths(
        np.abs(patch) ** 2, background, scene.instrument
    )

    gap = centre * scale
    spread = spread * scale[:, None] * scale
    chi_squared = np.einsum("ni,ni->n", gap, np.linalg.solve(spread, gap[..., None])[..., 0])
    impure = (chi_squared > DISAGREEMENT) | (excess > BROADENING * excess_error)
    width = np.sqrt(np.maximum(excess, 0))
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    inflated = np.diagonal(spread, axis1=1, axis2=2) + gap**2 + (width[:, None] * scale) ** 2
    return FittedPeaks(
        np.where(impure[:, None], maxima.frequency, waves.frequency),
        np.sqrt(np.where(impure[:, None], inflated, variance) + bent),
        np.where(impure, maxima.amplitude, waves.amplitude),
        maxima.power / background,
        width,
        np.sqrt(width**2 + excess_error) - width,
        origin,
    )


def weigh_by_rim(window: np.ndarray) -> np.ndarray:
    """Weights that are 1 in a region and fall to 0 over a narrow rim along its outline.

    The ``window`` of the region (rows, columns) is not 0 inside of it.
    """
    inside = window != 0
    step = max(1, min(window.shape) // COARSE_SIZE)
    rows, columns = (np.arange(step // 2, size, step) for size in window.shape)
    distance = ndimage.distance_transform_edt(np.pad(inside[np.ix_(rows, columns)], 1)) - 0.5
    ramp = np.clip(distance / max(TAPER * distance.max(), 0.5), 0, 1)
    coarse = np.sin(0.5 * np.pi * ramp) ** 2
    nodes = (
        np.concatenate([[axis[0] - step], axis, [axis[-1] + step]]) for axis in (rows, columns)
    )
    left, right = (_linear(node, size) for node, size in zip(nodes, window.shape, strict=True))
    return (left @ coarse.astype(np.float32) @ right.T) * inside


def _linear(nodes: np.ndarray, size: int) -> np.ndarray:
    """Matrix (size, len(nodes)) of linear interpolation from nodes to all pixels."""
    pixel = np.arange(size)
    left = np.clip(np.searchsorted(nodes, pixel, side="right") - 1, 0, len(nodes) - 2)
    fraction = (pixel - nodes[left]) / (nodes[left + 1] - nodes[left])
    matrix = np.zeros((size, len(nodes)), np.float32)
    matrix[pixel, left], matrix[pixel, left + 1] = 1 - fraction, fraction
    return matrix


def _smooth_part(image: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Fit a polynomial to an image."""
    base_y, base_x = (
        np.polynomial.legendre.legvander(centred(size), SMOOTHEST).astype(np.float32)
        for size in image.shape
    )
    low = np.add.outer(np.arange(SMOOTHEST + 1), np.arange(SMOOTHEST + 1)) <= SMOOTHEST
    down, across = np.nonzero(low)
    projected = (base_y.T @ (weight * image) @ base_x)[low].astype(float)
    pairs_y = (base_y[:, :, None] * base_y[:, None, :]).reshape(len(base_y), -1)
    pairs_x = (base_x[:, :, None] * base_x[:, None, :]).reshape(len(base_x), -1)
    products = (pairs_y.T @ weight @ pairs_x).astype(float)
    products = products.reshape(*[SMOOTHEST + 1] * 4)
    normal = products[down[:, None], down, across[:, None], across]
    coefficient = np.zeros(low.shape, np.float32)
    coefficient[low] = np.linalg.lstsq(normal, projected, rcond=1e-6)[0]
    return base_y @ coefficient @ base_x.T
