"""Regions of the tiles of an image from the class of each."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.measure import label

from hyperspy_twin.segmentation.labels import fill_from_nearest
from hyperspy_twin.segmentation.texture.local_spectra import TilePeaks

# Ratio of the strengths of two kinds of texture; set, like those without another reason, on the
# tuning half of benchmarks/segmentation.py.
_FACTOR = 1.5
# Fraction of the variance of the logarithm that their division explains; a strength that varies
# evenly over an image gives 0.75.
_EXPLAINED = 0.8
_MOST_KINDS = 4
# Tiles of each kind.
_FEWEST_TILES = 8
# Least strength of a texture, as a fraction of the largest.
_MIN_STRENGTH = 1e-3


def find_texture_kinds(texture: np.ndarray, without: np.ndarray) -> np.ndarray:
    """Tell kinds of tiles without a lattice by the strength of their texture.

    ``texture`` is the standard deviation of the fast variations of each tile, shape (m, n). Kinds
    are 0, 1, ..., and -1 where ``without`` is False.
    """
    kinds = np.full(texture.shape, -1)
    values = texture[without]
    if values.size:
        weakest = _MIN_STRENGTH * values.max() + np.finfo(np.float32).tiny
        logarithm = np.log(np.maximum(values, weakest))
        kinds[without] = np.searchsorted(_find_cuts(np.sort(logarithm)), logarithm)
    return kinds


def _find_cuts(ordered: np.ndarray) -> list[float]:
    """Numbers between clearly separate groups of ordered numbers."""
    if ordered.size < 2 * _FEWEST_TILES:
        return []
    count = np.arange(1, ordered.size)
    low = np.cumsum(ordered)[:-1] / count
    high = (ordered.sum() - count * low) / (ordered.size - count)
    cut = int(np.argmax(count * (ordered.size - count) * (high - low) ** 2)) + 1
    below, above = ordered[:cut], ordered[cut:]
    apart = float(np.mean(above) - np.mean(below))
    between = below.size * above.size * apart**2 / ordered.size**2
    few = min(below.size, above.size) < _FEWEST_TILES
    if few or apart < np.log(_FACTOR) or between < _EXPLAINED * ordered.var():
        return []
    return [*_find_cuts(below), float((below[-1] + above[0]) / 2), *_find_cuts(above)][
        : _MOST_KINDS - 1
    ]


def remove_mixtures(classes: np.ndarray, peaks: TilePeaks) -> np.ndarray:
    """Give tiles that only straddle a border to the nearest class next to them.

    A tile across a border shows both sides and may pass for something else; such tiles form a
    band no wider than half a tile. Only areas as wide as more than half a tile keep their class.
    """
    size = [
        min(int(peaks.tile / 2 / np.diff(starts).max()) + 1, starts.size) if starts.size > 1 else 1
        for starts in (peaks.rows, peaks.columns)
    ]
    kept = np.zeros(classes.shape, bool)
    for value in np.unique(classes):
        kept |= ndimage.binary_opening(classes == value, np.ones(size, bool))
    if not kept.any():
        return np.zeros_like(classes)
    return fill_from_nearest(classes, kept)


def connect_tiles(
    classes: np.ndarray, peaks: TilePeaks, rows: np.ndarray, columns: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Connect tiles of one class to regions and carry them to a grid, each node by its tile.

    ``rows`` and ``columns``, shapes (r,) and (c,), are the positions of the nodes in pixels of the
    image that the tiles come from. Returns regions 0..k-1, shape (r, c), and their classes (k,).
    """
    connected = label(classes, connectivity=1, background=classes.min() - 1) - 1
    class_of = np.zeros(int(connected.max()) + 1, int)
    class_of[connected] = classes
    indices = []
    for starts, positions in ((peaks.rows, rows), (peaks.columns, columns)):
        centres = starts + (peaks.tile - 1) / 2
        indices.append(np.searchsorted((centres[1:] + centres[:-1]) / 2, positions))
    return connected[np.ix_(*indices)], class_of
