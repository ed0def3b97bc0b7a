import numpy as np
import pytest

from hyperspy_twin.core import region_window


def test_window_vanishes_outside_and_is_one_inside():
    mask = np.zeros((80, 120), bool)
    mask[10:70, 20:100] = True
    window = region_window(mask)
    assert window[~mask].max() == 0
    assert window[40, 60] == pytest.approx(1, abs=0.05)
    assert 0 < window[10, 60] < 0.02


def test_window_of_a_large_region_is_the_window_of_the_small_one_enlarged():
    small = np.zeros((140, 140), bool)
    small[10:130, 20:120] = True
    large = np.kron(small, np.ones((10, 10), bool))
    window = region_window(large)
    enlarged = window.reshape(140, 10, 140, 10).mean(axis=(1, 3))
    np.testing.assert_allclose(enlarged, region_window(small), atol=0.03)
    assert window[~large].max() == 0


@pytest.mark.parametrize("shape", ["disc", "square", "triangle"])
def test_side_lobes_of_the_window_fall_quickly(shape):
    x, y = np.meshgrid(np.arange(256), np.arange(256))
    mask = {
        "disc": np.hypot(x - 128, y - 128) < 120,
        "square": (abs(x - 128) < 120) & (abs(y - 128) < 120),
        "triangle": (y > 20) & (y < 230) & (abs(x - 128) < (y - 20) / 2),
    }[shape]
    power = np.abs(np.fft.fft2(region_window(mask))) ** 2
    index = np.fft.fftfreq(256, 1 / 256)
    far = np.hypot(index[:, None], index[None, :]) >= 8
    assert power[far].max() < 1e-5 * power[0, 0]


def test_window_of_nothing_is_zero():
    assert not region_window(np.zeros((20, 30), bool)).any()
