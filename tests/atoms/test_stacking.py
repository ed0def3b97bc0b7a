from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.atoms.faults.stacking import find_stacking
from hyperspy_twin.core import Crystal
from hyperspy_twin.registration import find_repeat_cell
from hyperspy_twin.simulation import ORIENTATION_110

FACES = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
DIAMOND = np.concatenate([FACES, FACES + 0.25])
CRYSTALS = {
    "Au": (4.078, FACES, ["Au"] * 4),
    "Ge": (5.658, DIAMOND, ["Ge"] * 8),
    "GaAs": (5.653, DIAMOND, ["Ga"] * 4 + ["As"] * 4),
}
# Of the plane (1 -1 1): the shear of its side that brings A to the places of B.
SHEAR = np.array([1, -1, -2]) / 6


def crystal(name):
    lattice, sites, symbols = CRYSTALS[name]
    return Crystal(
        name, (lattice,) * 3 + (90.0,) * 3, tuple(symbols), tuple(map(tuple, sites)),
        (1.0,) * len(symbols),
    )  # fmt: skip


def stack(name, plane, shift):
    base = crystal(name).base @ ORIENTATION_110.T
    cell = find_repeat_cell(crystal(name), base, (1, 1, 0))
    vector = 10 * np.linalg.inv(base) @ plane
    return cell, find_stacking(cell, vector[:2], (shift @ base / 10)[:2])


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", CRYSTALS)
def test_intrinsic_and_extrinsic_faults(name, sign):
    """A shear to the places of B is one step; the opposite one is two, a plane apart."""
    for shift in (SHEAR, np.array([-1, 1, -1]) / 3, np.array([-2, -1, 1]) / 6):
        cell, found = stack(name, np.array([1, -1, 1]) * sign, sign * shift)
        assert found.wrong < 1e-6 and len(found.steps) == 1
        _, opposite = stack(name, np.array([1, -1, 1]) * sign, -sign * shift)
        assert opposite.wrong < 1e-6 and len(opposite.steps) == 2
        # Both are the shear modulo a lattice vector in three dimensions.
        for step in (*found.steps, *opposite.steps):
            off = (step - sign * SHEAR @ crystal(name).base @ ORIENTATION_110.T) @ np.linalg.inv(
                cell.base
            )
            np.testing.assert_allclose(off, np.rint(off), atol=1e-6)
        if name != "Au":
            # Between the near planes, that of the origin and that of (1/4 1/4 1/4).
            assert found.height == pytest.approx(0.125 if sign > 0 else 0.875, abs=1e-3)


def test_antiphase_boundary_shows_what_is_wrong():
    _, found = stack("GaAs", np.array([1, -1, 1]), np.array([0.25, 0.25, 0.25]))
    assert found.wrong > 0.1
