"""Fly-back and changing drift are told; steady drift and strain of crystals are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import find_scan_traces, geometric_phase_analysis

SHAPE = 300, 360
VECTORS = np.array([[1, 0], [0, 1], [1, 1], [1, -1]]) / (9.7, 11.3)


def nothing(x, y):
    return 0 * x, 0 * y


def fly_back(x, y, size=0.02, length=20.0):
    """Positions settle over 20 columns."""
    return -size * length * np.exp(-x / length), 0.3 * size * length * np.exp(-x / length)


def traces(move, dose=60, labels=None, turned=False, seed=0):
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    u_x, u_y = move(x, y)
    x, y = x - u_x, y - u_y
    if turned:
        # The crystal below is 2 % larger than the one above.
        y, x = np.where(y > 150, 150 + (y - 150) / 1.02, y), np.where(y > 150, x / 1.02, x)
    turns = [x / 9.7, y / 11.3, x / 9.7 + y / 11.3, x / 9.7 - y / 11.3]
    image = np.exp(sum(np.cos(2 * np.pi * turn) for turn in turns) / 2)
    image = np.random.default_rng(seed).poisson(dose * image).astype(float)
    labels = np.ones(SHAPE, int) if labels is None else labels
    reference = np.zeros(SHAPE, bool)
    reference[40:-40, 120:-40] = True
    grid = Grid(SHAPE, (1.0, 1.0))
    field = geometric_phase_analysis(
        image, grid, VECTORS, resolution=13.0, reference=reference & (labels == 1), labels=labels,
        displacement=False,
    )  # fmt: skip
    return find_scan_traces(field, labels, grid)


def test_fly_back_is_found_in_the_first_columns():
    found = traces(fly_back)
    # 2 % exp(-x / 20) falls to .05 to .1 % at 60 to 74 columns; the window adds its own width.
    assert 40 < found.fly_back < 100
    assert found.fly_back_strain[0] > 0.007
    assert found.fly_back_strain[1] < -0.002
    assert found.drift == (0, 0)
    told = found.describe(Grid(SHAPE, (0.02, 0.02)), "nm")
    assert "columns" in told["fly_back"]


def test_fly_back_is_the_same_in_all_crystals():
    labels = np.ones(SHAPE, int)
    labels[150:] = 2
    assert traces(fly_back, labels=labels, turned=True).fly_back > 40


@pytest.mark.parametrize("dose", [3, 60, 1000])
def test_a_perfect_crystal_has_no_traces(dose):
    found = traces(nothing, dose)
    assert found.fly_back == 0
    assert found.drift == (0, 0)
    assert found.describe(Grid(SHAPE, (0.02, 0.02)), "nm") == {}


NO_FLY_BACK = {
    "at both borders": lambda x, y: (-0.4 * (np.exp(-x / 20) - np.exp((x - 359) / 20)), 0 * y),
    "in the upper half": lambda x, y: (-0.4 * np.exp(-x / 20) * (y < 150), 0 * y),
    "along y as well": lambda x, y: (-0.4 * np.exp(-x / 20), 0.02 * (y - 150) * np.exp(-x / 20)),
    "a gradient": lambda x, y: (2e-5 * (x - 180) ** 2, 0 * y),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_FLY_BACK)
def test_strain_that_is_no_fly_back(name):
    assert traces(NO_FLY_BACK[name]).fly_back == 0


@settings(max_examples=5, deadline=None, derandomize=True)
@given(x=st.floats(-6e-3, 6e-3), y=st.floats(-6e-3, 6e-3), seed=st.integers(0, 9))
def test_drift_that_changes_is_measured(x, y, seed):
    """The displacement of a line is half the change of drift times the square of its place."""
    lines = SHAPE[0]
    found = traces(lambda _, row: (x * row**2 / (2 * lines), y * row**2 / (2 * lines)), seed=seed)
    assert found.fly_back == 0
    for told, true, error in zip(found.drift, (x, y), found.drift_error, strict=True):
        if abs(true) > 1e-3:
            assert told == pytest.approx(true, abs=max(4 * error, 0.06 * abs(true)))
        else:
            assert told == pytest.approx(true, abs=1e-3)


def test_steady_drift_is_a_uniform_strain_and_cannot_be_told():
    found = traces(lambda x, y: (0.01 * y, -0.02 * y))
    assert found.drift == (0, 0)


def test_strain_that_changes_along_both_axes_is_no_drift():
    found = traces(lambda x, y: (1.5e-5 * x * y, 1e-5 * y**2))
    assert found.drift == (0, 0)


def test_regions_that_change_differently_do_not_drift():
    labels = np.ones(SHAPE, int)
    labels[:, 180:] = 2
    found = traces(lambda x, y: (0 * x, np.where(x < 180, 1.5e-5, -1.5e-5) * y**2), labels=labels)
    assert found.drift == (0, 0)
