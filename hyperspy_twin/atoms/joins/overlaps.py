"""Joins between blocks of different lattices: no two atoms closer than a bond allows."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

import numpy as np

from hyperspy_twin.atoms.neighbours import find_neighbours


def remove_overlaps(
    positions: np.ndarray,
    group: np.ndarray,
    minimum_distance: float | np.ndarray,
    period: float | None = None,
    error: np.ndarray | None = None,
) -> np.ndarray:
    """Mark the atoms to keep so that no two atoms of different groups are too close.

    As few as possible go: the atom that is too close to the most others is the next, of equals that
    of the larger error, and then that of the higher group. What has nothing close in the end stays.
    Distances inside one group are not touched: they are those of its crystal.

    Parameters
    ----------
    positions
        In Å, shape (n, 3).
    group
        Integers, shape (n,).
    minimum_distance
        In Å, one number, or one for each pair of the groups 0 to m - 1, shape (m, m).
    period
        Along z in Å, if any.
    error
        Standard errors of the positions, shape (n,); NaN where not known.

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
    near = near_another_group(positions, group, float(shortest.max()))
    pairs = _close_pairs(positions[near], group[near], shortest, period)
    if len(pairs):
        errors = np.zeros(len(near)) if error is None else np.nan_to_num(error[near])
        order = np.lexsort((near, group[near], errors))
        keep[near[order]] = _keep_most(np.argsort(order)[pairs], len(near))
    return keep


def _close_pairs(
    positions: np.ndarray, group: np.ndarray, shortest: np.ndarray, period: float | None
) -> np.ndarray:
    """Pairs of atoms of different groups that are too close, shape (m, 2)."""
    limit = float(shortest.max())
    if len(positions) == 0 or limit == 0:
        return np.empty((0, 2), np.intp)
    cell = np.diag([0.0, 0.0, period or 0.0])
    near = find_neighbours(positions, cell, (False, False, period is not None), limit)
    pairs = np.column_stack([near.atom, near.index])
    groups = group[pairs]
    limits = shortest[groups[:, 0], groups[:, 1]] if shortest.ndim else shortest
    close = (groups[:, 0] != groups[:, 1]) & (near.distances(positions) < limits)
    return np.unique(np.sort(pairs[close], axis=1), axis=0)


def _keep_most(pairs: np.ndarray, count: int) -> np.ndarray:
    """Mark those of some points to keep that no pair is kept; of equals the last one goes."""
    ends = np.concatenate([pairs, pairs[:, ::-1]])
    ends = ends[np.argsort(ends[:, 0], kind="stable")]
    degree = np.bincount(ends[:, 0], minlength=count)
    others = np.split(ends[:, 1], np.cumsum(degree)[:-1])
    keep = np.ones(count, bool)
    # A heap of which entries are out of date where the number of pairs has become smaller since.
    heap = [(-degree[one], -one) for one in np.flatnonzero(degree).tolist()]
    heapify(heap)
    gone = []
    while heap:
        number, one = -heap[0][0], -heappop(heap)[1]
        if number != degree[one] or number == 0:
            continue
        keep[one] = False
        gone.append(one)
        for other in others[one].tolist():
            if keep[other]:
                degree[other] -= 1
                heappush(heap, (-degree[other], -other))
        degree[one] = 0
    for one in reversed(gone):
        keep[one] = not keep[others[one]].any()
    return keep


def near_another_group(
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
