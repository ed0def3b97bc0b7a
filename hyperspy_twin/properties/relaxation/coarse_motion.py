"""Rigid motion of blocks of atoms: what conjugate gradients find last, solved directly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import splu

from hyperspy_twin.core import kernel
from hyperspy_twin.properties.phonons import ForceConstants

# Å; edge of blocks of atoms. In a well of 187 000 atoms 15 to 45 Å need 20 to 40 products for each
# step of Newton's method, and 25 Å with rotations 11 to 24; without blocks it is 140 to 210.
BLOCK_EDGE = 25.0
# Translations along x, y, z and rotations about them.
MOTIONS = 6
# Blocks next to a block: those of a grid touch 26 others, and itself.
MOST_NEIGHBOURS = 27
# Added to the diagonal, relative to its largest element: rigid motion of the whole has no force.
REGULARISATION = 1e-7
# Of the steps of single atoms beside those of blocks: such sums of the two are positive definite.
ATOM_WEIGHT = 0.6


@dataclass(frozen=True, eq=False)
class CoarseMotion:
    """Approximate inverse of force constants by steps of single atoms and of blocks of atoms.

    Attributes
    ----------
    label
        Block of each atom, shape (n,).
    arm
        Position of each atom from the middle of its block over :data:`BLOCK_EDGE`, shape (n, 3).
    free
        Whether each atom moves along x, y and z, 1 or 0, shape (n, 3).
    inverse
        Inverse of the block of each atom with itself, shape (n, 3, 3).
    factors
        LU factors of the force constants of blocks.
    """

    label: np.ndarray
    arm: np.ndarray
    free: np.ndarray
    inverse: np.ndarray
    factors: Any

    def solve(self, force: np.ndarray) -> np.ndarray:
        """Approximate displacement in Å under forces in eV/Å, shape (n, 3)."""
        step = ATOM_WEIGHT * np.einsum("nij,nj->ni", self.inverse, force)
        blocks = self.factors.shape[0] // MOTIONS
        load = np.empty((blocks, MOTIONS))
        torque = np.cross(self.arm, force)
        for axis in range(3):
            load[:, axis] = np.bincount(self.label, force[:, axis], blocks)
            load[:, 3 + axis] = np.bincount(self.label, torque[:, axis], blocks)
        motion = self.factors.solve(load.ravel()).reshape(blocks, MOTIONS)[self.label]
        step += self.free * (motion[:, :3] + np.cross(motion[:, 3:], self.arm))
        return step


def coarse_motion(
    constants: ForceConstants, positions: np.ndarray, free: np.ndarray
) -> CoarseMotion:
    """Factorise the force constants between blocks of atoms.

    Parameters
    ----------
    constants
        Force constants.
    positions
        In Å, shape (n, 3).
    free
        Whether each atom moves along x, y and z, 1 or 0, shape (n, 3).
    """
    label = _blocks(positions)
    blocks = int(label.max()) + 1
    count = np.bincount(label)
    middle = np.stack([np.bincount(label, one) / count for one in positions.T], axis=1)
    arm = np.ascontiguousarray((positions - middle[label]) / BLOCK_EDGE)
    near = np.full((blocks, MOST_NEIGHBOURS), -1, np.int64)
    coarse = np.zeros((blocks, MOST_NEIGHBOURS, MOTIONS, MOTIONS))
    complete = sum_blocks(
        constants.blocks, constants.index, label, arm, free.astype(float), near, coarse
    )
    if not complete:
        raise ValueError("blocks of atoms have more than 27 neighbours: wrap atoms into the box")
    known = near >= 0
    row, _ = np.nonzero(known)
    matrix = scipy.sparse.bsr_array(
        (coarse[known], near[known], np.concatenate([[0], np.cumsum(np.bincount(row))])),
        shape=(MOTIONS * blocks,) * 2,
    ).tocsc()
    shift = REGULARISATION * abs(matrix.diagonal()).max()
    factors = splu(matrix + shift * scipy.sparse.eye_array(matrix.shape[0], format="csc"))
    return CoarseMotion(label, arm, free, _inverses(constants.diagonal, free), factors)


def _inverses(diagonal: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Inverses of the blocks of single atoms within the directions in which they move."""
    both = free[:, :, None] * free[:, None, :]
    blocks = np.where(both > 0, diagonal, 0.0)
    blocks[:, np.arange(3), np.arange(3)] += free == 0
    # Atoms with one bond have no constant across it, but for forces.
    values, axes = np.linalg.eigh(blocks)
    floor = 0.05 * np.maximum(values[:, -1:], np.finfo(float).tiny)
    inverse = np.einsum("nij,nj,nkj->nik", axes, 1 / np.maximum(values, floor), axes)
    return both * inverse


def _blocks(positions: np.ndarray) -> np.ndarray:
    """Assign atoms to blocks on a grid of cubes, without empty ones."""
    low, span = positions.min(axis=0), np.ptp(positions, axis=0)
    shape = np.maximum(np.rint(span / BLOCK_EDGE), 1).astype(int)
    width = np.maximum(span / shape, 1e-9)
    place = np.minimum(((positions - low) / width).astype(int), shape - 1)
    return np.unique(np.ravel_multi_index(place.T, shape), return_inverse=True)[1].ravel()


@kernel
def sum_blocks(
    blocks: np.ndarray,
    index: np.ndarray,
    label: np.ndarray,
    arm: np.ndarray,
    free: np.ndarray,
    near: np.ndarray,
    coarse: np.ndarray,
) -> bool:
    """Add the force constants between rigid motions of blocks; false if one has too many."""
    motion = np.zeros((3, 6))
    half = np.zeros((3, 6))
    for i in range(len(label)):
        row = label[i]
        for column in range(index.shape[1]):
            j = index[i, column]
            place = -1
            for k in range(near.shape[1]):
                if near[row, k] == label[j] or near[row, k] < 0:
                    near[row, k] = label[j]
                    place = k
                    break
            if place < 0:
                return False
            _write_motion(arm, free, j, motion)
            for d in range(3):
                for m in range(6):
                    half[d, m] = (
                        blocks[i, column, d, 0] * motion[0, m]
                        + blocks[i, column, d, 1] * motion[1, m]
                        + blocks[i, column, d, 2] * motion[2, m]
                    )
            _write_motion(arm, free, i, motion)
            for m in range(6):
                for n in range(6):
                    coarse[row, place, m, n] += (
                        motion[0, m] * half[0, n]
                        + motion[1, m] * half[1, n]
                        + motion[2, m] * half[2, n]
                    )
    return True


@kernel
def _write_motion(arm: np.ndarray, free: np.ndarray, atom: int, motion: np.ndarray) -> None:
    """Write how an atom moves with its block: translations, then rotations, shape (3, 6)."""
    x, y, z = arm[atom, 0], arm[atom, 1], arm[atom, 2]
    a, b, c = free[atom, 0], free[atom, 1], free[atom, 2]
    motion[0, 0], motion[1, 1], motion[2, 2] = a, b, c
    motion[1, 3], motion[2, 3] = -z * b, y * c
    motion[0, 4], motion[2, 4] = z * a, -x * c
    motion[0, 5], motion[1, 5] = -y * a, x * b
