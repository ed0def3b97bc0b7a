"""Values for bad pixels follow from their neighbours; good ones stay bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.pixels import (
    bounds_of_valid,
    continue_inwards,
    fill_bad_pixels,
    find_empty_areas,
)


def test_nothing_bad_leaves_the_image_as_it_is():
    image = np.arange(12, dtype="u2").reshape(3, 4)
    assert fill_bad_pixels(image, np.zeros(image.shape, bool)) is image


@pytest.mark.parametrize("kind", ["u1", "u2", "i4", "f4", "f8"])
def test_a_plane_is_filled_exactly(kind):
    """A plane solves Laplace's equation, up to the border."""
    y, x = np.mgrid[:40, :50]
    plane = (2 * x + 3 * y + 7).astype(kind)
    bad = np.random.default_rng(0).random(plane.shape) < 0.02
    bad[0] = bad[-1] = bad[:, 0] = bad[:, -1] = False
    bad[20:22, 1:-1] = True
    image = np.where(bad, np.zeros((), kind), plane)
    filled = fill_bad_pixels(image, bad)
    np.testing.assert_allclose(
        filled[bad & (x > 8) & (x < 42)], plane[bad & (x > 8) & (x < 42)], atol=0.5
    )
    np.testing.assert_array_equal(filled[~bad], plane[~bad])
    np.testing.assert_array_equal(image[bad], 0)


def test_one_pixel_is_the_mean_of_its_four_neighbours():
    image = np.random.default_rng(1).normal(size=(9, 9))
    bad = np.zeros(image.shape, bool)
    bad[4, 4] = bad[0, 0] = True
    image[bad] = np.nan
    filled = fill_bad_pixels(image, bad)
    assert filled[4, 4] == pytest.approx(
        np.mean([image[3, 4], image[5, 4], image[4, 3], image[4, 5]])
    )
    assert filled[0, 0] == pytest.approx((image[0, 1] + image[1, 0]) / 2)


def test_empty_areas_get_the_mean_of_the_rest():
    image = np.random.default_rng(1).normal(5, 1, size=(40, 40)).astype("f4")
    bad = np.zeros(image.shape, bool)
    bad[:12] = bad[30, 30] = True
    filled = fill_bad_pixels(image, bad)
    np.testing.assert_allclose(filled[:12], image[~bad].mean(), rtol=1e-6)
    with pytest.raises(ValueError, match="all pixels are bad"):
        fill_bad_pixels(image, np.ones(image.shape, bool))


def test_empty_are_wide_areas_and_lines_along_the_border():
    bad = np.zeros((60, 70), bool)
    bad[0] = bad[:, 66:] = True
    bad[20:24] = bad[30:36] = bad[50, 10] = True
    empty = find_empty_areas(bad)
    expected = np.zeros(bad.shape, bool)
    expected[0] = expected[:, 66:] = expected[30:36] = True
    np.testing.assert_array_equal(empty, expected)
    assert bounds_of_valid(empty) == (slice(1, 60), slice(0, 66))


def test_a_lattice_goes_on_into_an_empty_area():
    """Inversion keeps the lattice: its frequency, not only its brightness, is that beside it."""
    y, x = np.mgrid[:128, :128]
    image = np.cos(2 * np.pi * (9 * x + 14 * y) / 128)
    empty = x + y < 70
    filled = continue_inwards(np.where(empty, 0, image), empty, 128)
    np.testing.assert_array_equal(filled[~empty], image[~empty])
    corner = filled[:32, :32] * np.outer(np.hanning(32), np.hanning(32))
    power = np.abs(np.fft.rfft2(corner, (128, 128))) ** 2
    row, column = np.unravel_index(power.argmax(), power.shape)
    assert abs(row - 14) <= 1 and abs(column - 9) <= 1
