from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.simulation import ORIENTATION_110, cubic_stiffness, volterra_displacement

GERMANIUM = (128.5, 48.3, 66.8)  # GPa
STIFFNESS = cubic_stiffness(GERMANIUM, ORIENTATION_110)


def circuit(centre=(0.0, 0.0), radius=2.0, count=2000):
    angle = np.linspace(0, 2 * np.pi, count)
    return np.column_stack([np.cos(angle), np.sin(angle)]) * radius + centre


# No numbers so small that their products are lost.
COMPONENT = st.integers(-300, 300).map(lambda hundredths: hundredths / 100)


@given(COMPONENT, COMPONENT, COMPONENT)
@settings(max_examples=20, deadline=None, derandomize=True)
def test_displacement_grows_by_the_burgers_vector(x, y, z):
    burgers = np.array([x, y, z])
    steps = np.diff(volterra_displacement(circuit(), burgers, STIFFNESS), axis=0)
    jumps = np.linalg.norm(steps, axis=1) > 0.5 * np.linalg.norm(burgers)
    assert jumps.sum() <= 2
    np.testing.assert_allclose(
        steps[~jumps].sum(axis=0), burgers, atol=0.02 * np.abs(burgers).sum()
    )
    outside = volterra_displacement(circuit((5.0, 4.0)), np.array([1.0, 0.0, 0.0]), STIFFNESS)
    assert np.abs(outside[-1] - outside[0]).max() < 1e-9


def test_field_is_in_elastic_equilibrium():
    burgers, step, point = np.array([0.2, 0.4, 0.1]), 1e-3, np.array([1.3, -0.7])

    def gradient(at):
        shifts = step * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
        u = volterra_displacement(at + shifts, burgers, STIFFNESS)
        found = np.zeros((3, 3))
        found[:, 0], found[:, 1] = (u[0] - u[1]) / (2 * step), (u[2] - u[3]) / (2 * step)
        return found

    def stress(at):
        return np.einsum("ijkm,km->ij", STIFFNESS, gradient(at))

    x, y = np.array([step, 0.0]), np.array([0.0, step])
    force = (stress(point + x) - stress(point - x))[:, 0] + (stress(point + y) - stress(point - y))[
        :, 1
    ]
    assert np.abs(force).max() / (2 * step) < 1e-3 * np.abs(stress(point)).max()


def test_nearly_isotropic_medium_gives_the_textbook_edge():
    c12, c44 = 60.0, 40.0
    stiffness = cubic_stiffness((c12 + 2 * c44 * 1.001, c12, c44))
    poisson = c12 / (2 * (c12 + c44))
    points = np.array([[1.0, 0.6], [0.4, -1.5], [1.2, 1.9]])
    x, y = points.T
    square = x**2 + y**2
    u_x = np.arctan2(y, x) + x * y / (2 * (1 - poisson) * square)
    u_y = -((1 - 2 * poisson) * np.log(square) + (x**2 - y**2) / square) / (4 * (1 - poisson))
    expected = np.column_stack([u_x, u_y]) / (2 * np.pi)
    found = volterra_displacement(points, np.array([1.0, 0.0, 0.0]), stiffness)[:, :2]
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=2e-3)


def test_isotropic_medium_is_refused():
    with pytest.raises(ValueError, match="degenerate"):
        volterra_displacement(
            np.ones((1, 2)), np.array([1.0, 0.0, 0.0]), cubic_stiffness((140.0, 60.0, 40.0))
        )
