"""Joins between blocks of different lattices: no two atoms closer than a bond allows."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree


def remove_overlaps(
    positions: np.ndarray,
    group: np.ndarray,
    minimum_distance: float | np.ndarray,
    period: float | None = None,
) -> np.ndarray:
    """Mark the atoms to keep so that no two atoms of different groups are too close.

    Of a pair that is too close the atom of the higher group goes. Distances inside one group are
    not touched: they are those of its crystal.

    Positions (n, 3), the smallest distance and the period along z, if any, are in Angstrom; the
    groups are integers, shape (n,). The distance is one number, or one for each pair of the groups
    0 to m - 1, shape (m, m).

    Raises
    ------
    ValueError
        If shapes disagree or the distance is not a finite number of at least zero.
    """
    positions, group = np.asarray(positions, float), np.asarray(group)
    if positions.ndim != 2 or positions.shape[1] != 3 or group.shape != (len(positions),):
        raise ValueError("positions must be (n, 3) and group (n,)")
    shortest = np.asarray(minimum_distance, float)
    if not np.all(np.isfinite(shortest) & (shortest >= 0)):
        raise ValueError(f"minimum_distance must be at least 0 Angstrom, not {minimum_distance}")
    keep = np.ones(len(positions), bool)
    near = _near_another_group(positions, group, float(shortest.max()))
    if shortest.max() == 0 or len(near) == 0:
        return keep
    labels = np.unique(group[near])
    kept: list[tuple[int, np.ndarray]] = []
    for label in labels:
        members = near[group[near] == label]
        for other, points in kept:
            limit = float(shortest[other, label] if shortest.ndim else shortest)
            distance, _ = cKDTree(_with_images(points, limit, period)).query(
                positions[members], distance_upper_bound=limit
            )
            free = ~(distance < limit)
            keep[members[~free]] = False
            members = members[free]
        kept.append((int(label), positions[members]))
    return keep


def _near_another_group(
    positions: np.ndarray, group: np.ndarray, minimum_distance: float
) -> np.ndarray:
    """Return the atoms whose in-plane neighbourhood of bins holds more than one group."""
    if len(positions) == 0 or np.all(group == group[0]):
        return np.empty(0, np.intp)
    size = max(minimum_distance, 1.0)
    low = positions[:, :2].min(axis=0)
    bins = ((positions[:, :2] - low) / size).astype(np.int64) + 1
    width = int(bins[:, 1].max()) + 2
    flat = bins[:, 0] * width + bins[:, 1]
    smallest = np.full((int(bins[:, 0].max()) + 2) * width, np.iinfo(np.int64).max)
    largest = np.full(len(smallest), np.iinfo(np.int64).min)
    np.minimum.at(smallest, flat, group)
    np.maximum.at(largest, flat, group)
    shifts = np.array([i * width + j for i in (-1, 0, 1) for j in (-1, 0, 1)])
    occupied = np.unique(flat)
    around = occupied[:, None] + shifts
    mixed = smallest[around].min(axis=1) != largest[around].max(axis=1)
    return np.flatnonzero(np.isin(flat, occupied[mixed]))


def _with_images(points: np.ndarray, reach: float, period: float | None) -> np.ndarray:
    """Add the periodic images along z that lie within reach of the cell."""
    if period is None:
        return points
    shift = np.array([0.0, 0.0, period])
    above = points[points[:, 2] < reach] + shift
    below = points[points[:, 2] > period - reach] - shift
    return np.concatenate([points, above, below])
