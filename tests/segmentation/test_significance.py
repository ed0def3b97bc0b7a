"""Small regions against the highest peaks of noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from hyperspy_twin.segmentation.edges.significance import (
    join_chance_protrusions,
    join_chance_regions,
)

SMOOTHING = 2.0
DEVIATION = 1 / (2 * np.sqrt(np.pi) * SMOOTHING)  # of white noise after the filter


def smooth_noise(seed=1, shape=(300, 300)):
    noise = np.random.default_rng(seed).normal(size=shape)
    return ndimage.gaussian_filter(noise, SMOOTHING).astype(np.float32)


def disc(radius, centre=(150, 150), shape=(300, 300)):
    row, column = np.ogrid[: shape[0], : shape[1]]
    return np.hypot(row - centre[0], column - centre[1]) < radius


def around_highest_peak(working):
    """Connected pixels above half of the highest peak."""
    peaks, _ = ndimage.label(working > working.max() / 2)
    return peaks == peaks[np.unravel_index(working.argmax(), working.shape)]


def test_the_highest_peaks_of_noise_are_no_regions():
    for seed in range(5):
        working = smooth_noise(seed)
        labels = around_highest_peak(working).astype(np.int32)
        assert not join_chance_regions(labels, working, SMOOTHING).any()


def test_a_small_region_that_stands_out_stays():
    labels = disc(9).astype(np.int32)
    independent = labels.sum() / (4 * np.pi * SMOOTHING**2)
    for standard_errors, stays in ((4.0, False), (12.0, True)):
        step = standard_errors * DEVIATION / np.sqrt(independent)
        found = join_chance_regions(labels, smooth_noise() + step * labels, SMOOTHING)
        assert found.any() == stays
        assert found is labels or not stays


def test_a_large_region_is_not_judged():
    labels = disc(60).astype(np.int32)
    assert join_chance_regions(labels, smooth_noise(), SMOOTHING) is labels


def test_a_speck_joins_the_region_around_it():
    labels = np.where(np.arange(300)[:, None] < 140, 0, 1) * np.ones((300, 300), np.int32)
    labels[disc(8, (220, 100))] = 2
    working = (smooth_noise() + (labels > 0)).astype(np.float32)
    found = join_chance_regions(labels, working, SMOOTHING)
    np.testing.assert_array_equal(found, np.minimum(labels, 1))


def test_labels_on_a_finer_grid_than_the_image():
    labels = disc(9).astype(np.int32)
    fine = np.kron(labels, np.ones((2, 2), np.int32))
    working = smooth_noise()
    assert not join_chance_regions(fine, working, SMOOTHING).any()
    assert join_chance_regions(fine, working + labels, SMOOTHING) is fine


def hooked(turn=0):
    """A lower half with a hook of a neck and a bulge, and the half alone."""
    half = (np.arange(300)[:, None] > 150) * np.ones((300, 300), np.int32)
    hook = half.copy()
    hook[136:151, 100:106] = 1
    hook[disc(6, (134, 106))] = 1
    return np.rot90(hook, turn).copy(), np.rot90(half, turn).copy()


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("darker", [False, True])
def test_a_hook_of_noise_goes_and_one_that_stands_out_stays(turn, darker):
    labels, half = hooked(turn)
    labels, half = (1 - labels, 1 - half) if darker else (labels, half)
    image = (-half if darker else half).astype(float)
    noise = 10 * smooth_noise(turn)
    working = ndimage.gaussian_filter(image * 20, SMOOTHING) + noise
    found = join_chance_protrusions(labels, working, SMOOTHING)
    assert (found != half).sum() < 0.3 * (labels != half).sum()
    shown = ndimage.gaussian_filter((-labels if darker else labels) * 20.0, SMOOTHING) + noise
    np.testing.assert_array_equal(join_chance_protrusions(labels, shown, SMOOTHING), labels)


def test_corners_layers_and_large_parts_are_no_protrusions():
    """A rectangle, a layer thinner than its blur, and two balls that touch."""
    labels = np.zeros((300, 300), np.int32)
    labels[100:200, 60:150] = 1
    labels[240:243] = 2
    labels[disc(30, (70, 220))] = 3
    labels[disc(30, (128, 220))] = 3
    working = smooth_noise()
    np.testing.assert_array_equal(join_chance_protrusions(labels, working, SMOOTHING), labels)
