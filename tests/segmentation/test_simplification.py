from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from hyperspy_twin.core import Grid, Outlines, contains, rasterise, trace
from hyperspy_twin.segmentation.simplification import mark_crossings, simplify_outlines

GRID = Grid((60, 80), (0.5, 0.25), (3.0, -1.0))


def blobs(seed, count=6, shape=GRID.shape, smoothing=4.0):
    """Random partition into rounded regions."""
    noise = np.random.default_rng(seed).normal(size=(count, *shape))
    return ndimage.gaussian_filter(noise, (0, smoothing, smoothing)).argmax(axis=0) + 1


def edges_of(outlines):
    """Undirected edges with the number of rings that hold each."""
    found: dict[frozenset, int] = {}
    for region in outlines.regions:
        for ring in outlines.rings(region):
            for one, two in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                key = frozenset([tuple(one), tuple(two)])
                found[key] = found.get(key, 0) + 1
    return found


def owners(outlines, points):
    """How many regions each point lies in."""
    count = np.zeros(len(points), int)
    for region in outlines.regions:
        rings = outlines.rings(region)
        count += contains(Outlines.from_rings(rings, [1] * len(rings)), points)
    return count


def frame(grid):
    """Corners of the image, shape (2, 2)."""
    half = np.asarray(grid.scale) / 2
    return np.array([[grid.x[0], grid.y[0]] - half, [grid.x[-1], grid.y[-1]] + half])


def on_the_border(edge, grid):
    ends = np.array(list(edge))
    return any(
        np.allclose(ends[:, axis], bound) for axis in (0, 1) for bound in frame(grid)[:, axis]
    )


@settings(max_examples=60, deadline=None)
@given(arrays(np.int32, (7, 9), elements=st.integers(1, 4)))
def test_neighbours_share_every_edge(labels):
    grid = Grid(labels.shape, (0.5, 0.3))
    for edge, count in edges_of(trace(labels, grid)).items():
        assert count == (1 if on_the_border(edge, grid) else 2)


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.int32, (8, 11), elements=st.integers(0, 3)), st.floats(0.1, 6.0), st.integers(0, 100)
)
def test_no_gap_and_no_overlap_on_random_labels(labels, tolerance, seed):
    grid = Grid(labels.shape, (1.0, 1.0))
    outlines = simplify_outlines(trace(labels, grid), tolerance)
    points = np.random.default_rng(seed).uniform(-0.5, [10.5, 7.5], size=(400, 2))
    count = owners(outlines, points)
    assert count.max(initial=0) <= 1
    if labels.all():
        assert count.min() == 1


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("tolerance", [0.3, 1.0, 4.0])
def test_rounded_regions_fit_together(seed, tolerance):
    labels = blobs(seed)
    exact = trace(labels, GRID)
    outlines = simplify_outlines(exact, tolerance)
    assert len(outlines.vertices) < 0.6 * len(exact.vertices)
    np.testing.assert_array_equal(outlines.ring_region, exact.ring_region)
    for edge, count in edges_of(outlines).items():
        assert count == (1 if on_the_border(edge, GRID) else 2)
    half = np.asarray(GRID.scale) / 2
    points = np.random.default_rng(seed).uniform(
        np.array([GRID.x[0], GRID.y[0]]) - half,
        np.array([GRID.x[-1], GRID.y[-1]]) + half,
        (3000, 2),
    )
    np.testing.assert_array_equal(owners(outlines, points), 1)


def test_no_vertex_moves_farther_than_the_tolerance():
    exact = trace(blobs(3), GRID)
    outlines = simplify_outlines(exact, 0.8)
    for region in exact.regions:
        for before, after in zip(exact.rings(region), outlines.rings(region), strict=True):
            one, two = after, np.roll(after, -1, axis=0)
            along = two - one
            for point in before:
                part = ((point - one) * along).sum(axis=1) / (along**2).sum(axis=1)
                nearest = one + np.clip(part, 0, 1)[:, None] * along
                assert np.linalg.norm(nearest - point, axis=1).min() <= 0.8 + 1e-9


def test_staircase_becomes_a_line():
    labels = np.tri(40, 40, dtype=np.int32) + 1
    outlines = simplify_outlines(trace(labels, Grid((40, 40), (1.0, 1.0))), 1.5)
    assert len(outlines.rings(2)[0]) <= 5


def test_zero_tolerance_changes_nothing():
    labels = blobs(1)
    outlines = simplify_outlines(trace(labels, GRID), 0.0)
    np.testing.assert_array_equal(rasterise(outlines, GRID), labels)


def test_hole_and_its_island_keep_their_common_ring():
    labels = np.ones((50, 50), np.int32)
    y, x = np.mgrid[:50, :50]
    labels[np.hypot(x - 25, y - 25) < 12] = 2
    outlines = simplify_outlines(trace(labels, Grid((50, 50), (1.0, 1.0))), 1.0)
    hole = min(outlines.rings(1), key=np.ptp)
    island = outlines.rings(2)[0]
    assert {tuple(v) for v in hole} == {tuple(v) for v in island}
    assert len(island) < 16


def test_island_beside_a_border_is_not_swallowed():
    labels = np.ones((60, 60), np.int32)
    labels[30:] = 2
    labels[24:30, 20:40] = 2
    labels[27:29, 25:35] = 3
    outlines = simplify_outlines(trace(labels, Grid((60, 60), (1.0, 1.0))), 10.0)
    points = np.random.default_rng(0).uniform(-0.4, 59.4, size=(4000, 2))
    np.testing.assert_array_equal(owners(outlines, points), 1)


@pytest.mark.parametrize("tolerance", [-1.0, np.nan, np.inf])
def test_impossible_tolerance(tolerance):
    with pytest.raises(ValueError, match="tolerance"):
        simplify_outlines(trace(blobs(0), GRID), tolerance)


def test_crossings_compiled_and_not():
    segments = np.array([[0, 0, 2, 2], [0, 2, 2, 0], [2, 2, 3, 0], [5, 0, 6, 0.0]])
    owner = np.array([0, 1, 2, 3])
    for function in (mark_crossings, mark_crossings.py_func):
        bad = np.zeros(4, bool)
        function(segments, owner, bad)
        assert bad.tolist() == [True, True, False, False]
