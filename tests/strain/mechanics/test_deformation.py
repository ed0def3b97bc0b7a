"""Deformation gradients, other axes, principal strains, and bulk cells: exact, of finite strain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from hyperspy_twin.core import OrientedCrystal, RegisteredLattice
from hyperspy_twin.strain.mechanics.absolute import (
    absolute_components,
    find_bulk_cell,
    gradients_of_map,
    refer_to_bulk,
)
from hyperspy_twin.strain.mechanics.deformation import (
    Gradients,
    deformation_gradient,
    frame_axes,
    principal_strains,
    strain_components,
    turn,
)
from hyperspy_twin.strain.mechanics.measured_strain import MeasuredStrain

DEFINITIONS = ("lagrangian", "eulerian")
SMALL = st.floats(-0.12, 0.12)
HKL = np.array([[1, -1, 1], [1, -1, -1], [2, -2, 0], [0, 0, 4]])


@pytest.mark.parametrize("definition", DEFINITIONS)
@settings(derandomize=True, max_examples=25, deadline=None)
@given(values=st.tuples(SMALL, SMALL, SMALL, SMALL))
def test_components_determine_the_deformation(definition, values):
    gradient = np.eye(2) + np.reshape(values, (2, 2))
    components = strain_components(gradient, definition)
    np.testing.assert_allclose(deformation_gradient(components, definition), gradient, atol=1e-12)
    if definition == "lagrangian":
        assert components[0] == pytest.approx(gradient[0, 0] - 1, abs=1e-12)


def test_a_quarter_of_a_turn_exchanges_the_axes():
    gradient = np.array([[1.03, 0.01], [0.002, 0.98]])
    turned = strain_components(turn(gradient, 90.0), "lagrangian")
    e_xx, e_yy, e_xy, rotation = strain_components(gradient, "lagrangian")
    np.testing.assert_allclose(turned, [e_yy, e_xx, -e_xy, rotation], atol=1e-12)


def test_axes_are_those_seen_on_the_screen():
    """Counter-clockwise from x, with y down: x' of 90 degrees points to the top."""
    np.testing.assert_allclose(frame_axes(90.0), [[0, -1], [1, 0]], atol=1e-12)
    # Stretched along the diagonal that falls to the right.
    direction = np.array([1.0, 1.0]) / np.sqrt(2)
    gradient = np.eye(2) + 0.02 * np.outer(direction, direction)
    e_1, e_2, angle = principal_strains(strain_components(gradient, "lagrangian")[:3])
    assert (e_1, e_2, angle) == pytest.approx((0.02, 0.0, -45.0), abs=1e-12)
    assert turn(gradient, angle)[0, 0] - 1 == pytest.approx(0.02)


@settings(derandomize=True, max_examples=25, deadline=None)
@given(values=st.tuples(SMALL, SMALL, SMALL), angle=st.floats(-180, 180))
def test_principal_strains_are_the_same_in_all_axes(values, angle):
    e_xx, e_yy, e_xy = values
    turned = turn(np.array([[e_xx, e_xy], [e_xy, e_yy]]), angle)
    first = principal_strains(np.array(values))
    second = principal_strains(np.array([turned[0, 0], turned[1, 1], turned[0, 1]]))
    np.testing.assert_allclose(first[:2], second[:2], atol=1e-12)


def in_zone(crystal, orient, degrees):
    """Crystal along [110], turned counter-clockwise on the screen by degrees."""
    start = orient(crystal.base, (1, 1, 0))
    return OrientedCrystal(crystal, (1, 1, 0), _turned(start, degrees))


def _turned(start, degrees):
    return Rotation.from_euler("z", -degrees, degrees=True).as_matrix() @ start


def cubic(crystal, edge):
    return type(crystal)(
        f"cube of {edge}", (edge,) * 3 + (90.0,) * 3, crystal.symbols, crystal.fractional,
        crystal.occupancy,
    )  # fmt: skip


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("tilt", [0.0, 1.7, -12.0])
def test_a_relaxed_crystal_of_another_size_has_no_absolute_strain(
    crystals, orient, definition, tilt
):
    """InSb on InP, 10.4 % larger and tilted, and a reference that is 0.5 % strained itself."""
    substrate, wire = cubic(crystals["zincblende"], 5.8697), cubic(crystals["zincblende"], 6.4794)
    own = np.array([[1.005, 0.001], [0.001, 0.997]])
    vectors = in_zone(substrate, orient, 0.0).reciprocal_vectors(HKL) @ np.linalg.inv(own)
    active = frame_axes(tilt).T
    relative = active * (6.4794 / 5.8697) @ np.linalg.inv(own)
    labels = np.repeat([[1], [2]], 3, axis=0)
    maps = np.where(
        (labels == 1)[None, None], np.eye(2)[..., None, None], relative[..., None, None]
    )
    phases = {1: in_zone(substrate, orient, 0.0), 2: in_zone(wire, orient, tilt)}
    gradients = Gradients(maps, maps, definition)
    cells = refer_to_bulk(gradients, labels, vectors, phases)
    found = absolute_components(gradients, labels, cells)
    wanted = strain_components(own, definition)
    np.testing.assert_allclose(found[:3, :3, 0].T, [wanted[:3]] * 3, atol=1e-9)
    np.testing.assert_allclose(found[:3, 3:], 0, atol=1e-9)
    seen = strain_components(relative, "lagrangian")[3]
    np.testing.assert_allclose(found[3, 3:], seen, atol=1e-9)
    assert cells[1].turn == pytest.approx(seen)
    back = gradients_of_map(found, labels, definition, cells=cells)
    np.testing.assert_allclose(back.relative, maps, atol=1e-9)


def test_what_fits_no_bulk_cell_is_withheld(crystals, orient):
    crystal = cubic(crystals["zincblende"], 5.43)
    oriented = in_zone(crystal, orient, 0.0)
    vectors = oriented.reciprocal_vectors(HKL)
    unity = np.eye(2)
    assert find_bulk_cell(1, oriented, vectors, unity).crystal is crystal
    assert "differs" in find_bulk_cell(1, oriented, vectors, 1.4 * unity).reason or (
        "no reflection" in find_bulk_cell(1, oriented, vectors, 1.4 * unity).reason
    )
    assert "no reflection" in find_bulk_cell(1, oriented, vectors * 1.13, unity).reason
    assert "shows no lattice" in find_bulk_cell(1, oriented, vectors, np.nan * unity).reason
    labels = np.ones((2, 2), int)
    maps = unity[..., None, None] * np.ones((2, 2))
    (cell,) = refer_to_bulk(Gradients(maps, maps, "lagrangian"), labels, vectors, {})
    assert cell.crystal is None and "no indexed phase" in cell.reason
    assert np.isnan(absolute_components(Gradients(maps, maps, "lagrangian"), labels, [cell])).all()


def test_a_registered_lattice_knows_how_it_stands(crystals, orient):
    crystal = crystals["zincblende"]
    orientation = orient(crystal.base, (1, 1, 0), 33.0)
    strained = crystal.base @ orientation.T @ np.diag([1.02, 0.99, 1.0])
    lattice = RegisteredLattice(1, crystal, strained, (1, 1, 0), (0, 0), 1.0, True)
    np.testing.assert_allclose(lattice.oriented.orientation, orientation, atol=0.02)


def test_without_known_noise_errors_are_bounds():
    from hyperspy_twin.core import Grid

    shape = (4, 5)
    sigmas = np.array([1.0, 2.0, 0.5])[:, None, None] * np.ones(shape)
    measured = MeasuredStrain(
        np.zeros((4, *shape)), sigmas, np.ones(shape, int), Grid(shape, (1, 1)), "lagrangian"
    )
    np.testing.assert_allclose(measured.turned(0.0)[1], sigmas)
    found = measured.turned(45.0)[1]
    # 1/2 + 2/2 + 0.5: as if all errors were one.
    np.testing.assert_allclose(found[0], 2.0)
    assert np.isnan(measured.means().error).all()
    assert np.isnan(measured.invariants()["dilatation"][1]).all()
