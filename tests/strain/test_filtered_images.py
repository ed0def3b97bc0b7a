"""Images that were filtered before have no noise to measure, and raw ones have."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
from scipy import ndimage

import hyperspy_twin as ht
from hyperspy_twin.core import Grid
from hyperspy_twin.spectra import spectrum
from hyperspy_twin.strain import describe_holes, filter_reflections
from hyperspy_twin.strain.artefacts import SMALLEST_NOISE, noise_level

RAW = {
    "16_STOimage_1.ser",
    "Acquisition_18.emd",
    "BTO_crystal_2.dm4",
    "Cropped_PTO-SRO_Aligned.hspy",
    "JEOL_HAADF_CoS2_particles.dm4",
    "SAG_nanowire_304px.png",
    "SI-Survey.dm3",
    "STO_ADF.hspy",
    "Si110_5nmX25us_03_none_none.png",
    "etspy_needle_HAADF_proj00.hspy",
    "example_Au_nanoparticle.emd",
    "example_Se_implanted_MoS2.dm3",
    "graphene_defect_raw.dm3",
    "multi_signal_no_lattice.dm3",
}


def lattice(dose, shape=(300, 337)):
    """Counted electrons of sharp columns."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    turns = [x / 9.7, y / 11.3, x / 9.7 + y / 11.3, x / 9.7 - y / 11.3]
    image = np.exp(sum(np.cos(2 * np.pi * turn) for turn in turns) / 2)
    return image if dose is None else np.random.default_rng(0).poisson(dose * image).astype(float)


def by_power(image, factor):
    """Filter that weighs each Fourier coefficient by its power and that of the noise around it."""
    found = scipy.fft.rfft2(image)
    power = np.abs(found) ** 2
    noise = factor * ndimage.median_filter(power, 21) / np.log(2)
    return scipy.fft.irfft2(found * np.maximum(1 - noise / power, 0), image.shape)


def butterworth(image):
    y, x = scipy.fft.fftfreq(image.shape[0]), scipy.fft.rfftfreq(image.shape[1])
    gain = 1 / (1 + (np.hypot(y[:, None], x) / 0.2) ** 8)
    return scipy.fft.irfft2(scipy.fft.rfft2(image) * gain, image.shape)


def bragg(image):
    vectors = np.array([[1 / 9.7, 0], [0, 1 / 11.3]])
    return filter_reflections(image, Grid(image.shape, (1, 1)), [vectors], resolution=15.0)[0]


FILTERS = {
    "wiener": lambda image: by_power(image, 1),
    "background subtracted": lambda image: by_power(image, 2),
    "low pass": butterworth,
    "smoothed": lambda image: ndimage.gaussian_filter(image, 2),
    "bragg": bragg,
    "bragg, whole numbers": lambda image: np.rint(bragg(image)),
}


@pytest.mark.parametrize("dose", [1, 30, 1000])
def test_counted_images_are_not_called_filtered(dose):
    assert describe_holes(spectrum(lattice(dose))) is None


@pytest.mark.parametrize("name", FILTERS)
def test_filtered_images_are_told(name):
    reason = describe_holes(spectrum(FILTERS[name](lattice(30))))
    assert reason is not None
    assert "filtered" in reason


def test_a_part_that_was_cut_out_is_told_too():
    """Its opposite edges do not fit, and fill the holes of a spectrum without a window."""
    part = FILTERS["smoothed"](lattice(30))[13:250, 20:300]
    assert describe_holes(spectrum(part)) is not None


def test_an_image_without_noise_has_none_to_measure():
    assert describe_holes(spectrum(lattice(None))) is not None
    assert noise_level(spectrum(np.ones((64, 65)))) == 0.0


def test_white_noise_has_the_level_of_its_distribution():
    noise = np.random.default_rng(3).normal(size=(400, 301))
    assert noise_level(spectrum(noise)) == pytest.approx(np.log(2), rel=0.03)


@pytest.mark.parametrize("name", sorted(RAW))
def test_raw_files_are_not_called_filtered(shared_file, name):
    found = ht.load(shared_file(f"data/{name}"))
    images = [one for one in (found if isinstance(found, list) else [found]) if one.data.ndim == 2]
    assert images
    for image in images:
        level = noise_level(spectrum(np.asarray(image.data, np.float32)))
        assert level > 3 * SMALLEST_NOISE, image


@pytest.mark.parametrize("name", ["PTO_junction_filtered_HAADF.hspy", "BTO_crystal_1.dm4"])
def test_filtered_files_are_told(shared_file, name):
    """The second one has no power beyond a circle, although nothing in the file says so."""
    found = ht.load(shared_file(f"data/{name}"))
    image = found[0] if isinstance(found, list) else found
    level = noise_level(spectrum(np.asarray(image.data, np.float32)))
    assert level < SMALLEST_NOISE / 3
