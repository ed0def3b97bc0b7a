"""The choice of scale, and what it finds in noise, against images of known truth."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.core import Grid
from hyperspy_twin.segmentation.edges.edge_segmentation import segment_edges
from hyperspy_twin.segmentation.resampling import cosine_spectrum, linear_weights
from hyperspy_twin.segmentation.smoothing import (
    LatticeFreeSpectrum,
    choose_smoothing,
    radial_spectrum,
)


def segment(image):
    return segment_edges(image, Grid(image.shape, (1.0, 1.0))).labels


def layer(size, tilt, seed, contrast=0.15):
    """Layer of 12 pixels in noise of 10 % per pixel, and the truth."""
    row, column = np.mgrid[:size, :size]
    depth = row + tilt * column
    truth = np.digitize(depth, [0.45 * size, 0.45 * size + 12]) + 1
    image = 1 + contrast * (truth == 2)
    return image + 0.1 * np.random.default_rng(seed).normal(size=truth.shape), truth


def smoothing(image):
    spectrum = cosine_spectrum((image - image.mean()).astype(np.float32))
    return choose(spectrum, None)


def choose(spectrum, period):
    return choose_smoothing(LatticeFreeSpectrum(spectrum, radial_spectrum(spectrum), period))


@pytest.mark.parametrize(("size", "tilt"), [(512, 0.0), (512, 0.2), (1024, 0.2)])
def test_thin_layer_in_noise_is_found(size, tilt):
    image, truth = layer(size, tilt, seed=1002)
    labels = segment(image)
    assert labels.max() == 3
    assert (labels == truth).mean() > 0.994


@pytest.mark.parametrize("size", [512, 1024, 2048])
def test_a_thin_layer_sets_the_scale_although_it_fills_little_of_the_image(size):
    image, _ = layer(size, 0.1, seed=5)
    assert smoothing(image) < 8


def test_noise_falls_to_a_tenth_of_the_contrast_of_halves():
    step = np.repeat((np.arange(512) > 200.0)[:, None], 512, axis=1)
    noise = np.random.default_rng(1).normal(size=step.shape)
    for amplitude in (0.3, 0.6):
        expected = amplitude / np.sqrt(4 * np.pi) / (0.1 * 0.5)
        assert 0.7 * expected < smoothing(step + amplitude * noise) < 1.05 * expected


def test_scale_fits_a_narrow_strip_and_a_coarse_lattice():
    noise = np.random.default_rng(2).normal(size=(16, 4000)).astype(np.float32)
    spectrum = cosine_spectrum(noise)
    assert choose(spectrum, None) == 2
    spectrum = cosine_spectrum(noise[:, :16].repeat(16, axis=0).repeat(16, axis=1))
    assert choose(spectrum, 40.0) == pytest.approx(16)


@pytest.mark.parametrize("slope", [0.0, 1.0, 3.0])
def test_noise_on_an_illumination_slope_is_one_region(slope):
    row, column = np.mgrid[:384, :384] / 384
    for seed in range(4):
        noise = np.random.default_rng(seed).normal(size=row.shape)
        assert segment(noise + slope * (row + 0.5 * column)).max() == 1


def test_weights_between_tiles_reproduce_a_line():
    weights = linear_weights((np.arange(40) + 0.5) * 5 / 40 - 0.5, 5)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    line = weights @ (np.arange(5) * 8 + 3.5)
    np.testing.assert_allclose(line[4:36], np.arange(4, 36))
    np.testing.assert_allclose(line[[0, -1]], [3.5, 35.5])
