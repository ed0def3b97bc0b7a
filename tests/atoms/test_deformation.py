"""Deformation gradients measured from atoms of known deformation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.atoms import build_model, compare_deformation, measure_deformation
from hyperspy_twin.core import Grid, RegisteredLattice, trace

GRID = Grid((90, 80), (0.05, 0.05), (0.4, -1.0))
KNOWN = ("diamond", "zincblende", "fcc", "rocksalt", "bcc")


def filled(crystal, orient, zone_axis, displacement, angle=17.0):
    """Atoms of one region over the whole image, and the lattice of the reference."""
    base = crystal.base @ orient(crystal.base, zone_axis, angle).T
    lattice = RegisteredLattice(1, crystal, base, zone_axis, (0.6, -0.7), 1.0, True)
    outlines = trace(np.ones(GRID.shape, np.int32), GRID)
    atoms = build_model(
        [lattice], outlines, displacement=displacement, grid=GRID, thickness=0.5, seed=0
    )
    return atoms, lattice


def measured_in(atoms, lattice):
    box = np.diag([100.0, 100.0, atoms.thickness])
    return measure_deformation(atoms.positions, box, (False, False, True), lattice)


@pytest.mark.parametrize("zone_axis", [(0, 0, 1), (1, 1, 0), (1, 1, 1)])
@pytest.mark.parametrize("name", KNOWN)
def test_a_lattice_is_its_own_reference(crystals, orient, name, zone_axis):
    """Also a foil of one repeat, where all neighbours are images."""
    atoms, lattice = filled(crystals[name], orient, zone_axis, np.zeros((2, *GRID.shape)))
    gradient = measured_in(atoms, lattice)
    known = np.isfinite(gradient).all(axis=(0, 1))
    assert known.mean() > 0.97
    np.testing.assert_allclose(
        gradient[..., known], np.eye(2)[..., None] + np.zeros(known.sum()), atol=1e-9
    )


@settings(max_examples=15, derandomize=True, deadline=None)
@given(entries=st.tuples(*[st.floats(-0.05, 0.05)] * 4), name=st.sampled_from(KNOWN))
def test_any_uniform_deformation_is_found(crystals, orient, entries, name):
    gradient = np.eye(2) + np.reshape(entries, (2, 2))
    y, x = np.meshgrid(GRID.y, GRID.x, indexing="ij")
    inverse = np.eye(2) - np.linalg.inv(gradient)
    displacement = np.einsum("ij,jrc->irc", inverse, np.stack([x, y]))
    atoms, lattice = filled(crystals[name], orient, (1, 1, 0), displacement)
    found = measured_in(atoms, lattice)
    # The displacement ends at the centres of the outermost pixels.
    points = atoms.positions[:, :2] / 10
    known = np.all(np.abs(points - points.mean(axis=0)) < 1.3, axis=1)
    np.testing.assert_allclose(
        found[..., known], gradient[..., None] + np.zeros(known.sum()), atol=1e-6
    )


def test_difference_of_a_map_is_what_was_added(crystals, orient):
    """A bend of known curvature against its own map, with an error of 1 % put into e_xx."""
    y, x = np.meshgrid(GRID.y, GRID.x, indexing="ij")
    curvature = 0.01  # 1/nm
    displacement = np.stack([0.5 * curvature * x**2, curvature * y])
    atoms, lattice = filled(crystals["diamond"], orient, (1, 1, 0), displacement)
    gradient = measured_in(atoms, lattice)
    inverse = np.array([[1 - curvature * x, 0 * x], [0 * x, 1 - curvature + 0 * x]])
    expected = np.zeros_like(inverse)
    expected[0, 0], expected[1, 1] = 1 / inverse[0, 0], 1 / inverse[1, 1]
    points = atoms.positions[:, :2] / 10
    middle = np.all(np.abs(points - points.mean(axis=0)) < 1.4, axis=1)
    region = np.where(middle, 1, np.where(points[:, 0] > points[:, 0].mean(), 2, 3))

    def table(change):
        return compare_deformation(
            gradient, expected + change, GRID, points, region, {3: "of its own"}
        )

    same, off = table(np.zeros((2, 2, 1, 1))), table(np.diag([0.01, 0])[..., None, None])
    assert same["region"].tolist() == [1, 2, 3]
    assert same["e_xx"][0] < 1e-4 and same["e_xy"][0] < 1e-4 and same["rotation"][0] < 0.01
    assert off["e_xx"][0] == pytest.approx(0.01, abs=1e-4)
    assert off["e_yy"][0] == same["e_yy"][0]
    assert same["atoms"][2] == 0 and same["reason"].tolist() == ["", "", "of its own"]
    assert np.isnan(same["e_xx"][2])
    unknown = table(np.full((2, 2, 1, 1), np.nan))
    assert unknown["reason"][0] == "the map knows no strain there"
