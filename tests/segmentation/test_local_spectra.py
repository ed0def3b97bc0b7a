"""Spots in tiles, lattice classes and amplitude maps against analytic waves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.segmentation.texture.amplitude_maps import AmplitudeMaps
from hyperspy_twin.segmentation.texture.lattice_classes import classify_lattices
from hyperspy_twin.segmentation.texture.lattice_period import find_longest_period
from hyperspy_twin.segmentation.texture.local_spectra import STRONG, find_tile_peaks
from hyperspy_twin.segmentation.texture.peak_matching import (
    compare_pairs,
    match_peaks,
    peak_distance,
)
from hyperspy_twin.segmentation.texture.tile_regions import find_texture_kinds, remove_mixtures


def wave(shape, frequency, amplitude=1.0):
    row, column = np.mgrid[: shape[0], : shape[1]]
    phase = frequency[0] * column + frequency[1] * row
    return (amplitude * np.cos(2 * np.pi * phase + 0.7)).astype(np.float32)


def noise(shape, sigma, seed=0):
    return (sigma * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(radius=st.floats(5, 26), angle=st.floats(-1.5, 1.5), amplitude=st.floats(0.5, 1e3))
def test_spot_of_a_wave_has_its_frequency_and_amplitude(radius, angle, amplitude):
    tile = 64
    frequency = np.array([np.cos(angle), np.sin(angle)]) * radius
    image = wave((96, 130), frequency / tile, amplitude) + noise((96, 130), 0.02 * amplitude)
    spots = find_tile_peaks(image, tile, 32)
    assert spots.texture.shape == (2, 4)
    assert (spots.rows[-1], spots.columns[-1]) == (96 - tile, 130 - tile)
    strongest = spots.frequency[:, :, 0].astype(float)
    sign = np.where(strongest @ frequency < 0, -1, 1)[..., None]
    np.testing.assert_allclose(sign * strongest - frequency, 0, atol=0.06)
    # Between frequencies the maximum of a Hann window falls to 0.72 in two dimensions.
    height = spots.amplitude[:, :, 0] / amplitude
    assert np.all((height > 0.68) & (height < 1.05))
    assert np.all(spots.ratio[:, :, 0] > STRONG)


def test_noise_has_no_strong_spots_and_its_own_strength():
    spots = find_tile_peaks(noise((640, 640), 3.0), 64, 32)
    assert np.sum(spots.ratio > STRONG) <= 1
    share = np.pi * (0.45 * 64) ** 2 / 64**2
    assert np.mean(spots.texture) == pytest.approx(3.0 * np.sqrt(share), rel=0.1)


def test_edges_and_scan_lines_are_no_spots():
    image = noise((256, 256), 0.05)
    image[:, 100:] += 1.0
    image[150:170] += noise((20, 1), 1.0)
    assert np.sum(find_tile_peaks(image, 64, 32).ratio > STRONG) == 0


@pytest.mark.parametrize("period", [5.0, 9.0, 17.0, 30.0])
def test_longest_period_of_a_lattice(period):
    shape = (420, 600)
    image = wave(shape, (0.8 / period, 0.6 / period)) + wave(shape, (-1.2 / period, 1.6 / period))
    assert find_longest_period(image + noise(shape, 0.3)) == pytest.approx(period, rel=0.04)


def test_longest_period_is_absent_in_noise():
    assert find_longest_period(noise((400, 500), 1.0)) is None


def test_distance_of_spots_ignores_their_sign():
    for distance in (peak_distance, peak_distance.py_func):
        assert distance(-8.0, 1.0, 8.0, -1.0) == 0.0
        assert distance(8.0 * 1.02, 0.0, 8.0, 0.0) < 1
        assert distance(8 * np.cos(0.035), 8 * np.sin(0.035), 8.0, 0.0) < 1
        assert distance(8 * np.cos(0.0873), 8 * np.sin(0.0873), 8.0, 0.0) > 1


def test_spots_are_matched_and_compared():
    frequency = np.array([[[8.0, 0.0], [0.0, 8.1], [5.0, 5.0]], [[-8.0, 0.0], [3.0, 9.0], [0, 0]]])
    weight = np.array([[2.0, 1.0, 0.0], [2.0, 1.0, 0.0]])
    places = np.array([[8.0, 0.1], [0.0, 8.0], [5.0, 5.0]])
    for match in (match_peaks, match_peaks.py_func):
        here, height, matched = match(frequency, weight, 10 * weight, places)
        np.testing.assert_array_equal(here, [[2, 1, 0], [2, 0, 0]])
        np.testing.assert_array_equal(height, 10 * here)
        np.testing.assert_array_equal(matched, [[1, 1, 0], [1, 0, 0]])
    for compare in (compare_pairs, compare_pairs.py_func):
        likeness = compare(frequency, weight, np.array([0, 0]), np.array([0, 1]))
        np.testing.assert_allclose(likeness, [1.0, 4 / 5])


def test_a_bent_lattice_is_one_class_and_a_jump_makes_two():
    row, column = np.mgrid[:256, :768]
    angle = np.deg2rad(8) * column / 768

    def crystal(turn):
        along = (column * np.cos(turn) + row * np.sin(turn)) / 8
        across = (row * np.cos(turn) - column * np.sin(turn)) / 8
        return np.cos(2 * np.pi * along) + np.cos(2 * np.pi * across)

    # The local rotation of cos(2 pi g(x).r) is not angle(x), but its derivative's: still smooth.
    bent = (crystal(0.5 * angle) + noise((256, 768), 0.3)).astype(np.float32)
    classes = classify_lattices(find_tile_peaks(bent, 64, 16))
    assert len(classes.members) == 1 and np.mean(classes.assigned == 0) > 0.95
    jump = np.where(column < 384, crystal(0.0), crystal(np.deg2rad(8)))
    jump = (jump + noise((256, 768), 0.3)).astype(np.float32)
    classes = classify_lattices(find_tile_peaks(jump, 64, 16))
    left, right = classes.assigned[:, :18], classes.assigned[:, -18:]
    assert np.ptp(left) == 0 and np.ptp(right) == 0 and left[0, 0] != right[0, 0]


@pytest.mark.parametrize("shape", [(200, 260), (151, 333)])
def test_amplitude_maps_are_exact_for_a_wave_and_half_at_its_end(shape):
    frequency = (0.11, -0.07)
    image = wave(shape, frequency, 2.0)
    image[:, 150:] = 0
    maps = AmplitudeMaps(image, 8.0)
    amplitude = maps.amplitude(frequency)
    assert amplitude.shape == maps.shape == (maps.rows.size, maps.columns.size)
    inside = amplitude[:, (maps.columns < 120)]
    np.testing.assert_allclose(inside, 2.0, rtol=0.03)
    middle = amplitude[len(amplitude) // 2]
    assert np.interp(149.5, maps.columns, middle) == pytest.approx(1.0, abs=0.03)
    assert middle[maps.columns > 185].max() < 0.02
    np.testing.assert_allclose(AmplitudeMaps(image * 0 + 3, 8.0).mean(), 3.0, rtol=0.02)


def test_kinds_of_texture_need_a_gap():
    random = np.random.default_rng(0)
    without = np.ones((20, 20), bool)
    two = np.where(np.arange(20) < 8, 1.0, 3.0) * np.exp(0.1 * random.standard_normal((20, 20)))
    np.testing.assert_array_equal(
        find_texture_kinds(two, without), np.tile(np.arange(20) >= 8, (20, 1))
    )
    assert find_texture_kinds(np.exp(0.1 * random.standard_normal((20, 20))), without).max() == 0
    gradient = np.tile(np.geomspace(1, 4, 20), (20, 1))
    assert find_texture_kinds(gradient, without).max() == 0
    without[3] = False
    assert np.all(find_texture_kinds(two, without)[3] == -1)


def test_tiles_across_a_border_fall_to_its_sides():
    spots = find_tile_peaks(noise((256, 256), 1.0), 64, 16)
    classes = np.where(np.arange(13) < 6, 0, 1) * np.ones((13, 1), int)
    classes[:, 5:7] = 2
    cleaned = remove_mixtures(classes, spots)
    assert set(np.unique(cleaned)) == {0, 1}
    assert np.all(cleaned[:, :5] == 0) and np.all(cleaned[:, 7:] == 1)
