"""Region adjacency graph: the borders between neighbouring basins, and the gradient across."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import kernel


@dataclass(frozen=True)
class Borders:
    """Borders between neighbouring basins, one row for each pair ``first < second``.

    Attributes
    ----------
    first, second : numpy.ndarray
        Basins on either side, shape (m,).
    flux : numpy.ndarray
        Sum of the gradient across the border, positive where the second basin is brighter; in
        units of the noise.
    length : numpy.ndarray
        Number of pixel edges.
    """

    first: np.ndarray
    second: np.ndarray
    flux: np.ndarray
    length: np.ndarray


def find_borders(labels: np.ndarray, along_x: np.ndarray, along_y: np.ndarray) -> Borders:
    """Borders between basins of a label image, shape (rows, columns); -1 belongs to none.

    ``along_x`` and ``along_y`` are the gradient components in units of their noise.
    """
    first, second, flux = _pixel_edges(labels, along_x, along_y)
    return gather_borders(first, second, flux, np.ones(flux.size))


def gather_borders(
    first: np.ndarray, second: np.ndarray, flux: np.ndarray, length: np.ndarray
) -> Borders:
    """Sum the rows that belong to the same pair; rows within one basin fall away."""
    count = int(max(first.max(), second.max())) + 1 if first.size else 0
    return Borders(*_gather(first, second, flux, length, count))


@kernel
def _pixel_edges(
    labels: np.ndarray, along_x: np.ndarray, along_y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels on both sides of each pixel edge between two basins and the gradient across it."""
    rows, columns = labels.shape
    found = 0
    for count in (True, False):
        if not count:
            first = np.empty(found, np.int64)
            second = np.empty(found, np.int64)
            flux = np.empty(found)
            found = 0
        for row in range(rows):
            for column in range(columns):
                a = labels[row, column]
                if a < 0:
                    continue
                for down in range(2):
                    if row + down >= rows or column + 1 - down >= columns:
                        continue
                    b = labels[row + down, column + 1 - down]
                    if b < 0 or b == a:
                        continue
                    if not count:
                        along = along_y if down else along_x
                        first[found], second[found] = a, b
                        flux[found] = (
                            along[row, column] + along[row + down, column + 1 - down]
                        ) / 2
                    found += 1
    return first, second, flux


@kernel
def _gather(
    first: np.ndarray, second: np.ndarray, flux: np.ndarray, length: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sort rows to the smaller of their two basins, then add up those of equal larger one."""
    start = np.zeros(count + 1, np.int64)
    for k in range(first.size):
        if first[k] != second[k]:
            start[min(first[k], second[k]) + 1] += 1
    for basin in range(count):
        start[basin + 1] += start[basin]
    order = np.empty(start[count], np.int64)
    filled = start[:count].copy()
    for k in range(first.size):
        low = min(first[k], second[k])
        if first[k] != second[k]:
            order[filled[low]] = k
            filled[low] += 1
    lows, highs = np.empty(order.size, np.int64), np.empty(order.size, np.int64)
    fluxes, lengths = np.empty(order.size), np.empty(order.size)
    # Row of the result that the pair (low, high) has, if it is one of the present low.
    known = np.full(count, -1, np.int64)
    found = 0
    for low in range(count):
        begin = found
        for position in range(start[low], start[low + 1]):
            k = order[position]
            high = max(first[k], second[k])
            inward = flux[k] if first[k] < second[k] else -flux[k]
            row = known[high]
            if row < begin:
                known[high] = found
                lows[found], highs[found] = low, high
                fluxes[found], lengths[found] = inward, length[k]
                found += 1
            else:
                fluxes[row] += inward
                lengths[row] += length[k]
    return lows[:found], highs[:found], fluxes[:found], lengths[:found]


@kernel
def minimum_by_label(values: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Smallest value of each label 0..count-1; infinite where it has none."""
    minimum = np.full(count, np.inf)
    for value, label in zip(values.ravel(), labels.ravel()):  # noqa: B905 (numba knows no strict)
        if label >= 0 and value < minimum[label]:
            minimum[label] = value
    return minimum
