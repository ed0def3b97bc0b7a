"""The longest lattice period that an image shows anywhere."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.segmentation.edges.smoothing import cosine_spectrum, resample
from hyperspy_twin.segmentation.texture.local_spectra import STRONG, find_tile_spots

# Lattice periods across a tile.
PERIODS = 8.0
_TILE = 64
_SMALLEST_TILE = 40
# Cycles per tile of a lattice that a level of the pyramid is right for: one octave.
_FIRST, _LAST = 6.0, 12.0
# Tiles that show a lattice at one level, and their power as a share of that at the best level:
# less is a forbidden or a superlattice spot.
_LEAST_TILES = 2
_LEAST_SHARE = 0.05


def longest_period(image: np.ndarray) -> float | None:
    """Find the longest period of the lattices in an image.

    The image is halved until it is narrower than a tile, and spots of 6 to 12 cycles are sought
    in the tiles of each level (finer ones too in the image itself). The coarsest level counts
    whose spots hold a twentieth of the power of those of the best one.

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
        level = image if factor == 1 else resample(spectrum, shape, 0.3 * factor)
        spots = find_tile_spots(level, tile, tile)
        radius = np.linalg.norm(spots.frequency, axis=-1) * (_TILE / tile)
        last = np.inf if factor == 1 else _LAST
        found = (spots.ratio > STRONG) & (radius >= _FIRST) & (radius < last)
        strongest = np.max(np.where(found, spots.amplitude, 0), axis=-1)
        power = float(np.sum(strongest**2)) * (tile * factor) ** 2
        shown.append(power if np.count_nonzero(strongest) >= _LEAST_TILES else 0.0)
        periods.append(_TILE * factor / _typical(radius[found], spots.amplitude[found]))
        factor *= 2
        if min(image.shape) / factor < _SMALLEST_TILE:
            break
    best = np.array(shown)
    if not best.any():
        return None
    return periods[int(np.flatnonzero(best >= _LEAST_SHARE * best.max())[-1])]


def _typical(radius: np.ndarray, amplitude: np.ndarray) -> float:
    """Length of short spots: a quarter of all power has a smaller one."""
    if not radius.size:
        return _FIRST
    order = np.argsort(radius)
    share = np.cumsum(amplitude[order] ** 2)
    return float(radius[order][np.searchsorted(share, 0.25 * share[-1])])
