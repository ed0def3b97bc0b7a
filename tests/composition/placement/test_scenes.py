"""The micrograph as the pixels of a map see it: no shift, whatever the size of the blocks."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.composition.placement.recorded import image_of_map
from hyperspy_twin.composition.placement.scenes import prepare_scene, sample_area
from hyperspy_twin.core import Grid


def slope_and_wave(x, y):
    return 3.0 + 0.2 * x - 0.1 * y + np.sin(x / 9.0) * np.cos(y / 7.0)


@pytest.mark.parametrize("pixel", [6.0, 12.0, 18.0, 20.0, 24.0])
def test_blocks_of_any_number_of_pixels_do_not_shift_the_image(pixel):
    grid = Grid((150, 170), (1.0, 1.0), (5.0, -3.0))
    scene = prepare_scene(slope_and_wave(*np.meshgrid(grid.x, grid.y)), grid, pixel)
    centres = np.array([[60.3, 50.1], [80.0, 77.7], [101.9, 40.2]])
    value, slope, inside = scene.look(centres, np.zeros((1, 2)))
    assert inside.all()
    # A block of four pixels lowers the wave by 1 %; a shift by half a pixel is .1.
    assert value == pytest.approx(slope_and_wave(*centres.T), abs=0.02)
    x, y = centres.T
    assert slope[:, 0] == pytest.approx(0.2 + np.cos(x / 9) * np.cos(y / 7) / 9, abs=0.01)
    assert slope[:, 1] == pytest.approx(-0.1 - np.sin(x / 9) * np.sin(y / 7) / 7, abs=0.01)


def test_area_of_a_pixel_is_centred_and_turned():
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    area = sample_area(turn, (4.0, 2.0), 1.0)
    assert area.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert np.ptp(area, axis=0) == pytest.approx([1.0, 3.0])


def test_positions_outside_and_in_holes_have_no_value():
    grid = Grid((60, 60), (1.0, 1.0))
    image = np.ones(grid.shape)
    image[20:30, 20:30] = np.nan
    scene = prepare_scene(image, grid, 3.0)
    centres = np.array([[10.0, 10.0], [25.0, 25.0], [-2.0, 5.0], [59.0, 59.4]])
    _, _, inside = scene.look(centres, np.zeros((1, 2)))
    assert inside.tolist() == [True, False, False, True]


@pytest.mark.parametrize("parts", [1, 3, 8, 32])
def test_image_of_a_scan_has_the_edges_of_the_map(parts):
    """First pixels of both have other centres: half a pixel of the map for very fine images."""
    map_grid = Grid((5, 4), (2.0, 3.0), (1.0, -1.0))
    fine = np.arange(20.0 * parts**2).reshape(5 * parts, 4 * parts)
    recorded = image_of_map(fine, map_grid, np.eye(2), 1.0)
    for axis in range(2):
        first = recorded.grid.offset[axis] - recorded.grid.scale[axis] / 2
        assert first == pytest.approx(map_grid.offset[axis] - map_grid.scale[axis] / 2)
        assert recorded.grid.extent[axis] == pytest.approx(map_grid.extent[axis])
    assert recorded.rows.tolist() == np.repeat(np.arange(5), recorded.grid.shape[0] // 5).tolist()


def test_image_of_another_area_is_refused():
    with pytest.raises(ValueError, match="covers the same area"):
        image_of_map(np.ones((12, 9)), Grid((5, 4), (1.0, 1.0)), np.eye(2), 1.0)
