import numpy as np
import pytest

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.spectra.detection.line_profiles import measure_profile_snr
from hyperspy_twin.spectra.transform import windowed_region

SHAPE = (200, 241)
GRID = Grid(SHAPE, (1.0, 1.0))


def region_of(image):
    return windowed_region(image, GRID, np.ones(SHAPE, bool))


def test_height_over_white_noise_is_the_power_over_its_mean():
    rng = np.random.default_rng(0)
    region = region_of(rng.normal(size=SHAPE))
    height = measure_profile_snr(region)
    expected = region.power / (region.window**2).sum()
    peaks = height > 0
    ratio = height[peaks] / expected[peaks]
    # The higher of two baselines of 48 frequencies each is a little too high.
    assert 0.6 < np.median(ratio) < 1.0
    assert 0.05 < peaks.mean() < 0.2


@pytest.mark.parametrize("axis", [0, 1])
def test_a_cross_vanishes(axis):
    rng = np.random.default_rng(1)
    size = [SHAPE[0], 1] if axis == 0 else [1, SHAPE[1]]
    lines = 3 * rng.normal(size=size) * np.ones(SHAPE)
    region = region_of(lines + rng.normal(size=SHAPE))
    streak = region.power[:, 0] if axis == 0 else region.power[0]
    height = measure_profile_snr(region)
    on_streak = height[:, 0] if axis == 0 else height[0]
    assert np.median(streak[8:]) > 100 * np.median(region.power)
    assert on_streak[8:90].max() < 15


def test_a_spot_stands_out_of_both_lines():
    x, y = np.meshgrid(np.arange(SHAPE[1]), np.arange(SHAPE[0]))
    rng = np.random.default_rng(2)
    image = np.cos(2 * np.pi * (0.11 * x - 0.2 * y)) + rng.normal(size=SHAPE)
    height = measure_profile_snr(region_of(image))
    row, column = np.unravel_index(height.argmax(), height.shape)
    assert np.fft.fftfreq(SHAPE[0])[row] == pytest.approx(-0.2, abs=0.005)
    assert np.fft.rfftfreq(SHAPE[1])[column] == pytest.approx(0.11, abs=0.005)
    assert height.max() > 1000
