"""Masks made a partition, against cases with a known answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hyperspy_twin.segmentation.partition import (
    distinct_masks,
    join_unsupported,
    order_regions,
    separate_cores,
    stack_masks,
)


def box(shape, rows, columns):
    mask = np.zeros(shape, bool)
    mask[slice(*rows), slice(*columns)] = True
    return mask


def test_nested_masks_become_inner_regions_in_any_order():
    outer, middle, inner = (box((30, 40), (k, 30 - k), (k, 40 - k)) for k in (2, 6, 10))
    expected = outer.astype(int) + middle + inner
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        stacked = stack_masks(np.array([outer, middle, inner])[order])
        depth = np.concatenate([[0], np.array(order) + 1])
        np.testing.assert_array_equal(depth[stacked], expected)


def test_the_smaller_mask_keeps_what_two_share_and_the_first_of_equals():
    large, small = box((10, 20), (0, 10), (0, 12)), box((10, 20), (0, 10), (10, 18))
    stacked = stack_masks(np.array([large, small]))
    assert stacked[5].tolist() == [1] * 10 + [2] * 8 + [0] * 2
    left, right = box((4, 10), (0, 4), (0, 6)), box((4, 10), (0, 4), (4, 10))
    assert stack_masks(np.array([left, right]))[0].tolist() == [1] * 6 + [2] * 4


def test_no_masks_leave_everything_unassigned():
    assert not stack_masks(np.zeros((0, 5, 7), bool)).any()
    assert distinct_masks(np.zeros((0, 5, 7), bool), np.zeros(0), 0.7).size == 0


def test_of_masks_of_the_same_thing_the_best_is_chosen():
    first = box((20, 20), (0, 10), (0, 10))
    nearly = box((20, 20), (0, 10), (0, 9))
    half = box((20, 20), (0, 10), (0, 5))
    nothing = np.zeros((20, 20), bool)
    masks = np.array([first, nearly, half, nothing])
    assert distinct_masks(masks, np.array([0.8, 0.9, 0.7, 1.0]), 0.7).tolist() == [1, 2]
    assert distinct_masks(masks, np.array([0.8, 0.9, 0.7, 1.0]), 0.95).tolist() == [1, 0, 2]
    assert distinct_masks(masks, np.full(4, 0.5), 0.7).tolist() == [0, 2]


def test_a_piece_in_two_places_is_two_parts_and_slivers_vanish():
    pieces = np.zeros((40, 60), int)
    pieces[:, 20:40] = 1
    pieces[:, 19] = 2  # the gap between two masks
    parts = separate_cores(pieces, 1.0, 4.0)
    assert sorted(np.unique(parts)) == [0, 1, 2]
    assert np.all(parts[:, :19] == parts[0, 0])
    assert np.all(parts[:, 21:39] == parts[0, 30])
    assert np.all(parts[:, 41:] == parts[0, 50])


def test_parts_are_cut_at_a_neck():
    pieces = np.zeros((30, 60), int)
    pieces[5:25, 5:25] = pieces[5:25, 35:55] = pieces[14:16, 25:35] = 1
    parts = separate_cores(pieces, 2.0, 4.0)
    assert parts[15, 10] != parts[15, 50]
    assert parts.max() == 2


def test_one_part_where_nothing_is_thick():
    assert not separate_cores(np.indices((12, 12)).sum(axis=0) % 2, 1.0, 4.0).any()


def stairs(levels, width, noise, seed, rows=48):
    truth = np.repeat(np.arange(len(levels)), width)[None].repeat(rows, axis=0)
    image = np.array(levels, float)[truth]
    return truth, image + noise * np.random.default_rng(seed).normal(size=truth.shape)


def test_a_border_without_a_step_vanishes_and_a_step_stays():
    truth, image = stairs([0, 0, 1, 0.5], 30, 0.05, 1)
    joined = join_unsupported(truth, image, 1.5, 10, 1.0)
    np.testing.assert_array_equal(joined, np.array([0, 0, 1, 2])[truth])


def test_shading_is_not_a_border():
    truth = np.repeat([0, 1], 60)[None].repeat(48, axis=0)
    slope = np.linspace(0, 1, 120)[None].repeat(48, axis=0)
    # On a slope the step over any distance is what each part has inside.
    assert join_unsupported(truth, slope, 1.5, 10, 1.0).max() == 0


def test_a_small_part_joins_the_neighbour_behind_its_weakest_border():
    truth = np.zeros((40, 60), int)
    truth[:, 30:] = 1
    truth[18:21, 29:32] = 2
    image = np.array([0.0, 1.0, 0.8])[truth]
    np.testing.assert_array_equal(
        join_unsupported(truth, image, 1.5, 20, 1.0), np.where(truth == 2, 1, truth)
    )
    assert join_unsupported(truth, image, 1.5, 5, 1.0).max() == 2


@settings(max_examples=25, deadline=None)
@given(arrays(np.int32, (9, 11), elements=st.integers(0, 6)), st.integers(0, 2**31))
def test_labels_are_exact_ordered_and_independent_of_the_input_numbers(regions, seed):
    labels = order_regions(regions)
    assert labels.dtype == np.int32
    assert np.unique(labels).tolist() == list(range(1, len(np.unique(regions)) + 1))
    for label in np.unique(labels):  # a renaming, nothing else
        assert len(np.unique(regions[labels == label])) == 1
    renamed = np.random.default_rng(seed).permutation(7)[regions]
    centroids = [np.argwhere(labels == n).mean(axis=0) for n in np.unique(labels)]
    assert all(a[0] <= b[0] + 1e-9 for a, b in zip(centroids, centroids[1:], strict=False))
    if len({tuple(c) for c in centroids}) == len(centroids):
        np.testing.assert_array_equal(order_regions(renamed), labels)


@pytest.mark.parametrize("shape", [(33, 47), (48, 32)])
def test_joining_gives_the_same_answer_again_and_under_transposition(shape):
    rng = np.random.default_rng(5)
    row, column = np.indices(shape)
    parts = np.unique((row // 12) * 4 + column // 12, return_inverse=True)[1]
    image = rng.normal(size=16)[parts % 16] + 0.2 * rng.normal(size=shape)
    first = join_unsupported(parts, image, 1.5, 10, 1.0)
    np.testing.assert_array_equal(first, join_unsupported(parts, image, 1.5, 10, 1.0))
    turned = join_unsupported(np.ascontiguousarray(parts.T), image.T, 1.5, 10, 1.0).T
    np.testing.assert_array_equal(order_regions(first), order_regions(turned))
