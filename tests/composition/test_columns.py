"""Fractions of a coarse map at the sites of a model, against layers of known profile."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates
from scipy.special import erf

from hyperspy_twin.composition.transfer import fractions_at_sites

PIXEL = 3.0  # nm
ROWS, COLUMNS = 40, 24
EDGES = (45.7, 81.2)  # nm


def profile(distance, blur, contrast=0.7, edges=EDGES):
    """Fraction of a layer with two interfaces of a given standard deviation in nm."""
    steps = [0.5 * (1 + erf((distance - one) / (np.sqrt(2) * blur))) for one in edges]
    return 0.1 + contrast * (steps[0] - steps[1])


def layered(blur, angle=4.0, shift=0.0):
    """Map of pixel means, sites in pixels, true fractions and distance to the next interface."""
    turn = np.deg2rad(angle)
    edges = [one + shift for one in EDGES]
    fine = (np.arange(15) - 7) / 15

    def distance(x, y):
        return PIXEL * (y * np.cos(turn) + x * np.sin(turn))

    x = (np.arange(COLUMNS)[:, None] + fine).ravel()
    y = (np.arange(ROWS)[:, None] + fine).ravel()
    whole = profile(distance(x[None], y[:, None]), blur, edges=edges)
    means = whole.reshape(ROWS, 15, COLUMNS, 15).mean(axis=(1, 3))
    sites = np.stack(
        np.meshgrid(np.arange(-0.4, COLUMNS - 0.6, 0.1), np.arange(-0.4, ROWS - 0.6, 0.07)), -1
    ).reshape(-1, 2)
    far = distance(*sites.T)
    nearest = np.min([np.abs(far - one) for one in edges], axis=0)
    return np.stack([means, 1 - means]), sites, profile(far, blur, edges=edges), nearest


def rms(values):
    return np.sqrt(np.mean(np.square(values)))


def pixel_means(sites, values):
    pixel = np.rint(sites).astype(int)
    flat = pixel[:, 1] * COLUMNS + pixel[:, 0]
    count = np.bincount(flat, minlength=ROWS * COLUMNS)
    return np.bincount(flat, values, ROWS * COLUMNS) / count, count


@pytest.mark.parametrize("shift", [0.0, 1.1, 2.3])
def test_interfaces_have_no_staircase(shift):
    maps, sites, truth, distance = layered(1.0, shift=shift)
    near = distance < 4
    found = fractions_at_sites(maps, sites).fractions[0]
    assert rms((found - truth)[near]) < 0.05
    linear = map_coordinates(maps[0], sites.T[::-1], order=1, mode="nearest")
    assert rms((found - truth)[near]) < 0.7 * rms((linear - truth)[near])


@pytest.mark.parametrize(("blur", "bar"), [(0.5, 0.03), (1.0, 0.03), (2.0, 0.025)])
def test_image_guides_the_profile_within_pixels(blur, bar):
    maps, sites, truth, distance = layered(blur)
    noise = np.random.default_rng(3).standard_normal(len(sites))
    guide = (100 + 300 * truth) * (1 + 0.03 * noise)
    found = fractions_at_sites(maps, sites, guide)
    near = distance < 4
    assert rms((found.fractions[0] - truth)[near]) < bar
    noise_of_guide = 0.03 * (100 + 300 * truth) / 300
    assert rms((found.fractions[0] - truth)[~near]) < 0.8 * rms(noise_of_guide[~near])
    assert np.all(found.explained > 0.99)


def test_image_that_shows_something_else_is_not_used():
    maps, sites, _, _ = layered(1.0)
    guide = 100 + sites[:, 0] + np.random.default_rng(4).standard_normal(len(sites))
    alone, guided = fractions_at_sites(maps, sites), fractions_at_sites(maps, sites, guide)
    assert np.all(guided.explained < 0.5)
    np.testing.assert_array_equal(guided.fractions, alone.fractions)


@pytest.mark.parametrize("guided", [False, True])
def test_means_of_pixels_are_kept(guided):
    maps, sites, truth, _ = layered(0.5)
    found = fractions_at_sites(maps, sites, 100 + 300 * truth if guided else None).fractions
    means, count = pixel_means(sites, found[0])
    whole = count > 0.6 * count.max()
    assert np.abs(means - maps[0].ravel())[whole].max() < 0.005
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-12)


def test_noise_makes_no_pure_layer_impure():
    noise = 0.03 * np.random.default_rng(0).standard_normal((ROWS, COLUMNS))
    noise -= noise.mean()
    _, sites, _, _ = layered(1.0)
    found = fractions_at_sites(np.stack([noise, 1 - noise]), sites).fractions[0]
    assert found.mean() < 0.002  # cut off at 0 it would be 0.012
    assert found.min() >= 0


def test_three_elements_keep_their_means():
    maps, sites, _, _ = layered(1.0)
    third = np.linspace(0.05, 0.3, ROWS)[:, None] * np.ones(COLUMNS)
    three = np.stack([maps[0] * (1 - third), maps[1] * (1 - third), third])
    found = fractions_at_sites(three, sites).fractions
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-12)
    for one, own in zip(three, found, strict=True):
        means, count = pixel_means(sites, own)
        whole = count > 0.6 * count.max()
        assert np.abs(means - one.ravel())[whole].max() < 0.005


def test_withheld_pixels_and_sites_beside_the_map_have_no_fraction():
    maps, sites, _, _ = layered(1.0)
    maps[:, 10:12, 5] = np.nan
    outside = np.array([[-0.6, 3.0], [COLUMNS - 0.4, 3.0], [3.0, ROWS + 5.0]])
    found = fractions_at_sites(maps, np.concatenate([sites, outside])).fractions
    assert np.isnan(found[:, -3:]).all()
    pixel = np.rint(sites).astype(int)
    hole = (pixel[:, 0] == 5) & np.isin(pixel[:, 1], (10, 11))
    np.testing.assert_array_equal(np.isnan(found[0, :-3]), hole)


def test_nothing_to_transfer_is_an_error():
    maps, sites, _, _ = layered(1.0)
    with pytest.raises(ValueError, match="withheld in every pixel"):
        fractions_at_sites(np.full_like(maps, np.nan), sites)
    with pytest.raises(ValueError, match="no site of the model lies"):
        fractions_at_sites(maps, sites + 1000)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**16), elements=st.integers(2, 4))
def test_any_map_gives_fractions_with_its_means(seed, elements):
    generator = np.random.default_rng(seed)
    maps = generator.dirichlet(np.ones(elements), (8, 9)).transpose(2, 0, 1)
    sites = np.stack(np.meshgrid(np.arange(-0.45, 8.5, 0.1), np.arange(-0.45, 7.5, 0.1)), -1)
    sites = sites.reshape(-1, 2)
    found = fractions_at_sites(maps, sites).fractions
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-12)
    pixel = np.rint(sites).astype(int)
    flat = pixel[:, 1] * 9 + pixel[:, 0]
    for one, own in zip(maps, found, strict=True):
        means = np.bincount(flat, own, 72) / np.bincount(flat, minlength=72)
        np.testing.assert_allclose(means, one.ravel(), atol=0.005)
