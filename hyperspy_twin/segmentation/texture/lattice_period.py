"""The longest lattice period that an image shows anywhere."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.segmentation.resampling import cosine_spectrum, resample
from hyperspy_twin.segmentation.texture.local_spectra import STRONG, find_tile_peaks

# All set on the tuning half of benchmarks/segmentation.py.
# Lattice periods across a tile.
PERIODS = 8.0
# Side of a tile in pixels.
_TILE = 64
# Shorter side of the coarsest level in pixels.
_SMALLEST_LEVEL = 40
# Least cycles per tile of a lattice that a level of the pyramid is right for.
_FIRST = 6.0
# Most cycles, one octave higher.
_LAST = 12.0
# Tiles that must show a lattice at a level.
_FEWEST_TILES = 2
# Their power as a fraction of that at the best level: less is a forbidden or a superlattice peak.
_MIN_POWER = 0.05
# Smoothing before a level is sampled, in its pixels.
LEVEL_SMOOTHING = 0.3
# Fraction of all power in the peaks that are shorter than the typical one.
_SHORT = 0.25


def find_longest_period(image: np.ndarray) -> float | None:
    """Find the longest period of the lattices in an image.

    The image is halved until it is narrower than a tile, and peaks of 6 to 12 cycles are sought
    in the tiles of each level (finer ones too in the image itself). The coarsest level counts
    whose peaks hold a twentieth of the power of those of the best one.

    Parameters
    ----------
    image : numpy.ndarray
        Shape (rows, columns), float32.

    Returns
    -------
    float or None
        Period in pixels; None where no lattice is seen.
    """
    spectrum = cosine_spectrum(image)
    shown: list[float] = []
    periods: list[float] = []
    factor = 1
    while True:
        shape = tuple(int(np.ceil(n / factor)) for n in image.shape)
        tile = min(_TILE, min(shape) // 2 * 2)
        level = image if factor == 1 else resample(spectrum, shape, LEVEL_SMOOTHING * factor)
        peaks = find_tile_peaks(level, tile, tile)
        radius = np.linalg.norm(peaks.frequency, axis=-1) * (_TILE / tile)
        last = np.inf if factor == 1 else _LAST
        found = (peaks.ratio > STRONG) & (radius >= _FIRST) & (radius < last)
        strongest = np.max(np.where(found, peaks.amplitude, 0), axis=-1)
        power = float(np.sum(strongest**2)) * (tile * factor) ** 2
        shown.append(power if np.count_nonzero(strongest) >= _FEWEST_TILES else 0.0)
        periods.append(_TILE * factor / _find_typical_length(radius[found], peaks.amplitude[found]))
        factor *= 2
        if min(image.shape) / factor < _SMALLEST_LEVEL:
            break
    best = np.array(shown)
    if not best.any():
        return None
    return periods[int(np.flatnonzero(best >= _MIN_POWER * best.max())[-1])]


def _find_typical_length(radius: np.ndarray, amplitude: np.ndarray) -> float:
    """Length of short peaks: a quarter of all power has a smaller one."""
    if not radius.size:
        return _FIRST
    order = np.argsort(radius)
    power = np.cumsum(amplitude[order] ** 2)
    return float(radius[order][np.searchsorted(power, _SHORT * power[-1])])
