"""Automatic choice of reflections, resolution and reference."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.strain.selection import (
    choose_reference,
    choose_resolution,
    choose_vectors,
    reference_mask,
)

# Reflections of a diamond lattice along [110], a = 0.55 nm.
DIAMOND = np.array(
    [[2.57, 1.82], [-2.57, 1.82], [0.0, 7.27], [5.14, 0.0], [2.57, 5.45], [-2.57, 5.45]]
)
INTENSITY = np.array([1.0, 1.0, 0.3, 0.4, 0.1, 0.1])


def as_set(vectors):
    return {tuple(np.round(vector, 3)) for vector in vectors}


def test_strong_long_and_perpendicular_vectors_win():
    assert as_set(choose_vectors(DIAMOND, np.full(6, 100.0), INTENSITY)) == {
        (0.0, 7.27),
        (5.14, 0.0),
    }


def test_choice_is_the_pair_with_the_least_variance():
    rng = np.random.default_rng(3)
    for _ in range(20):
        spots, intensity = rng.normal(0, 3, (6, 2)), rng.uniform(0.2, 1.0, 6)
        spots *= 4.0 / np.linalg.norm(spots, axis=1, keepdims=True)
        found = choose_vectors(spots, np.full(6, 50.0), intensity)

        def variance(i, j, spots=spots, intensity=intensity):
            inverse = np.linalg.inv(spots[[i, j]])
            return np.trace(inverse @ np.diag(1 / intensity[[i, j]]) @ inverse.T)

        index = [int(np.argmin(np.abs(np.abs(spots @ vector) / 16.0 - 1.0))) for vector in found]
        least = min(variance(i, j) for i in range(6) for j in range(i))
        assert variance(*index) == pytest.approx(least)


def test_noise_and_opposites_are_left_out():
    spots = np.concatenate([DIAMOND, -DIAMOND, [[0.0, 1.0]]])
    intensity = np.concatenate([INTENSITY, INTENSITY, [50.0]])
    snr = np.concatenate([np.full(12, 100.0), [2.0]])
    found = choose_vectors(spots, snr, intensity)
    assert as_set(found) == {(0.0, 7.27), (5.14, 0.0)}
    assert (found[:, 0] >= 0).all()


def test_high_orders_are_left_out():
    spots = np.array([[1.0, 0.0], [0.0, 1.0], [9.0, 0.0], [0.0, 9.0]])
    assert as_set(choose_vectors(spots, np.full(4, 50.0), np.ones(4))) == {(1, 0), (0, 1)}


def test_vectors_that_all_regions_share_are_preferred():
    # The second region, 4 % larger, lacks the 004 reflection.
    other = DIAMOND[[0, 1, 3]] / 1.04
    found = choose_vectors(DIAMOND, np.full(6, 100.0), INTENSITY, [DIAMOND, -other])
    assert (0.0, 7.27) not in as_set(found)
    alone = choose_vectors(DIAMOND, np.full(6, 100.0), INTENSITY, [np.zeros((0, 2))])
    assert (0.0, 7.27) in as_set(alone)


@pytest.mark.parametrize(
    "spots", [np.zeros((0, 2)), [[1.0, 0.0]], [[1.0, 0.0], [2.0, 0.0]], [[1.0, 0.0], [-1.0, 0.05]]]
)
def test_a_lattice_needs_two_directions(spots):
    with pytest.raises(ValueError, match="different directions"):
        choose_vectors(spots, np.full(len(spots), 50.0), np.ones(len(spots)))


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="6 spots"):
        choose_vectors(DIAMOND, np.ones(3), np.ones(6))


def test_resolution_is_set_by_the_nearest_reflection():
    vectors = DIAMOND[[2, 3]]
    nearest = np.hypot(2.57, 1.82)
    assert choose_resolution(vectors, DIAMOND) == pytest.approx(1.5 / nearest, rel=0.01)
    # Without a table of spots, the centre and the other vectors remain.
    assert choose_resolution(vectors, np.zeros((0, 2))) == pytest.approx(1.5 / 5.14)


def test_resolution_is_reduced_for_partners_in_other_regions():
    vectors = DIAMOND[:2]
    spots = np.concatenate([DIAMOND, DIAMOND / 1.15])
    resolution = choose_resolution(vectors, spots, spread=0.15)
    reach = 0.15 * np.hypot(2.57, 1.82)
    assert np.exp(-2 * (np.pi * resolution * reach) ** 2) >= 0.5 - 1e-9
    assert resolution < choose_resolution(vectors, DIAMOND)


def test_spread_must_fit_in_a_mask():
    with pytest.raises(ValueError, match="cannot be held in one mask"):
        choose_resolution(DIAMOND[[2, 3]], DIAMOND, spread=0.3)
    with pytest.raises(ValueError, match="negative"):
        choose_resolution(DIAMOND[[2, 3]], DIAMOND, spread=-0.1)


def layers():
    labels = np.zeros((100, 80), int)
    labels[20:40], labels[40:60], labels[60:] = 1, 2, 3
    return labels


def test_reference_is_the_largest_good_crystal():
    labels = layers()
    assert choose_reference(labels, {1: 1.0, 2: 1.0, 3: 1.0}, 4) == 3
    assert choose_reference(labels, {1: 0.9, 2: 1.0, 3: 0.0}, 4) == 2
    assert choose_reference(labels, {1: 0.9, 2: 0.2}, 4) == 1


def test_substrate_that_leaves_the_image_outweighs_what_stands_on_it():
    labels = np.ones((70, 60), int)
    labels[:45], labels[5:45, 20:45] = 0, 2
    assert choose_reference(labels, {1: 1.0, 2: 1.0}, 2) == 1
    labels[45:] = 0
    assert choose_reference(labels, {2: 1.0}, 2) == 2


def test_of_equal_regions_the_lowest_is_taken():
    assert choose_reference(layers(), {1: 1.0, 2: 1.0}, 4) == 2


def test_regions_of_one_lattice_count_together():
    """Two barriers of 16 rows each outweigh a well of 38 rows whose lattice is longer along y."""
    labels = np.repeat([1, 2, 3], [16, 38, 16])[:, None] * np.ones((1, 40), int)
    stretched = DIAMOND / [1.0, 1.02]
    spots = {1: DIAMOND * 1.001, 2: stretched, 3: -DIAMOND}
    quality = {1: 1.0, 2: 1.0, 3: 1.0}
    assert choose_reference(labels, quality, 1) == 2
    assert choose_reference(labels, quality, 1, spots) == 3


def test_reference_must_be_crystalline():
    for quality in ({}, {1: 0.0, 2: float("nan")}):
        with pytest.raises(ValueError, match="no region is crystalline"):
            choose_reference(layers(), quality, 1)


def test_thin_region_keeps_its_core():
    mask = reference_mask(layers(), 1, 1000)
    thickness = np.count_nonzero(layers()[:, 0] == 1)
    assert 0 < mask.any(axis=1).sum() < 0.6 * thickness
    assert choose_reference(layers(), {1: 1.0}, 1000) == 1


def test_reference_mask_keeps_its_distance():
    mask = reference_mask(layers(), 3, 5)
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max()) == (65, 94)
    assert (columns.min(), columns.max()) == (5, 74)
    assert mask.sum() == 30 * 70


def test_reference_mask_errors():
    with pytest.raises(ValueError, match="no region 9"):
        reference_mask(layers(), 9, 5)
