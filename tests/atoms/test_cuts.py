from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.atoms.columns import find_columns
from hyperspy_twin.atoms.cuts import NO_CUTS, sides, step_fraction, step_fractions
from hyperspy_twin.atoms.displacement import displace, interpolate, prepare_field
from hyperspy_twin.atoms.faults.smooth import Profile, Window, followed_waves, take_out_steps
from hyperspy_twin.core import Grid

angles = st.floats(0.0, 6.28)


def cut(angle=0.3, height=0.5, ends=(-np.inf, np.inf), step=(0.07, -0.09, 2.0)):
    return np.array([np.cos(angle), np.sin(angle), height, *ends, *step])


def at(one, across, along):
    """Point of the lattice at so much across a cut and along it."""
    normal = one[:2]
    return (one[2] + across) * normal + along * np.array([normal[1], -normal[0]])


@pytest.mark.parametrize("function", [step_fraction, step_fraction.py_func])
def test_fault_through_the_crystal_is_a_sudden_step(function):
    one = cut()
    for along in (-30.0, 0.0, 7.0):
        assert function(one, *at(one, 1e-9, along)) == (0.5, 0.0, 0.0)
        assert function(one, *at(one, -1e-9, along)) == (-0.5, 0.0, 0.0)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(angles, st.sampled_from([(-np.inf, 2.0), (-1.0, np.inf), (-1.0, 2.0)]), st.floats(0.05, 8.0))
def test_circuits_around_an_end_close_but_for_the_step(angle, ends, radius):
    """Once around an end the step is made once, and nothing jumps but across the fault."""
    one = cut(angle, ends=ends)
    end, sign = (2.0, 1.0) if np.isfinite(ends[1]) else (-1.0, -1.0)
    radius = min(radius, 2.0) if np.isfinite(ends).all() else radius
    turns = np.linspace(-np.pi, np.pi, 2001)[1:-1]
    points = [at(one, radius * np.sin(t), end + sign * radius * np.cos(t)) for t in turns]
    values = step_fractions(one, np.array(points))
    assert np.abs(np.diff(values)).max() < 0.02
    assert values[-1] - values[0] == pytest.approx(1.0, abs=0.01)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(angles, st.floats(-4.0, 4.0), st.floats(0.05, 3.0), st.booleans())
def test_slopes_are_those_of_the_values(angle, along, across, above):
    one = cut(angle, ends=(-1.0, 2.0))
    x, y = at(one, across if above else -across, along)
    step = 1e-6
    value, slope_x, slope_y = step_fraction(one, x, y)
    assert (value, slope_x, slope_y) == pytest.approx(step_fraction.py_func(one, x, y))
    by_x = step_fraction(one, x + step, y)[0] - step_fraction(one, x - step, y)[0]
    by_y = step_fraction(one, x, y + step)[0] - step_fraction(one, x, y - step)[0]
    np.testing.assert_allclose([slope_x, slope_y], [by_x / 2 / step, by_y / 2 / step], atol=1e-4)


def test_displacement_without_cuts_is_the_field():
    values = np.random.default_rng(0).normal(size=(2, 9, 9)) * 1e-3
    field = prepare_field(values, Grid((9, 9), (1.0, 1.0)))
    offset, scale = np.zeros(2), np.ones(2)
    for function in (displace, displace.py_func):
        found = function(field, NO_CUTS, offset, scale, 3.3, 4.1)
        assert found == interpolate(field, offset, scale, 3.3, 4.1)


def test_columns_of_a_sheared_lattice():
    """The lattice beyond the cut is shifted by the step: no site is lost, and none found twice."""
    plane, grid = np.array([[0.4, 0.0], [0.2, 0.35]]), Grid((40, 40), (0.25, 0.25))
    one = cut(np.pi / 2, 5.0 + 0.35 / 2, step=(0.2, 0.0, 2.0))
    field = np.zeros((2, *grid.shape))
    bounds = (0.01, 0.01, 9.6, 9.6)
    ((points, _, _),) = find_columns(plane, np.zeros((1, 2)), bounds, field, grid, one[None])
    i, j = np.meshgrid(np.arange(-60, 60), np.arange(-60, 60))
    sites = i.reshape(-1, 1) * plane[0] + j.reshape(-1, 1) * plane[1]
    sites[:, 0] += np.where(sites[:, 1] > one[2], 0.1, -0.1)
    true = sites[((sites > 0.02) & (sites < 9.55)).all(axis=1)]
    found = points[((points > 0.02) & (points < 9.55)).all(axis=1)]
    assert len(found) == len(true)
    distance = np.linalg.norm(found[:, None] - true[None], axis=2)
    assert distance.min(axis=1).max() < 1e-9 and len(set(distance.argmin(axis=1))) == len(true)
    np.testing.assert_allclose(sides(one, points), np.where(points[:, 1] > one[2], 0.5, -0.5))


@pytest.mark.parametrize("ends", [(-np.inf, np.inf), (-np.inf, 1.0)])
def test_smooth_part_is_found_behind_the_window(ends):
    """Displacement as windows see it: the phase of the mean of the waves on both sides."""
    from scipy.ndimage import gaussian_filter

    grid, resolution = Grid((160, 160), (0.06, 0.06)), 0.5
    x, y = np.meshgrid(grid.x, grid.y)
    vectors = np.array([[2.5, 1.8], [2.5, -1.8]])
    one = cut(0.4, 6.0, ends, step=(0.07, -0.09, 0.0))
    true = np.stack([0.004 * x + 0.02 * np.sin(y / 3), 0.003 * y])
    points = np.ascontiguousarray((np.stack([x, y]) - true).reshape(2, -1).T)
    steps = step_fractions(one, points).reshape(grid.shape)
    whole = true + one[5:7, None, None] * steps
    turns = []
    for vector in vectors:
        fast = np.tensordot(vector, whole - true, axes=1)
        mean = [
            gaussian_filter(part, resolution / 0.06, mode="constant")
            for part in (np.cos(2 * np.pi * fast), np.sin(2 * np.pi * fast))
        ]
        turns.append(np.arctan2(mean[1], mean[0]) / (2 * np.pi))
    measured = true + np.tensordot(np.linalg.pinv(vectors), turns, axes=1)
    assert np.abs(measured - whole).max() > 0.05
    window = Window(followed_waves(vectors, one[None, 5:7]), resolution)
    smooth = measured
    for _ in range(2):
        smooth = take_out_steps(measured, smooth, grid, one[None], [], window)
    # The pixels are not points: a third of a picometre for a step of 114.
    assert np.abs(smooth - true).max() < 5e-4


def test_waves_that_step_by_half_a_turn_are_left_out():
    vectors = np.array([[2.0, 0.0], [0.0, 2.0], [4.0, 4.0]])
    jumps = np.array([[0.1, 0.1]])
    np.testing.assert_array_equal(followed_waves(vectors, jumps), vectors[:2])
    np.testing.assert_array_equal(followed_waves(vectors, 3 * jumps), vectors)


@pytest.mark.parametrize("lattice_vector", [0, 1])
def test_displacement_next_to_a_fault_is_bridged(lattice_vector):
    """What is wrong within two resolutions of it is not used, nor lattice vectors beyond it."""
    grid, resolution = Grid((160, 160), (0.06, 0.06)), 0.4
    x, y = np.meshgrid(grid.x, grid.y)
    vectors = np.array([[2.5, 1.8], [2.5, -1.8]])
    one = cut(0.4, 6.0, step=(0.0, 0.0, 1.0))
    profile = Profile(one, np.array([-1.0, 1.0]), np.zeros((2, 2)), 0.0)
    true = np.stack([0.004 * x + 0.02 * np.sin(y / 3), 0.003 * y])
    across = np.tensordot(one[:2], np.stack([x, y]) - true, axes=1) - one[2]
    measured = true + 0.1 * (np.abs(across) < 1.8 * resolution)
    jump = lattice_vector * np.linalg.inv(vectors)[:, 0]
    beyond = jump[:, None, None] * (across > 0)
    window = Window(vectors, resolution)
    smooth = take_out_steps(measured + beyond, true, grid, one[None], [profile], window) - beyond
    inside = (slice(None), slice(40, -40), slice(40, -40))
    assert np.abs(smooth - true)[inside].max() < 1e-3
