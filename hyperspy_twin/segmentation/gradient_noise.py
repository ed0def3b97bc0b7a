"""Noise of the gradient of a smoothed image, also where it differs across the image."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.segmentation.resampling import linear_weights

# Lower quartile of a Rayleigh distribution of unit scale, sqrt(-2 ln(3/4)): gradient magnitude of
# pure noise.
_RAYLEIGH_QUARTILE = 0.75853
# Gradient below which nothing is taken for an edge, in brightness ranges per smoothing length: with
# the strength that a long border needs, a sharp step below about 5 % of the range is none.
_MIN_GRADIENT = 0.0075
# The others are set on the tuning half of benchmarks/segmentation.py.
# Noise at any position, in units of that of the whole image, at least.
_MIN_NOISE = 0.25
# Texture of one tile, in the same units, at most.
_TEXTURE_LIMIT = 3.0
# Noise of one class of brightness, in the same units, at most.
_BRIGHTNESS_LIMIT = 1.5
_BRIGHTNESS_CLASSES = 16
# Pixels that are enough to tell the noise of the classes.
_BRIGHTNESS_SAMPLE = 50_000
# Side of a tile in smoothing lengths, and at least in pixels.
_TILE = 32
_MIN_TILE = 16


def estimate_gradient_noise(
    magnitude: np.ndarray, working: np.ndarray, *, inside: np.ndarray, smoothing: float, span: float
) -> np.ndarray:
    """Scale of the gradient that noise and texture make at each pixel.

    Edges fill a small part of an image, so that the lower quartile of the gradient magnitude tells
    the noise (Canny estimates it from a low percentile too). It is taken for the whole area, in
    tiles (texture of one region) and in classes of brightness (counting noise), and never below
    0.0075 of the brightness range over one smoothing length: with the strength that
    a border needs, a sharp step below about 5 % of the range is no border.

    ``magnitude`` is the gradient magnitude per pixel, ``working`` the smoothed image, ``inside``
    the pixels that count, ``smoothing`` the smoothing length in pixels and ``span`` the brightness
    range of the whole image. Returns the Rayleigh scale (standard deviation of one component).

    References
    ----------
    Canny, IEEE Trans. Pattern Anal. Mach. Intell. 8 (1986) 679.
    """
    everywhere = _rayleigh_scale(magnitude[inside])
    floor = max(_MIN_NOISE * everywhere, _MIN_GRADIENT * span / smoothing)
    base = max(everywhere, floor)
    bright = np.minimum(_by_brightness(magnitude, working, inside), _BRIGHTNESS_LIMIT * base)
    local = _by_position(magnitude, inside, smoothing, everywhere)
    local = np.clip(local, max(floor, float(np.finfo(np.float32).tiny)), _TEXTURE_LIMIT * base)
    return np.maximum(bright, local).astype(np.float32)


def brightness_range(working: np.ndarray) -> float:
    """Range between the first and the last per cent of the brightness."""
    low, high = np.quantile(working, [0.01, 0.99])
    return float(high - low)


def _rayleigh_scale(magnitude: np.ndarray) -> float:
    return float(np.quantile(magnitude, 0.25) / _RAYLEIGH_QUARTILE)


def _by_position(
    magnitude: np.ndarray, inside: np.ndarray, smoothing: float, everywhere: float
) -> np.ndarray:
    """Noise in tiles of 32 smoothing lengths, interpolated between their centres.

    A tile that lies outside by more than half has the noise of the whole area.
    """
    tile = max(int(_TILE * smoothing), _MIN_TILE)
    rows, columns = (np.array_split(np.arange(n), max(n // tile, 1)) for n in magnitude.shape)
    tiles = np.full((len(rows), len(columns)), everywhere)
    for row, column in np.ndindex(tiles.shape):
        block = np.ix_(rows[row], columns[column])
        if inside[block].mean() > 0.5:
            tiles[row, column] = _rayleigh_scale(magnitude[block][inside[block]])
    down, across = (
        linear_weights((np.arange(n) + 0.5) * m / n - 0.5, m)
        for n, m in zip(magnitude.shape, tiles.shape, strict=True)
    )
    return down @ tiles @ across.T


def _by_brightness(magnitude: np.ndarray, working: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Noise as a function of brightness that never falls as the image gets brighter.

    Taking the smallest value of all brighter classes keeps a blurred edge, which holds the
    brightness between two regions, from passing for noise.
    """
    every = max(int(inside.sum()) // _BRIGHTNESS_SAMPLE, 1)
    flat, steepness = working[inside][::every], magnitude[inside][::every]
    groups = np.array_split(np.argsort(flat), min(_BRIGHTNESS_CLASSES, flat.size))
    scale = np.array([_rayleigh_scale(steepness[group]) for group in groups])
    rising = np.minimum.accumulate(scale[::-1])[::-1]
    centre = [flat[group[group.size // 2]] for group in groups]
    return np.interp(working, centre, rising)
