import importlib.util
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import fft

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.spectra import background
from hyperspy_twin.spectra.detection import network, network_input
from hyperspy_twin.spectra.transform import windowed_region
from hyperspy_twin.training.images import training_image
from hyperspy_twin.training.lattices import ProjectedLattice, render

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed"
)
BASIS = np.array([[0.11, 0.02], [-0.03, 0.125]])
INDEX = np.array([[1, 0], [0, 1], [1, 1], [1, -1]])


def lattice_region(shape, noise, seed=0):
    lattice = ProjectedLattice(BASIS, INDEX, np.array([0.5, 0.4, 0.3, 0.2]) + 0j)
    image = render(lattice, np.zeros((2, *shape), np.float32))
    image = image + np.random.default_rng(seed).normal(scale=noise, size=shape)
    return windowed_region(image, Grid(shape, (1.0, 1.0)), np.ones(shape, bool))


def noise_region(shape, seed):
    image = np.random.default_rng(seed).normal(size=shape)
    return windowed_region(image, Grid(shape, (1.0, 1.0)), np.ones(shape, bool))


@given(
    height=st.integers(8, 40),
    width=st.integers(8, 40),
    row=st.integers(-100, 100),
    column=st.integers(-100, 100),
)
def test_folded_frequencies_hold_the_same_power(height, width, row, column):
    image = np.random.default_rng(height * width).normal(size=(height, width))
    whole = np.abs(fft.fft2(image))
    half = np.abs(fft.rfft2(image))
    place = background.on_half_plane(np.array(row), np.array(column), height, width)
    assert half[place] == pytest.approx(whole[row % height, column % width])


@settings(max_examples=20, deadline=None)
@given(height=st.integers(5, 40), width=st.integers(6, 40), seed=st.integers(0, 99))
def test_summits_are_those_of_the_whole_plane(height, width, seed):
    power = np.abs(fft.fft2(np.random.default_rng(seed).normal(size=(height, width)))) ** 2
    rows, columns = np.mgrid[-1:2, -1:2]
    y, x = np.mgrid[:height, : width // 2]
    around = power[(y[..., None, None] + rows) % height, (x[..., None, None] + columns) % width]
    expected = power[:, : width // 2] >= around.max(axis=(2, 3)) * (1 - 1e-12)
    found = network_input.find_summits(power[:, : width // 2 + 1])
    np.testing.assert_array_equal(found[:, : width // 2], expected)


@pytest.mark.parametrize("shape", [(24, 24), (37, 400), (1024, 1024), (129, 62)])
def test_the_patch_covers_the_band_in_whole_blocks(shape):
    rows, columns = network_input.patch_indices(*shape)
    assert len(rows) % network_input.BLOCK == 0 and len(columns) % network_input.BLOCK == 0
    row, column = np.nonzero(network_input.in_band(*shape))
    signed = background.wrap(row, shape[0])
    assert rows[0] + 8 <= signed.min(initial=0) and signed.max(initial=0) + 8 <= rows[-1]
    assert columns[0] + 8 <= 0 and column.max(initial=0) + 8 <= columns[-1]


def test_noise_bandwidth_of_a_flat_window_is_one_bin():
    assert network_input.measure_bandwidth(np.ones((30, 40), np.float32)) == pytest.approx(1)


def test_white_noise_is_whitened_to_one():
    channels = network_input.prepare_channels(noise_region((200, 260), 0))
    assert channels.shape == (4, 200, 131) and channels.dtype == np.float32
    ratio = np.expm1(4 * channels[0])[network_input.in_band(200, 260)]
    assert ratio.mean() == pytest.approx(1, abs=0.15)


def test_missing_torch_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"hyperspy_twin\[network\]"):
        network.detect_network(noise_region((64, 64), 0))


def test_impossible_probability_is_refused():
    with pytest.raises(ValueError, match="smallest_probability"):
        network.find_network_maxima(noise_region((64, 64), 0), 1.5)


@needs_torch
@pytest.mark.parametrize("shape", [(200, 200), (301, 180), (160, 259)])
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_all_spots_of_a_clean_lattice_are_found_and_no_others(shape, noise):
    found = network.find_network_maxima(lattice_region(shape, noise))
    bins = np.stack([found.column, background.wrap(found.row, shape[0])], axis=1)
    known = INDEX @ BASIS * shape[::-1]
    known = known * np.sign(known[:, :1])
    distance = np.linalg.norm(bins[:, None] - known, axis=2)
    assert len(found) == 4
    assert (distance.min(axis=0) < 1.1).all()
    assert (np.diff(found.probability) <= 0).all()


@needs_torch
def test_white_noise_holds_no_spot():
    assert (
        sum(len(network.find_network_maxima(noise_region((160, 220), seed))) for seed in range(5))
        == 0
    )


@needs_torch
@settings(max_examples=12, deadline=None)
@given(rows=st.integers(24, 150), columns=st.integers(24, 150))
def test_any_size_gives_a_map_of_probabilities(rows, columns):
    probability = network.map_probability(noise_region((rows, columns), 1))
    assert probability.shape == (rows, columns // 2 + 1)
    assert (probability >= 0).all() and (probability <= 1).all()


@needs_torch
def test_a_spot_on_the_column_of_zero_frequency_is_found_once():
    shape = (192, 160)
    y = np.arange(shape[0])[:, None]
    image = np.cos(2 * np.pi * 0.137 * y) + np.random.default_rng(0).normal(size=shape)
    region = windowed_region(image, Grid(shape, (1.0, 1.0)), np.ones(shape, bool))
    found = network.find_network_maxima(region)
    assert found.column.tolist() == [0]
    assert abs(found.row[0] - 0.137 * 192) < 1


@needs_torch
def test_the_spectrum_of_a_mirrored_image_has_mirrored_spots():
    region = lattice_region((180, 180), 0.5)
    turned = windowed_region(region.pixels[::-1], region.grid, np.ones((180, 180), bool))
    there = {(r, c) for r, c in zip(*_bins(network.find_network_maxima(region)), strict=True)}
    back = {(-r, c) for r, c in zip(*_bins(network.find_network_maxima(turned)), strict=True)}
    assert there == back


def _bins(found):
    return background.wrap(found.row, 180).tolist(), found.column.tolist()


@needs_torch
def test_probabilities_are_calibrated():
    from hyperspy_twin.training.scores import expected_calibration_error, outcomes

    probability, truth = [], []
    for seed in range(9_000_000, 9_000_016):
        drawn = training_image(seed)
        found = network.find_network_maxima(drawn.region, 0.02)
        outcome, _ = outcomes(found.row, found.column, drawn.peaks, drawn.region.grid.shape)
        probability.append(found.probability[outcome >= 0])
        truth.append(outcome[outcome >= 0])
    probability, truth = np.concatenate(probability), np.concatenate(truth)
    assert expected_calibration_error(probability, truth) < 0.15
    assert truth[probability > 0.9].mean() > 0.9
    assert truth[probability < 0.3].mean() < 0.4


@needs_torch
def test_measured_spots_are_in_units_of_the_grid_with_the_probability_of_the_network():
    shape = (200, 240)
    lattice = lattice_region(shape, 0.5)
    grid = Grid(shape, (0.02, 0.025))
    region = windowed_region(lattice.pixels, grid, np.ones(shape, bool))
    spots = network.detect_network(region)
    known = INDEX @ BASIS / grid.scale
    known = known * np.sign(known[:, :1])
    distance = np.linalg.norm(spots.position[:, None] - known, axis=2)
    assert len(spots) == 4 and (distance.min(axis=0) < 0.02).all()
    assert (spots.probability > 0.5).all() and (np.diff(spots.intensity) <= 0).all()
    longest = np.linalg.norm(spots.position, axis=1).max()
    fewer = network.detect_network(region, shortest_spacing=1 / (longest - 0.1))
    assert 0 < len(fewer) < 4
    assert len(network.detect_network(region, shortest_spacing=100.0)) == 0


def test_of_close_maxima_only_the_strongest_stays():
    bins = np.array([[0, 10], [2, 10], [5, 10], [-3, 1], [2, 0]])
    power = np.array([1.0, 5.0, 2.0, 3.0, 4.0])
    # The last two are neighbours through the Friedel partner of the last one.
    assert network._without_neighbours(bins, power).tolist() == [1, 2, 4]
    assert len(network._without_neighbours(bins[:0], power[:0])) == 0
