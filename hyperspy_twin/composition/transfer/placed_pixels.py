"""Which pixel of a placed map lies at a point of the micrograph."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import Grid, Placement

# Drift bends a map by far less than its size, so that each step brings the row a factor of some
# hundred nearer.
STEPS = 8


def map_pixels(points: np.ndarray, placement: Placement, grid: Grid) -> np.ndarray:
    """Find the pixels of a map at points of the micrograph on which it was placed.

    Parameters
    ----------
    points
        Points (x, y) of the micrograph in its unit, shape (n, 2).
    placement
        Where the map lies, with the shift of each of its rows.
    grid
        Grid of the map.

    Returns
    -------
    numpy.ndarray
        Pixels (x, y), centres at whole numbers, shape (n, 2).
    """
    inverse = np.linalg.inv(placement.matrix[:, :2])
    rows = np.arange(len(placement.row_shifts))
    pixels = grid.to_pixels((points - placement.matrix[:, 2]) @ inverse.T)
    if not np.any(placement.row_shifts):
        return pixels
    for _ in range(STEPS):
        shift = np.stack([np.interp(pixels[:, 1], rows, s) for s in placement.row_shifts.T], axis=1)
        pixels = grid.to_pixels((points - shift - placement.matrix[:, 2]) @ inverse.T)
    return pixels
