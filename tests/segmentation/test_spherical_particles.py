"""Outlines of regions that bulge like a ball against bodies of known radius."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from hyperspy_twin.core import Grid
from hyperspy_twin.segmentation.edges.edge_segmentation import regions_between_edges, segment_edges
from hyperspy_twin.segmentation.edges.spherical_particles import outline_spherical_particles

RADIUS = 30.0
CENTRES = ((60, 60), (60, 180), (180, 70), (180, 190))


def distances(shape=(240, 260)):
    row, column = np.mgrid[: shape[0], : shape[1]]
    return np.min([np.hypot(row - y, column - x) for y, x in CENTRES], axis=0) / RADIUS


def balls(distance):
    return ndimage.gaussian_filter(np.sqrt(np.maximum(1 - distance**2, 0)), 0.8)


def noisy(image, noise, seed=1):
    return (image + np.random.default_rng(seed).normal(0, noise, image.shape)).astype(np.float32)


def numbered(mask):
    return ndimage.label(mask)[0].astype(np.int32)


def radii(labels):
    area = np.sort(np.bincount(labels.ravel()))[:-1]
    return np.sqrt(area / np.pi)


@pytest.mark.parametrize("sign", [1, -1])
def test_balls_that_end_at_half_their_height_grow_to_their_foot(sign):
    distance = distances()
    half = numbered(distance < np.sqrt(0.75))
    moved = outline_spherical_particles(half, noisy(sign * balls(distance), 0.1), 0.0)
    assert np.allclose(radii(half), 0.866 * RADIUS, atol=0.2)
    assert np.allclose(radii(moved), RADIUS, atol=0.5)


def test_plates_stay_however_blurred_their_rim_is():
    distance = distances()
    inside = numbered(distance < 1)
    for blur in (0.7, 3.0, 6.0):
        image = noisy(ndimage.gaussian_filter((distance < 1).astype(float), blur), 0.1)
        np.testing.assert_array_equal(outline_spherical_particles(inside, image, 0.0), inside)


def test_diffuse_spots_have_no_foot_and_stay():
    distance = distances()
    half = numbered(np.exp(-2.5 * distance**2) > 0.5)
    image = noisy(np.exp(-2.5 * distance**2), 0.02)
    np.testing.assert_array_equal(outline_spherical_particles(half, image, 0.0), half)


def test_balls_below_the_noise_stay():
    distance = distances()
    half = numbered(distance < np.sqrt(0.75))
    image = noisy(balls(distance), 30.0)
    np.testing.assert_array_equal(outline_spherical_particles(half, image, 0.0), half)


def test_a_region_at_the_end_of_the_image_and_a_strip_are_no_particles():
    row, column = np.mgrid[:200, :300]
    across = np.abs(row - 100) / 20
    strip = ((across < 0.866) & (np.abs(column - 150) < 120)).astype(np.int32)
    thickness = np.sqrt(np.maximum(1 - across**2, 0)) * (np.abs(column - 150) < 120)
    np.testing.assert_array_equal(
        outline_spherical_particles(strip, noisy(thickness, 0.05), 0.0), strip
    )
    distance = np.hypot(row - 10, column - 150) / 40
    cut = (distance < 0.866).astype(np.int32)
    np.testing.assert_array_equal(
        outline_spherical_particles(cut, noisy(balls(distance), 0.05), 0.0), cut
    )


def test_balls_grow_neither_into_a_third_region_nor_into_each_other():
    row, column = np.mgrid[:200, :260]
    first, second = (np.hypot(row - 100, column - x) / RADIUS for x in (100, 160))
    half = np.where(first < 0.866, 1, np.where(second < 0.866, 2, 0)).astype(np.int32)
    half[:72] = 3
    moved = outline_spherical_particles(half, noisy(balls(np.minimum(first, second)), 0.05), 0.0)
    np.testing.assert_array_equal(moved == 3, half == 3)
    changed = moved != half
    assert changed.any()
    assert set(np.unique(half[changed])) == {0}
    assert column[moved == 1].max() <= 130 <= column[moved == 2].min()


def test_a_coarser_smoothed_image_tells_the_same():
    distance = distances()
    half = numbered(distance < np.sqrt(0.75))
    smoothed = ndimage.gaussian_filter(noisy(balls(distance), 0.3), 3.0)
    coarse = smoothed.reshape(120, 2, 130, 2).mean(axis=(1, 3))
    moved = outline_spherical_particles(half, coarse, 3.0)
    assert np.allclose(radii(moved), RADIUS, atol=1.2)


def test_edges_find_balls_whole_and_discs_unchanged():
    distance = distances()
    grid = Grid(distance.shape, (1.0, 1.0))
    found = segment_edges(noisy(1 + balls(distance), 0.15), grid)
    assert found.labels.max() == 5
    assert np.allclose(radii(found.labels)[-4:], RADIUS, atol=0.8)
    discs = noisy(1 + ndimage.gaussian_filter((distance < 1).astype(float), 0.8), 0.15)
    before = regions_between_edges(discs, grid).segmentation
    np.testing.assert_array_equal(segment_edges(discs, grid).labels, before.labels)
