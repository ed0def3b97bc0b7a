"""What the regions of an image should be homogeneous in: brightness and lattice waves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from hyperspy_twin.segmentation.resampling import resample
from hyperspy_twin.segmentation.smoothing import remove_lattice
from hyperspy_twin.segmentation.texture import HIGHEST_FREQUENCY, find_longest_period

# All but those with a reason of their own are set on the tuning half of benchmarks/segmentation.py.
# Side of a tile for lattice features in periods of the lattice.
_PERIODS_PER_TILE = 6.0
# Strongest waves that are kept.
_WAVES = 24
# Stands in for the period where there is none, in pixels.
_NO_PERIOD = 8.0
# Lowest frequency of a wave in cycles per tile, beyond the main lobe of the Hann window.
_LOWEST = 2.5
# Smoothing of the brightness in periods of the lattice.
_LATTICE_SMOOTHING = 0.5
# Shorter sides of the image in units of its least smoothing.
_FINEST = 200
# Least smoothing in pixels.
_MIN_SMOOTHING = 2.0


@dataclass(frozen=True)
class Features:
    """What regions should be homogeneous in, on coarse grids over the image.

    Attributes
    ----------
    brightness
        Smoothed image without its lattice, shape (rows, columns).
    waves
        Amplitudes of the strongest lattice waves in tiles, shape (tile rows, tile columns, waves);
        no waves where the image has no lattice.
    tile
        Side of a tile in pixels.
    """

    brightness: np.ndarray
    waves: np.ndarray
    tile: int


def measure_features(image: np.ndarray) -> Features:
    """Brightness and lattice amplitudes of an image, shape (rows, columns)."""
    flat = remove_lattice(image - image.mean())
    period = flat.period
    of_lattice = _LATTICE_SMOOTHING * (period or 0.0)
    smoothing = max(of_lattice, min(image.shape) / _FINEST, _MIN_SMOOTHING)
    shape = tuple(int(np.ceil(n / smoothing)) for n in image.shape)
    brightness = resample(flat.spectrum, shape, smoothing)
    tile = min(int(round(_PERIODS_PER_TILE * (period or _NO_PERIOD))), min(image.shape))
    if period is None and find_longest_period(image) is None:
        return Features(brightness, np.zeros((1, 1, 0), np.float32), tile)
    return Features(brightness, measure_waves(image, tile), tile)


def measure_waves(image: np.ndarray, tile: int) -> np.ndarray:
    """Amplitudes of the strongest waves in half-overlapping tiles, relative to the brightness.

    The side of a tile is in pixels, at most that of the image. Shape (tile rows, tile columns, 24).
    """
    starts = place_tiles(image.shape, tile)
    counts = [start.size for start in starts]
    window = np.outer(*[np.hanning(tile + 2)[1:-1].astype(np.float32)] * 2)
    views = np.lib.stride_tricks.sliding_window_view(image, (tile, tile))
    tiles = views[np.ix_(*starts)]
    tiles = (tiles - tiles.mean(axis=(-2, -1), keepdims=True)) * window
    amplitude = np.abs(scipy.fft.rfft2(tiles, workers=-1)).reshape(*counts, tile, -1)
    frequency = np.hypot(np.fft.fftfreq(tile)[:, None], np.fft.rfftfreq(tile))
    amplitude = amplitude[..., (frequency > _LOWEST / tile) & (frequency < HIGHEST_FREQUENCY)]
    flat = amplitude.reshape(-1, amplitude.shape[-1])
    strongest = np.argsort(-(flat**2).mean(axis=0))[:_WAVES]
    return amplitude[..., strongest]


def place_tiles(shape: tuple[int, ...], tile: int) -> list[np.ndarray]:
    """First rows and first columns of half-overlapping tiles."""
    return [
        np.linspace(0, n - tile, max(int(2 * n / tile) - 1, 1)).round().astype(int) for n in shape
    ]
