"""What is read from label images, against plain loops over pixels."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from hyperspy_twin.segmentation.labels import (
    adjacent_labels,
    depth_inside,
    fill_from_nearest,
    grow_box,
    number_consecutively,
    surrounding_label,
)
from hyperspy_twin.segmentation.resampling import nearest_pixels

LABELS = arrays(
    np.int32, array_shapes(min_dims=2, max_dims=2, max_side=7), elements=st.integers(0, 4)
)


def neighbours(labels, axis):
    """Pairs of labels on both sides of each pixel edge across an axis."""
    moved = np.moveaxis(labels, axis, 0)
    pairs = zip(moved[:-1].ravel().tolist(), moved[1:].ravel().tolist(), strict=True)
    return Counter((min(pair), max(pair)) for pair in pairs if pair[0] != pair[1])


@given(LABELS)
def test_adjacent_labels_count_the_pixel_edges_of_each_pair(labels):
    across, along = neighbours(labels, 1), neighbours(labels, 0)
    pairs, edges = adjacent_labels(labels)
    found = [tuple(pair) for pair in pairs.tolist()]
    assert found == sorted({*across, *along})
    assert edges.tolist() == [[across[pair], along[pair]] for pair in found]


@given(LABELS)
def test_depth_is_the_distance_to_the_nearest_pixel_at_a_border(labels):
    differs = [np.diff(labels, axis=axis) != 0 for axis in range(2)]
    at_border = np.pad(differs[0], ((1, 0), (0, 0))) | np.pad(differs[0], ((0, 1), (0, 0)))
    at_border |= np.pad(differs[1], ((0, 0), (1, 0))) | np.pad(differs[1], ((0, 0), (0, 1)))
    pixels = np.argwhere(np.ones(labels.shape, bool))
    border = np.argwhere(at_border)
    expected = np.full(labels.size, np.inf)
    if len(border):
        expected = np.linalg.norm(pixels[:, None] - border, axis=-1).min(axis=1) + 0.5
    np.testing.assert_allclose(depth_inside(labels).ravel(), expected)


@given(LABELS)
def test_consecutive_numbers_keep_the_order(labels):
    expected = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    np.testing.assert_array_equal(number_consecutively(labels), expected)


def test_gaps_take_the_nearest_label():
    labels = np.array([[1, 0, 0, 0, 2]])
    np.testing.assert_array_equal(
        fill_from_nearest(labels, labels > 0)[0, [0, 1, 3, 4]], [1, 1, 2, 2]
    )
    np.testing.assert_array_equal(fill_from_nearest(labels, np.ones_like(labels, bool)), labels)


def test_a_box_grows_as_far_as_the_image():
    assert grow_box((slice(1, 4), slice(5, 9)), 2, (8, 10)) == (slice(0, 6), slice(3, 10))


def test_a_label_surrounds_what_it_holds_enough_of_the_rim_of():
    labels = np.ones((5, 5), int)
    labels[:, 3:] = 2
    own = np.zeros(labels.shape, bool)
    own[1:4, 1:3] = True
    assert surrounding_label(labels, own, 0.6) == 1
    assert surrounding_label(labels, own, 0.8) is None
    assert surrounding_label(labels, np.ones_like(own), 0.0) is None


def test_nearest_pixels_end_with_the_grid():
    rows, columns = nearest_pixels([np.array([-0.6, 1.4]), np.array([0.6, 9.0])], (3, 4))
    assert rows.tolist() == [[0], [1]]
    assert columns.tolist() == [[1, 3]]
