"""How much a crystal is stretched along the beam, which an image does not show."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
from scipy.linalg import polar

# Two metrics, over the largest element, that differ by less are those of one lattice: databases
# give four or five digits of a cell.
SAME_METRIC = 1e-3
# Weight of the shape against the fit of the measured plane: it decides only what that leaves open.
SHAPE_WEIGHT = 1e-6


def stretch_along_beam(nominal: np.ndarray, in_plane: np.ndarray) -> float:
    """Stretch along the beam by the symmetry of the lattice.

    The stretch of a crystal that keeps its symmetry has as many free numbers as its cell. They
    are fitted to the deformation seen in the plane: a tetragonal crystal that is seen along a is
    stretched along the beam as much as along b. What the plane leaves open is chosen with the least
    change of shape: that of a cubic crystal, or of one with no symmetry, is the square root of the
    change of area, right for a wrong pixel size.

    Parameters
    ----------
    nominal
        Lattice vectors of the undeformed crystal as rows in the image frame, shape (3, 3).
    in_plane
        Deformation seen in the image: a vector r becomes ``in_plane @ r``, shape (2, 2).
    """
    _, stretch = polar(in_plane)
    values, axes = np.linalg.eigh(stretch)
    seen = axes @ np.diag(np.log(values)) @ axes.T
    rotations = lattice_rotations(nominal)
    units = [np.outer(one, other) for one, other in product(np.eye(3), repeat=2)]
    invariant = np.array([np.mean(rotations @ u @ rotations.transpose(0, 2, 1), 0) for u in units])
    invariant = (invariant + invariant.transpose(0, 2, 1)) / 2
    shape = invariant - np.trace(invariant, axis1=1, axis2=2)[:, None, None] * np.eye(3) / 3
    rows = np.concatenate([invariant[:, :2, :2].reshape(9, 4), SHAPE_WEIGHT * shape.reshape(9, 9)],
                          axis=1)  # fmt: skip
    wanted = np.concatenate([seen.ravel(), np.zeros(9)])
    weights = np.linalg.lstsq(rows.T, wanted, rcond=SHAPE_WEIGHT**2)[0]
    return float(np.exp(weights @ invariant[:, 2, 2]))


@cache
def _unimodular() -> np.ndarray:
    """Integer matrices of determinant 1 that can be rotations of a conventional or reduced cell."""
    every = np.moveaxis(np.indices((3,) * 9).reshape(3, 3, -1) - 1, -1, 0)
    determinant = np.sum(every[:, 0] * np.cross(every[:, 1], every[:, 2]), axis=1)
    return every[determinant == 1]


def lattice_rotations(base: np.ndarray) -> np.ndarray:
    """Proper rotations that leave a lattice of rows unchanged, shape (n, 3, 3)."""
    base = np.asarray(base, float)
    changes = _unimodular()
    metric = base @ base.T
    moved = changes @ metric @ changes.transpose(0, 2, 1)
    same = np.abs(moved - metric).max(axis=(1, 2)) < SAME_METRIC * np.abs(metric).max()
    rotated = changes[same] @ base
    # Rows transform as rotated = base @ R.T; the nearest rotation takes away what rounding left.
    left, _, right = np.linalg.svd((np.linalg.inv(base) @ rotated).transpose(0, 2, 1))
    return left @ right
