"""Bragg filtering: the part of an image that some of its reflections carry.

Around each reflection g the spectrum is multiplied with the Gaussian exp(-2 pi^2 s^2 |k - g|^2),
which in real space averages the lattice wave with a Gaussian window of standard deviation s. The
mask depends on the reflections and on s alone, so that the filter is linear in the image. Windows
stop at the edges of the image and of its empty areas: the average there is over what the window
holds (normalised convolution), so that waves keep their amplitude up to the edge and do not wrap
around.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.ndimage

from hyperspy_twin.core import Grid
from hyperspy_twin.strain.bragg.taper import taper
from hyperspy_twin.strain.coarse_grid import CoarseGrid, make_coarse_grid
from hyperspy_twin.strain.gaussian_windows import gaussian_mask

# The weights rise over this many of the longest lattice spacings at an edge; set by judgement.
TAPER_SPACINGS = 2.0
# Windows with less than this fraction of their mass inside the image give no result; set by
# judgement.
MINIMUM_MASS = 0.02
# Half width of a mask in units of 1 / resolution: it has fallen to exp(-2 pi^2) = 3e-9 there,
# below the rounding of float32.
MASK_RADIUS = 1.0
# Standard deviations after which a Gaussian window is cut off: exp(-12.5) = 4e-6.
WINDOW_LENGTH = 5.0
# A side of the image must hold this many resolutions: two on either side of a window's centre.
MINIMUM_EXTENT = 4.0


def filter_reflections(
    image: np.ndarray,
    grid: Grid,
    groups: Sequence[np.ndarray],
    *,
    resolution: float,
    empty: np.ndarray | None = None,
) -> np.ndarray:
    """Filter an image by groups of reflections.

    Parameters
    ----------
    image
        Finite image, shape (rows, columns).
    grid
        Its grid.
    groups
        Reciprocal vectors (x, y) of each group in the reciprocal unit of the grid, shape (k, 2),
        one of each Friedel pair.
    resolution
        Standard deviation s of the Gaussian window in real space, in the unit of the grid. That
        of the mask is 1 / (2 pi s): a wave at the distance d from a reflection passes with
        exp(-2 pi^2 s^2 d^2) of its amplitude, and the end of a crystal is blurred by s.
    empty
        Pixels without an image, boolean, shape (rows, columns).

    Returns
    -------
    ndarray
        Filtered image of each group, float32, shape (n, rows, columns), without the mean of the
        image; NaN where a window holds less than 2 % of its mass.

    Raises
    ------
    ValueError
        If a shape does not fit, a value is not finite, a vector is zero or beyond the Nyquist
        frequency, or the window does not fit into the image.

    References
    ----------
    M. J. Hytch, E. Snoeck, R. Kilaas, Ultramicroscopy 74 (1998) 131-146 (Gaussian masks).

    H. Knutsson, C.-F. Westin, Proc. IEEE CVPR (1993) 515-523 (normalised convolution).
    """
    image = np.asarray(image)
    vectors = [np.asarray(one, float).reshape(-1, 2) for one in groups]
    _check(image, grid, vectors, resolution)
    coarse = make_coarse_grid(grid.shape, grid.scale, resolution)
    rim = TAPER_SPACINGS / min(np.linalg.norm(one, axis=1).min() for one in vectors)
    window = _make_window(coarse, rim, empty)
    masks = [_make_mask(coarse, one) for one in vectors]
    reached = np.unique(np.concatenate([mask.columns for mask in masks]))
    spectrum = _columns_of_spectrum(window.weigh(image), coarse, reached)
    result = np.empty((len(masks), *grid.shape), np.float32)
    for found, mask in zip(result, masks, strict=True):
        own = spectrum[:, np.searchsorted(reached, mask.columns)] * mask.values
        window.normalise(_image_of_columns(own, coarse, mask.columns), found)
    return result


def local_amplitude(filtered: np.ndarray, grid: Grid, *, resolution: float) -> np.ndarray:
    """Amplitude of the waves in a filtered image, where their fringes are averaged out.

    Parameters
    ----------
    filtered
        One image by :func:`filter_reflections`, shape (rows, columns).
    grid, resolution
        As there; the same window averages the squared image.

    Returns
    -------
    ndarray
        Root of twice the mean square, float32, shape (rows, columns): a for a cos(2 pi g r), and
        the root of the sum of squares for several waves. NaN where the image is.
    """
    known = np.isfinite(filtered)
    coarse = make_coarse_grid(grid.shape, grid.scale, resolution)
    squared = np.where(known, 2.0 * filtered**2, np.float32(0.0))
    mask = gaussian_mask(coarse, np.zeros(2), resolution)

    def average(values: np.ndarray) -> np.ndarray:
        nodes = coarse.to_nodes(coarse.crop(coarse.spectrum(values)) * mask).real
        return coarse.to_pixels(nodes)

    if known.all():
        mass = np.outer(*(_mass_along(coarse, i, np.ones(n)) for i, n in enumerate(grid.shape)))
    else:
        mass = np.maximum(average(known.astype(np.float32)), np.float32(MINIMUM_MASS))
    found = np.sqrt(np.maximum(average(squared) / mass, 0.0), dtype=np.float32)
    found[~known] = np.nan
    return found


@dataclass(frozen=True, eq=False)
class _Window:
    """Weights of the pixels, and the fraction of the Gaussian window that they hold.

    Each is an array of the image or, where it is their product, a pair for rows and columns.
    """

    weights: tuple[np.ndarray, ...]
    mass: tuple[np.ndarray, ...]

    def weigh(self, image: np.ndarray) -> np.ndarray:
        """Image less its weighted mean times the weights, float32."""
        result = np.multiply(image, self.weights[0], dtype=np.float32)
        for factor in self.weights[1:]:
            result *= factor
        # The mean is that of the weights, which the window holds no less exactly than the image.
        total = np.prod([factor.sum(dtype=float) for factor in self.weights])
        mean = np.float32(result.sum(dtype=float) / max(float(total), 1.0))
        result -= mean * np.prod(np.broadcast_arrays(*self.weights), axis=0)
        return result

    def normalise(self, image: np.ndarray, result: np.ndarray) -> None:
        """Divide an image by the mass of the windows."""
        np.divide(image, self.mass[0], out=result)
        for factor in self.mass[1:]:
            result /= factor


def _make_window(coarse: CoarseGrid, rim: float, empty: np.ndarray | None) -> _Window:
    """Window of the whole image, or of what is not empty."""
    (rows, row_mass), (columns, column_mass) = (_window_along(coarse, i, rim) for i in (0, 1))
    if empty is None or not empty.any():
        return _Window((rows[:, None], columns), (row_mass[:, None], column_mass))
    distance = scipy.ndimage.distance_transform_edt(~empty, sampling=coarse.scale[::-1])
    half_pixel = 0.5 * min(coarse.scale)
    weights = taper((distance - half_pixel).clip(0.0).astype(np.float32), rim)
    weights *= np.outer(rows, columns)
    mask = gaussian_mask(coarse, np.zeros(2), coarse.resolution)
    mass = coarse.to_pixels(coarse.to_nodes(coarse.crop(coarse.spectrum(weights)) * mask).real)
    mass[(mass < MINIMUM_MASS) | empty] = np.nan
    return _Window((weights,), (mass,))


def _window_along(coarse: CoarseGrid, axis: int, rim: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the rows or columns, which rise over the rim, and the mass in their windows."""
    size, step = coarse.shape[axis], coarse.scale[1 - axis]
    place = np.arange(size)
    distance = (np.minimum(place, place[::-1]) + 0.5).astype(np.float32) * np.float32(step)
    weights = taper(distance, rim)
    return weights, _mass_along(coarse, axis, weights)


def _mass_along(coarse: CoarseGrid, axis: int, weights: np.ndarray) -> np.ndarray:
    """Gaussian average of weights along an axis of the image, zeros beyond its edges."""
    width = coarse.resolution / coarse.scale[1 - axis]
    mass = scipy.ndimage.gaussian_filter1d(
        weights.astype(float), width, mode="constant", truncate=WINDOW_LENGTH
    )
    return mass.astype(np.float32)


@dataclass(frozen=True, eq=False)
class _Mask:
    """Some columns of the half spectrum and the mask there, shape (rows, len(columns))."""

    columns: np.ndarray
    values: np.ndarray


def _make_mask(coarse: CoarseGrid, vectors: np.ndarray) -> _Mask:
    """Largest of the Gaussians around the vectors and their opposites."""
    rows, columns = coarse.padded
    half = columns // 2
    steps = 1.0 / (np.array(coarse.padded) * np.array(coarse.scale[::-1]))
    reach = np.ceil(MASK_RADIUS / coarse.resolution / steps).astype(int)
    values = np.zeros((rows, half + 1), np.float32)
    for vector in np.concatenate([vectors, -vectors]):
        lines = []
        for axis in (0, 1):
            centre = vector[1 - axis] / steps[axis]
            index = round(float(centre)) + np.arange(-reach[axis], reach[axis] + 1)
            turn = np.pi * coarse.resolution * (index - centre) * steps[axis]
            lines.append((index, np.exp(-2.0 * turn**2).astype(np.float32)))
        (row, along_y), (column, along_x) = lines
        inside = (column >= 0) & (column <= half)
        box = np.ix_(row % rows, column[inside])
        values[box] = np.maximum(values[box], np.outer(along_y, along_x[inside]))
    reached = np.flatnonzero(values.any(axis=0))
    return _Mask(reached, values[:, reached])


def _columns_of_spectrum(image: np.ndarray, coarse: CoarseGrid, columns: np.ndarray) -> np.ndarray:
    """Give some columns of the half spectrum of the zero-padded image, complex64."""
    lines = scipy.fft.rfft(image, coarse.padded[1], axis=1, workers=-1)[:, columns]
    return scipy.fft.fft(lines, coarse.padded[0], axis=0, workers=-1)


def _image_of_columns(spectrum: np.ndarray, coarse: CoarseGrid, columns: np.ndarray) -> np.ndarray:
    """Image whose half spectrum has some columns and zeros beside."""
    rows, width = coarse.shape
    lines = scipy.fft.ifft(spectrum, axis=0, overwrite_x=True, workers=-1)
    half = np.zeros((rows, coarse.padded[1] // 2 + 1), np.complex64)
    half[:, columns] = lines[:rows]
    return scipy.fft.irfft(half, coarse.padded[1], axis=1, overwrite_x=True, workers=-1)[:, :width]


def _check(image: np.ndarray, grid: Grid, groups: list[np.ndarray], resolution: float) -> None:
    """Raise a ValueError for input that cannot be filtered."""
    if image.ndim != 2 or image.shape != grid.shape:
        raise ValueError(f"the image has shape {image.shape}, its grid {grid.shape}")
    if not np.isfinite(image).all():
        raise ValueError("the image holds NaN or infinite values: replace or crop them first")
    if not groups or not all(len(one) for one in groups):
        raise ValueError("a group without reflections lets nothing through: give at least one")
    vectors = np.concatenate(groups)
    if not np.isfinite(vectors).all() or not vectors.any(axis=1).all():
        raise ValueError("the vectors must be finite and different from zero")
    nyquist = 0.5 / np.array(grid.scale)
    if (np.abs(vectors) >= nyquist).any():
        raise ValueError(f"a vector lies beyond the Nyquist frequency {tuple(nyquist)}")
    if not np.isfinite(resolution) or resolution <= 0.0:
        raise ValueError(f"the resolution must be a positive length, not {resolution}")
    if min(grid.extent) < MINIMUM_EXTENT * resolution:
        raise ValueError(
            f"the image is too small ({min(grid.extent):g}) for the resolution {resolution:g}: it "
            f"needs {MINIMUM_EXTENT:g} times the resolution"
        )
