"""Masks laid on each other and divided, against cases with a known answer."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.segmentation.segment_anything.mask_proposals import (
    distinct_masks,
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
