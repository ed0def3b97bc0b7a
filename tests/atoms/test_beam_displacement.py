from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.atoms.beam_displacement import find_beam_displacement, sample_nearest
from hyperspy_twin.core import Grid

GRID = Grid((90, 110), (0.05, 0.04), (1.0, -2.0))
KNOWN = np.ones(GRID.shape, bool)
PLANE = np.array([[0.27, -0.19], [0.27, 0.19]])


@pytest.mark.parametrize("lift", [(1.9, -1.9), (1.28, 2.56), (0.0, 0.0)])
@pytest.mark.parametrize("vector", [(1, 0), (-1, 0), (0, 1), (2, -1)])
def test_closed_cut_lifts_by_the_lattice_vector(lift, vector):
    lift = np.array(lift)
    field = 0.01 * np.array(np.meshgrid(GRID.x, GRID.y))
    inside = np.zeros(GRID.shape, bool)
    inside[20:50, 30:80] = True
    field[:, inside] += (np.array(vector) @ PLANE)[:, None]
    depth = find_beam_displacement(field, KNOWN, GRID, PLANE, lift, 3.84)
    np.testing.assert_allclose(depth[~inside], 0, atol=1e-9)
    assert np.ptp(depth[inside]) < 1e-9
    turns = (depth[inside][0] - vector @ lift) / 3.84
    assert turns == pytest.approx(round(turns), abs=0.011)
    assert abs(depth[inside][0]) <= 1.93


def test_cut_that_ends_has_the_field_of_a_screw():
    grid = Grid((301, 301), (0.05, 0.05))
    x, y = np.meshgrid(grid.x - 7.52, grid.y - 7.52)
    turn = np.arctan2(-x, y) / (2 * np.pi)
    field = PLANE[0][:, None, None] * turn
    known = np.ones(grid.shape, bool)
    depth = find_beam_displacement(field, known, grid, PLANE, [1.92, -1.92], 3.84)
    near = (np.hypot(x, y) > 0.6) & (np.hypot(x, y) < 1.5)
    # The borders of the image are free surfaces, which bend the field a little.
    away = depth - 1.92 * turn
    assert np.ptp(away[near]) < 0.05


def test_jump_that_is_no_translation_does_not_lift():
    field = np.zeros((2, *GRID.shape))
    field[:, :, 50:] = (0.5 * PLANE[0])[:, None, None]
    assert np.all(find_beam_displacement(field, KNOWN, GRID, PLANE, [1.92, -1.92], 3.84) == 0)


def test_jump_in_an_extended_field_does_not_lift():
    field = np.zeros((2, *GRID.shape))
    field[:, 30:, 50:] = PLANE[0][:, None, None]
    known = KNOWN.copy()
    known[25:, 48:52] = known[28:32, 45:] = False
    assert np.ptp(find_beam_displacement(field, KNOWN, GRID, PLANE, [1.92, -1.92], 3.84)) > 1
    assert np.all(find_beam_displacement(field, known, GRID, PLANE, [1.92, -1.92], 3.84) == 0)


def test_nearest_pixel():
    values = np.arange(90 * 110.0).reshape(90, 110)
    points = np.array([[1.0, -2.0], [1.06, -1.97], [-9.0, 99.0]])
    np.testing.assert_array_equal(sample_nearest(values, GRID, points), [0, 111, 89 * 110])
