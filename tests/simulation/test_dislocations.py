from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.simulation.dislocations import (
    DislocationArray,
    dislocation_field,
    displace_points,
    undo_displacement,
)

PERIOD, BURGERS, POISSON = 44.0, 4.36, 0.35
CORES = np.array([0.0])
FIELD = DislocationArray(CORES, PERIOD, BURGERS, POISSON)


def single_edge(x, y):
    """Textbook edge dislocation, extra half plane at y > 0."""
    square = x**2 + y**2
    u_x = np.arctan2(y, x) + x * y / (2 * (1 - POISSON) * square)
    u_y = -((1 - 2 * POISSON) * np.log(square) + (x**2 - y**2) / square) / (4 * (1 - POISSON))
    return BURGERS / (2 * np.pi) * np.array([u_x, u_y])


@pytest.mark.parametrize("y", [-17.0, -3.0, 2.0, 9.0])
def test_closed_form_equals_the_sum_over_textbook_dislocations(y):
    repeats = np.arange(-40_000, 40_001) * PERIOD
    points = [5.0, 19.0]
    direct = [single_edge(x - repeats, y).sum(axis=1) for x in points]
    ours = [np.array(dislocation_field(x, y, FIELD)[:2]) for x in points]
    # The uniform strain that the array leaves on this side is not part of ours.
    uniform = -np.sign(y) * BURGERS / (2 * PERIOD) * (points[1] - points[0])
    np.testing.assert_allclose(direct[1] - direct[0] - [uniform, 0], ours[1] - ours[0], atol=1e-4)


@given(st.floats(-60, 60), st.floats(0.5, 40), st.booleans())
@settings(max_examples=50, deadline=None)
def test_gradient_is_the_derivative(x, y, below):
    y = y if below else -y
    step = 1e-5
    gradient = dislocation_field(x, y, FIELD)[2:]
    along_x = np.subtract(
        dislocation_field(x + step, y, FIELD)[:2], dislocation_field(x - step, y, FIELD)[:2]
    )
    along_y = np.subtract(
        dislocation_field(x, y + step, FIELD)[:2], dislocation_field(x, y - step, FIELD)[:2]
    )
    numerical = np.array([along_x[0], along_y[0], along_x[1], along_y[1]]) / (2 * step)
    np.testing.assert_allclose(gradient, numerical, atol=1e-6)


@given(st.floats(-60, 60), st.floats(2, 30), st.booleans())
@settings(max_examples=30, deadline=None)
def test_field_is_in_elastic_equilibrium(x, y, below):
    y = y if below else -y
    step = 1e-4
    right, left = dislocation_field(x + step, y, FIELD), dislocation_field(x - step, y, FIELD)
    down, up = dislocation_field(x, y + step, FIELD), dislocation_field(x, y - step, FIELD)
    by_x, by_y = np.subtract(right, left) / (2 * step), np.subtract(down, up) / (2 * step)
    laplacian = np.array([by_x[2] + by_y[3], by_x[4] + by_y[5]])
    divergence_gradient = np.array([by_x[2] + by_x[5], by_y[2] + by_y[5]])
    residual = (1 - 2 * POISSON) * laplacian + divergence_gradient
    np.testing.assert_allclose(residual, 0, atol=1e-6)


def test_field_brings_lattices_into_register_and_fades():
    above, below = (np.array(dislocation_field(9.0, y, FIELD)) for y in (-1e-9, 1e-9))
    assert above[2] == pytest.approx(-BURGERS / (2 * PERIOD))
    assert below[2] == pytest.approx(BURGERS / (2 * PERIOD))
    assert above[1] == pytest.approx(below[1])
    assert np.abs(dislocation_field(9.0, 3 * PERIOD, FIELD)).max() < 1e-6


def test_cores_superpose():
    two = np.array([3.0, 20.0])
    both = np.array(dislocation_field(7.0, 2.0, FIELD._replace(cores=two)))
    each = [dislocation_field(7.0 - core, 2.0, FIELD) for core in two]
    np.testing.assert_allclose(both, np.sum(each, axis=0), atol=1e-14)


def test_undo_finds_the_origin_and_python_agrees_with_numba():
    random = np.random.default_rng(0)
    origin = np.column_stack([random.uniform(-40, 40, 40), random.uniform(-30, 30, 40)])
    origin = origin[np.abs(origin[:, 1]) > 3]
    moved = origin + displace_points(origin, FIELD)
    np.testing.assert_allclose(
        displace_points.py_func(origin, FIELD), displace_points(origin, FIELD)
    )
    for function in (undo_displacement, undo_displacement.py_func):
        found, gradient = function(moved, FIELD)
        np.testing.assert_allclose(found, origin, atol=1e-5)
        expected = [dislocation_field.py_func(x, y, FIELD)[2:] for x, y in origin]
        np.testing.assert_allclose(gradient, expected, atol=1e-5)
