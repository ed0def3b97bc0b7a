from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from hyperspy_twin.core import OrientedCrystal
from hyperspy_twin.registration.beam_stretch import lattice_rotations
from hyperspy_twin.registration.virtual_cell import (
    align_to_zone_axis,
    fit_virtual_cell,
    reciprocal_vectors,
)

HKL_110 = np.array([[1, -1, 1], [1, -1, -1], [0, 0, 2], [2, -2, 0], [1, -1, 3]])


def deformation(e_xx=0.0, e_yy=0.0, e_xy=0.0, turn=0.0):
    return np.array([[1 + e_xx, e_xy - turn], [e_xy + turn, 1 + e_yy]])


def deform(g, matrix):
    return g @ np.linalg.inv(matrix)


@settings(deadline=None)
@given(
    st.floats(-0.06, 0.06),
    st.floats(-0.06, 0.06),
    st.floats(-0.04, 0.04),
    st.floats(-0.04, 0.04),
    st.floats(0, 360),
)
def test_fitted_reciprocal_lattice_is_the_measured_one(crystals, orient, xx, yy, xy, turn, angle):
    base = crystals["diamond"].base
    orientation = orient(base, (1, 1, 0), angle)
    oriented = OrientedCrystal(crystals["diamond"], (1, 1, 0), orientation)
    nominal = base @ orientation.T
    strain = deformation(xx, yy, xy, turn)
    g = deform(reciprocal_vectors(nominal, HKL_110), strain)
    lattice = fit_virtual_cell(oriented, HKL_110, g)
    np.testing.assert_allclose(reciprocal_vectors(lattice, HKL_110), g, atol=1e-9)
    np.testing.assert_allclose(lattice[:, :2], nominal[:, :2] @ strain.T, atol=1e-9)
    np.testing.assert_allclose(
        lattice[:, 2], nominal[:, 2] * np.sqrt(np.linalg.det(strain)), atol=1e-9
    )
    assert np.linalg.det(lattice) > 0


def test_tetragonal_distortion_is_kept(crystals, orient):
    base = crystals["diamond"].base
    orientation = orient(base, (1, 1, 0))
    oriented = OrientedCrystal(crystals["diamond"], (1, 1, 0), orientation)
    x = orientation @ [0, 0, 1.0]
    assert abs(x[0]) > 0.999 or abs(x[1]) > 0.999
    strain = deformation(0.02, -0.015)
    g = deform(reciprocal_vectors(base @ orientation.T, HKL_110), strain)
    lattice = fit_virtual_cell(oriented, HKL_110, g)
    c = np.linalg.norm(lattice[2])
    stretch = 1.02 if abs(x[0]) > 0.999 else 0.985
    assert c == pytest.approx(5.431 * stretch, abs=1e-9)
    half_diagonal = np.linalg.norm(lattice[0] - lattice[1])
    assert half_diagonal == pytest.approx(5.431 * 2**0.5 * (2.005 - stretch), abs=1e-9)


def test_mean_scale_is_exact_for_a_wrong_pixel_size(crystals, orient):
    base = crystals["rocksalt"].base
    orientation = orient(base, (1, 1, 1), 12)
    oriented = OrientedCrystal(crystals["rocksalt"], (1, 1, 1), orientation)
    hkl = np.array([[2, -2, 0], [0, 2, -2], [2, 0, -2]])
    g = reciprocal_vectors(base @ orientation.T, hkl) / 1.03
    np.testing.assert_allclose(
        fit_virtual_cell(oriented, hkl, g), 1.03 * base @ orientation.T, atol=1e-10
    )


@pytest.mark.parametrize("zone", [(1, 0, 0), (0, 1, 0), (1, 1, 0)])
def test_tetragonal_cell_is_stretched_along_the_beam_as_in_the_plane(make_crystal, orient, zone):
    """Seen along a, both a and c are seen: c/a is another than in the catalogue, b is a."""
    cubic = make_crystal("t", 4.0, [22], np.zeros((1, 3)))
    tetragonal = replace(cubic, lattice=(4.0, 4.0, 4.2, 90.0, 90.0, 90.0))
    true = replace(cubic, lattice=(3.93, 3.93, 4.27, 90.0, 90.0, 90.0))
    orientation = orient(tetragonal.base, zone, 33)
    hkl = np.array([[h, k, m] for h in (-2, 0, 1, 2) for k in (-2, 0, 1, 2) for m in (-1, 0, 2)])
    hkl = hkl[(hkl @ zone == 0) & hkl.any(axis=1)]
    g = reciprocal_vectors(true.base @ orientation.T, hkl)
    found = fit_virtual_cell(OrientedCrystal(tetragonal, zone, orientation), hkl, g)
    np.testing.assert_allclose(found, true.base @ orientation.T, atol=1e-6)


def test_what_symmetry_leaves_open_keeps_its_shape(make_crystal, orient):
    """Seen along c, a tetragonal cell shows a only: all is taken for the pixel size."""
    cubic = make_crystal("t", 4.0, [22], np.zeros((1, 3)))
    tetragonal = replace(cubic, lattice=(4.0, 4.0, 4.2, 90.0, 90.0, 90.0))
    orientation = orient(tetragonal.base, (0, 0, 1))
    hkl = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]])
    g = reciprocal_vectors(tetragonal.base @ orientation.T, hkl) / 1.01
    found = fit_virtual_cell(OrientedCrystal(tetragonal, (0, 0, 1), orientation), hkl, g)
    np.testing.assert_allclose(found, 1.01 * tetragonal.base @ orientation.T, atol=1e-6)


@pytest.mark.parametrize(("name", "count"), [("diamond", 24), ("hexagonal", 12), ("chiral", 12)])
def test_rotations_of_lattices(crystals, orient, name, count):
    base = crystals[name].base @ orient(crystals[name].base, (1, 1, 1), 20).T
    rotations = lattice_rotations(base)
    assert len(rotations) == count
    np.testing.assert_allclose(np.linalg.det(rotations), 1)
    back = (base @ rotations.transpose(0, 2, 1)) @ np.linalg.inv(base)
    np.testing.assert_allclose(back, np.rint(back), atol=1e-6)


def test_weights_silence_an_outlier(crystals, orient):
    base = crystals["diamond"].base
    orientation = orient(base, (1, 1, 0))
    oriented = OrientedCrystal(crystals["diamond"], (1, 1, 0), orientation)
    g = reciprocal_vectors(base @ orientation.T, HKL_110)
    g[4] += 0.3
    exact = fit_virtual_cell(oriented, HKL_110, g, weights=np.array([1, 1, 1, 1, 0.0]))
    np.testing.assert_allclose(exact, base @ orientation.T, atol=1e-9)
    assert np.abs(fit_virtual_cell(oriented, HKL_110, g) - exact).max() > 1e-3


def test_wrong_input_is_refused(crystals, orient):
    base = crystals["diamond"].base
    orientation = orient(base, (1, 1, 0))
    oriented = OrientedCrystal(crystals["diamond"], (1, 1, 0), orientation)
    g = reciprocal_vectors(base @ orientation.T, HKL_110)
    mirror = np.diag([1, -1])
    with pytest.raises(ValueError, match="mirror"):
        fit_virtual_cell(oriented, HKL_110, g @ mirror)
    with pytest.raises(ValueError, match="turned 180"):
        fit_virtual_cell(oriented, HKL_110, -g)
    with pytest.raises(ValueError, match="stretched"):
        fit_virtual_cell(oriented, HKL_110, g * [1, 1.5])
    with pytest.raises(ValueError, match="one line"):
        fit_virtual_cell(oriented, HKL_110[2:3], g[2:3])
    with pytest.raises(ValueError, match="measured reflections lie on one line"):
        fit_virtual_cell(oriented, HKL_110, g * [1, 0])
    with pytest.raises(ValueError, match="finite"):
        fit_virtual_cell(oriented, HKL_110, g * np.nan)
    with pytest.raises(ValueError, match="weights"):
        fit_virtual_cell(oriented, HKL_110, g, weights=-np.ones(5))
    with pytest.raises(ValueError, match="must be"):
        fit_virtual_cell(oriented, HKL_110, g[:3])
    with pytest.raises(ValueError, match="determinant -1"):
        fit_virtual_cell(
            replace(oriented, orientation=np.diag([1, 1, -1]) @ orientation), HKL_110, g
        )
    with pytest.raises(ValueError, match="orthonormal"):
        fit_virtual_cell(replace(oriented, orientation=1.1 * orientation), HKL_110, g)


@given(st.floats(-1e-12, 1e-12), st.floats(100, 180))
def test_message_of_a_turn_has_no_sign(crystals, orient, last_digits, degrees):
    base = crystals["diamond"].base
    orientation = orient(base, (1, 1, 0))
    oriented = OrientedCrystal(crystals["diamond"], (1, 1, 0), orientation)
    g = reciprocal_vectors(base @ orientation.T, HKL_110)
    for angle in (180 + last_digits, 180 - last_digits, -180.0, degrees, -degrees):
        turn = Rotation.from_euler("z", angle, degrees=True).as_matrix()[:2, :2]
        with pytest.raises(ValueError, match=f"turned {min(abs(angle), 180):.1f} degrees"):
            fit_virtual_cell(oriented, HKL_110, g @ turn.T)


@given(st.floats(-8, 8), st.floats(-8, 8))
def test_alignment_is_the_smallest_rotation(crystals, orient, tilt_x, tilt_y):
    hexagonal = crystals["hexagonal"]
    base = hexagonal.base
    exact = orient(base, (1, 1, 0), 25)
    tilt = Rotation.from_rotvec([tilt_x, tilt_y, 0], degrees=True)
    tilted = OrientedCrystal(hexagonal, (1, 1, 0), tilt.as_matrix() @ exact)
    aligned = align_to_zone_axis(tilted).orientation
    direction = aligned @ (np.array([1, 1, 0]) @ base)
    assert np.hypot(*direction[:2]) < 1e-9 * direction[2]
    # A tilt about an in-plane axis is undone altogether.
    np.testing.assert_allclose(aligned, exact, atol=1e-9)


def test_alignment_refuses_another_zone(crystals, orient):
    fcc = crystals["fcc"]
    oriented = OrientedCrystal(fcc, (1, 1, 0), orient(fcc.base, (1, 1, 0)))
    with pytest.raises(ValueError, match="degrees from the"):
        align_to_zone_axis(replace(oriented, zone_axis=(1, 1, 1)))
    with pytest.raises(ValueError, match="180"):
        align_to_zone_axis(replace(oriented, zone_axis=(-1, -1, 0)))
    with pytest.raises(ValueError, match="no direction"):
        align_to_zone_axis(replace(oriented, zone_axis=(0, 0, 0)))
