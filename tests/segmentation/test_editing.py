from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hyperspy_twin.core import Grid, Outlines, rasterise, trace
from hyperspy_twin.segmentation.editing import (
    add_region,
    merge_regions,
    relabel_regions,
    remove_regions,
    split_regions,
)
from hyperspy_twin.segmentation.simplification import simplify_outlines

GRID = Grid((30, 40), (0.5, 0.5), (1.0, 2.0))


@pytest.fixture
def quarters():
    labels = np.ones(GRID.shape, np.int32)
    labels[:15, 20:], labels[15:, :20], labels[15:, 20:] = 2, 3, 4
    return trace(labels, GRID)


@settings(max_examples=100, deadline=None)
@given(arrays(np.int32, (6, 8), elements=st.integers(0, 4)), st.sets(st.integers(1, 4), min_size=2))
def test_merging_outlines_is_merging_labels(labels, regions):
    grid = Grid(labels.shape, (0.3, 0.7))
    present = sorted(regions & set(np.unique(labels).tolist()))
    if len(present) < 2:
        return
    expected = np.where(np.isin(labels, present), present[0], labels)
    merged = merge_regions(trace(labels, grid), present)
    np.testing.assert_array_equal(rasterise(merged, grid), expected)


def test_merged_region_has_no_inner_border(quarters):
    merged = merge_regions(quarters, [2, 1, 3, 4])
    assert len(merged.rings(1)) == 1
    assert merged.area(1) == pytest.approx(30 * 40 * 0.25)


def test_merging_keeps_straight_borders_straight():
    labels = np.tri(30, 30, dtype=np.int32) + 1
    labels[:, 20:] += 2
    grid = Grid((30, 30), (1.0, 1.0))
    simple = simplify_outlines(trace(labels, grid), 2.0)
    merged = merge_regions(simple, [1, 3])
    assert len(merged.vertices) <= len(simple.vertices)


def test_removed_region_is_unassigned(quarters):
    labels = rasterise(remove_regions(quarters, [2, 3]), GRID)
    assert set(np.unique(labels)) == {0, 1, 4}


def test_numbers_can_be_changed_and_closed_up(quarters):
    assert relabel_regions(quarters, {2: 9}).regions.tolist() == [1, 3, 4, 9]
    assert relabel_regions(quarters, {1: 2, 2: 1}).area(1) == quarters.area(2)
    assert relabel_regions(remove_regions(quarters, [2])).regions.tolist() == [1, 2, 3]


def test_line_splits_what_it_crosses(quarters):
    parts = split_regions(quarters, GRID, line=[(0.0, 5.0), (30.0, 5.0)])
    assert parts.regions.tolist() == [1, 2, 3, 4, 5, 6]
    assert sum(parts.area(region) for region in parts.regions) == pytest.approx(300.0)
    one = split_regions(quarters, GRID, line=[(0.0, 5.0), (30.0, 5.0)], regions=[2])
    assert one.regions.tolist() == [1, 2, 3, 4, 5]
    assert one.area(2) > one.area(5)


def test_oblique_line_leaves_no_pixel_unassigned(quarters):
    parts = split_regions(quarters, GRID, line=[(0.0, 0.0), (12.0, 9.0), (30.0, 20.0)])
    assert rasterise(parts, GRID).min() == 1


def test_drawn_region_takes_its_area(quarters):
    drawn = add_region(quarters, GRID, polygon=[(5.0, 5.0), (15.0, 5.0), (15.0, 12.0), (5.0, 12.0)])
    assert drawn.regions.tolist() == [1, 2, 3, 4, 5]
    assert drawn.area(5) == pytest.approx(70.0, rel=0.1)
    assert sum(drawn.area(region) for region in drawn.regions) == pytest.approx(300.0)


def test_wrong_input(quarters):
    for function in (merge_regions, remove_regions):
        with pytest.raises(ValueError, match="no region 7"):
            function(quarters, [1, 7])
    with pytest.raises(ValueError, match="at least two"):
        merge_regions(quarters, [1, 1])
    with pytest.raises(ValueError, match="share a number"):
        relabel_regions(quarters, {1: 2})
    with pytest.raises(ValueError, match="1 or larger"):
        relabel_regions(quarters, {1: 0})
    with pytest.raises(ValueError, match="from border to border"):
        split_regions(quarters, GRID, line=[(3.0, 3.0), (4.0, 4.0)])
    with pytest.raises(ValueError, match="two points"):
        split_regions(quarters, GRID, line=[(3.0, 3.0)])
    with pytest.raises(ValueError, match="no pixel"):
        add_region(quarters, GRID, polygon=[(100, 100), (101, 100), (101, 101)])


def test_outlines_of_nothing_can_be_renumbered():
    assert relabel_regions(Outlines.from_rings([], [])).regions.size == 0
