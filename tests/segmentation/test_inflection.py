"""Blurred borders at their inflection, against the bound for an error-function edge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.special import ndtr

from hyperspy_twin.segmentation.edges.border_arcs import (
    follow_arcs,
    move_border,
    trace_arcs,
    walk_border,
)
from hyperspy_twin.segmentation.edges.border_paths import (
    path_length,
    path_normals,
    read_profiles,
    resample_path,
    smooth_path,
)
from hyperspy_twin.segmentation.edges.error_function_fit import Strips, fit_strips, typical_width
from hyperspy_twin.segmentation.edges.inflection import move_to_inflection

SHAPE = (512, 512)
ROW, COLUMN = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)


def straight(angle):
    return np.cos(angle) * (ROW - 250.3) + np.sin(angle) * (COLUMN - 257.6)


def circle():
    return 150.4 - np.hypot(ROW - 255.2, COLUMN - 258.9)


def bound(width, noise, length):
    """Cramer-Rao bound of the place of a unit edge whose width and two levels are free.

    It is the inverse of the information that white noise leaves in all pixels within four widths
    of a border of the given length.
    """
    u = np.arange(-4 * width, 4 * width + 1) / width
    bell = np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi) / width
    slopes = np.stack([bell, bell * u, ndtr(u), 1 - ndtr(u)]) * np.sqrt(length) / noise
    return np.sqrt(np.linalg.inv(slopes @ slopes.T)[0, 0])


def wavy(distance, amplitude):
    """Labels of a border that winds about the true one."""
    wander = amplitude * np.sin(2 * np.pi * ROW / 61) * np.sin(2 * np.pi * COLUMN / 53 + 0.7)
    return (distance > wander).astype(np.int32)


def smoothed(image, smoothing):
    """Image after a Gaussian, on a grid of half the pixels."""
    fine = ndimage.gaussian_filter(image, smoothing)
    return fine.reshape(SHAPE[0] // 2, 2, SHAPE[1] // 2, 2).mean(axis=(1, 3)).astype(np.float32)


def offsets(labels, distance):
    """True distance from the interface at each pixel edge of the border."""
    places = []
    for shift in ((0, 1), (1, 0)):
        a = (slice(None, labels.shape[0] - shift[0]), slice(None, labels.shape[1] - shift[1]))
        b = (slice(shift[0], None), slice(shift[1], None))
        edge = labels[a] != labels[b]
        places.append((distance[a][edge] + distance[b][edge]) / 2)
    return np.concatenate(places)


@pytest.mark.parametrize("noise", [0.02, 0.2, 0.6])
@pytest.mark.parametrize("width", [8, 20])
@pytest.mark.parametrize("distance", [straight(0.1), straight(0.4), straight(1.2), circle()])
def test_winding_borders_go_to_the_inflection_as_near_as_the_bound_allows(distance, width, noise):
    length = 945 if distance.max() < 200 else 512
    start = wavy(distance, 0.4 * width)
    assert np.abs(offsets(start, distance)).mean() > 0.09 * width
    for seed in range(2):
        image = ndtr(distance / width) + noise * np.random.default_rng(seed).normal(size=SHAPE)
        placed = move_to_inflection(start, smoothed(image, 3.0), 1.5)
        found = offsets(placed, distance)
        # Pixels alone scatter by 0.3; slopes of the flanks and levels along it are free as well.
        assert abs(found.mean()) < 0.1 + 3 * bound(width, noise, length)
        assert found.std() < 0.35 + 3 * bound(width, noise, 4 * width)


def test_slopes_of_the_flanks_move_no_border():
    distance, width = straight(0.3), 20
    flank = 0.002 * np.maximum(distance, 0) - 0.001 * np.minimum(distance, 0)
    image = ndtr(distance / width) + flank * ndtr(np.abs(distance) / width)
    placed = move_to_inflection(wavy(distance, 5), smoothed(image, 3.0), 1.5)
    assert abs(offsets(placed, distance).mean()) < 1


def test_sharp_borders_stay():
    start = wavy(straight(0.3), 0.5)
    working = smoothed((straight(0.3) > 0).astype(float), 3.0)
    np.testing.assert_array_equal(move_to_inflection(start, working, 1.5), start)


def test_borders_in_nothing_but_noise_keep_their_regions():
    noise = np.random.default_rng(5).normal(size=SHAPE)
    placed = move_to_inflection(wavy(straight(0.3), 4), smoothed(noise, 3.0), 1.5)
    assert [ndimage.label(placed == label)[1] for label in (0, 1)] == [1, 1]


def test_a_third_region_is_left_alone():
    distance = straight(0)
    start = wavy(distance, 6)
    start[:, 400:] = 2
    image = np.where(COLUMN < 400, ndtr(distance / 15), 3.0)
    placed = move_to_inflection(start, smoothed(image, 3.0), 1.5)
    np.testing.assert_array_equal(placed == 2, start == 2)
    far = np.s_[:, :320]
    assert np.abs(offsets(placed[far], distance[far])).max() < 1


def test_light_and_dark_are_alike():
    distance = straight(0.4)
    image = smoothed(ndtr(distance / 12), 3.0)
    start = wavy(distance, 4)
    placed = move_to_inflection(start, image, 1.5)
    np.testing.assert_array_equal(move_to_inflection(start, 100 - 7 * image, 1.5), placed)
    np.testing.assert_array_equal(move_to_inflection(1 - start, image, 1.5), 1 - placed)


def edges_between(labels):
    return np.count_nonzero(np.diff(labels, axis=0)) + np.count_nonzero(np.diff(labels, axis=1))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4))
def test_arcs_cover_each_pixel_edge_once(seed, count):
    labels = np.random.default_rng(seed).integers(0, count, (9, 12)).astype(np.int32)
    arcs = trace_arcs(labels, 1)
    walked = [np.vstack([arc.path, arc.path[:1]]) if arc.closed else arc.path for arc in arcs]
    middles = np.concatenate([(path[1:] + path[:-1]) / 2 for path in walked])
    assert len(middles) == edges_between(labels) == len(np.unique(middles, axis=0))
    for arc, path in zip(arcs, walked, strict=True):
        step = np.diff(path, axis=0)
        assert np.all(np.abs(step).sum(axis=1) == 1)
        right = (path[1:] + path[:-1]) / 2 + np.stack([step[:, 1], -step[:, 0]], axis=1) / 2
        left = (path[1:] + path[:-1]) / 2 - np.stack([step[:, 1], -step[:, 0]], axis=1) / 2
        for side, label in ((right, arc.right), (left, arc.left)):
            assert np.all(labels[tuple(np.floor(side).astype(int).T)] == label)


def test_kernels_agree_with_plain_python():
    labels = np.random.default_rng(3).integers(0, 3, (7, 8)).astype(np.int32)
    compiled, plain = (f(labels, edges_between(labels)) for f in (follow_arcs, follow_arcs.py_func))
    for first, second in zip(compiled, plain, strict=True):
        np.testing.assert_array_equal(first, second)
    halves = np.repeat([[0, 0, 1, 1]], 3, axis=0)
    seen, corners = np.zeros((2, 4, 5), bool), np.zeros((9, 2), int)
    assert walk_border.py_func(halves, (0, 2), 1, seen, corners, 0) == (4, False)
    np.testing.assert_array_equal(corners[:4], [[0, 2], [1, 2], [2, 2], [3, 2]])


@pytest.mark.parametrize("kernel", [read_profiles, read_profiles.py_func])
def test_profiles_end_half_way_to_the_next_border(kernel):
    labels = np.repeat(np.digitize(np.arange(40), [10, 26])[:, None], 20, axis=1)
    working = np.repeat(np.arange(40, dtype=np.float32)[:, None] + 0.5, 20, axis=1)
    position = np.arange(-20.0, 21.0)
    path, normals = np.array([[10.0, 10.0]]), np.array([[1.0, 0.0]])
    rays = kernel(working, labels, path, normals, (0, 1), position, 4.0)
    known = np.isfinite(rays[0])
    assert position[known].min() == -10
    assert position[known].max() == 8
    expected = np.maximum(10 + position[known], 0.5)
    np.testing.assert_allclose(rays[0, known], expected, rtol=1e-6)


def test_paths_keep_ends_and_length():
    turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = 50 * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    assert path_length(ring, True) == pytest.approx(100 * np.pi, rel=1e-3)
    finer = resample_path(ring, 0.5, True)
    assert len(finer) == pytest.approx(200 * np.pi, abs=1)
    # Rows rise from the right: clockwise on the screen, so that the inside lies on the right.
    np.testing.assert_allclose(path_normals(finer, True), -finer / 50, atol=0.02)
    shrunk = np.hypot(*smooth_path(finer, 20, True).T)
    np.testing.assert_allclose(shrunk, 50 * np.exp(-((10 / 50) ** 2) / 2), rtol=1e-3)
    line = np.stack([np.linspace(3, 9, 30), np.linspace(0, 80, 30)], axis=1)
    np.testing.assert_allclose(smooth_path(line, 6, False), line, atol=1e-9)


def test_borders_move_to_a_path():
    labels = np.repeat((np.arange(30) > 11)[:, None], 20, axis=1).astype(np.int32)
    (arc,) = trace_arcs(labels, 1)
    assert (arc.left, arc.right, arc.closed) == (0, 1, False)
    assert move_border(labels, arc, arc.path + [5.2, 0])
    np.testing.assert_array_equal(labels.sum(axis=0), 30 - 17)
    before = labels.copy()
    (arc,) = trace_arcs(labels, 1)
    assert not move_border(labels, arc, arc.path + [40, 0])
    np.testing.assert_array_equal(labels, before)


def test_disc_grows_with_its_path():
    row, column = np.mgrid[:60, :60]
    distance = np.hypot(row - 30, column - 28)
    labels = (distance < 12).astype(np.int32)
    (arc,) = trace_arcs(labels, 1)
    turn = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    ring = np.stack([30.5 + 17 * np.sin(turn), 28.5 + 17 * np.cos(turn)], axis=1)
    assert arc.closed
    assert move_border(labels, arc, ring)
    assert np.all(labels[distance < 16.9] == 1)
    assert np.all(labels[distance > 17.1] == 0)


def test_typical_width_of_a_profile():
    position = np.arange(-60.0, 61.0)
    for width in (4.0, 9.0):
        value = 5 - 2 * ndtr((position - 3) / width) + 0.004 * position
        found = typical_width(position, value, np.ones_like(value), 2.0)
        assert width / 1.26 < found < width * 1.26


def straight_strips(value, closed):
    count = len(value)
    bending = np.zeros((count, count + 1))
    for offset, weight in ((-1, 1), (0, -2), (1, 1)):
        bending[np.arange(count), (np.arange(count) + offset) % count] = weight
    position = np.linspace(-40, 40, value.shape[1])
    bending = bending if closed else bending[1:-1]
    return Strips(position, value, np.ones_like(value), 10.0, bending, closed)


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("shift", [-3.0, 0.0, 2.0])
def test_one_step_finds_shift_and_width(closed, shift):
    position = np.linspace(-40, 40, 33)
    clean = np.tile(3 - 2 * ndtr((position - shift) / 10.5), (20, 1))
    value = clean + 1e-3 * np.random.default_rng(7).normal(size=clean.shape)
    fit = fit_strips(straight_strips(value, closed), 10.0, 1.0, True)
    np.testing.assert_allclose(fit.shift, shift, atol=0.25)
    assert fit.width == pytest.approx(10.5, rel=0.03)


def test_stiffness_follows_the_border():
    position = np.linspace(-40, 40, 33)
    noise = 0.02 * np.random.default_rng(8).normal(size=(32, 33))
    winding = 2 * np.sin(2 * np.pi * np.arange(32) / 8)
    fits = [
        fit_strips(straight_strips(ndtr((position - s) / 10) + noise, True), 10.0, 1.0, True)
        for s in (0.0, winding[:, None])
    ]
    assert fits[0].stiffness > 100 * fits[1].stiffness
    assert np.abs(fits[0].shift).max() < 0.15
    np.testing.assert_allclose(fits[1].shift, winding, atol=0.6)


def test_flat_profiles_have_no_edge():
    assert fit_strips(straight_strips(np.zeros((12, 33)), False), 10.0, 1.0, True) is None
