import numpy as np
import pytest

from hyperspy_twin.grid import Grid
from hyperspy_twin.spectra import ring_sums
from hyperspy_twin.spectra.background import radial_background
from hyperspy_twin.spectra.rings import find_rings, radial_profile
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
    return radial_profile(region, spots, np.full(len(spots), 300.0))


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
    assert profile.unevenness < 3.6


def test_background_follows_astigmatic_rings():
    """No noise stands out from its background: of n values of mean one, the largest is ln n."""
    grid = Grid((384, 384), (0.03, 0.03))
    x, y = frequency(grid)
    k, azimuth = np.hypot(x, y), np.arctan2(y, x)
    phase = 0.6 * k**2 * (1 + 0.1 * np.cos(2 * (azimuth - 1.1)))
    image = coloured((np.abs(np.sin(phase)) + 0.05) * np.exp(-((k / 8) ** 2)), 5, grid)
    region = windowed_region(image, grid, np.ones(grid.shape, bool))
    power, half = region.power, slice(0, 193)
    above = (power / radial_background(power, grid))[k[:, half] < 9]
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
    assert profile.unevenness < 3.6
    assert profile_of(image).unevenness > 5


def test_compiled_sums_agree_with_python():
    grid = Grid((48, 41), (0.03, 0.03))
    region = windowed_region(coloured(1.0, 4, grid), grid, np.ones(grid.shape, bool))
    arguments = (
        region.power, (48, *map(float, grid.extent)), (1 / min(grid.extent), 4, 17),
        np.array([[5.0, 4.0, 5.0]]), (0.02, 0.01),
    )  # fmt: skip
    fast, slow = ring_sums.ring_sums(*arguments), ring_sums.ring_sums.py_func(*arguments)
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    count, _, logarithm, _, _ = fast
    deviations, ellipses = ring_sums.sector_deviations, np.array([[0.03, 0.0], [0.0, -0.02]])
    np.testing.assert_allclose(
        deviations(count, logarithm, 9, ellipses), deviations.py_func(count, logarithm, 9, ellipses)
    )


def test_a_profile_too_short_to_have_maxima_has_none():
    assert len(find_rings(np.arange(3.0), np.ones(3), np.ones(3))) == 0
