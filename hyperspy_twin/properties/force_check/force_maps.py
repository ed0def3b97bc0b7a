"""Mean size of the forces for each column of atoms, and for each pixel of the micrograph."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from hyperspy_twin.core import Grid

# Å; atoms of one column stand within it, columns are a bond apart, along the beam at least 0.8 Å.
COLUMN_WIDTH = 0.1
# Widths of the window beyond which a pixel has no atoms.
REACH = 2.0


def mean_per_column(points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Mean of a value over the atoms of each column, for each atom, shape (n,).

    Parameters
    ----------
    points
        Atoms (x, y) in Å, shape (n, 2).
    values
        Shape (n,).
    """
    cells = np.round(points / COLUMN_WIDTH).astype(np.int64)
    _, column = np.unique(cells, axis=0, return_inverse=True)
    column = column.ravel()
    return (np.bincount(column, values) / np.bincount(column))[column]


def mean_per_pixel(points: np.ndarray, values: np.ndarray, grid: Grid, width: float) -> np.ndarray:
    """Mean of a value over the atoms around each pixel, in a Gaussian window.

    Parameters
    ----------
    points
        Atoms (x, y) in the unit of the grid, shape (n, 2).
    values
        Shape (n,).
    grid
        Pixels.
    width
        Standard deviation of the window in the unit of the grid.

    Returns
    -------
    numpy.ndarray
        Shape (rows, columns); NaN where there are no atoms within two widths.
    """
    column, row = np.rint(grid.to_pixels(points)).astype(int).T
    rows, columns = grid.shape
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    pixel = row[inside] * columns + column[inside]
    blur = [width / abs(step) for step in grid.scale[::-1]]
    total, count = (
        gaussian_filter(
            np.bincount(pixel, one, minlength=rows * columns).reshape(rows, columns).astype(float),
            blur,
            mode="constant",
        )
        for one in (values[inside], np.ones(np.count_nonzero(inside)))
    )
    # One atom at the end of the reach.
    fewest = np.exp(-(REACH**2) / 2) / (2 * np.pi * np.prod(blur))
    return np.divide(total, count, out=np.full(grid.shape, np.nan), where=count >= fewest)
