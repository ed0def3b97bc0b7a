"""Bonds that atoms lack beside another crystal, against counts of all neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from hyperspy_twin.atoms.blocks import Block
from hyperspy_twin.atoms.filling import fill_blocks
from hyperspy_twin.core import RegisteredLattice

BOND = 5.431 * 3**0.5 / 4


def halves(crystals, orient, shift):
    """Model of two halves of silicon, of which the lattice of the second is shifted by some nm."""
    silicon = crystals["diamond"]
    base = silicon.base @ orient(silicon.base, (1, 1, 0), 9).T
    blocks = [
        Block(
            RegisteredLattice(n, silicon, base, (1, 1, 0), (0.1 + n * shift, 0.2), 1.0, n == 0),
            4, (n + 1,), (0.0, 0.0, 5.0, 5.0),
        )
        for n in (0, 1)
    ]  # fmt: skip

    def region_of(points):
        inside = np.all((points > 0.03) & (points < 4.97), axis=1)
        return np.where(inside, np.where(points[:, 0] < 2.5, 1, 2), 0)

    return fill_blocks(blocks, region_of)


def test_halves_of_one_crystal_lack_no_bond(crystals, orient):
    joins = halves(crystals, orient, 0.0).remarks["joins"]
    assert joins.startswith("0 atoms too near") and "0 lack a bond" in joins


@pytest.mark.parametrize("shift", [0.1, 0.15, -0.08])
def test_halves_that_do_not_fit(crystals, orient, shift):
    atoms = halves(crystals, orient, shift)
    images = np.concatenate([atoms.positions + [0, 0, n * atoms.thickness] for n in (-1, 0, 1)])
    block = np.tile(atoms.block, 3)
    tree = cKDTree(images)
    around = tree.query_ball_point(atoms.positions, 2 * 1.2 * BOND)
    joined = np.array([len(set(block[one].tolist())) > 1 for one in around])
    # Atoms at the sides of the image lack bonds for another reason.
    joined &= np.abs(atoms.positions[:, 1] - 25) < 24.7 - 1.2 * BOND
    count = tree.query_ball_point(atoms.positions, 1.2 * BOND, return_length=True) - 1
    lacking = 4 - count[joined]
    expected = f"of {joined.sum()} atoms beside another crystal {np.sum(lacking > 0)} lack a bond, "
    assert expected + f"{np.sum(lacking > 1)} of them more than one" in atoms.remarks["joins"]
    assert np.sum(lacking > 0) > 20
