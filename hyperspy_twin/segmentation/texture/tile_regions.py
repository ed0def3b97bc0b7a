"""Regions of the tiles of an image from the class of each."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hyperspy_twin.segmentation.texture.local_spectra import TileSpots

# Two kinds of texture differ if their strengths are this factor apart and the division explains
# this share of the variance of the logarithm; a strength that varies evenly over an image gives
# 0.75.
_FACTOR = 1.5
_EXPLAINED = 0.8
_MOST_KINDS = 4
_LEAST_TILES = 8


def texture_kinds(texture: np.ndarray, without: np.ndarray) -> np.ndarray:
    """Tell kinds of tiles without a lattice by the strength of their texture.

    Parameters
    ----------
    texture : numpy.ndarray
        Standard deviation of the fast variations of each tile, shape (m, n).
    without : numpy.ndarray
        Tiles without a lattice, boolean, shape (m, n).

    Returns
    -------
    numpy.ndarray
        Kind 0, 1, ... of each tile, -1 where ``without`` is False, shape (m, n).
    """
    kinds = np.full(texture.shape, -1)
    values = texture[without]
    if values.size:
        least = 1e-3 * values.max() + np.finfo(np.float32).tiny
        logarithm = np.log(np.maximum(values, least))
        kinds[without] = np.searchsorted(_cuts(np.sort(logarithm)), logarithm)
    return kinds


def _cuts(ordered: np.ndarray) -> list[float]:
    """Places between clearly separate groups of ordered numbers."""
    if ordered.size < 2 * _LEAST_TILES:
        return []
    count = np.arange(1, ordered.size)
    low = np.cumsum(ordered)[:-1] / count
    high = (ordered.sum() - count * low) / (ordered.size - count)
    cut = int(np.argmax(count * (ordered.size - count) * (high - low) ** 2)) + 1
    below, above = ordered[:cut], ordered[cut:]
    apart = float(np.mean(above) - np.mean(below))
    between = below.size * above.size * apart**2 / ordered.size**2
    few = min(below.size, above.size) < _LEAST_TILES
    if few or apart < np.log(_FACTOR) or between < _EXPLAINED * ordered.var():
        return []
    return [*_cuts(below), float((below[-1] + above[0]) / 2), *_cuts(above)][: _MOST_KINDS - 1]


def without_mixtures(classes: np.ndarray, spots: TileSpots) -> np.ndarray:
    """Give tiles that only straddle a border to the nearest class beside them.

    A tile across a border shows both sides and may pass for something else; such tiles form a
    band no wider than half a tile. Only places as wide as more than half a tile keep their class.

    Parameters
    ----------
    classes : numpy.ndarray
        Class of each tile, shape (m, n).
    spots : TileSpots
        Places of the tiles.

    Returns
    -------
    numpy.ndarray
        Same shape.
    """
    size = [
        min(int(spots.tile / 2 / np.diff(starts).max()) + 1, starts.size) if starts.size > 1 else 1
        for starts in (spots.rows, spots.columns)
    ]
    kept = np.zeros(classes.shape, bool)
    for value in np.unique(classes):
        kept |= ndimage.binary_opening(classes == value, np.ones(size, bool))
    if not kept.any():
        return np.zeros_like(classes)
    nearest = ndimage.distance_transform_edt(~kept, return_distances=False, return_indices=True)
    return classes[tuple(nearest)]


def tile_regions(
    classes: np.ndarray, spots: TileSpots, rows: np.ndarray, columns: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Connect tiles of one class to regions and carry them to a grid, each node by its tile.

    Parameters
    ----------
    classes : numpy.ndarray
        Class of each tile, shape (m, n).
    spots : TileSpots
        Places of the tiles.
    rows, columns : numpy.ndarray
        Places of the nodes in pixels of the image that the tiles come from, shapes (r,), (c,).

    Returns
    -------
    regions : numpy.ndarray
        Regions 0..k-1, shape (r, c).
    class_of : numpy.ndarray
        Class of each region, shape (k,).
    """
    from skimage.measure import label

    connected = label(classes, connectivity=1, background=classes.min() - 1) - 1
    class_of = np.zeros(int(connected.max()) + 1, int)
    class_of[connected] = classes
    indices = []
    for starts, places in ((spots.rows, rows), (spots.columns, columns)):
        centres = starts + (spots.tile - 1) / 2
        indices.append(np.searchsorted((centres[1:] + centres[:-1]) / 2, places))
    return connected[np.ix_(*indices)], class_of
