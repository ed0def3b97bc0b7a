"""Edge segmentation against images of known truth and real files."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.special import erf

from hyperspy_twin.core import Grid, rasterise, trace
from hyperspy_twin.segmentation.basins import find_basins
from hyperspy_twin.segmentation.edges.edge_segmentation import scales_to_try, segment_edges
from hyperspy_twin.segmentation.edges.region_merging import _connected, separate_parts


def segment(image, scale=1.0, **options):
    return segment_edges(image, Grid(image.shape, (scale, scale)), **options)


def accuracy(labels, truth):
    table = np.zeros((labels.max() + 1, truth.max() + 1))
    np.add.at(table, (labels.ravel(), truth.ravel()), 1)
    rows, columns = linear_sum_assignment(-table)
    return table[rows, columns].sum() / labels.size


def lattice(shape, period, angle=0.2):
    row, column = np.mgrid[: shape[0], : shape[1]]
    u = (np.cos(angle) * column + np.sin(angle) * row) / period
    v = (np.cos(angle) * row - np.sin(angle) * column) / period
    return (np.cos(2 * np.pi * u) + np.cos(2 * np.pi * v)) / 2


def dumbbells(shape, pixel):
    """Silicon [110] column image, amplitude up to 1, from its low Fourier coefficients."""
    row, column = np.mgrid[: shape[0], : shape[1]] * pixel
    total = 0.0
    for h in range(-3, 4):
        for k in range(-4, 5):
            if (h + k) % 2 or (h, k) == (0, 0):
                continue
            squared = (h / 0.384) ** 2 + (k / 0.5431) ** 2
            amplitude = np.exp(-2 * (np.pi * 0.06) ** 2 * squared) * np.cos(2 * np.pi * k / 8)
            total = total + amplitude * np.cos(2 * np.pi * (h * column / 0.384 + k * row / 0.5431))
    return total / np.abs(total).max()


def counts(intensity, dose, seed):
    return np.random.default_rng(seed).poisson(intensity * dose).astype(np.float32)


@pytest.mark.parametrize("shape", [(1024, 1024), (224, 1312), (611, 480)])
def test_three_layers_with_lattice_and_counting_noise(shape):
    row = np.arange(shape[0])[:, None] + 0.03 * np.arange(shape[1])
    truth = np.digitize(row, [shape[0] * 0.3, shape[0] * 0.62]) + 1
    intensity = np.array([0, 1, 1.4, 0.8])[truth] * (1 + 0.8 * lattice(shape, 8))
    found = segment(counts(intensity, 20, 101))
    assert found.labels.max() == 3
    assert found.labels.dtype == np.int32
    assert accuracy(found.labels, truth) > 0.995
    np.testing.assert_array_equal(found.labels[[0, shape[0] // 2, -1], 5], [1, 2, 3])


@pytest.mark.parametrize("noise", [0.1, 0.3])
def test_three_noisy_layers_reach_the_mark(noise):
    truth = np.repeat(np.digitize(np.arange(1024), [300, 660])[:, None], 1024, axis=1) + 1
    image = np.array([0, 0.2, 0.5, 0.8])[truth]
    image = image + noise * np.random.default_rng(102).normal(size=truth.shape)
    found = segment(image)
    assert found.labels.max() == 3
    assert accuracy(found.labels, truth) >= 0.996


@pytest.mark.parametrize(("dose", "tolerance"), [(300, 0.3), (15, 0.6)])
def test_quantum_well_between_barriers(dose, tolerance):
    pixel, top, bottom = 36 / 1024, 12.7, 19.1
    depth = np.arange(1024) * pixel
    well = (erf((depth - top) / 0.3) - erf((depth - bottom) / 0.3)) / 2
    intensity = (1 + 0.17 * well[:, None]) * (1 + 0.9 * dumbbells((1024, 1024), pixel))
    found = segment(counts(intensity, dose, 103), pixel)
    assert found.labels.max() == 3
    for label, edge in ((1, top), (2, bottom)):
        position = np.sum(found.labels <= label, axis=0) * pixel
        assert np.abs(position - edge).max() < tolerance
        assert abs(position.mean() - edge) < 0.1
    assert 0.1 < found.smoothing < 1.0


@pytest.mark.parametrize("noise", [0.1, 0.3])
def test_blurred_interface_lies_at_its_inflection(noise):
    position = 471.3
    profile = erf((np.arange(1024) - position) / (np.sqrt(2) * 40))
    image = profile[:, None] / 4 + noise * np.random.default_rng(104).normal(size=(1024, 1024))
    found = segment(image)
    assert found.labels.max() == 2
    edge = np.sum(found.labels == 1, axis=0)
    # Pixel i spans i - 1/2 to i + 1/2: the border before pixel n lies at n - 1/2.
    assert abs(edge.mean() - 0.5 - position) < 1
    assert edge.std() < 1
    truth = np.repeat(np.digitize(np.arange(1024), [position])[:, None], 1024, axis=1)
    assert accuracy(found.labels, truth) > 0.995


def test_faint_blurred_interface_beside_a_sharp_one():
    depth = np.arange(768.0)
    faint = 0.12 * (1 + erf((depth - 430.3) / (np.sqrt(2) * 25))) / 2
    profile = np.where(depth < 150, 0.2, 1 + faint)
    noise = 0.15 * np.random.default_rng(117).normal(size=(768, 768))
    found = segment(profile[:, None] + noise)
    assert found.labels.max() == 3
    positions = [np.sum(found.labels <= label, axis=0).mean() for label in (1, 2)]
    assert abs(positions[0] - 150) < 0.5
    assert abs(positions[1] - 0.5 - 430.3) < 1


def test_slanted_layers_in_a_long_strip():
    row, column = np.mgrid[:224, :1312]
    truth = np.digitize(row - 0.25 * column, [-180, -120, -60, 20]) + 1
    image = counts(np.array([0, 0.5, 1.0, 1.6, 0.8, 1.2])[truth], 60, 120)
    found = segment(image)
    assert found.labels.max() == 5
    assert accuracy(found.labels, truth) > 0.99


def test_ring_keeps_its_hole():
    row, column = np.mgrid[:400, :400]
    distance = np.hypot(row - 210.0, column - 188.0)
    truth = np.where(distance < 60, 3, np.where(distance < 140, 2, 1))
    image = counts(np.array([0, 1, 1.8, 1.0])[truth], 30, 105)
    found = segment(image)
    assert accuracy(found.labels, truth) > 0.997
    grid = Grid(image.shape, (1.0, 1.0))
    outlines = trace(found.labels, grid)
    assert len(outlines.rings(found.labels[210, 188 + 100])) == 2
    np.testing.assert_array_equal(rasterise(outlines, grid), found.labels)


def test_particles_on_a_background():
    row, column = np.mgrid[:512, :512]
    centres = [(80, 90, 25), (90, 300, 14), (250, 200, 31), (300, 420, 20), (440, 110, 17)]
    truth = np.ones((512, 512), int)
    for number, (y, x, radius) in enumerate(centres):
        truth[np.hypot(row - y, column - x) < radius] = number + 2
    found = segment(counts(1 + 0.8 * (truth > 1), 20, 106))
    assert found.labels.max() == 6
    assert accuracy(found.labels, truth) > 0.998


def test_crystalline_particle_in_vacuum():
    row, column = np.mgrid[:512, :512]
    truth = (np.hypot(row - 250, column - 280) < 120) + 1
    intensity = 1 + (truth == 2) * (1 + 0.8 * lattice((512, 512), 14))
    found = segment(counts(intensity, 20, 107))
    assert found.labels.max() == 2
    assert accuracy(found.labels, truth) > 0.998


def test_weak_step_in_a_sample_beside_vacuum():
    truth = np.repeat(np.digitize(np.arange(256), [77, 166])[:, None], 256, axis=1) + 1
    image = np.array([0, 0, 1, 1.1])[truth]
    found = segment(image + 0.02 * np.random.default_rng(116).normal(size=truth.shape))
    assert found.labels.max() == 3
    assert accuracy(found.labels, truth) > 0.998


def test_thin_layer_of_four_smoothing_lengths():
    row, column = np.mgrid[:512, :512]
    truth = np.digitize(row + 0.2 * column, [256, 268]) + 1
    found = segment(counts(np.array([0, 1, 1.4, 1])[truth], 100, 108))
    assert found.labels.max() == 3
    assert accuracy(found.labels, truth) > 0.998


def test_weak_step_on_an_illumination_gradient():
    row, column = np.mgrid[:1024, :1024] / 1024
    truth = (column > 0.55) + 1
    shade = 1 + 0.5 * (row - 0.5) + 0.25 * (column - 0.5)
    intensity = (1 + 0.05 * (truth == 2)) * shade * (1 + 0.7 * lattice(truth.shape, 12))
    found = segment(counts(intensity, 50, 109))
    assert found.labels.max() == 2
    assert accuracy(found.labels, truth) > 0.99


@pytest.mark.parametrize("shape", [(512, 512), (97, 311), (1024, 1024)])
def test_pure_noise_is_one_region(shape):
    for seed in range(3):
        found = segment(np.random.default_rng(110 + seed).normal(size=shape))
        np.testing.assert_array_equal(found.labels, np.ones(shape))


@pytest.mark.parametrize(("shape", "period"), [((1024, 1024), 13), ((256, 300), 9)])
def test_uniform_crystal_is_one_region(shape, period):
    shade = 1 + 0.3 * np.linspace(-0.5, 0.5, shape[0])[:, None]
    found = segment(counts(shade * (1 + 0.8 * lattice(shape, period)), 50, 113))
    assert found.labels.max() == 1


def test_units_move_no_border():
    image = counts(np.where(np.arange(128)[:, None] < 50, 1.0, 2.0) * np.ones(128), 40, 114)
    pixels, lengths = segment(image), segment(image * 3 + 700, 0.02)
    np.testing.assert_array_equal(pixels.labels, lengths.labels)
    assert lengths.smoothing == pytest.approx(0.02 * pixels.smoothing, rel=1e-5)
    ratio = np.array(lengths.thresholds) / pixels.thresholds
    np.testing.assert_allclose(ratio, 3 / 0.02, rtol=1e-3)


def test_smoothing_and_area_can_be_set():
    row, column = np.mgrid[:256, :256]
    truth = (np.hypot(row - 60, column - 60) < 40) + 2 * (np.hypot(row - 180, column - 180) < 9) + 1
    image = counts(np.array([0, 1, 2, 2])[truth], 50, 115)
    assert segment(image, 0.5).labels.max() == 3
    assert segment(image, 0.5, min_area=300 * 0.25).labels.max() == 2
    found = segment(image, 0.5, smoothing=2.5)
    assert found.smoothing == pytest.approx(2.5)
    assert accuracy(found.labels, np.minimum(truth, 2)) > 0.98


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((32, 32), 5.0), "no contrast"),
        (np.pad(np.full((1, 1), np.nan), 20), "NaN"),
        (np.random.default_rng(0).normal(size=(15, 200)), "at least 16 pixels"),
        (np.random.default_rng(0).normal(size=(1, 200)), "at least 16 pixels"),
        (np.zeros((4, 32, 32)), "shape"),
    ],
)
def test_images_without_an_answer_are_refused(image, message):
    with pytest.raises(ValueError, match=message):
        segment_edges(image, Grid(image.shape[-2:] if image.ndim == 2 else (32, 32), (1.0, 1.0)))


def test_wrong_parameters_are_refused():
    image = np.random.default_rng(0).normal(size=(32, 32))
    with pytest.raises(ValueError, match="smoothing must be a positive"):
        segment(image, smoothing=0.0)
    with pytest.raises(ValueError, match="min_area must be a positive"):
        segment(image, min_area=-1.0)


@pytest.mark.parametrize(
    "name", ["STO_ADF.hspy", "BTO_crystal_1.dm4", "Acquisition_18.emd", "16_STOimage_1.ser"]
)
def test_real_uniform_crystals_are_one_region(shared_file, name):
    hs = pytest.importorskip("hyperspy.api")
    signal = hs.load(shared_file(f"data/{name}"))
    image = np.asarray((signal[0] if isinstance(signal, list) else signal).data, np.float32)
    assert segment(image).labels.max() == 1


def test_real_gold_particles_stand_out_from_the_film(shared_file):
    hs = pytest.importorskip("hyperspy.api")
    signal = hs.load(shared_file("data/example_Au_nanoparticle.emd"))
    image = np.asarray((signal[0] if isinstance(signal, list) else signal).data, np.float32)
    labels = segment(image).labels
    film, particles = labels[1300, 1200], labels[[200, 900, 900, 1900], [1500, 1480, 2000, 1000]]
    assert film not in particles
    assert labels.max() <= 8


def test_real_nanowire_agrees_with_its_published_labels(shared_file, adjusted_rand):
    imageio = pytest.importorskip("imageio.v3")
    image = imageio.imread(shared_file("data/SAG_nanowire_304px.png")).astype(np.float32)
    image = image if image.ndim == 2 else image[..., :3].mean(axis=-1)
    published = np.load(shared_file("data/SAG_nanowire_authors_labels.npy")).astype(int)
    found = segment(image).labels[: published.shape[0], : published.shape[1]]
    assert adjusted_rand(found, published) > 0.93


def test_real_interface_of_lead_titanate_and_strontium_ruthenate(shared_file):
    hs = pytest.importorskip("hyperspy.api")
    image = np.asarray(hs.load(shared_file("data/Cropped_PTO-SRO_Aligned.hspy")).data, np.float32)
    labels = segment(image).labels
    assert labels.max() == 2
    assert abs(np.sum(labels == 1, axis=0).mean() - 155) < 15


@pytest.mark.parametrize("kernel", [find_basins, find_basins.py_func])
def test_basins_are_the_valleys(kernel):
    height = np.abs(np.arange(12) - 5.5)[None, :].max() - np.abs(np.arange(12) - 5.5)
    labels, count = kernel(np.repeat(height[None], 4, axis=0))
    assert count == 2
    np.testing.assert_array_equal(labels[2], np.arange(12) > 5)


@pytest.mark.parametrize("kernel", [_connected, _connected.py_func])
def test_connected_parts(kernel):
    found = kernel(np.array([0, 3, 5]), np.array([3, 4, 1]), 7)
    np.testing.assert_array_equal(found, [0, 1, 2, 0, 0, 1, 3])


def test_parts_become_regions_and_specks_join():
    regions = np.zeros((20, 20), int)
    regions[:, 12:] = 1
    regions[4:6, 4:6] = 1
    regions[10:18, 2:9] = 1
    parts = separate_parts(regions, 10)
    assert parts.max() == 2
    assert parts[5, 5] == parts[0, 0]
    assert len({parts[0, 0], parts[12, 5], parts[0, 15]}) == 3


def test_few_scales_are_tried_in_half_steps():
    assert scales_to_try(2.5, 1024) == pytest.approx([2.5, 5, 10, 20, 40])
    assert scales_to_try(6.0, 256) == pytest.approx([6, 6 * np.sqrt(2)])
    assert scales_to_try(20.0, 256) == [20.0]
