"""Fly-back and changing drift are told; steady drift and strain of crystals are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import Analysis, find_scan_traces, geometric_phase_analysis
from hyperspy_twin.strain.artefacts.changing_drift import measure_drift_change
from hyperspy_twin.strain.artefacts.derivatives import sample_derivatives

SHAPE = 300, 360
VECTORS = np.array([[1, 0], [0, 1], [1, 1], [1, -1]]) / (9.7, 11.3)


def nothing(x, y):
    return 0 * x, 0 * y


def fly_back(x, y, size=0.02, length=20.0):
    """Positions settle over 20 columns."""
    return -size * length * np.exp(-x / length), 0.3 * size * length * np.exp(-x / length)


def analysed(move, dose=60, labels=None, turned=False, seed=0):
    """Strain of a crystal that is displaced, with its regions and the grid."""
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
    return field, labels, grid


def traces(move, **options):
    return find_scan_traces(*analysed(move, **options))


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
    found = traces(nothing, dose=dose)
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


def split(along):
    labels = np.ones(SHAPE, int)
    if along == "one below the other":
        labels[150:] = 2
    if along == "side by side":
        labels[:, 180:] = 2
    return labels


@pytest.mark.parametrize("regions", ["one", "one below the other", "side by side"])
def test_jitter_of_lines_is_in_the_error_of_drift(regions):
    """Lines that jitter by a tenth of a pixel change the mean of whole rows at once."""
    labels, ratios = split(regions), []
    for seed in range(16):
        jitter = np.random.default_rng([seed, 5]).normal(0, [[0.1], [0.05]], (2, SHAPE[0]))

        def move(x, y, jitter=jitter):
            return jitter[0][y.astype(int)], jitter[1][y.astype(int)]

        field, _, grid = analysed(move, labels=labels, seed=seed)
        analysis = Analysis(labels, grid, field.resolution, field.vectors, 1, field.noise)
        change = measure_drift_change(sample_derivatives(field, labels, grid), analysis)
        assert not change.told.any()
        ratios.append(change.value / change.error)
    # Chi-square of 32 numbers, whose standard error is 0.25.
    assert 0.5 < np.mean(np.square(ratios)) < 1.6
