"""Images carried to coarser and finer grids over the same field."""

from __future__ import annotations

import numpy as np
import scipy.fft
from scipy import ndimage

# Pixel of a working grid in smoothing lengths: the Gaussian has fallen to exp(-2 (pi / 1.2)^2) =
# 1e-6 at the highest frequency that the grid holds.
WORKING_PIXEL = 0.6


def working_shape(shape: tuple[int, ...], smoothing: float) -> tuple[int, ...]:
    """Size of the coarsest grid that holds an image after a smoothing in pixels."""
    return tuple(int(np.ceil(n / max(WORKING_PIXEL * smoothing, 1))) for n in shape)


def cosine_spectrum(image: np.ndarray) -> np.ndarray:
    """Orthonormal cosine transform (type II), float32: no false edge where the image ends."""
    return scipy.fft.dctn(image, type=2, norm="ortho", workers=-1)


def resample(spectrum: np.ndarray, shape: tuple[int, ...], smoothing: float) -> np.ndarray:
    """Gaussian-smoothed image on a coarser grid over the same field, from its cosine spectrum.

    Frequencies that the grid cannot hold are cut off. ``smoothing`` is the standard deviation of
    the Gaussian in pixels of the image.
    """
    rows, columns = spectrum.shape
    falloff = -2 * (np.pi * smoothing) ** 2
    vertical = np.exp(falloff * (np.arange(shape[0]) / (2 * rows)) ** 2)
    horizontal = np.exp(falloff * (np.arange(shape[1]) / (2 * columns)) ** 2)
    kept = spectrum[: shape[0], : shape[1]] * np.outer(vertical, horizontal).astype(np.float32)
    kept *= np.sqrt(shape[0] * shape[1] / (rows * columns))
    return scipy.fft.idctn(kept, type=2, norm="ortho", workers=-1, overwrite_x=True)


def refine(coarse: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Band-limited interpolation of a coarse image to a finer grid over the same field."""
    padded = np.zeros(shape, np.float32)
    padded[: coarse.shape[0], : coarse.shape[1]] = cosine_spectrum(coarse)
    padded *= np.sqrt(shape[0] * shape[1] / coarse.size)
    return scipy.fft.idctn(padded, type=2, norm="ortho", workers=-1, overwrite_x=True)


def sample(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Value of the nearest pixel on another grid over the same field."""
    rows, columns = (
        np.minimum(((np.arange(n) + 0.5) * m / n).astype(int), m - 1)
        for n, m in zip(shape, values.shape, strict=True)
    )
    return values[np.ix_(rows, columns)]


def nearest_pixels(positions: list[np.ndarray], shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Index of the pixels nearest to positions along each axis, in pixels of a grid."""
    return np.ix_(
        *(
            np.clip(np.rint(at).astype(int), 0, n - 1)
            for at, n in zip(positions, shape, strict=True)
        )
    )


def linear_weights(position: np.ndarray, count: int) -> np.ndarray:
    """Weights of linear interpolation between values at 0..count-1, constant beyond; (n, count)."""
    position = np.clip(position, 0, count - 1)
    return np.maximum(1 - np.abs(position[:, None] - np.arange(count)), 0)


def continue_beyond(
    working: np.ndarray, certain: np.ndarray, own: np.ndarray, factor: int, smoothing: float
) -> tuple[np.ndarray, np.ndarray]:
    """Smooth one region further from its certain pixels alone, and carry it on beyond its border.

    ``certain`` are the pixels whose brightness counts, ``own`` all of the region, and ``smoothing``
    is the standard deviation of the Gaussian in pixels. Returns the smoothed image, float32, and
    the region, bool, on a grid coarser by the factor.

    References
    ----------
    Knutsson & Westin, Proc. IEEE CVPR (1993) 515 (normalised convolution).
    """
    sigma = _remaining_smoothing(factor, smoothing)
    mean = working[certain].mean()
    weight = _average_blocks(certain.astype(np.float32), factor)
    total = _average_blocks(np.where(certain, working - mean, 0).astype(np.float32), factor)
    weight, total = (
        ndimage.gaussian_filter(array, sigma, mode="constant") for array in (weight, total)
    )
    # Far from all certain pixels the mean of the region stands in.
    value = mean + total / np.maximum(weight, np.float32(1e-4))
    return value, _average_blocks(own.astype(np.float32), factor) >= 0.5


def coarsen(working: np.ndarray, factor: int, smoothing: float) -> np.ndarray:
    """Image smoothed further on a grid coarser by the factor; `continue_beyond` without a mask."""
    padding = [(0, -n % factor) for n in working.shape]
    padded = np.pad(working, padding, mode="edge")
    return ndimage.gaussian_filter(
        _average_blocks(padded, factor), _remaining_smoothing(factor, smoothing), mode="nearest"
    )


def _remaining_smoothing(factor: int, smoothing: float) -> float:
    """Smoothing in blocks that remains to be done after the mean over blocks."""
    return float(np.sqrt(max(smoothing**2 / factor**2 - (1 - 1 / factor**2) / 12, 0.0)))


def _average_blocks(values: np.ndarray, factor: int) -> np.ndarray:
    """Mean over blocks of factor x factor pixels; the last ones are filled with zero."""
    rows, columns = (-(-n // factor) for n in values.shape)
    padding = [(0, m * factor - n) for n, m in zip(values.shape, (rows, columns), strict=True)]
    padded = np.pad(values, padding)
    return padded.reshape(rows, factor, columns, factor).mean(axis=(1, 3))
