import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, spatial

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.spectra import ring_sums
from hyperspy_twin.spectra.background import estimate_radial_background
from hyperspy_twin.spectra.graininess import LEFT_OUT, PATCH, measure_graininess
from hyperspy_twin.spectra.rings import (
    RadialProfile,
    find_rings,
    measure_radial_profile,
    measure_relative_width,
)
from hyperspy_twin.spectra.transform import windowed_region

GRID = Grid((256, 256), (0.03, 0.03))
NONE = np.zeros((0, 2))


def coloured(transfer, seed=0, grid=GRID):
    rng = np.random.default_rng(seed)
    return np.fft.ifft2(np.fft.fft2(rng.normal(size=grid.shape)) * transfer).real


def frequency(grid=GRID):
    return np.meshgrid(grid.frequency_x, grid.frequency_y)


def profile_of(image, spots=NONE, grid=GRID):
    region = windowed_region(image, grid, np.ones(grid.shape, bool))
    return measure_radial_profile(region, spots, np.full(len(spots), 300.0))


def noise_rings(profile):
    return find_rings(profile.radius, profile.noise, profile.noise_error)


@pytest.mark.parametrize("centre", [3.0, 4.6])
def test_halo_has_its_radius_width_and_height(centre):
    k = np.hypot(*frequency())
    width, height = 1.2, 5.0
    sigma = width / 2.3548
    power = 1 + (height - 1) * np.exp(-0.5 * ((k - centre) / sigma) ** 2)
    radii, errors, widths, heights = [], [], [], []
    for seed in range(12):
        found = noise_rings(profile_of(coloured(np.sqrt(power), seed)))
        assert len(found) == 1
        radii.append(found.radius[0])
        errors.append(found.error[0])
        widths.append(found.width[0])
        heights.append(found.height[0])
    assert np.mean(radii) == pytest.approx(centre, abs=0.06)
    assert 0.4 < np.std(radii) / np.mean(errors) < 2.5
    assert np.mean(widths) == pytest.approx(width, rel=0.15)
    assert np.mean(heights) == pytest.approx(height, rel=0.2)


def test_white_noise_and_falling_noise_have_no_halo():
    k = np.hypot(*frequency())
    for seed in range(10):
        assert len(noise_rings(profile_of(coloured(1.0 + 0 * k, seed)))) == 0
        assert len(noise_rings(profile_of(coloured(np.exp(-((k / 6) ** 2)), seed)))) == 0


def test_maxima_of_a_transfer_function_are_its_rings():
    k = np.hypot(*frequency())
    image = coloured(np.abs(np.sin(0.3 * k**2)) + 0.05, 2)
    found = np.sort(noise_rings(profile_of(image)).radius)
    expected = np.sqrt(np.pi * (np.arange(6) + 0.5) / 0.3)
    inside = expected[(expected > 2) & (expected < 6.2)]
    for radius in inside:
        assert np.abs(found - radius).min() < 0.1


def test_astigmatic_rings_are_followed_by_an_ellipse():
    x, y = frequency()
    k, azimuth = np.hypot(x, y), np.arctan2(y, x)
    phase = 0.5 * k**2 * (1 + 0.12 * np.cos(2 * (azimuth - 0.4)))
    profile = profile_of(coloured(np.abs(np.sin(phase)) + 0.03, 1))
    # The radius of equal phase shrinks by half of what the phase grows.
    bend = np.array(profile.ellipse)
    np.testing.assert_allclose(bend, -0.06 * np.array([np.cos(0.8), np.sin(0.8)]), atol=0.012)
    assert profile.graininess < 3


def test_background_follows_astigmatic_rings():
    """No noise stands out from its background: of n values of mean one, the largest is ln n."""
    grid = Grid((384, 384), (0.03, 0.03))
    x, y = frequency(grid)
    k, azimuth = np.hypot(x, y), np.arctan2(y, x)
    phase = 0.6 * k**2 * (1 + 0.1 * np.cos(2 * (azimuth - 1.1)))
    image = coloured((np.abs(np.sin(phase)) + 0.05) * np.exp(-((k / 8) ** 2)), 5, grid)
    region = windowed_region(image, grid, np.ones(grid.shape, bool))
    power, half = region.power, slice(0, 193)
    above = (power / estimate_radial_background(power, grid))[k[:, half] < 9]
    number = np.count_nonzero(above)
    assert above.max() < np.log(number) + 4
    assert 0.5 < above.mean() < 1.1


def test_noise_error_is_the_scatter_of_the_profile():
    profiles = [profile_of(coloured(1.0 + 0 * frequency()[0], seed)) for seed in range(30)]
    scatter = np.std([np.log(profile.noise) for profile in profiles], axis=0)
    ratio = scatter / profiles[0].noise_error
    assert 0.6 < ratio.mean() < 1.1
    level = np.log([profile.noise for profile in profiles]).mean(axis=0)
    assert np.ptp(level[5:]) < 0.3


def test_spots_are_left_out_of_the_noise_but_not_of_the_power():
    x, y = np.meshgrid(GRID.x, GRID.y)
    g = np.array([3.1, 2.4])
    image = np.cos(2 * np.pi * (g[0] * x + g[1] * y)) + coloured(1.0 + 0 * x)
    profile = profile_of(image, g[None])
    ring = int(np.argmin(np.abs(profile.radius - np.hypot(*g))))
    assert profile.mean[ring] > 5 * profile.noise[ring]
    assert profile.noise[ring] == pytest.approx(np.median(profile.noise), rel=0.6)


def test_compiled_sums_agree_with_python():
    grid = Grid((48, 41), (0.03, 0.03))
    region = windowed_region(coloured(1.0, 4, grid), grid, np.ones(grid.shape, bool))
    arguments = (
        region.power, (48, *map(float, grid.extent)), (1 / min(grid.extent), 4, 17),
        np.array([[5.0, 4.0, 5.0]]), (0.02, 0.01),
    )  # fmt: skip
    fast, slow = ring_sums.sum_rings(*arguments), ring_sums.sum_rings.py_func(*arguments)
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    count, _, logarithm, _, _ = fast
    deviations, ellipses = ring_sums.measure_deviations, np.array([[0.03, 0.0], [0.0, -0.02]])
    np.testing.assert_allclose(
        deviations(count, logarithm, 9, ellipses), deviations.py_func(count, logarithm, 9, ellipses)
    )


def test_a_profile_too_short_to_have_maxima_has_none():
    assert len(find_rings(np.arange(3.0), np.ones(3), np.ones(3))) == 0


TURN = 2 * np.pi * (np.arange(32) + 0.5) / 32


def made_sums(logarithm, pixels=20.0, rings=40):
    """Sums of rings whose power depends on the sector alone."""
    count = np.full((rings, 32), pixels)
    return count, count * np.exp(logarithm) * np.linspace(3, 1, rings)[:, None]


@pytest.mark.parametrize("order", [5, 7, 10])
def test_graininess_is_the_scatter_of_the_sectors_in_its_standard_errors(order):
    change = 0.2 * np.sin(order * TURN)
    squares = np.sort(change**2)[::-1].sum() - 2 * LEFT_OUT * 0.2**2 / 2
    free = 32 - LEFT_OUT - 5
    expected = (PATCH * 20.0 * squares - free) / np.sqrt(2 * free)
    assert measure_graininess(*made_sums(change)) == pytest.approx(expected, rel=0.15)


def test_what_lens_scan_and_single_spots_do_is_no_graininess():
    quiet = measure_graininess(*made_sums(np.zeros(32)))
    assert quiet < 0
    astigmatic = 0.3 * np.sin(TURN + 0.4) + 0.1 * np.cos(2 * TURN - 1)
    displaced_rows = 0.3 * np.cos(5 * TURN)
    spots = np.where(np.isin(np.arange(32), (4, 19)), 2.0, 0.0)
    for change in (astigmatic, displaced_rows, spots):
        assert measure_graininess(*made_sums(change)) == pytest.approx(quiet, abs=0.2)


def test_too_few_pixels_have_no_graininess():
    assert measure_graininess(*made_sums(0.3 * np.sin(7 * TURN), pixels=0.1)) == 0
    assert measure_graininess(np.zeros((30, 32)), np.zeros((30, 32))) == 0


@settings(max_examples=25, deadline=None)
@given(
    centre=st.floats(1.5, 6),
    width=st.floats(0.3, 3),
    height=st.floats(0, 30),
    rows=st.integers(150, 300),
    seed=st.integers(0, 10**6),
)
def test_noise_of_any_spectrum_is_not_grainy(centre, width, height, rows, seed):
    grid = Grid((rows, 230), (0.03, 0.03))
    k = np.hypot(*frequency(grid))
    power = 1 + height * np.exp(-(((k - centre) / width) ** 2))
    assert profile_of(coloured(np.sqrt(power), seed, grid), grid=grid).graininess < 5


def crystallites(number, seed, grid=GRID, period=0.14):
    """Fringes of one period in as many directions as there are crystallites."""
    rng = np.random.default_rng(seed)
    seeds = rng.uniform(0, 1, (number, 2)) * grid.shape
    row, column = np.indices(grid.shape)
    label = spatial.cKDTree(seeds).query(np.stack([row, column], axis=-1))[1]
    angle = rng.uniform(0, np.pi, number)[label]
    x, y = np.meshgrid(grid.x, grid.y)
    phase = rng.uniform(0, 2 * np.pi, number)[label]
    return np.cos(2 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) / period + phase)


def test_crystallites_are_grainy_and_the_more_so_the_fewer():
    found = [
        np.median([profile_of(crystallites(n, seed) + coloured(1.0, seed)).graininess
                   for seed in range(6)])
        for n in (200, 70, 25)
    ]  # fmt: skip
    assert found[0] > 2
    assert found[0] < found[1] < found[2]


def test_film_with_displaced_rows_is_not_grainy():
    k = np.hypot(*frequency())
    for seed in range(5):
        film = coloured(np.sqrt(0.1 + np.exp(-(((k - 4) / 2) ** 2))), seed)
        jitter = np.random.default_rng(seed).normal(scale=0.5, size=len(film))
        rows = [ndimage.shift(r, d, mode="wrap") for r, d in zip(film, jitter, strict=True)]
        assert profile_of(np.array(rows)).graininess < 4


def made_profile(power, error=0.02):
    radius = np.linspace(1.0, 15.0, len(power))
    errors, none = np.full(len(power), error), np.zeros(len(power))
    alike, errors_alike = np.tile(np.log(power), (4, 1)), np.tile(2 * errors, (4, 1))
    return radius, RadialProfile(
        radius, power, errors, power, none, 0.0, (0.0, 0.0), alike, errors_alike
    )


@settings(max_examples=50, deadline=None)
@given(
    centre=st.floats(4, 11), relative=st.floats(0.08, 0.3), height=st.floats(2, 100)
)  # fmt: skip
def test_relative_width_is_that_of_a_ring(centre, relative, height):
    radius = np.linspace(1.0, 15.0, 500)
    sigma = relative * centre / 2.3548
    ring = 1 + height * np.exp(-0.5 * ((radius - centre) / sigma) ** 2)
    assert measure_relative_width(made_profile(ring, 1e-4)[1]) == pytest.approx(
        1.064 * relative, rel=0.06
    )


def test_relative_widths_of_rings_add_up():
    radius = np.linspace(1.0, 15.0, 500)
    rings = [np.exp(-0.5 * ((radius - at) / (0.04 * at)) ** 2) for at in (4.0, 7.0)]
    one, two = (
        measure_relative_width(made_profile(1 + 10 * power, 1e-4)[1])
        for power in (rings[0], sum(rings))
    )
    assert two == pytest.approx(2 * one, rel=0.05)


def test_nothing_that_only_falls_is_a_narrow_ring():
    radius = np.linspace(1.0, 15.0, 300)
    for exponent in (2, 4, 8):
        assert measure_relative_width(made_profile(1 + 100 * radius**-exponent)[1]) > 0.9
    assert measure_relative_width(made_profile(np.ones(300))[1]) == np.inf
    assert measure_relative_width(made_profile(np.ones(3))[1]) == np.inf
