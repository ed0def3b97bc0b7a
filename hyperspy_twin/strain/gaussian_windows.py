"""Gaussian windows that stop at the outline of a region, and the background seen in them.

A Gaussian window of standard deviation s around r, restricted to a region by weights m, has
the mass N(r) = (w * m)(r), the centroid r + s^2 grad ln N and the covariance s^2 J with
J = 1 + s^2 Hessian(ln N). The phase gradient of the windowed lattice wave is J times the
phase gradient of the lattice, so that dividing by J removes the bias at outlines, where
J < 1; far from them J = 1 and this is the usual Gaussian mask in reciprocal space.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.strain.coarse_grid import CoarseGrid

# Windows with less than this fraction of their mass inside the region give no result; set by
# judgement.
MINIMUM_MASS = 0.02
IDENTITY = np.eye(2, dtype=np.float32)[..., None, None]


@dataclass(frozen=True)
class Window:
    """Moments of the windows at the nodes of a coarse grid.

    Attributes
    ----------
    coarse
        The coarse grid.
    mass
        Fraction of the window inside the region.
    centroid
        Offset (x, y) of the centroid from the node, shape (2, rows, columns).
    jacobian_inverse
        Inverse of J, shape (2, 2, rows, columns).
    amplitude_noise
        Variance of the normalised complex amplitude for white noise of unit variance per pixel.
    gradient_noise
        Covariance of the real and of the imaginary part of the complex amplitude's gradient,
        already divided by J, for white noise of unit variance per pixel; shape
        (2, 2, rows, columns). Half of the total, since noise is split between the parts.
    """

    coarse: CoarseGrid
    mass: np.ndarray
    centroid: np.ndarray
    jacobian_inverse: np.ndarray
    amplitude_noise: np.ndarray
    gradient_noise: np.ndarray

    @property
    def width(self) -> np.ndarray:
        """Standard deviation of each window in its narrowest direction, in the unit of the grid."""
        half_trace = 0.5 * (self.jacobian_inverse[0, 0] + self.jacobian_inverse[1, 1])
        determinant = np.linalg.det(np.moveaxis(self.jacobian_inverse, (0, 1), (-2, -1)))
        largest = half_trace + np.sqrt(np.maximum(half_trace**2 - determinant, 0.0))
        return self.coarse.resolution / np.sqrt(largest)

    def transmission(self, spectrum: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Fraction of a wave that the windows let through at a distance in reciprocal space.

        ``spectrum`` is that of the weights of the window, ``distance`` (x, y) in the reciprocal
        unit of the grid.
        """
        centre = self.coarse.nearest_bin(distance)
        offset = distance - self.coarse.bin_frequency(centre)
        mask = gaussian_mask(self.coarse, offset, self.coarse.resolution)
        passed = np.abs(self.coarse.to_nodes(self.coarse.crop(spectrum, centre) * mask))
        return np.divide(passed, self.mass, out=np.zeros_like(passed), where=self.mass > 0.0)


def gaussian_mask(coarse: CoarseGrid, offset: np.ndarray, resolution: float) -> np.ndarray:
    """Fourier transform of the Gaussian window about ``offset`` (x, y) from the crop's centre."""
    x, y = coarse.frequencies()
    squared = (x - offset[0]) ** 2 + (y - offset[1]) ** 2
    return np.exp(-2.0 * (np.pi * resolution) ** 2 * squared).astype(np.float32)


def measure_window(coarse: CoarseGrid, weights: np.ndarray) -> Window:
    """Measure the moments of the windows in a region: pixels with weights between 0 and 1."""
    width = coarse.resolution
    mass, first, second = _derivatives(coarse, coarse.spectrum(weights), width)
    inside = mass > MINIMUM_MASS
    safe = np.where(inside, mass, np.float32(1.0))
    first, second = first * (inside / safe), second * (inside / safe)
    jacobian = IDENTITY + width**2 * (second - first[:, None] * first[None])
    inverse = invert(jacobian)
    centroid = width**2 * first

    narrow = width / np.sqrt(2.0)
    density, slope, curvature = _derivatives(coarse, coarse.spectrum(weights**2), narrow)
    arm = narrow**2 * slope
    spread = narrow**4 * curvature + IDENTITY * narrow**2 * density
    cross = centroid[:, None] * arm[None]
    spread = spread - cross - cross.swapaxes(0, 1)
    spread = spread + density * centroid[:, None] * centroid[None]
    # The squared window is a narrower window times 1 / (4 pi s^2) per unit of area.
    noise = coarse.scale[0] * coarse.scale[1] / (4.0 * np.pi * width**2) / safe**2
    rate = inverse / width**2
    gradient = np.einsum("ij...,jk...,kl...->il...", rate, spread, rate) * (noise / 2.0)
    return Window(
        coarse=coarse,
        mass=np.where(inside, mass, 0.0),
        centroid=centroid,
        jacobian_inverse=inverse,
        amplitude_noise=np.maximum(noise * density, 0.0),
        gradient_noise=gradient,
    )


def fit_background(window: Window, spectrum: np.ndarray) -> np.ndarray:
    """Gaussian average of an image at the nodes, exact for a plane up to the outline.

    ``spectrum`` is that of the image with the weights of the window. The average is 0 where no
    window lies inside the region.
    """
    inside = window.mass > 0.0
    gain = inside / np.where(inside, window.mass, np.float32(1.0))
    width = window.coarse.resolution
    total, total_slope, _ = _derivatives(window.coarse, spectrum, width)
    mean = total * gain
    slope = total_slope * gain - mean * window.centroid / np.float32(width**2)
    slope = np.einsum("ij...,j...->i...", window.jacobian_inverse, slope)
    return mean - np.einsum("i...,i...->...", slope, window.centroid)


def invert(matrix: np.ndarray) -> np.ndarray:
    """Inverse of a field of 2x2 matrices, shape (2, 2, ...)."""
    determinant = matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]
    adjugate = np.array([[matrix[1, 1], -matrix[0, 1]], [-matrix[1, 0], matrix[0, 0]]])
    return adjugate / determinant


def _derivatives(
    coarse: CoarseGrid, spectrum: np.ndarray, width: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gaussian average of a real image, its gradient and its Hessian at the nodes."""
    smoothed = coarse.crop(spectrum) * gaussian_mask(coarse, np.zeros(2), width)
    slopes = [2j * np.pi * frequency.astype(np.float32) for frequency in coarse.frequencies()]
    value = coarse.to_nodes(smoothed).real
    first = np.array([coarse.to_nodes(smoothed * slope).real for slope in slopes])
    second = np.empty((2, 2, *value.shape), np.float32)
    for i, j in ((0, 0), (0, 1), (1, 1)):
        second[i, j] = second[j, i] = coarse.to_nodes(smoothed * slopes[i] * slopes[j]).real
    return value, first, second
