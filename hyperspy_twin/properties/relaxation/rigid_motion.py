"""Rigid motion between two sets of positions, which forces do not resist."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation


def without_rigid_motion(
    start: np.ndarray, moved: np.ndarray, cell: np.ndarray, pbc: Sequence[bool], *, along_z: bool
) -> np.ndarray:
    """Positions brought as near to those of the start as rigid motion can.

    Parameters
    ----------
    start, moved
        Positions in Å, shape (n, 3).
    cell, pbc
        The box: atoms may turn about its vector where it repeats along that one alone, and about
        all directions where it does not repeat.
    along_z
        Whether atoms moved along z alone, and only shift along it.
    """
    middle = start.mean(axis=0)
    if along_z:
        return moved - (moved - start).mean(axis=0) * [0.0, 0.0, 1.0]
    before, after = start - middle, moved - moved.mean(axis=0)
    repeats = np.flatnonzero(pbc)
    if len(repeats) > 1 or len(start) < 2:
        return middle + after
    if len(repeats) == 0:
        # As rows that turn into the columns of the frame: the best rotation by singular values.
        left, _, right = np.linalg.svd(before.T @ after)
        left[:, -1] *= np.sign(np.linalg.det(left @ right))
        return middle + after @ (left @ right).T
    axis = cell[repeats[0]] / np.linalg.norm(cell[repeats[0]])
    flat = after - np.outer(after @ axis, axis)
    turn = np.arctan2(np.sum(np.cross(flat, before) @ axis), np.sum(flat * before))
    return middle + Rotation.from_rotvec(turn * axis).apply(after)
