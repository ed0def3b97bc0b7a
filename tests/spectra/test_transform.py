import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperspy_twin.grid import Grid
from hyperspy_twin.spectra.transform import (
    inverse_spectrum,
    reciprocal_axes,
    region_window,
    spectrum,
    windowed_region,
)


@given(
    rows=st.integers(16, 65),
    columns=st.integers(16, 65),
    row_cycles=st.integers(0, 7),
    column_cycles=st.integers(1, 7),
)
def test_axes_name_the_frequency_of_a_wave(rows, columns, row_cycles, column_cycles):
    grid = Grid((rows, columns), (0.02, 0.03))
    g = column_cycles / grid.extent[0], row_cycles / grid.extent[1]
    image = np.cos(2 * np.pi * (g[0] * grid.x[None, :] + g[1] * grid.y[:, None]))
    transform = np.abs(spectrum(image))
    (scale_x, scale_y), (offset_x, offset_y) = reciprocal_axes(grid)
    row, column = np.unravel_index(transform.argmax(), transform.shape)
    found = np.array([offset_x + column * scale_x, offset_y + row * scale_y])
    found *= np.sign(found @ g)
    np.testing.assert_allclose(found, g, atol=1e-9)


@pytest.mark.parametrize("shape", [(32, 32), (31, 32), (33, 17)])
def test_spectrum_is_inverted(shape):
    image = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    assert spectrum(image).dtype == np.complex64
    np.testing.assert_allclose(inverse_spectrum(spectrum(image)), image, atol=1e-5)


def test_zero_frequency_has_coordinate_zero():
    for shape in [(8, 8), (7, 9)]:
        scale, offset = reciprocal_axes(Grid(shape, (0.1, 0.1)))
        assert offset[0] + scale[0] * (shape[1] // 2) == 0
        assert offset[1] + scale[1] * (shape[0] // 2) == 0


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


def test_cut_out_keeps_its_place_and_has_no_mean():
    grid = Grid((50, 60), (0.1, 0.2), (1.0, 2.0))
    mask = np.zeros(grid.shape, bool)
    mask[10:40, 5:45] = True
    region = windowed_region(np.full(grid.shape, 7.0), grid, mask)
    assert region.grid.shape == (30, 40)
    assert region.grid.offset == pytest.approx((1.5, 4.0))
    np.testing.assert_allclose(region.pixels, 0, atol=1e-5)
