"""Statistics of boundaries against phantoms of known contrast, blur and noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf

from hyperspy_twin.core import Grid
from hyperspy_twin.segmentation.confidence import (
    adjacent_regions,
    measure_boundaries,
    region_confidence,
)


def interface(shape=(256, 256), position=120.4, blur=3.0, contrast=1.0, noise=0.1, seed=1):
    row = np.arange(shape[0])
    profile = 2 + contrast / 2 * erf((row - position) / (np.sqrt(2) * blur))
    image = np.repeat(profile[:, None], shape[1], axis=1)
    image += noise * np.random.default_rng(seed).normal(size=shape)
    labels = np.repeat((row > position)[:, None] + 1, shape[1], axis=1)
    return image, labels


def statistics(image, labels, scale=(1.0, 1.0)):
    return measure_boundaries(image, labels, Grid(image.shape, scale))


@pytest.mark.parametrize("blur", [0.8, 2.0, 6.0, 15.0])
def test_blur_and_contrast_are_those_of_the_phantom(blur):
    image, labels = interface(blur=blur, contrast=-1.0)
    found = statistics(image, labels, (0.05, 0.05))
    assert found.pairs.tolist() == [[1, 2]]
    assert found.blur_width[0] == pytest.approx(0.05 * blur, rel=0.06, abs=0.01)
    assert found.contrast[0] == pytest.approx(-1.0, abs=0.03)
    assert found.contrast_to_noise[0] == pytest.approx(10, rel=0.1)
    assert found.length[0] == pytest.approx(256 * 0.05)
    assert found.confidence[0] > 0.99


def test_a_lattice_changes_neither_blur_nor_contrast():
    image, labels = interface((384, 384), 190.0, 9.0, 0.5, 0.1)
    row, column = np.mgrid[:384, :384]
    columns = np.cos(2 * np.pi * (0.9 * row + 0.2 * column) / 9) + np.cos(
        2 * np.pi * (0.9 * column - 0.2 * row) / 9
    )
    found = statistics(image * (1 + 0.4 * columns), labels)
    assert found.contrast[0] == pytest.approx(0.5, abs=0.03)
    assert found.blur_width[0] == pytest.approx(9.0, rel=0.1)


@settings(max_examples=15, deadline=None)
@given(factor=st.floats(0.01, 1e4), shift=st.floats(-100, 100), size=st.floats(0.01, 50))
def test_units_only_scale_the_answer(factor, shift, size):
    image, labels = interface((96, 96), 47.5, 2.0)
    plain, other = statistics(image, labels), statistics(image * factor, labels, (size, size))
    np.testing.assert_allclose(other.blur_width, plain.blur_width * size, rtol=1e-2)
    np.testing.assert_allclose(other.contrast, plain.contrast * factor, rtol=1e-2)
    np.testing.assert_allclose(other.confidence, plain.confidence, atol=1e-3)
    moved = statistics(image + shift, labels)
    np.testing.assert_allclose(moved.contrast, plain.contrast, atol=1e-3)


def test_confidence_falls_with_the_noise_and_is_withheld_without_a_step():
    confidence = [
        statistics(*interface(contrast=0.3, noise=noise)).confidence[0] for noise in (0.1, 0.8, 2.5)
    ]
    assert confidence[0] > confidence[1] > confidence[2]
    absent = [statistics(*interface(contrast=0.0, noise=1.0, seed=seed)) for seed in range(6)]
    assert np.mean([found.confidence[0] for found in absent]) < 0.4
    assert np.mean([np.isnan(found.blur_width[0]) for found in absent]) > 0.8


def test_regions_share_the_confidence_of_their_boundaries():
    row, column = np.mgrid[:200, :200]
    labels = 1 + (row >= 80) + (row >= 140)
    image = np.array([0, 1.0, 2.0, 2.02])[labels]
    image += 0.2 * np.random.default_rng(3).normal(size=labels.shape)
    found = statistics(image, labels)
    assert found.pairs.tolist() == [[1, 2], [2, 3]]
    assert found.confidence[0] > 0.95 > found.confidence[1] + 0.2
    regions = region_confidence(labels, found)
    assert regions.shape == (3,)
    assert regions[0] == pytest.approx(found.confidence[0])
    assert regions[1] == pytest.approx(found.confidence.mean())


def test_lengths_follow_the_pixel_sizes():
    labels = np.ones((40, 60), int)
    labels[10:20, 10:40] = 2
    pairs, edges = adjacent_regions(labels)
    assert pairs.tolist() == [[1, 2]]
    assert edges.tolist() == [[20, 60]]
    image = labels + 0.1 * np.random.default_rng(4).normal(size=labels.shape)
    assert statistics(image, labels, (0.5, 2.0)).length[0] == pytest.approx(20 * 2 + 60 * 0.5)


def test_one_region_has_no_boundary():
    image = np.random.default_rng(5).normal(size=(64, 64))
    labels = np.ones((64, 64), int)
    found = statistics(image, labels)
    assert found.pairs.shape == (0, 2)
    assert found.confidence.shape == found.blur_width.shape == (0,)
    assert np.isnan(region_confidence(labels, found)).tolist() == [True]


def test_unassigned_pixels_bound_nothing():
    image, labels = interface((64, 64), 30.0)
    labels[:31] = 0
    assert len(statistics(image, labels).pairs) == 0


def test_wrong_input_is_refused():
    image, labels = interface((64, 64), 30.0)
    with pytest.raises(ValueError, match="one shape"):
        measure_boundaries(image, labels[:50], Grid(image.shape, (1.0, 1.0)))
    image[3, 3] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        statistics(image, labels)
