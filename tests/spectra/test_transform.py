import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.spectra.transform import (
    inverse_spectrum,
    reciprocal_axes,
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


def test_cut_out_keeps_its_place_and_has_no_mean():
    grid = Grid((50, 60), (0.1, 0.2), (1.0, 2.0))
    mask = np.zeros(grid.shape, bool)
    mask[10:40, 5:45] = True
    region = windowed_region(np.full(grid.shape, 7.0), grid, mask)
    assert region.grid.shape == (30, 40)
    assert region.grid.offset == pytest.approx((1.5, 4.0))
    np.testing.assert_allclose(region.pixels, 0, atol=1e-5)
