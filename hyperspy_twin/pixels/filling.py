"""Bad pixels filled in from their neighbours, for computations that need a value everywhere."""

from __future__ import annotations

import numpy as np
import scipy.sparse
from scipy import ndimage
from scipy.sparse.linalg import spsolve

from hyperspy_twin.pixels.empty_areas import find_empty_areas


def fill_bad_pixels(image: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Image in which bad pixels have values that follow from their neighbours.

    Single pixels and narrow lines get the solution of Laplace's equation between the good pixels
    around them, for one pixel the mean of its four neighbours. Empty areas hold no structure to
    follow and get the mean of the good pixels.

    Parameters
    ----------
    image
        Real image, shape (rows, columns); it is left as it is.
    bad
        Bad pixels, boolean, shape (rows, columns).

    Returns
    -------
    numpy.ndarray
        The image itself where nothing is bad, otherwise a floating-point copy.

    Raises
    ------
    ValueError
        If no pixel is good.
    """
    if not bad.any():
        return image
    if bad.all():
        raise ValueError("all pixels are bad: set s.bad_pixels to those that are")
    filled = image.astype(np.result_type(image.dtype, np.float32))
    empty = find_empty_areas(bad)
    narrow = bad & ~empty
    good = ~bad
    filled[empty] = filled[good].mean(dtype=float)
    numbered, _ = ndimage.label(narrow)
    # A patch without a good neighbour, in a corner of an empty area, is part of that area.
    rim = ndimage.binary_dilation(good) & narrow
    reached = np.unique(numbered[rim])
    isolated = narrow & ~np.isin(numbered, reached)
    filled[isolated] = filled[good].mean(dtype=float)
    unknown = narrow & ~isolated
    if unknown.any():
        filled[unknown] = _solve_laplace(filled, unknown, good)
    return filled


def _solve_laplace(image: np.ndarray, unknown: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Values of unknown pixels, each the mean of those of its neighbours that count."""
    number = np.full(np.add(image.shape, 2), -1)
    count = np.count_nonzero(unknown)
    number[1:-1, 1:-1][unknown] = np.arange(count)
    values = np.pad(np.where(good, image, 0).astype(float), 1)
    fixed = np.pad(good, 1)
    row, column = np.nonzero(np.pad(unknown, 1))
    diagonal, right = np.zeros(count), np.zeros(count)
    first, second = [], []
    for down, across in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        near = row + down, column + across
        other = number[near]
        diagonal += fixed[near] | (other >= 0)
        right += np.where(fixed[near], values[near], 0)
        first.append(np.flatnonzero(other >= 0))
        second.append(other[other >= 0])
    i, j = np.concatenate(first), np.concatenate(second)
    links = scipy.sparse.coo_array((np.full(i.size, -1.0), (i, j)), shape=(count, count))
    return spsolve((scipy.sparse.diags_array(diagonal) + links).tocsc(), right)
