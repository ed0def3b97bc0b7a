import numpy as np
import pytest

from hyperspy_twin.core import Grid, Peaks
from hyperspy_twin.spectra import edit_peaks, find_region_peaks

GRID = Grid((200, 180), (0.02, 0.02))
VECTORS = np.array([[3.0, 0.4], [-0.4, 3.0], [3.4, -2.6]])


@pytest.fixture(scope="module")
def scene():
    x, y = np.meshgrid(GRID.x, GRID.y)
    image = sum(np.cos(2 * np.pi * (g[0] * x + g[1] * y)) for g in VECTORS)
    image = image + np.random.default_rng(0).normal(size=GRID.shape)
    mask = np.ones(GRID.shape, bool)
    return image, mask, find_region_peaks(image, GRID, mask, region=7)


def test_peaks_carry_their_region_and_lattice(scene):
    _, _, found = scene
    assert len(found.peaks) == 3 and found.peaks.region == 7
    assert (found.peaks.lattice == 1).all()
    assert found.crystallinity.name == "single crystal"


def test_a_peak_is_removed_and_added_again_on_either_side_of_zero(scene):
    image, mask, found = scene
    fewer = edit_peaks(image, GRID, mask, found.peaks, remove=[-found.peaks.position[1] + 0.02])
    assert len(fewer.peaks) == 2 and fewer.peaks.region == 7
    again = edit_peaks(image, GRID, mask, fewer.peaks, add=[-found.peaks.position[1] + 0.02])
    order = np.argsort(-again.peaks.intensity)
    assert (order == np.arange(3)).all()
    np.testing.assert_allclose(again.peaks.position, found.peaks.position, atol=0.01)
    added = np.argmin(np.hypot(*(again.peaks.position - found.peaks.position[1]).T))
    assert again.peaks.probability[added] == 1
    kept = np.arange(3) != added
    np.testing.assert_array_equal(again.peaks.position[kept], fewer.peaks.position)


def test_points_without_a_peak_and_peaks_that_are_there_are_refused(scene):
    image, mask, found = scene
    with pytest.raises(ValueError, match="no peak within"):
        edit_peaks(image, GRID, mask, found.peaks, remove=[(7.0, 7.0)])
    with pytest.raises(ValueError, match="already"):
        edit_peaks(image, GRID, mask, found.peaks, add=[found.peaks.position[0]])
    with pytest.raises(ValueError, match="no peak within"):
        edit_peaks(image, GRID, mask, Peaks.none(), remove=[(3.0, 0.4)])


def test_no_peaks_are_left_to_judge(scene):
    image, mask, found = scene
    empty = edit_peaks(image, GRID, mask, found.peaks, remove=found.peaks.position)
    assert len(empty.peaks) == 0 and empty.peaks.region == 7
    assert "crystal" not in empty.crystallinity.name
