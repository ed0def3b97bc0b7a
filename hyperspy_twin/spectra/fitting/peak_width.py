"""Width of peaks: a Gaussian fitted to their power, less the width that the window gives.

A perfect lattice makes peaks as wide as the window's own transform. What is wider comes from the
specimen: crystals smaller than the region, strain, bending.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.spectra.fitting.plane_waves import offset_spectrum
from hyperspy_twin.spectra.fitting.wave_fit import fit_weight

# Offsets to each side at which a peak is sampled.
REACH = 3
# Their distance in standard deviations of the window's transform.
STEP = 1.2
# Most offsets to each side, for oblique windows: bounds the time.
MOST_OFFSETS = 8
# Pixels across the grid on which the window is transformed.
COARSE_SIZE = 128
# Rounds of the fit of a Gaussian.
ROUNDS = 8
# Largest width in standard deviations of the window's transform: what the offsets reach to.
WIDEST = 4.0


@dataclass(frozen=True)
class WidthInstrument:
    """What the window of a region makes of a perfect lattice and of white noise.

    Attributes
    ----------
    steps
        Step (x, y) between offsets in cycles per pixel.
    amplitude
        (m, m) transform of the window on the offsets, 1 in the middle.
    offset
        (m * m, 2) offsets (x, y) in reciprocal units.
    covariance
        (2, 2) of the Gaussian that fits the window's power.
    noise
        (m * m, m * m) correlation of the noise between offsets.
    """

    steps: np.ndarray
    amplitude: np.ndarray
    offset: np.ndarray
    covariance: np.ndarray
    noise: np.ndarray


def window_instrument(window: np.ndarray, scale: np.ndarray) -> WidthInstrument:
    """Instrument of a window (rows, columns) on pixels of the size ``scale`` (x, y)."""
    coarseness = max(1, min(window.shape) // COARSE_SIZE)
    window = np.ascontiguousarray(window[::coarseness, ::coarseness])
    extent = fit_weight(window).extent
    # An oblique window's peaks are narrow across a long diagonal: finer steps, and more of them.
    slant = np.sqrt(extent[0, 0] * extent[1, 1] / np.linalg.det(extent))
    reach = int(min(np.ceil(REACH * slant), MOST_OFFSETS))
    steps = STEP / (2 * np.pi * np.sqrt(2 * np.diag(extent))) * (REACH * slant / reach)
    offset = np.arange(-reach, reach + 1)
    middle = np.zeros((1, 2))
    transform = offset_spectrum(window, middle, steps, offset)[0]
    transform /= transform[reach, reach]
    pitch = coarseness * np.asarray(scale)
    across, down = np.meshgrid(offset * steps[0] / pitch[0], offset * steps[1] / pitch[1])
    offsets = np.stack([across.ravel(), down.ravel()], axis=1)
    differences = np.arange(-2 * reach, 2 * reach + 1)
    spread = offset_spectrum(window**2, middle, steps, differences)[0]
    spread /= spread[2 * reach, 2 * reach]
    apart = [
        index[:, None] - index + 2 * reach for index in np.indices(transform.shape).reshape(2, -1)
    ]
    covariance = _window_covariance((np.abs(transform) ** 2).ravel(), offsets)
    return WidthInstrument(steps / coarseness, transform, offsets, covariance, spread[tuple(apart)])


def measure_widths(
    power: np.ndarray, noise: np.ndarray, instrument: WidthInstrument
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Measure how much wider peaks are than the window makes them, alike in all directions.

    A Gaussian A exp(-q' (C + s^2)^-1 q / 2), with C of the window and free A, centre and s^2, is
    fitted by least squares; the window's power weighs the offsets, so that neighbours count
    little. The covariance follows from that of the noise between offsets.

    Parameters
    ----------
    power
        (n, m, m) power around the peaks, neighbouring peaks subtracted.
    noise
        (n,) expected noise power.
    instrument
        The instrument of the window.

    Returns
    -------
    variance, error : numpy.ndarray
        Excess variance in squared reciprocal units, which noise can make negative, and its
        standard error, each (n,).
    centre, covariance : numpy.ndarray
        Centre (x, y) of the Gaussian relative to the middle of the offsets, (n, 2), and the
        covariance of that, (n, 2, 2).
    """
    weight = np.abs(instrument.amplitude).ravel() ** 2
    data = power.reshape(len(power), len(weight)) - noise[:, None]
    start = np.zeros((len(power), 4))
    start[:, 0] = np.maximum(data[:, data.shape[1] // 2], 1e-3 * noise)
    fitted = _fit_gaussians(data, weight, instrument.covariance, instrument.offset, start)
    jacobian = _model(np.array([[1.0, 0, 0, 0]]), instrument.covariance, instrument.offset)[1][0]
    normal = np.linalg.inv(jacobian.T @ (weight[:, None] * jacobian))
    pull = normal @ (weight[:, None] * jacobian).T
    wave = instrument.amplitude.ravel()
    beating = 2 * np.real(wave[:, None] * wave.conj() * instrument.noise.conj())
    snr = np.maximum(fitted[:, 0] / noise, 1e-3)[:, None, None]
    covariance = pull @ beating @ pull.T / snr
    covariance = covariance + pull @ np.abs(instrument.noise) ** 2 @ pull.T / snr**2
    error = np.sqrt(covariance[:, 3, 3])
    return fitted[:, 3], error, fitted[:, 1:3], covariance[:, 1:3, 1:3]


def _window_covariance(power: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Covariance (2, 2) of the Gaussian that fits a window's power, weighted by that power."""
    weight = power**3  # the square for the logarithm
    x, y = offset.T
    design = np.stack([np.ones_like(x), x * x, 2 * x * y, y * y], axis=1)
    level = np.log(np.maximum(power, 1e-12))
    solved = np.linalg.solve(design.T @ (weight[:, None] * design), design.T @ (weight * level))
    curvature = -2 * np.array([[solved[1], solved[2]], [solved[2], solved[3]]])
    if np.linalg.eigvalsh(curvature)[0] > 0:
        covariance = np.linalg.inv(curvature)
    else:  # the transform of the window has lobes within the patch
        covariance = (power[:, None] * offset).T @ offset / power.sum()
    start = np.array([[1.0, 0, 0, 0]])
    excess = _fit_gaussians(power[None], power, covariance, offset, start)[0, 3]
    return covariance + excess * np.eye(2)


def _fit_gaussians(
    data: np.ndarray,
    weight: np.ndarray,
    covariance: np.ndarray,
    offset: np.ndarray,
    start: np.ndarray,
) -> np.ndarray:
    """Weighted least squares for (amplitude, x, y, excess variance) of each row of data.

    The excess is NaN where the data do not determine a Gaussian.
    """
    unit = np.trace(covariance) / 2
    smallest = -0.5 * np.linalg.eigvalsh(covariance)[0]
    parameters = start
    for _ in range(ROUNDS):
        model, jacobian = _model(parameters, covariance, offset)
        weighted = jacobian * weight[None, :, None]
        normal = weighted.transpose(0, 2, 1) @ jacobian
        gradient = np.einsum("nmp,nm->np", weighted, data - model)
        scale = np.tile([1.0, np.sqrt(unit), np.sqrt(unit), unit], (len(data), 1))
        scale[:, 0] = parameters[:, 0]
        normal = normal * scale[:, :, None] * scale[:, None, :]
        stiffness = np.trace(normal, axis1=1, axis2=2)
        lost = ~(np.isfinite(stiffness) & (stiffness > 0))
        normal[lost], gradient[lost], stiffness[lost] = np.eye(4), 0.0, 1.0
        damping = 1e-9 * stiffness[:, None, None] * np.eye(4)
        step = np.linalg.solve(normal + damping, (gradient * scale)[..., None])[..., 0]
        parameters = parameters + np.clip(step, -0.6, 1.0) * scale
        parameters[:, 0] = np.maximum(parameters[:, 0], 1e-3 * start[:, 0])
        parameters[:, 3] = np.clip(parameters[:, 3], smallest, WIDEST**2 * unit)
    parameters[lost, 3] = np.nan
    return parameters


def _model(
    parameters: np.ndarray, covariance: np.ndarray, offset: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gaussians (n, m) and their derivatives (n, m, 4)."""
    amplitude, excess = parameters[:, :1], parameters[:, 3]
    inverse = np.linalg.inv(covariance + excess[:, None, None] * np.eye(2))
    distance = offset[None] - parameters[:, None, 1:3]
    pulled = distance @ inverse
    shape = np.exp(-0.5 * np.einsum("nmi,nmi->nm", pulled, distance))
    model = amplitude * shape
    squared = np.einsum("nmi,nmi->nm", pulled, pulled)
    return model, np.concatenate(
        [shape[..., None], model[..., None] * pulled, 0.5 * (model * squared)[..., None]], axis=2
    )
