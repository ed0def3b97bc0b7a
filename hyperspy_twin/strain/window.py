"""Gaussian windows that stop at the outline of a region, and the lattice waves seen in them.

A Gaussian window of standard deviation s around r, restricted to a region by weights m, has
the mass N(r) = (w * m)(r), the centroid r + s^2 grad ln N and the covariance s^2 J with
J = 1 + s^2 Hessian(ln N). The phase gradient of the windowed lattice wave is J times the
phase gradient of the lattice, so that dividing by J removes the bias at outlines, where
J < 1; far from them J = 1 and this is the usual Gaussian mask in reciprocal space.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.strain.band import Band

# Windows with less than this share of their mass inside the region give no result.
LEAST_MASS = 0.02
IDENTITY = np.eye(2, dtype=np.float32)[..., None, None]


@dataclass(frozen=True)
class Window:
    """Moments of the windows at the nodes of a band.

    Attributes
    ----------
    mass
        Share of the window inside the region.
    centroid
        Offset (x, y) of the centroid from the node, shape (2, rows, columns).
    jacobian_inverse
        Inverse of J, shape (2, 2, rows, columns).
    amplitude_noise
        Variance of the normalised complex amplitude for white noise of unit variance per pixel.
    gradient_noise
        Covariance of the real and of the imaginary part of the complex amplitude's gradient,
        already divided by J, for white noise of unit variance per pixel; shape
        (2, 2, rows, columns). Half of the total, since noise shares it between the parts.
    """

    mass: np.ndarray
    centroid: np.ndarray
    jacobian_inverse: np.ndarray
    amplitude_noise: np.ndarray
    gradient_noise: np.ndarray


def gaussian_mask(band: Band, offset: np.ndarray, resolution: float) -> np.ndarray:
    """Fourier transform of the Gaussian window, centred on ``offset`` (x, y) from the band."""
    x, y = band.frequencies()
    squared = (x - offset[0]) ** 2 + (y - offset[1]) ** 2
    return np.exp(-2.0 * (np.pi * resolution) ** 2 * squared).astype(np.float32)


def make_window(band: Band, weights: np.ndarray) -> Window:
    """Moments of the Gaussian windows inside a region.

    Parameters
    ----------
    band
        The coarse grid.
    weights
        Weight of each pixel, between 0 and 1, shape ``band.shape``.

    Returns
    -------
    Window
        The moments.
    """
    width = band.resolution
    mass, first, second = _derivatives(band, band.spectrum(weights), width)
    inside = mass > LEAST_MASS
    safe = np.where(inside, mass, np.float32(1.0))
    first, second = first * (inside / safe), second * (inside / safe)
    jacobian = IDENTITY + width**2 * (second - first[:, None] * first[None])
    inverse = invert(jacobian)
    centroid = width**2 * first

    narrow = width / np.sqrt(2.0)
    density, slope, curvature = _derivatives(band, band.spectrum(weights**2), narrow)
    arm = narrow**2 * slope
    spread = narrow**4 * curvature + IDENTITY * narrow**2 * density
    cross = centroid[:, None] * arm[None]
    spread = spread - cross - cross.swapaxes(0, 1)
    spread = spread + density * centroid[:, None] * centroid[None]
    # The squared window is a narrower window times 1 / (4 pi s^2) per unit of area.
    share = band.scale[0] * band.scale[1] / (4.0 * np.pi * width**2) / safe**2
    rate = inverse / width**2
    gradient = np.einsum("ij...,jk...,kl...->il...", rate, spread, rate) * (share / 2.0)
    return Window(
        mass=np.where(inside, mass, 0.0),
        centroid=centroid,
        jacobian_inverse=inverse,
        amplitude_noise=np.maximum(share * density, 0.0),
        gradient_noise=gradient,
    )


def background(band: Band, spectrum: np.ndarray, window: Window) -> np.ndarray:
    """Gaussian average of a weighted image at the nodes, exact for a plane up to the outline.

    Parameters
    ----------
    band
        The coarse grid.
    spectrum
        ``band.spectrum`` of the weighted image.
    window
        Moments of the windows for the same weights.

    Returns
    -------
    numpy.ndarray
        Local mean of the image, 0 where no window lies inside the region.
    """
    inside = window.mass > 0.0
    share = inside / np.where(inside, window.mass, np.float32(1.0))
    total, total_slope, _ = _derivatives(band, spectrum, band.resolution)
    mean = total * share
    slope = total_slope * share - mean * window.centroid / np.float32(band.resolution**2)
    slope = np.einsum("ij...,j...->i...", window.jacobian_inverse, slope)
    return mean - np.einsum("i...,i...->...", slope, window.centroid)


@dataclass(frozen=True)
class Wave:
    """One lattice wave A exp(2 pi i carrier.r + i phase) at the nodes of a band.

    Attributes
    ----------
    carrier
        Frequency (x, y) that is taken out of the phase.
    amplitude
        Complex amplitude relative to the carrier, normalised to the window's mass.
    frequency
        Local frequency (x, y) of the lattice, shape (2, rows, columns).
    """

    carrier: np.ndarray
    amplitude: np.ndarray
    frequency: np.ndarray


def demodulate(
    band: Band,
    spectrum: np.ndarray,
    window: Window,
    carrier: np.ndarray,
    origin: np.ndarray,
) -> Wave:
    """Complex amplitude and local frequency of the lattice wave near a carrier.

    Parameters
    ----------
    band
        The coarse grid.
    spectrum
        ``band.spectrum`` of the weighted image.
    window
        Moments of the windows for the same weights.
    carrier
        Frequency (x, y) on which the Gaussian mask is centred.
    origin
        Position (x, y) of the first pixel, which fixes the zero of the phase.

    Returns
    -------
    Wave
        The wave, its phase gradient obtained without unwrapping.

    References
    ----------
    M. J. Hytch, E. Snoeck, R. Kilaas, Ultramicroscopy 74 (1998) 131-146.
    """
    centre = band.nearest_bin(carrier)
    offset = np.asarray(carrier) - band.bin_frequency(centre)
    masked = band.crop(spectrum, centre) * gaussian_mask(band, offset, band.resolution)
    field = band.to_nodes(masked)
    x, y = band.frequencies()
    present = (window.mass > 0.0) & (np.abs(field) > 0.0)
    safe = np.where(present, field, 1.0)
    deviation = np.empty((2, *field.shape), np.float32)
    for axis, frequency in enumerate((x, y)):
        # d(field)/d(axis) / field is 2 pi i times the local frequency about the band's centre.
        slope = band.to_nodes(masked * (frequency - offset[axis]).astype(np.float32))
        deviation[axis] = np.where(present, (slope / safe).real, 0.0)
    deviation = np.einsum("ij...,j...->i...", window.jacobian_inverse, deviation)

    node_x, node_y = band.node_positions()
    start = float(np.dot(carrier, origin)) % 1.0
    turn = (offset[0] * node_x + start)[None, :] + (offset[1] * node_y)[:, None]
    turn = turn.astype(np.float32)
    turn += np.einsum("i...,i...->...", deviation, window.centroid)
    mass = np.where(present, window.mass, 1.0)
    amplitude = np.where(present, field / mass * np.exp(np.complex64(-2j * np.pi) * turn), 0.0)
    return Wave(
        carrier=np.asarray(carrier, float),
        amplitude=amplitude.astype(np.complex64),
        frequency=deviation + np.asarray(carrier, np.float32)[:, None, None],
    )


def invert(matrix: np.ndarray) -> np.ndarray:
    """Inverse of a field of 2x2 matrices, shape (2, 2, ...)."""
    determinant = matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]
    adjugate = np.array([[matrix[1, 1], -matrix[0, 1]], [-matrix[1, 0], matrix[0, 0]]])
    adjugate /= determinant
    return adjugate


def _derivatives(
    band: Band, spectrum: np.ndarray, width: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gaussian average of a real image, its gradient and its Hessian at the nodes."""
    smoothed = band.crop(spectrum) * gaussian_mask(band, np.zeros(2), width)
    slopes = [2j * np.pi * frequency.astype(np.float32) for frequency in band.frequencies()]
    value = band.to_nodes(smoothed).real
    first = np.array([band.to_nodes(smoothed * slope).real for slope in slopes])
    second = np.empty((2, 2, *value.shape), np.float32)
    for i, j in ((0, 0), (0, 1), (1, 1)):
        second[i, j] = second[j, i] = band.to_nodes(smoothed * slopes[i] * slopes[j]).real
    return value, first, second
