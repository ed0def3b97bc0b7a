"""Bragg filters: linear, exact for known waves up to the edge, and separate where they can be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import Reflections, filter_reflections, local_amplitude, plan_groups

SHAPE, SCALE = (230, 317), (0.02, 0.025)
GRID = Grid(SHAPE, SCALE, (3.0, -1.0))
SPACING = 0.3
SQUARE = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]]) / SPACING
RESOLUTION = 1.5 * SPACING
# Of the amplitude of one wave: what a window that is cut at the edge lets through of others.
EDGE, CORNER = 0.007, 0.02


def waves(vectors, amplitudes, phases, grid=GRID):
    turns = [x * grid.x[None] + y * grid.y[:, None] for x, y in vectors]
    parts = zip(amplitudes, turns, phases, strict=True)
    return sum(a * np.cos(2 * np.pi * turn + phase) for a, turn, phase in parts)


def test_known_waves_come_back_up_to_the_edge():
    amplitudes, phases = [10.0, 6.0, 4.0, 5.0], [0.3, 1.1, 2.0, -0.7]
    image = 100 + waves(SQUARE, amplitudes, phases)
    found = filter_reflections(image, GRID, [SQUARE[:1], SQUARE[1:3]], resolution=RESOLUTION)
    assert found.dtype == np.float32
    assert found.shape == (2, *SHAPE)
    for index, part in enumerate((slice(0, 1), slice(1, 3))):
        error = np.abs(found[index] - waves(SQUARE[part], amplitudes[part], phases[part])) / 10
        assert error[90:-90, 110:-110].max() < 1e-4
        sides = np.concatenate([error[60:-60].T.ravel(), error[:, 60:-60].ravel()])
        assert sides.max() < EDGE
        assert error.max() < CORNER


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 99), st.floats(-3, 3), st.floats(1.0, 3.0))
def test_the_filter_is_linear(seed, factor, width):
    first, second = np.random.default_rng(seed).normal(size=(2, 64, 81))
    grid = Grid(first.shape, (0.03, 0.03))
    empty = np.zeros(first.shape, bool)
    empty[:20, :30] = seed % 2 == 1

    def filtered(image):
        groups = [SQUARE[:1], SQUARE[2:]]
        return filter_reflections(image, grid, groups, resolution=0.15 * width, empty=empty)

    expected = filtered(first) + factor * filtered(second)
    np.testing.assert_allclose(filtered(first + factor * second), expected, atol=4e-5)


def test_the_mask_falls_with_the_distance_as_stated():
    distance = np.array([0.3, 0.0])
    wave = waves(SQUARE[:1] + distance, [1.0], [0.0])
    found = filter_reflections(wave, GRID, [SQUARE[:1]], resolution=RESOLUTION)[0]
    passed = np.exp(-2 * (np.pi * RESOLUTION) ** 2 * distance[0] ** 2)
    centre = slice(100, 130), slice(120, 190)
    np.testing.assert_allclose(found[centre], passed * wave[centre], atol=2e-4)


def test_noise_that_passes_is_that_of_the_window():
    """White noise through a window of 4 pi s^2 pixels, twice its half plane."""
    noise = np.random.default_rng(0).normal(size=(512, 512))
    grid = Grid(noise.shape, (1.0, 1.0))
    found = filter_reflections(noise, grid, [[[0.21, 0.13]]], resolution=5.0)[0]
    expected = np.sqrt(2.0 / (4 * np.pi * 25.0))
    assert found[30:-30, 30:-30].std() == pytest.approx(expected, rel=0.05)


def test_two_layers_come_apart():
    """Two lattices of 8 % misfit, one above the other, with noise."""
    grid = Grid((640, 317), SCALE)
    other = SQUARE / 1.08
    layers = [waves(one, [3, 3, 2, 2], [0, 0, 0, 0], grid) for one in (SQUARE, other)]
    image = np.where(np.arange(640)[:, None] < 320, *layers)
    image += np.random.default_rng(1).normal(size=grid.shape)
    resolution = 0.5 / 0.08 * SPACING / np.sqrt(2)
    found = filter_reflections(image, grid, [SQUARE[2:], other[2:]], resolution=resolution)
    upper, lower = (local_amplitude(one, grid, resolution=resolution) for one in found)
    top, bottom = slice(0, 120), slice(520, None)
    for own, inside, outside in ((upper, top, bottom), (lower, bottom, top)):
        assert own[inside].mean() == pytest.approx(np.sqrt(8.0), rel=0.05)
        assert own[outside].mean() < 0.15 * own[inside].mean()


def test_amplitude_of_one_and_of_several_waves():
    image = waves(SQUARE, [3.0, 4.0, 0.0, 0.0], [0.1, 0.2, 0.0, 0.0])
    found = filter_reflections(image, GRID, [SQUARE[:1], SQUARE[:2]], resolution=RESOLUTION)
    for one, expected in zip(found, (3.0, 5.0), strict=True):
        amplitude = local_amplitude(one, GRID, resolution=RESOLUTION)
        np.testing.assert_allclose(amplitude, expected, rtol=0.025)


def test_brightness_and_its_slope_do_not_pass():
    bright = 50 + 20 * (GRID.x[None] - 3) + 10 * (GRID.y[:, None] + 1) ** 2
    found = filter_reflections(bright, GRID, [SQUARE], resolution=RESOLUTION)
    assert np.abs(found).max() < 0.02 * np.ptp(bright)
    assert np.abs(found[:, 60:-60, 60:-60]).max() < 1e-3 * np.ptp(bright)


def test_empty_areas_hold_no_wave_and_disturb_none():
    image = waves(SQUARE, [10, 6, 4, 5], [0, 1, 2, 3])
    empty = np.zeros(SHAPE, bool)
    empty[:90, 200:] = True
    found = filter_reflections(
        np.where(empty, -500.0, image), GRID, [SQUARE[:1]], resolution=RESOLUTION, empty=empty
    )[0]
    assert np.isnan(found[empty]).all()
    error = np.abs(found - waves(SQUARE[:1], [10], [0]))[~empty]
    assert np.nanmax(error) < 0.25
    assert np.isfinite(error).mean() > 0.99
    amplitude = local_amplitude(found, GRID, resolution=RESOLUTION)
    np.testing.assert_allclose(amplitude[np.isfinite(found)], 10.0, rtol=0.03)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": np.zeros((5, 5))}, "its grid"),
        ({"image": np.full(SHAPE, np.nan)}, "NaN or infinite"),
        ({"groups": []}, "without reflections"),
        ({"groups": [np.zeros((0, 2))]}, "without reflections"),
        ({"groups": [[[0.0, 0.0]]]}, "different from zero"),
        ({"groups": [[[26.0, 0.0]]]}, "Nyquist"),
        ({"resolution": -1.0}, "positive length"),
        ({"resolution": 2.0}, "too small"),
    ],
)
def test_wrong_input_says_what_is_wrong(change, message):
    given = {"image": np.zeros(SHAPE), "groups": [SQUARE], "resolution": RESOLUTION, **change}
    with pytest.raises(ValueError, match=message):
        filter_reflections(given["image"], GRID, given["groups"], resolution=given["resolution"])


def reflections(groups, names=None, intensity=None):
    position = np.concatenate(groups)
    index = np.repeat(np.arange(len(groups)), [len(one) for one in groups])
    names = names or tuple("ABCDEF"[: len(groups)])
    strength = np.ones(len(position)) if intensity is None else np.concatenate(intensity)
    return Reflections(position, strength, index, index, tuple(names))


def test_one_phase_is_filtered_at_one_and_a_half_spacings():
    groups, resolution = plan_groups(reflections([SQUARE]))
    assert resolution == pytest.approx(1.5 * SPACING)
    assert groups[0].names == ("A",)
    assert len(groups[0].vectors) == 4
    assert not groups[0].is_mixed


def test_the_window_widens_until_strong_reflections_are_told_apart():
    other = SQUARE / 1.1
    groups, resolution = plan_groups(reflections([SQUARE, other]))
    apart = 0.1 / 1.1 * np.sqrt(2) / SPACING
    assert resolution == pytest.approx(0.5 / apart, rel=1e-6)
    assert [group.left_out for group in groups] == [2, 2]
    np.testing.assert_allclose(groups[0].vectors, SQUARE[2:])


def test_equal_lattices_are_one_group_and_said_so():
    turned = SQUARE @ np.array([[0.6, -0.8], [0.8, 0.6]])
    groups, _ = plan_groups(reflections([SQUARE, turned, -1.001 * SQUARE], ("A", "B", "C")))
    assert [group.name for group in groups] == ["A, C", "B"]
    assert len(groups[0].vectors) == 8


def test_a_group_without_reflections_of_its_own_keeps_all():
    super_lattice = np.concatenate([SQUARE, [[0.5 / SPACING, 0.5 / SPACING]]])
    groups, _ = plan_groups(reflections([SQUARE, super_lattice]))
    assert groups[0].is_mixed
    assert len(groups[0].vectors) == 4
    assert not groups[1].is_mixed
    np.testing.assert_allclose(groups[1].vectors, super_lattice[-1:])


def test_a_given_resolution_is_kept():
    groups, resolution = plan_groups(reflections([SQUARE, SQUARE / 1.1]), resolution=5.0)
    assert resolution == 5.0
    assert [group.left_out for group in groups] == [0, 0]
    with pytest.raises(ValueError, match="no reflection"):
        plan_groups(Reflections(np.zeros((0, 2)), *np.zeros((3, 0)), ()))
