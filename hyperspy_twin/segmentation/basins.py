"""Catchment basins of an image."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import kernel


@kernel
def find_basins(height: np.ndarray) -> tuple[np.ndarray, int]:
    """Catchment basins: pixels from which the steepest way down ends at the same minimum.

    Ties fall to the pixel with the smaller index, so that flat ground drains too.

    Returns
    -------
    labels : numpy.ndarray
        Basins 0..n-1, shape of ``height``.
    count : int
        Number of basins.
    """
    rows, columns = height.shape
    flat = height.ravel()
    below = np.empty(flat.size, np.int64)
    for row in range(rows):
        for column in range(columns):
            best = row * columns + column
            for other_row in range(max(row - 1, 0), min(row + 2, rows)):
                for other_column in range(max(column - 1, 0), min(column + 2, columns)):
                    other = other_row * columns + other_column
                    if flat[other] < flat[best] or (flat[other] == flat[best] and other < best):
                        best = other
            below[row * columns + column] = best
    labels = np.full(flat.size, -1, np.int32)
    count = 0
    for start in range(flat.size):
        end = start
        while below[end] != end and labels[end] < 0:
            end = below[end]
        if labels[end] < 0:
            labels[end] = count
            count += 1
        label = labels[end]
        walk = start
        while labels[walk] < 0:
            labels[walk] = label
            walk = below[walk]
    return labels.reshape(rows, columns), count
