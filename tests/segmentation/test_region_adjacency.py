"""Borders between basins against sums done by hand, and against a plain table of pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperspy_twin.segmentation.edges.region_adjacency import (
    _gather,
    _pixel_edges,
    find_borders,
    gather_borders,
    minimum_by_label,
)
from hyperspy_twin.segmentation.edges.region_merging import _to_merge, merge_weak


@pytest.mark.parametrize("kernel", [_pixel_edges, _pixel_edges.py_func])
def test_pixel_edges_hold_the_gradient_half_way(kernel):
    labels = np.array([[0, 0, 1], [0, -1, 1], [2, 2, 2]], np.int32)
    along_x = np.array([[0.0, 2, 4], [0, 9, 9], [0, 0, 0]], np.float32)
    along_y = np.array([[0.0, 0, 0], [1, 9, 5], [3, 9, -1]], np.float32)
    first, second, flux = kernel(labels, along_x, along_y)
    rows = sorted(zip(first.tolist(), second.tolist(), flux.tolist(), strict=True))
    assert rows == [(0, 1, 3.0), (0, 2, 2.0), (1, 2, 2.0)]


def test_flux_is_positive_towards_the_brighter_second_basin():
    labels = np.array([[1, 1, 0, 0]] * 3, np.int32)
    borders = find_borders(labels, np.full((3, 4), 2.0), np.zeros((3, 4)))
    assert (borders.first, borders.second) == ([0], [1])
    assert (borders.flux, borders.length) == ([-6.0], [3.0])


ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(-9, 9)), max_size=40)


@given(ROWS)
def test_gathered_rows_are_the_sums_of_their_pairs(rows):
    expected = {}
    for a, b, flux in rows:
        if a != b:
            total = expected.setdefault((min(a, b), max(a, b)), [0, 0])
            total[0] += flux if a < b else -flux
            total[1] += 2
    first, second, flux = (np.array([row[k] for row in rows], np.int64) for k in range(3))
    arguments = first, second, flux.astype(float), np.full(len(rows), 2.0)
    for found in (gather_borders(*arguments), _gather.py_func(*arguments, 7)):
        columns = list(found if isinstance(found, tuple) else vars(found).values())
        pairs = {(int(a), int(b)): [f, n] for a, b, f, n in zip(*columns, strict=True)}
        assert pairs == expected
        assert len(columns) == 4 and len(columns[0]) == len(expected)


@pytest.mark.parametrize("kernel", [minimum_by_label, minimum_by_label.py_func])
def test_least_value_of_each_label(kernel):
    values = np.array([[3.0, 1.0], [2.0, -5.0]], np.float32)
    found = kernel(values, np.array([[0, 0], [2, -1]]), 3)
    np.testing.assert_array_equal(found, [1, np.inf, 2])


@pytest.mark.parametrize("kernel", [_to_merge, _to_merge.py_func])
def test_pairs_that_choose_each_other_merge_if_noise_explains_their_border(kernel):
    first, second = np.array([0, 1, 2]), np.array([1, 2, 3])
    length = np.full(3, 100.0)
    flux = length * np.array([2.0, -1.0, 9.0])
    np.testing.assert_array_equal(
        kernel(first, second, flux, length, np.zeros(4), 4.0), [False, True, False]
    )
    np.testing.assert_array_equal(
        kernel(first, second, 9 * flux, length, np.zeros(4), 4.0), [False, False, False]
    )


def test_merging_leaves_the_strong_border():
    labels = np.repeat(np.arange(4)[None], 100, axis=0)
    along_x = np.repeat(np.array([[1.0, 1.0, 9.0, 9.0]]), 100, axis=0)
    borders = find_borders(labels, along_x, np.zeros(labels.shape))
    region, left = merge_weak(borders, np.zeros(4), 4.0)
    np.testing.assert_array_equal(region, [0, 0, 1, 2])
    assert left.first.size == 2
