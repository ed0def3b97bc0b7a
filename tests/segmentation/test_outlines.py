"""Outlines against label images: exactness, areas, points and other grids."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hyperspy_twin.core import Grid, Outlines, contains, rasterise, trace
from hyperspy_twin.core.outlines import polygons as _polygons

length = st.floats(0.003, 7.0)
position = st.floats(-50.0, 50.0)


@st.composite
def label_images(draw):
    shape = draw(st.tuples(st.integers(1, 13), st.integers(1, 13)))
    labels = draw(arrays(np.int32, shape, elements=st.integers(0, 3)))
    grid = Grid(shape, draw(st.tuples(length, length)), draw(st.tuples(position, position)))
    return labels, grid


def signed_area(ring):
    following = np.roll(ring, -1, axis=0)
    return np.sum(ring[:, 0] * following[:, 1] - following[:, 0] * ring[:, 1]) / 2


def ring_with_island():
    labels = np.zeros((12, 14), np.int32)
    labels[1:11, 2:12] = 1
    labels[3:9, 4:10] = 0
    labels[5:7, 6:8] = 1
    return labels


@settings(max_examples=300, deadline=None)
@given(label_images())
def test_rasterised_outlines_give_the_labels_back(case):
    labels, grid = case
    np.testing.assert_array_equal(rasterise(trace(labels, grid), grid), labels)


@settings(max_examples=100, deadline=None)
@given(label_images())
def test_points_at_pixel_centres_find_their_labels(case):
    labels, grid = case
    x, y = np.meshgrid(grid.x, grid.y)
    found = contains(trace(labels, grid), np.column_stack([x.ravel(), y.ravel()]))
    np.testing.assert_array_equal(found.reshape(grid.shape), labels)


@settings(max_examples=100, deadline=None)
@given(label_images())
def test_area_is_pixel_count_and_agrees_with_orientation(case):
    labels, grid = case
    outlines = trace(labels, grid)
    np.testing.assert_array_equal(outlines.regions, np.unique(labels[labels > 0]))
    for region in outlines.regions:
        expected = np.count_nonzero(labels == region) * grid.scale[0] * grid.scale[1]
        assert outlines.area(region) == pytest.approx(expected, rel=1e-9)
        signed = sum(signed_area(ring) for ring in outlines.rings(region))
        assert signed == pytest.approx(expected, rel=1e-6)


@settings(max_examples=100, deadline=None)
@given(label_images())
def test_vertex_in_a_straight_line_is_a_meeting_of_three_regions(case):
    labels, grid = case
    outlines = trace(labels, grid)
    padded = np.pad(labels, 1)
    for region in outlines.regions:
        for ring in outlines.rings(region):
            along = (np.roll(ring, -1, axis=0) - ring) / grid.scale
            horizontal = np.abs(along[:, 0]) > 0.5
            straight = horizontal == np.roll(horizontal, 1)
            for x, y in np.rint(grid.to_pixels(ring[straight]) + 0.5).astype(int):
                assert len(np.unique(padded[y : y + 2, x : x + 2])) >= 3


def test_hole_and_island_have_opposite_senses():
    labels = ring_with_island()
    outlines = trace(labels, Grid(labels.shape, (0.5, 0.25)))
    areas = sorted(signed_area(ring) for ring in outlines.rings(1))
    np.testing.assert_allclose(areas, np.array([-36, 4, 100]) * 0.125)
    assert outlines.area(1) == pytest.approx(68 * 0.125)


def test_rectangle_has_four_vertices_on_pixel_corners():
    labels = np.zeros((6, 9), np.int32)
    labels[2:5, 1:8] = 4
    outlines = trace(labels, Grid((6, 9), (0.1, 0.2), (1.0, -2.0)))
    assert outlines.vertices.shape == (4, 2)
    np.testing.assert_allclose(outlines.bounds(4), (1.05, -1.7, 1.75, -1.1))


def test_diagonal_contact_gives_two_rings():
    outlines = trace(np.eye(2, dtype=np.int32), Grid((2, 2), (1.0, 1.0)))
    assert [len(ring) for ring in outlines.rings(1)] == [4, 4]


def test_rings_drawn_in_either_sense_mean_the_same():
    labels = ring_with_island()
    grid = Grid(labels.shape, (1.0, 1.0))
    rings = [ring[::-1] for ring in trace(labels, grid).rings(1)]
    turned = Outlines.from_rings(rings, [1] * len(rings))
    np.testing.assert_array_equal(rasterise(turned, grid), labels)
    assert turned.area(1) == pytest.approx(68)


def test_circle_area_and_pixels():
    angle = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    circle = np.column_stack([3 + 2 * np.cos(angle), 1 + 2 * np.sin(angle)])
    outlines = Outlines.from_rings([circle], [7])
    assert outlines.area(7) == pytest.approx(4 * np.pi, rel=1e-5)
    grid = Grid((500, 600), (0.01, 0.01), (0.0, -1.5))
    x, y = np.meshgrid(grid.x, grid.y)
    truth = np.where(np.hypot(x - 3, y - 1) < 2, 7, 0)
    assert np.mean(rasterise(outlines, grid) != truth) < 1e-4


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_points_agree_with_pixels_for_any_polygons(seed):
    random = np.random.default_rng(seed)
    rings = [random.uniform(-3, 23, (random.integers(3, 9), 2)) for _ in range(4)]
    outlines = Outlines.from_rings(rings, [1, 2, 2, 3])
    grid = Grid((20, 17), (1.0, 1.3), (0.1, -0.2))
    x, y = np.meshgrid(grid.x, grid.y)
    found = contains(outlines, np.column_stack([x.ravel(), y.ravel()]))
    np.testing.assert_array_equal(found.reshape(grid.shape), rasterise(outlines, grid))


def test_neighbours_that_share_edges_stay_a_partition():
    random = np.random.default_rng(3)
    shared = np.column_stack([random.integers(2, 8, 12), np.arange(12)]).astype(float)
    left = np.concatenate([shared, [[-1, 11], [-1, 0]]])
    right = np.concatenate([shared[::-1], [[11, 0], [11, 11]]])
    grid = Grid((11, 10), (1.0, 1.0))
    both = rasterise(Outlines.from_rings([left, right], [1, 2]), grid)
    alone = rasterise(Outlines.from_rings([left], [1]), grid)
    assert both.min() > 0
    np.testing.assert_array_equal(both == 1, alone == 1)


def test_cropped_and_rebinned_grids():
    labels = np.kron(np.array([[1, 2, 2], [3, 0, 1]]), np.ones((4, 6), int)).astype(np.int32)
    grid = Grid(labels.shape, (0.1, 0.2), (5.0, -3.0))
    outlines = trace(labels, grid)
    crop = Grid((4, 9), grid.scale, tuple(grid.to_units(np.array([3, 2]))))
    np.testing.assert_array_equal(rasterise(outlines, crop), labels[2:6, 3:12])
    half = Grid((4, 9), (0.2, 0.4), tuple(grid.to_units(np.array([0.5, 0.5]))))
    np.testing.assert_array_equal(rasterise(outlines, half), labels[::2, ::2])
    wider = Grid((12, 22), grid.scale, tuple(grid.to_units(np.array([-2, -2]))))
    np.testing.assert_array_equal(rasterise(outlines, wider), np.pad(labels, 2))


def test_points_outside_or_not_finite_have_no_region():
    outlines = Outlines.from_rings([np.array([[0, 0], [2, 0], [2, 2], [0, 2]])], [5])
    points = np.array([[1, 1], [3, 1], [1, -9], [np.nan, 1], [1, np.nan], [np.inf, 1]])
    np.testing.assert_array_equal(contains(outlines, points), [5, 0, 0, 0, 0, 0])


def test_nothing_traced_gives_empty_outlines():
    grid = Grid((3, 4), (1.0, 1.0))
    outlines = trace(np.zeros((3, 4), int), grid)
    assert outlines.regions.size == 0
    np.testing.assert_array_equal(rasterise(outlines, grid), np.zeros((3, 4)))
    np.testing.assert_array_equal(contains(outlines, np.ones((2, 2))), [0, 0])


@pytest.mark.parametrize(
    "name", ["follow_cracks", "edge_crossings", "fill_spans", "bucket_edges", "locate_points"]
)
def test_kernels_agree_with_plain_python(monkeypatch, name):
    labels = ring_with_island()
    grid = Grid(labels.shape, (1.0, 1.0))
    points = np.random.default_rng(0).uniform(-1, 14, (60, 2))
    compiled = rasterise(trace(labels, grid), grid), contains(trace(labels, grid), points)
    module = __import__("hyperspy_twin.core.outlines.outlines", fromlist=["x"])
    monkeypatch.setattr(module, name, getattr(_polygons, name).py_func)
    np.testing.assert_array_equal(rasterise(trace(labels, grid), grid), compiled[0])
    np.testing.assert_array_equal(contains(trace(labels, grid), points), compiled[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((3, 3)), [0, 3], [1]), "shape"),
        ((np.zeros((3, 2)), [0, 3], [1, 2]), "one entry more"),
        ((np.zeros((3, 2)), [0, 2], [1]), "number of vertices"),
        ((np.zeros((2, 2)), [0, 2], [1]), "three vertices"),
        ((np.full((3, 2), np.nan), [0, 3], [1]), "finite"),
        ((np.zeros((3, 2)), [0, 3], [0]), "1 or larger"),
    ],
)
def test_outlines_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Outlines(*arguments)


def test_wrong_labels_and_unknown_regions_are_refused():
    grid = Grid((3, 3), (1.0, 1.0))
    with pytest.raises(ValueError, match="integers"):
        trace(np.zeros((3, 3)), grid)
    with pytest.raises(ValueError, match="negative"):
        trace(np.full((3, 3), -1), grid)
    with pytest.raises(ValueError, match="grid has"):
        trace(np.zeros((3, 4), int), grid)
    with pytest.raises(KeyError, match="no region 9"):
        trace(np.ones((3, 3), int), grid).area(9)
    with pytest.raises(ValueError, match="shape"):
        contains(trace(np.ones((3, 3), int), grid), np.zeros(3))
