"""Particles outlined and cut from regions of the image, against plates and balls of known size."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from hyperspy_twin.core import Grid
from hyperspy_twin.segmentation.edges.edge_segmentation import segment_edges
from hyperspy_twin.segmentation.particles.contrast import measure_contrast
from hyperspy_twin.segmentation.particles.cuts import _join_shallow, cut_at_levels, cut_particles
from hyperspy_twin.segmentation.particles.particle_outlines import fit_moves, move_outlines
from hyperspy_twin.segmentation.particles.separation import separate_particles
from hyperspy_twin.segmentation.particles.size_distribution import measure_particles

SHAPE = (200, 280)


def thickness(particles, kind, shape=SHAPE):
    """Projected thickness of bodies (x, y, radius), 1 at their middle, and the nearest of each."""
    row, column = np.mgrid[: shape[0], : shape[1]].astype(float)
    away = np.array([np.hypot(row - y, column - x) / radius for x, y, radius in particles])
    bodies = (away < 1).astype(float)
    if kind == "ball":
        bodies = np.sqrt(np.clip(1 - away**2, 0, 1))
    return bodies.max(axis=0), np.where((away < 1).any(axis=0), away.argmin(axis=0) + 1, 0)


def picture(particles, kind, noise=0.05, shape=SHAPE):
    body, truth = thickness(particles, kind, shape)
    image = ndimage.gaussian_filter(body, 0.8)
    image += np.random.default_rng(1).normal(0, noise, shape)
    return image.astype(np.float32), truth


def grid(image):
    return Grid(image.shape, (1.0, 1.0))


def particles_of(image):
    """Particles of an image from our own regions."""
    return separate_particles(segment_edges(image, grid(image)).labels, image, grid(image))


@pytest.mark.parametrize("kind", ["plate", "ball"])
@pytest.mark.parametrize("noise", [0.02, 0.15])
@pytest.mark.parametrize("distance", [1.5, 1.9, 2.0])
def test_touching_and_overlapping_particles_have_their_size(kind, noise, distance):
    radius = 25
    bodies = [(50, 60, radius), (50 + distance * radius, 60, radius), (220, 140, 18)]
    image, truth = picture(bodies, kind, noise)
    found = particles_of(image)
    assert found.max() == 3
    expected = np.sqrt(np.bincount(truth.ravel())[1:])
    measured = np.sqrt(np.bincount(found.ravel())[1:])
    np.testing.assert_allclose(np.sort(measured), np.sort(expected), rtol=0.03)


def test_dark_particles_are_like_bright_ones():
    image, _ = picture([(50, 60, 25), (92, 60, 22), (200, 120, 30)], "ball", 0.1)
    labels = segment_edges(image, grid(image)).labels
    bright = separate_particles(labels, image, grid(image))
    np.testing.assert_array_equal(separate_particles(labels, -image, grid(image)), bright)


def test_regions_of_the_background_are_no_particles_and_gaps_in_a_region_open():
    image, truth = picture([(70, 70, 20), (110, 70, 20), (200, 150, 15), (30, 30, 5)], "ball")
    labels = np.ones(SHAPE, np.int32)
    labels[:, 240:] = 2
    # One region covers both particles and the gap at their neck; two particles have none.
    labels[50:90, 50:130] = 3
    found = separate_particles(labels, image, grid(image))
    assert found.max() == 4
    assert not found[:, 240:].any()
    assert found[54, 90] == 0 and truth[54, 90] == 0
    # What a person left unassigned stays so.
    labels[140:160, 190:210] = 0
    unassigned = separate_particles(labels, image, grid(image))
    assert not unassigned[140:160, 190:210].any()


def test_regions_without_contrast_are_only_cut():
    random = np.random.default_rng(0)
    image = random.normal(size=SHAPE).astype(np.float32)
    _, truth = thickness([(70, 70, 20), (108, 70, 20)], "plate")
    labels = np.where(truth > 0, 2, 1)
    assert measure_contrast(labels, image, 1) is None
    found = separate_particles(labels, image, grid(image), background=1)
    assert found.max() == 2
    np.testing.assert_array_equal(found > 0, truth > 0)
    assert measure_contrast(labels, image, 7) is None


def dumb_bell(width):
    """Two discs of radius 25 joined by a bar of a width in their diameters."""
    _, truth = thickness([(60, 100, 25), (140, 100, 25)], "plate")
    row, column = np.mgrid[: SHAPE[0], : SHAPE[1]]
    bar = (np.abs(row - 100) <= width * 25) & (column > 60) & (column < 140)
    return (truth > 0) | bar


@pytest.mark.parametrize(("width", "count"), [(0.3, 2), (0.7, 2), (0.95, 1)])
def test_a_dumb_bell_is_cut_if_its_neck_is_narrow(width, count):
    mask = dumb_bell(width)
    image = mask.astype(np.float32)
    cut = cut_particles(mask, image, 0.01)
    # The bar of a narrow neck has a width of its own and may be a part, but not of a wide one.
    assert len({cut[100, 60], cut[100, 140]}) == count
    noisy = image + np.random.default_rng(0).normal(0, 0.05, SHAPE).astype(np.float32)
    found = particles_of(noisy)
    assert len({found[100, 60], found[100, 140]}) == count


def test_rough_balls_and_ellipses_stay_whole():
    row, column = np.mgrid[: SHAPE[0], : SHAPE[1]]
    for seed in range(4):
        random = np.random.default_rng(seed)
        rough = ndimage.gaussian_filter(random.standard_normal(SHAPE), 6)
        away = np.hypot((row - 100) / 40, (column - 140) / (40 * (1 + seed / 3)))
        body = np.sqrt(np.clip(1 - (away + 0.05 * rough / rough.std()) ** 2, 0, 1))
        image = (body + random.normal(0, 0.1, SHAPE)).astype(np.float32)
        assert particles_of(image).max() == 1


def test_a_neck_and_a_valley_add_up():
    row, column = np.mgrid[:80, :160].astype(float)
    middle = np.exp(-(((column - 80) / 6) ** 2))
    mask = (np.abs(row - 40) < 20 - 3.5 * middle) & (np.abs(column - 80) < 60)
    flat = mask.astype(np.float32)
    shallow = (mask * (1 - 0.15 * middle)).astype(np.float32)
    assert len({*cut_particles(mask, flat, 0.005)[40, [40, 120]]}) == 1
    assert len({*cut_particles(mask, shallow, 0.005)[40, [40, 120]]}) == 2
    assert len({*cut_particles(mask, shallow, 0.1)[40, [40, 120]]}) == 1


def test_necks_that_show_only_higher_up_are_cut_without_noise_being_cut():
    body, _ = thickness([(60, 60, 9), (77, 60, 9), (200, 120, 40)], "plate")
    height = ndimage.gaussian_filter(body, 3)
    assert cut_particles(height > 0.05, height, 0.002).max() == 2
    found = cut_at_levels(height, 0.05, 0.002, neck=0.8)
    assert found.max() == 3
    assert found[60, 60] != found[60, 77]
    noisy = height + ndimage.gaussian_filter(np.random.default_rng(0).normal(0, 0.3, SHAPE), 1.5)
    assert cut_at_levels(noisy, 0.3, 0.06, neck=0.8).max() <= 3


@pytest.mark.parametrize("power", [0.0, 0.5])
@pytest.mark.parametrize("move", [-0.12, 0.0, 0.13])
def test_the_outline_is_found_from_the_profile(power, move):
    radius = 30.0
    places = -0.5 + (np.arange(40) + 0.5) * 1.2 / 40
    fine = np.linspace(-1, 1.2, 4401)
    depth = np.clip((fine + move) / (1 + move), 0, 1)
    body = np.where(depth > 0, (1 - (1 - depth) ** 2) ** power, 0.0)
    blurred = ndimage.gaussian_filter1d(body, 1.0 / radius / (fine[1] - fine[0]))
    profile = 100 + 7 * np.interp(places, fine, blurred)
    count = np.full((2, 40), 50.0)
    count[1] = 0
    moves = fit_moves(count, np.stack([profile, profile]), np.array([radius, radius]))
    # The second profile is unknown: it follows the first.
    np.testing.assert_allclose(moves, move, atol=0.012)
    np.testing.assert_array_equal(fit_moves(count[1:], profile[None], np.array([radius])), 0)


def test_outlines_move_to_the_edge_of_a_ball_and_stay_at_that_of_a_plate():
    for kind, shrunk in (("ball", 0.87), ("plate", 1.0), ("plate", 0.9)):
        body, truth = thickness([(100, 100, 40)], kind)
        _, start = thickness([(100, 100, shrunk * 40)], kind)
        moved = move_outlines(start, ndimage.gaussian_filter(body, 0.8))
        assert np.sqrt(moved.sum() / truth.sum()) == pytest.approx(1, abs=0.02)
    nothing = np.zeros(SHAPE, np.int32)
    np.testing.assert_array_equal(move_outlines(nothing, body), nothing)


def test_basins_join_over_shallow_valleys_only():
    top = np.array([0.0, 10, 8, 9, 7])
    first, second = np.array([1, 3, 2]), np.array([2, 4, 3])
    crossing = np.array([7.5, 6.8, 2.0])
    arguments = (first, second, crossing, 0.2, 0.01)
    for function in (_join_shallow, _join_shallow.py_func):
        np.testing.assert_array_equal(function(top.copy(), *arguments), [0, 1, 1, 3, 3])


def read(path):
    import hyperspy_twin as ht

    return np.asarray(ht.load(path).data, np.float32)


def test_gold_particles_from_our_own_regions(shared_file):
    image = read(shared_file("data/example_Au_nanoparticle.emd"))
    image = image.reshape(512, 4, 512, 4).mean(axis=(1, 3))
    found = particles_of(image)
    sizes = measure_particles(found, grid(image))
    # Counted by eye: eight, five of them in two clusters, and a very faint one.
    places = [(235, 375), (200, 130), (60, 290), (30, 20), (480, 60), (470, 260), (280, 490)]
    centres = [found[place] for place in places] + [found[506, 490]]
    assert 0 not in centres and len(set(centres)) == 8
    assert 8 <= found.max() <= 10
    assert found[32, 125] == 0
    assert sizes.circularity[sizes.particle == centres[0]] > 0.8


def test_cobalt_sulfide_particles_from_our_own_regions(shared_file):
    image = read(shared_file("data/JEOL_HAADF_CoS2_particles.dm4"))
    labels = segment_edges(image, grid(image)).labels
    found = separate_particles(labels, image, grid(image))
    # Counted by eye: 17 clear ones, five more that are faint or lie on a brighter one.
    assert 16 <= found.max() <= 21
    # Two of them are too small to be regions of their own.
    assert labels[62, 67] == labels[99, 51] == labels[0, 0]
    apart = [found[62, 67], found[58, 75], found[99, 51], found[89, 67], found[94, 74]]
    assert 0 not in apart and len(set(apart)) == 5
