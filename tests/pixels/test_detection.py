"""Bad pixels are found whatever their value and place; what a microscope can see is not."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hyperspy_twin.pixels import describe_bad_pixels, detect_bad_pixels


@pytest.mark.parametrize("dose", [0.001, 0.01, 0.05, 0.1, 0.5, 2, 10, 100, 1000])
@pytest.mark.parametrize("kind", ["u2", "f4"])
def test_no_false_alarm_at_any_dose(dose, kind):
    image = np.random.default_rng(1).poisson(dose, (512, 512)).astype(kind)
    assert not detect_bad_pixels(image).any()


@pytest.mark.parametrize("fwhm", [1.5, 2.0, 3.0])
@pytest.mark.parametrize("height", [3, 30, 300, 10_000])
@pytest.mark.parametrize("background", [0, 0.02, 0.5, 5])
def test_single_atoms_are_no_bad_pixels(make_spots, fwhm, height, background):
    rng = np.random.default_rng(int(10 * fwhm + height))
    for count in (5, 150):
        atoms = make_spots((192, 192), rng.uniform(0, 192, (count, 2)), fwhm)
        image = rng.poisson(height * atoms + background)
        assert not detect_bad_pixels(image.astype("u2")).any()
        assert not detect_bad_pixels(-image.astype("f4")).any()


@pytest.mark.parametrize("noise", [0, 0.003, 0.05, 1.0])
@pytest.mark.parametrize("fwhm", [1.5, 2.0])
@pytest.mark.parametrize("spacing", [4.3, 9.7])
def test_sharp_columns_are_no_bad_pixels(noise, fwhm, spacing):
    turned = np.mgrid[:200, :200] * np.cos(0.3) + np.mgrid[:200, :200][::-1] * np.sin(
        [[[-0.3]], [[0.3]]]
    )
    y, x = turned % spacing - spacing / 2
    image = np.exp(-(x**2 + y**2) * 4 * np.log(2) / fwhm**2)
    image += np.random.default_rng(0).normal(0, noise, image.shape) if noise else 0
    assert not detect_bad_pixels(image).any()


VACUUM = {
    "clipped": lambda r, noise: np.clip(noise + 100 / (1 + np.exp((r - 60) / 2)), 0, None),
    "sharp disc on nothing": lambda r, noise: (r < 60) * (100 + 3 * noise),
    "saturated": lambda r, noise: np.clip(150 + noise + 300 * np.exp(-((r / 40) ** 2)), 0, 255),
    "drawing": lambda r, noise: 50.0 * (r < 60) + 20 * (r < 20),
    "black level": lambda r, noise: np.clip(noise - 4 + 80 * (r < 100), 0, 255),
    "constant": lambda r, noise: np.full(r.shape, 7.0),
}


@pytest.mark.parametrize("name", VACUUM)
@pytest.mark.parametrize("kind", ["u1", "f4"])
def test_vacuum_saturation_and_drawings_are_no_empty_areas(name, kind):
    y, x = np.mgrid[:200, :220]
    noise = np.random.default_rng(5).normal(0, 4, x.shape)
    image = VACUUM[name](np.hypot(x - 100, y - 90), noise)
    assert not detect_bad_pixels(image.astype(kind)).any()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(0, 199), st.integers(0, 239)), min_size=1, max_size=60),
    st.sampled_from([2000.0, 65535.0, 1e6, 1e12, np.nan, np.inf, -np.inf, -3000.0]),
)
def test_pixels_are_found_wherever_they_are(lattice, places, value):
    image = lattice.copy()
    bad = np.zeros(image.shape, bool)
    bad[tuple(np.transpose(places))] = True
    image[bad] = value
    found = detect_bad_pixels(image)
    assert not (found & ~bad).any()
    # Three and more in one neighbourhood hide one another, unless they are no numbers.
    alone = ndimage.convolve(bad.astype(int), np.ones((5, 5), int), mode="constant") <= 2
    judged = bad if not np.isfinite(value) else bad & alone
    assert found[judged].all()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    rows=st.lists(st.integers(2, 190), max_size=3, unique=True),
    columns=st.lists(st.integers(2, 230), max_size=3, unique=True),
    width=st.integers(1, 4),
    value=st.sampled_from([0, 255]),
    kind=st.sampled_from(["u1", "u2", "f4"]),
)
def test_dead_lines_are_found(lattice, rows, columns, width, value, kind):
    image = np.clip(lattice, 0, 255).astype(kind)
    bad = np.zeros(image.shape, bool)
    for row in rows:
        bad[row : row + width] = True
    for column in columns:
        bad[:, column] = True
    image[bad] = value
    found = detect_bad_pixels(image)
    assert found[bad].all()
    # A pixel of the data may have the value of the lines by chance, and touch one.
    assert not (found & ~bad & (image != value)).any()


def test_a_row_of_another_gain_or_offset_is_found(lattice):
    image = lattice.copy()
    image[60] += 300
    image[:, 77] *= 4
    found = detect_bad_pixels(image)
    expected = np.zeros(image.shape, bool)
    expected[60] = expected[:, 77] = True
    np.testing.assert_array_equal(found, expected)
    assert describe_bad_pixels(found) == "1 row, 1 column"


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    turn=st.floats(0, 1.6),
    size=st.tuples(st.integers(60, 98), st.integers(60, 110)),
    value=st.sampled_from([0.0, 65.5, 255.0, np.nan]),
    order=st.sampled_from(["cut", "interpolated"]),
)
def test_borders_of_any_turn_and_value_are_found(lattice, turn, size, value, order):
    y, x = np.mgrid[:200, :240] - np.array([99.5, 119.5])[:, None, None]
    across = np.abs(x * np.cos(turn) + y * np.sin(turn)) - size[1]
    down = np.abs(y * np.cos(turn) - x * np.sin(turn)) - size[0]
    outside = np.maximum(across, down)
    empty = outside > 0
    image = lattice.copy()
    if order == "interpolated" and np.isfinite(value):
        fraction = np.clip(outside + 1, 0, 1)
        image = image * (1 - fraction) + value * fraction
    image[empty] = value
    found = detect_bad_pixels(image)
    assert not (found & (outside < -2)).any()
    # The tips of corners that the frame cuts are too small to be told from chance.
    assert (empty & ~found).sum() <= 30


def test_a_border_is_found_at_low_counts():
    image = np.random.default_rng(2).poisson(1.0, (256, 256))
    image[:40] = image[:, :25] = 0
    found = detect_bad_pixels(image)
    assert found[:40].all() and found[:, :25].all()
    assert found[42:, 27:].sum() == 0


def test_numbers_are_told_by_kind():
    bad = np.zeros((100, 200), bool)
    assert describe_bad_pixels(bad) == ""
    bad[3, 4] = bad[50, 60] = True
    bad[80:82] = True
    bad[:, 150:] = True
    assert describe_bad_pixels(bad) == "2 bad pixels (0.01 %), 2 rows, border 25 %"


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (2, 2), (3, 3), (5, 400), (16, 16)])
def test_small_images_have_none(shape):
    image = np.random.default_rng(0).normal(100, 10, shape)
    assert detect_bad_pixels(image).shape == shape
    assert not detect_bad_pixels(image).any()


def test_detection_is_cheap():
    """Well below the segmentation, which takes about a second for such an image."""
    image = np.random.default_rng(0).normal(100, 10, (1024, 1024)).astype("f4")
    detect_bad_pixels(image)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        detect_bad_pixels(image)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.3  # 0.05 on one core of 2024
