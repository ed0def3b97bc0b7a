"""Region adjacency graph: the borders between neighbouring basins, and the gradient across."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit


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
    sides = []
    for before, behind, along in (
        (np.s_[:, :-1], np.s_[:, 1:], along_x),
        (np.s_[:-1], np.s_[1:], along_y),
    ):
        edge = (labels[before] != labels[behind]) & (labels[before] >= 0) & (labels[behind] >= 0)
        flux = (along[before][edge] + along[behind][edge]) / 2
        sides.append((labels[before][edge], labels[behind][edge], flux, np.ones(flux.size)))
    return gather_borders(*(np.concatenate(side) for side in zip(*sides, strict=True)))


def gather_borders(
    first: np.ndarray, second: np.ndarray, flux: np.ndarray, length: np.ndarray
) -> Borders:
    """Sum the rows that belong to the same pair; rows within one basin fall away."""
    low, high = np.minimum(first, second).astype(np.int64), np.maximum(first, second)
    count, apart = int(high.max(initial=0)) + 1, low != high
    key, pair = np.unique((low * count + high)[apart], return_inverse=True)
    inward = np.where(first < second, flux, -flux)[apart]
    sums = (np.bincount(pair, weight, key.size) for weight in (inward, length[apart]))
    return Borders(key // count, key % count, *sums)


@njit(cache=True, nogil=True)
def minimum_by_label(values: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Smallest value of each label 0..count-1; infinite where it has none."""
    minimum = np.full(count, np.inf)
    for value, label in zip(values.ravel(), labels.ravel()):  # noqa: B905 (numba knows no strict)
        if label >= 0 and value < minimum[label]:
            minimum[label] = value
    return minimum
