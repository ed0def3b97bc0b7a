"""Windowed Fourier transforms of regions, on reciprocal axes that are right for every size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import fft, ndimage

from hyperspy_twin.core import Grid, region_window


def spectrum(image: np.ndarray) -> np.ndarray:
    """Fourier transform of an image with the zero frequency at the centre.

    Parameters
    ----------
    image
        Real image, shape (rows, columns).

    Returns
    -------
    numpy.ndarray
        complex64 (complex128 for a double-precision image), shape (rows, columns), without
        normalisation; :func:`inverse_spectrum` gives the image back.
    """
    image = image if image.dtype == np.float64 else image.astype(np.float32)
    return fft.fftshift(fft.fft2(image, workers=-1))


def inverse_spectrum(transform: np.ndarray) -> np.ndarray:
    """Real image of a centred Fourier transform, shape (rows, columns)."""
    return fft.ifft2(fft.ifftshift(transform), workers=-1).real


def reciprocal_axes(grid: Grid) -> tuple[tuple[float, float], tuple[float, float]]:
    """Scale and offset, each (x, y), of the axes of :func:`spectrum`.

    The zero frequency sits at index ``size // 2`` for even and odd sizes alike.
    """
    rows, columns = grid.shape
    extent_x, extent_y = grid.extent
    scale = (1.0 / extent_x, 1.0 / extent_y)
    return scale, (-(columns // 2) * scale[0], -(rows // 2) * scale[1])


@dataclass(frozen=True)
class WindowedRegion:
    """A region cut out of its image, windowed, and its half-plane spectrum.

    Attributes
    ----------
    pixels
        Windowed pixels with their weighted mean removed, float32 (rows, columns).
    window
        The window, float32 (rows, columns).
    transform
        Complex half-plane spectrum as of :func:`scipy.fft.rfft2`.
    grid
        Grid of the cut-out.
    """

    pixels: np.ndarray
    window: np.ndarray
    transform: np.ndarray
    grid: Grid

    @cached_property
    def power(self) -> np.ndarray:
        """Power spectrum on the half plane, float32."""
        return self.transform.real**2 + self.transform.imag**2


def windowed_region(image: np.ndarray, grid: Grid, mask: np.ndarray) -> WindowedRegion:
    """Cut a region out of an image, apodise it and transform it.

    Parameters
    ----------
    image
        Shape (rows, columns).
    grid
        Grid of the image.
    mask
        Boolean region, shape (rows, columns), not empty.

    Returns
    -------
    WindowedRegion
        On the smallest rectangle around the region.
    """
    cut = ndimage.find_objects(mask.astype(np.uint8))[0]
    window = region_window(mask[cut])
    pixels = image[cut].astype(np.float32)
    total = float(window.sum(dtype=float))
    if total > 0:
        pixels = pixels - np.float32((window * pixels).sum(dtype=float) / total)
    pixels = pixels * window
    part = Grid(pixels.shape, grid.scale, (grid.x[cut[1].start], grid.y[cut[0].start]))
    return WindowedRegion(pixels, window, fft.rfft2(pixels, workers=-1), part)


def region_amplitude(image: np.ndarray, grid: Grid, mask: np.ndarray) -> np.ndarray:
    """Amplitude of the fringes in a region, on the frequencies of the whole image.

    Parameters
    ----------
    image, grid, mask
        As for :func:`windowed_region`.

    Returns
    -------
    numpy.ndarray
        float32, shape (rows, columns), in image units, zero frequency at ``size // 2``. A fringe
        a cos(2 pi g r) has the amplitude a at g and at -g.
    """
    region = windowed_region(image, grid, mask)
    transform = fft.fft2(region.pixels, s=grid.shape, workers=-1)
    scale = 2 / max(float(region.window.sum(dtype=float)), 1.0)
    return fft.fftshift(np.abs(transform)) * np.float32(scale)
