from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from hyperspy_twin.core import OrientedCrystal
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
