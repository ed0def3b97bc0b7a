from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from hyperspy_twin.registration.cell import align_to_zone_axis, fit_cell, reciprocal_vectors

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
    nominal = base @ orientation.T
    strain = deformation(xx, yy, xy, turn)
    g = deform(reciprocal_vectors(nominal, HKL_110), strain)
    lattice = fit_cell(base, HKL_110, g, orientation)
    np.testing.assert_allclose(reciprocal_vectors(lattice, HKL_110), g, atol=1e-9)
    np.testing.assert_allclose(lattice[:, :2], nominal[:, :2] @ strain.T, atol=1e-9)
    np.testing.assert_allclose(
        lattice[:, 2], nominal[:, 2] * np.sqrt(np.linalg.det(strain)), atol=1e-9
    )
    assert np.linalg.det(lattice) > 0


def test_tetragonal_distortion_is_kept(crystals, orient):
    base = crystals["diamond"].base
    orientation = orient(base, (1, 1, 0))
    x = orientation @ [0, 0, 1.0]
    assert abs(x[0]) > 0.999 or abs(x[1]) > 0.999
    strain = deformation(0.02, -0.015)
    g = deform(reciprocal_vectors(base @ orientation.T, HKL_110), strain)
    lattice = fit_cell(base, HKL_110, g, orientation)
    c = np.linalg.norm(lattice[2])
    stretch = 1.02 if abs(x[0]) > 0.999 else 0.985
    assert c == pytest.approx(5.431 * stretch, abs=1e-9)
    half_diagonal = np.linalg.norm(lattice[0] - lattice[1])
    assert half_diagonal == pytest.approx(5.431 * 2**0.5 * (2.005 - stretch), abs=1e-9)


def test_mean_scale_is_exact_for_a_wrong_pixel_size(crystals, orient):
    base = crystals["rocksalt"].base
    orientation = orient(base, (1, 1, 1), 12)
    hkl = np.array([[2, -2, 0], [0, 2, -2], [2, 0, -2]])
    g = reciprocal_vectors(base @ orientation.T, hkl) / 1.03
    np.testing.assert_allclose(
        fit_cell(base, hkl, g, orientation), 1.03 * base @ orientation.T, atol=1e-10
    )


def test_weights_silence_an_outlier(crystals, orient):
    base = crystals["diamond"].base
    orientation = orient(base, (1, 1, 0))
    g = reciprocal_vectors(base @ orientation.T, HKL_110)
    g[4] += 0.3
    exact = fit_cell(base, HKL_110, g, orientation, np.array([1, 1, 1, 1, 0.0]))
    np.testing.assert_allclose(exact, base @ orientation.T, atol=1e-9)
    assert np.abs(fit_cell(base, HKL_110, g, orientation) - exact).max() > 1e-3


def test_wrong_input_is_refused(crystals, orient):
    base = crystals["diamond"].base
    orientation = orient(base, (1, 1, 0))
    g = reciprocal_vectors(base @ orientation.T, HKL_110)
    mirror = np.diag([1, -1])
    with pytest.raises(ValueError, match="mirror"):
        fit_cell(base, HKL_110, g @ mirror, orientation)
    with pytest.raises(ValueError, match="turned 180"):
        fit_cell(base, HKL_110, -g, orientation)
    with pytest.raises(ValueError, match="stretched"):
        fit_cell(base, HKL_110, g * [1, 1.5], orientation)
    with pytest.raises(ValueError, match="one line"):
        fit_cell(base, HKL_110[2:3], g[2:3], orientation)
    with pytest.raises(ValueError, match="measured reflections lie on one line"):
        fit_cell(base, HKL_110, g * [1, 0], orientation)
    with pytest.raises(ValueError, match="finite"):
        fit_cell(base, HKL_110, g * np.nan, orientation)
    with pytest.raises(ValueError, match="weights"):
        fit_cell(base, HKL_110, g, orientation, -np.ones(5))
    with pytest.raises(ValueError, match="must be"):
        fit_cell(base, HKL_110, g[:3], orientation)
    with pytest.raises(ValueError, match="determinant -1"):
        fit_cell(base, HKL_110, g, np.diag([1, 1, -1]) @ orientation)
    with pytest.raises(ValueError, match="orthonormal"):
        fit_cell(base, HKL_110, g, 1.1 * orientation)


@given(st.floats(-8, 8), st.floats(-8, 8))
def test_alignment_is_the_smallest_rotation(crystals, orient, tilt_x, tilt_y):
    base = crystals["hexagonal"].base
    exact = orient(base, (1, 1, 0), 25)
    tilt = Rotation.from_rotvec([tilt_x, tilt_y, 0], degrees=True)
    aligned = align_to_zone_axis(base, (1, 1, 0), tilt.as_matrix() @ exact)
    direction = aligned @ (np.array([1, 1, 0]) @ base)
    assert np.hypot(*direction[:2]) < 1e-9 * direction[2]
    # A tilt about an in-plane axis is undone altogether.
    np.testing.assert_allclose(aligned, exact, atol=1e-9)


def test_alignment_refuses_another_zone(crystals, orient):
    base = crystals["fcc"].base
    with pytest.raises(ValueError, match="degrees from the"):
        align_to_zone_axis(base, (1, 1, 1), orient(base, (1, 1, 0)))
    with pytest.raises(ValueError, match="180"):
        align_to_zone_axis(base, (-1, -1, 0), orient(base, (1, 1, 0)))
    with pytest.raises(ValueError, match="no direction"):
        align_to_zone_axis(base, (0, 0, 0), orient(base, (1, 1, 0)))
