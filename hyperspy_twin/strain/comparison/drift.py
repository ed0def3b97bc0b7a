"""Drift between two images of a series, as far as their slow contrast tells it.

Lattice planes cannot tell it, because they repeat. Brightness and strength of the fringes, averaged
over the window of the analysis, are what outlines follow: they are correlated at all shifts by less
than half of the image.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from scipy.ndimage import gaussian_filter

from hyperspy_twin.core import Grid

# Samples per resolution: smoothed by it, contrast is all kept.
SAMPLES = 2.0
# Shifts are found up to this fraction of the image.
LARGEST_SHIFT = 0.5
# Correlation over its standard error, both by Fisher's transform, at least: by chance one of a few
# hundred independent shifts reaches it in one of 10 000 pairs of images.
SIGNIFICANCE = 5.0
# Standard errors by which a correlation may be lower, and the shift still be possible.
EQUAL = 1.0
# Correlations are cut to this, whose transform is finite.
LARGEST = 1.0 - 1e-9
# Variance in an overlap, over that of the image, that is rounding of the sums.
ROUNDING = 1e-9


def slow_contrast(image: np.ndarray, grid: Grid, resolution: float) -> tuple[np.ndarray, Grid]:
    """Brightness and strength of the fringes, smoothed with the window, on a coarse grid.

    Parameters
    ----------
    image
        Shape (rows, columns).
    grid
        Its grid.
    resolution
        Standard deviation of the window.

    Returns
    -------
    contrast : ndarray
        Of zero mean and unit variance, or 0 where there is none, shape (2, rows, columns).
    coarse : Grid
        Its grid.
    """
    steps = [max(1, int(resolution / SAMPLES / one)) for one in grid.scale[::-1]]
    shape = [size // step for size, step in zip(image.shape, steps, strict=True)]
    part = image[: shape[0] * steps[0], : shape[1] * steps[1]].astype(np.float32)
    part = part - part.mean()
    blocks = part.reshape(shape[0], steps[0], shape[1], steps[1])
    scale = grid.scale[0] * steps[1], grid.scale[1] * steps[0]
    widths = [resolution / one for one in scale[::-1]]
    bright = gaussian_filter(blocks.mean(axis=(1, 3)), widths)
    strength = gaussian_filter(np.square(blocks).mean(axis=(1, 3)), widths) - bright**2
    found = np.stack([bright, np.sqrt(np.maximum(strength, 0.0))]).astype(float)
    found -= found.mean(axis=(1, 2), keepdims=True)
    spread = found.std(axis=(1, 2), keepdims=True)
    found = np.divide(found, spread, out=np.zeros_like(found), where=spread > 0.0)
    return found, Grid((shape[0], shape[1]), scale)


def find_drift(
    before: np.ndarray, after: np.ndarray, coarse: Grid, resolution: float
) -> tuple[float, float] | None:
    """Shift (x, y) of what an image shows, from the first to the second.

    Parameters
    ----------
    before, after
        Contrast of both images, see :func:`slow_contrast`.
    coarse
        Its grid.
    resolution
        Standard deviation of the window.

    Returns
    -------
    tuple of float or None
        The smallest that the images allow, in the unit of the grid, to half a resolution; None
        where they have no significant slow contrast in common.
    """
    pairs = [_correlate(one, other) for one, other in zip(before, after, strict=True)]
    (y, x), overlap, _ = pairs[0]
    patches = overlap * coarse.scale[0] * coarse.scale[1] / (4.0 * np.pi * resolution**2)
    found = [correlation for _, _, correlation in pairs]
    # Fisher's transform has the standard error 1 / sqrt(n - 3), whatever the correlation.
    transformed = np.arctanh(np.clip(found, -LARGEST, LARGEST))
    weight = np.sqrt(np.maximum(patches - 3.0, 0.0))
    channel, *best = np.unravel_index(int(np.argmax(transformed * weight)), transformed.shape)
    highest, certainty = transformed[channel][tuple(best)], weight[tuple(best)]
    if highest * certainty < SIGNIFICANCE:
        return None
    # Along a straight interface all shifts are alike.
    distance = np.hypot.outer(y * coarse.scale[1], x * coarse.scale[0])
    alike = transformed[channel] >= highest - EQUAL / certainty
    row, column = np.unravel_index(int(np.argmin(np.where(alike, distance, np.inf))), alike.shape)
    return float(x[column] * coarse.scale[0]), float(y[row] * coarse.scale[1])


def _correlate(
    before: np.ndarray, after: np.ndarray
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Correlation coefficient of two images over what they have in common at each shift.

    Returns
    -------
    lags : list of ndarray
        Shifts along y and x in pixels.
    overlap : ndarray
        Number of pixels in common at each shift, shape (rows, columns).
    correlation : ndarray
        Same shape; 0 where an image has no contrast.
    """
    shape = before.shape
    padded = [scipy.fft.next_fast_len(2 * size, real=True) for size in shape]
    ones = scipy.fft.rfft2(np.ones(shape), padded)
    one, one_squared, other, other_squared = (
        scipy.fft.rfft2(part, padded) for part in (before, before**2, after, after**2)
    )
    lags = [scipy.fft.fftfreq(size, 1.0 / size) for size in padded]
    near = [np.abs(lag) <= LARGEST_SHIFT * size for size, lag in zip(shape, lags, strict=True)]

    def total(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return scipy.fft.irfft2(first.conj() * second, padded)[near[0]][:, near[1]]

    y, x = (lag[part] for lag, part in zip(lags, near, strict=True))
    overlap = np.multiply.outer(shape[0] - np.abs(y), shape[1] - np.abs(x))
    mean, other_mean = total(one, ones) / overlap, total(ones, other) / overlap
    variance = total(one_squared, ones) / overlap - mean**2
    other_variance = total(ones, other_squared) / overlap - other_mean**2
    product = np.maximum(variance, 0.0) * np.maximum(other_variance, 0.0)
    covariance = total(one, other) / overlap - mean * other_mean
    clear = product > ROUNDING**2
    correlation = np.divide(covariance, np.sqrt(product), out=np.zeros_like(product), where=clear)
    return [y, x], overlap, correlation
