from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.atoms.cuts import NO_CUTS
from hyperspy_twin.atoms.displacement import (
    fill_missing,
    interpolate,
    prepare_field,
    solve_point,
)
from hyperspy_twin.core import Grid

GRID = Grid((120, 150), (0.04, 0.05), (2.0, -1.0))
X, Y = np.meshgrid(GRID.x, GRID.y)
small = st.floats(-0.15, 0.15)


def displaced_points(reference, displacement, grid):
    field = prepare_field(displacement, grid)
    offset, scale = np.array(grid.offset), np.array(grid.scale)
    found = []
    for x, y in reference:
        u_x, u_y = interpolate(field, offset, scale, x, y)[:2]
        found.append(solve_point(field, NO_CUTS, offset, scale, x, y, x + u_x, y + u_y))
    return np.array([point[:2] for point in found]), np.array([point[2] for point in found])


def interior_points(count=400, margin=1.2):
    generator = np.random.default_rng(1)
    low = np.array([GRID.x[0], GRID.y[0]]) + margin
    high = np.array([GRID.x[-1], GRID.y[-1]]) - margin
    return generator.uniform(low, high, (count, 2))


@settings(deadline=None)
@given(small, small, small, small, st.floats(-0.2, 0.2), st.floats(-0.2, 0.2))
def test_affine_displacement_is_exact(xx, xy, yx, yy, x0, y0):
    gradient = np.array([[xx, xy], [yx, yy]])
    centre = np.array([X.mean(), Y.mean()])
    u = np.array(
        [
            x0 + xx * (X - centre[0]) + xy * (Y - centre[1]),
            y0 + yx * (X - centre[0]) + yy * (Y - centre[1]),
        ]
    )
    reference = interior_points(50, margin=2.0)
    points, solved = displaced_points(reference, u, GRID)
    inverse = np.linalg.inv(np.eye(2) - gradient)
    expected = (reference + [x0, y0] - centre @ gradient.T) @ inverse.T
    inside = (np.abs(expected - centre) < [X.max() - centre[0], Y.max() - centre[1]]).all(axis=1)
    assert solved.all()
    np.testing.assert_allclose(points[inside], expected[inside], atol=1e-6)


def test_sine_displacement_solves_the_definition():
    amplitude, period = 0.08, 2.0
    phase = 2 * np.pi * X / period
    u = np.array([amplitude * np.sin(phase), 0.5 * amplitude * np.cos(phase)])
    reference = interior_points()
    points, solved = displaced_points(reference, u, GRID)
    assert solved.all()
    phase = 2 * np.pi * points[:, 0] / period
    exact = np.stack([amplitude * np.sin(phase), 0.5 * amplitude * np.cos(phase)], axis=1)
    # Bilinear interpolation of a sine: amplitude (2 pi step / period)^2 / 8.
    bound = 1.1 * amplitude * (2 * np.pi * 0.04 / period) ** 2 / 8
    assert np.abs(points - reference - exact).max() < bound
    # R + u(R), the usual shortcut, is wrong by far more than that.
    shortcut = amplitude * np.sin(2 * np.pi * reference[:, 0] / period)
    assert np.abs(reference[:, 0] + shortcut - points[:, 0]).max() > 20 * bound


def test_displaced_lattice_has_the_phase_of_the_definition():
    u = np.array([0.03 * np.sin(Y), 0.05 * np.sin(X / 2) + 0.01 * Y])
    g = np.array([3.1, 1.7])
    sites = np.array([(i, j) for i in range(-9, 30) for j in range(-9, 30)]) / g
    points, solved = displaced_points(sites, u, GRID)
    inside = solved & (points > [2.5, -0.5]).all(axis=1) & (points < [7, 4]).all(axis=1)
    assert inside.sum() > 20
    field, offset, scale = prepare_field(u, GRID), np.array(GRID.offset), np.array(GRID.scale)
    moved = np.array([interpolate(field, offset, scale, *p)[:2] for p in points[inside]])
    # I(r) = A exp(2 pi i g.(r - u(r))) has its maxima at the displaced sites.
    turns = (points[inside] - moved) * g
    np.testing.assert_allclose(turns, np.rint(turns), atol=1e-6)


def test_outside_the_image_the_edge_value_holds():
    u = np.array([0.01 * X, -0.02 * Y])
    points, solved = displaced_points(np.array([[-50.0, 1.0], [60.0, 70.0]]), u, GRID)
    assert solved.all()
    assert points[0, 0] == pytest.approx(-50 + 0.01 * GRID.x[0], abs=1e-7)
    np.testing.assert_allclose(
        points[1], [60 + 0.01 * GRID.x[-1], 70 - 0.02 * GRID.y[-1]], atol=1e-7
    )


def test_missing_displacement_is_taken_from_the_nearest_pixel():
    u = np.array([X, Y]).copy()
    u[0, 20:40, 30:60] = np.nan
    filled = fill_missing(u)
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled[:, 39, 45], u[:, 40, 45])
    np.testing.assert_array_equal(filled[:, :20], u[:, :20])
    with pytest.raises(ValueError, match="unknown everywhere"):
        fill_missing(np.full((2, 3, 3), np.nan))


def test_jump_is_not_smeared():
    u = np.zeros((2, *GRID.shape))
    u[0, :, 75:] = 0.3
    reference = interior_points()
    points, solved = displaced_points(reference, u, GRID)
    moved = (points - reference)[solved]
    assert np.all((np.abs(moved[:, 0]) < 1e-7) | (np.abs(moved[:, 0] - 0.3) < 1e-7))
    cut = GRID.x[74] + 0.02
    # Sites that the opening crack passes over have no position.
    assert np.all(np.isnan(points[~solved]))
    gap = (reference[:, 0] > cut - 0.3) & (reference[:, 0] < cut)
    assert np.all(solved[~gap])


def test_kernels_agree_with_plain_python():
    u = np.array([0.03 * np.sin(Y), 0.05 * np.sin(X / 2)])
    u[0, :, 100:] += 0.3
    field, offset, scale = prepare_field(u, GRID), np.array(GRID.offset), np.array(GRID.scale)
    for point in [*interior_points(20), (5.98, 1.0), (-3.0, 99.0)]:
        np.testing.assert_allclose(
            interpolate(field, offset, scale, *point),
            interpolate.py_func(field, offset, scale, *point),
        )
        np.testing.assert_allclose(
            solve_point(field, NO_CUTS, offset, scale, *point, *point),
            solve_point.py_func(field, NO_CUTS, offset, scale, *point, *point),
        )


def test_wrong_input():
    with pytest.raises(ValueError, match=r"\(2, rows, columns\)"):
        fill_missing(np.zeros((3, 4, 4)))
    with pytest.raises(ValueError, match="same pixels"):
        prepare_field(np.zeros((2, 4, 4)), GRID)
