"""Windowed Fourier transforms of regions, on reciprocal axes that are right for every size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage
from scipy.interpolate import CubicSpline

from hyperspy_twin.grid import Grid

COARSE_SIZE = 200  # pixels across the grid on which a window is computed


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
    return fft.fftshift(fft.fft2(_as_float(image), workers=-1))


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


def region_window(mask: np.ndarray) -> np.ndarray:
    """Smooth window that is 1 deep inside a region and falls to 0 on its outline.

    The region is shrunk by half of its largest distance to the outline (or to the border of the
    image) and blurred by a Gaussian that leaves about one per cent on the outline, so that the
    transform of the window falls like a Gaussian and sharp or oblique outlines leave no streaks.

    Parameters
    ----------
    mask
        Boolean region, shape (rows, columns).

    Returns
    -------
    numpy.ndarray
        float32 window, shape (rows, columns).
    """
    step = max(1, min(mask.shape) // COARSE_SIZE)
    rows, columns = (np.arange(0, size + step - 1, step) for size in mask.shape)
    inside = np.minimum(rows, mask.shape[0] - 1), np.minimum(columns, mask.shape[1] - 1)
    distance = ndimage.distance_transform_edt(np.pad(mask[np.ix_(*inside)], 1))
    shrinkage = 0.5 * distance.max()
    core = (distance > shrinkage).astype(np.float32)
    window = ndimage.gaussian_filter(core, shrinkage / 2.2)[1:-1, 1:-1]
    if step > 1:
        window = _spline(rows, mask.shape[0]) @ window @ _spline(columns, mask.shape[1]).T
    return window * mask


def _spline(nodes: np.ndarray, size: int) -> np.ndarray:
    """Matrix (size, len(nodes)) that interpolates values on nodes to all pixels."""
    return CubicSpline(nodes, np.eye(len(nodes)))(np.arange(size)).astype(np.float32)


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

    @property
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
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    cut = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    window = region_window(mask[cut])
    pixels = image[cut].astype(np.float32)
    total = float(window.sum(dtype=float))
    if total > 0:
        pixels = pixels - np.float32((window * pixels).sum(dtype=float) / total)
    pixels = pixels * window
    offset = (grid.x[columns[0]], grid.y[rows[0]])
    part = Grid(pixels.shape, grid.scale, offset)
    return WindowedRegion(pixels, window, fft.rfft2(pixels, workers=-1), part)


def _as_float(image: np.ndarray) -> np.ndarray:
    return image if image.dtype == np.float64 else image.astype(np.float32)
