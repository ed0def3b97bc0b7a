"""Rows and columns that stand out of their neighbours over their whole length."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.pixels.outliers import SHARPEST

# A row must stand out by so many robust standard deviations of all rows: those that flicker of the
# source makes brighter stay.
SIGNIFICANCE = 12.0
# Fraction of the pixels of a bad row that lie on the same side of both neighbours; noise of a third
# of the excess still leaves so many there.
SAME_SIDE = 0.9
# Pixels of a row whose median tells its brightness to a ninth of their scatter.
MEDIAN_OF = 128
# Rows that are needed to tell the scatter.
FEWEST = 16
# Median absolute deviation of a normal distribution over its standard deviation.
MAD = 0.6745


def find_lines(image: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Mark rows and columns that are brighter or darker than both neighbours.

    The difference of a row from its second neighbours must be larger than a lattice fringe as
    narrow as the probe can make: such a fringe gives one neighbour a fifth of its height.

    Parameters
    ----------
    image
        Finite values, shape (rows, columns).
    known
        Pixels that are bad otherwise, boolean.

    Returns
    -------
    numpy.ndarray
        Boolean, shape (rows, columns).
    """
    found = np.zeros(image.shape, bool)
    found[_find_rows(image, known)] = True
    found[:, _find_rows(image.T, known.T)] = True
    return found


def _find_rows(image: np.ndarray, known: np.ndarray) -> np.ndarray:
    count = len(image)
    usable = np.flatnonzero(known.mean(axis=1) < 0.5)
    if usable.size < FEWEST or image.shape[1] < FEWEST:
        return np.zeros(count, bool)
    rows = image if usable.size == count else image[usable]
    level = np.median(rows[:, :: max(rows.shape[1] // MEDIAN_OF, 1)], axis=1).astype(float)
    around = np.pad(level, 2, mode="reflect")
    near = np.stack([around[1:-3], around[3:-1]])
    base = 0.5 * (around[:-4] + around[4:])
    found = np.zeros(usable.size, bool)
    for sign in (1, -1):
        nearest = np.maximum((sign * (near - base)).max(axis=0), 0)
        excess = sign * (level - base) - SHARPEST * nearest
        scatter = np.median(np.abs(level - near.mean(axis=0))) / MAD
        candidates = np.flatnonzero(excess > SIGNIFICANCE * scatter)
        for row in candidates[(candidates > 0) & (candidates < usable.size - 1)]:
            above, here, below = rows[row - 1 : row + 2]
            clear = (sign * (here - above) > 0) & (sign * (here - below) > 0)
            found[row] |= bool(clear.mean() > SAME_SIDE)
    result = np.zeros(count, bool)
    result[usable[found]] = True
    return result
