"""Borders of filtered images that show the filter, and borders that show strain."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

import hyperspy_twin as ht
from hyperspy_twin.core import Grid
from hyperspy_twin.strain import find_wraparound, geometric_phase_analysis

PERIODS = 9.7, 11.3
FITS = 339, 388  # 30 and 40 periods
MISFITS = 346, 392  # 30.6 and 40.4
VECTORS = np.array([[1, 0], [0, 1], [1, 1], [1, -1]]) / PERIODS
WIDTH = 15.0
# Standard deviation in cycles per pixel of the holes of a Bragg mask, and that of its kernel.
HOLE = 0.0085
KERNEL = 1 / (2 * np.pi * HOLE)


def lattice(shape, dose=30, bend=None, seed=0):
    """Counted electrons of sharp columns, displaced by ``bend(y)`` along y."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    y = y - (0 if bend is None else bend(y))
    turns = [x / 9.7, y / 11.3, x / 9.7 + y / 11.3, x / 9.7 - y / 11.3]
    image = np.exp(sum(np.cos(2 * np.pi * turn) for turn in turns) / 2)
    return np.random.default_rng(seed).poisson(dose * image).astype(float)


def relaxed(y):
    """Strain along y of 3 % at the top, which falls off over 25 pixels."""
    return -0.03 * 25 * np.exp(-y / 25)


def frequencies(shape):
    return scipy.fft.fftfreq(shape[0])[:, None], scipy.fft.rfftfreq(shape[1])


def bragg(image, hole=HOLE):
    """Circular holes with soft edges around all reflections."""
    y, x = frequencies(image.shape)
    gain = np.zeros((y + x).shape)
    for h in range(-3, 4):
        for k in range(-3, 4):
            distance = np.hypot(x - h / PERIODS[0], y - k / PERIODS[1])
            gain = np.maximum(gain, np.exp(-(distance**2) / (2 * hole**2)))
    return scipy.fft.irfft2(scipy.fft.rfft2(image) * gain, image.shape)


def wiener(image):
    found = scipy.fft.rfft2(image)
    power = np.abs(found) ** 2
    noise = ndimage.median_filter(power, 21) / np.log(2)
    return scipy.fft.irfft2(found * np.maximum(1 - noise / power, 0), image.shape)


def difference_of_gaussians(image):
    squared = sum(one**2 for one in frequencies(image.shape))
    gain = np.exp(-2 * np.pi**2 * 1.5**2 * squared) - np.exp(-2 * np.pi**2 * 20**2 * squared)
    return scipy.fft.irfft2(scipy.fft.rfft2(image) * gain, image.shape)


def mirrored(image):
    """Smoothed as by SciPy, which mirrors the image at its borders."""
    return ndimage.gaussian_filter(image, 2)


def analyse(image, resolution, labels=None):
    reference = np.zeros(image.shape, bool)
    reference[90:-90, 90:-90] = True
    grid = Grid(image.shape, (1.0, 1.0))
    return geometric_phase_analysis(
        image, grid, VECTORS, resolution=resolution, reference=reference, labels=labels,
        displacement=False,
    )  # fmt: skip


def border_of(image, labels=None, resolution=WIDTH):
    labels = np.ones(image.shape, int) if labels is None else labels
    fields = [analyse(image, one * resolution, labels) for one in (1, 1.4)]
    return find_wraparound(fields, labels, Grid(image.shape, (1.0, 1.0)))


def test_a_bragg_mask_marks_all_borders_of_an_image_that_it_does_not_fit():
    """The kernel is 19 pixels wide: the phases of both borders mix up to about two of that."""
    image = bragg(lattice(MISFITS))
    found = border_of(image)
    widths = np.array([found.left, found.right, found.top, found.bottom])
    assert (widths > 1.5 * KERNEL).all()
    assert (widths < 5 * KERNEL).all()
    outside = found.mask(Grid(image.shape, (1.0, 1.0)))
    assert outside[0].all()
    assert outside[:, -1].all()
    assert not outside[90:-90, 90:-90].any()
    # What is left is about as good as the interior.
    strain = analyse(image, WIDTH, np.where(outside, 0, 1))
    kept = strain.e_yy[~outside]
    assert np.abs(kept).max() < 6e-3
    assert np.abs(analyse(image, WIDTH).e_yy[outside]).max() > 1.5e-2


def test_only_the_axis_that_does_not_fit_is_marked():
    found = border_of(bragg(lattice((FITS[0], MISFITS[1]))))
    assert found.left > 0
    assert found.right > 0
    assert (found.top, found.bottom) == (0, 0)


@pytest.mark.parametrize("shape", [FITS, MISFITS])
@pytest.mark.parametrize("name", ["raw", "wiener", "difference of gaussians", "mirrored"])
def test_filters_that_join_no_borders_mark_nothing(name, shape):
    """Their kernels are narrower than the window."""
    filters = {
        "raw": lambda image: image,
        "wiener": wiener,
        "difference of gaussians": difference_of_gaussians,
        "mirrored": mirrored,
    }
    assert border_of(filters[name](lattice(shape))) is None


def test_a_bragg_mask_that_fits_marks_nothing():
    assert border_of(bragg(lattice(FITS))) is None


@pytest.mark.parametrize("filtered", [lambda image: image, mirrored, wiener])
def test_strain_at_a_border_is_not_marked(filtered):
    image = filtered(lattice(MISFITS, bend=relaxed))
    found = analyse(image, WIDTH).e_yy[:15, 100:-100]
    assert np.abs(found).mean() > 0.01
    assert border_of(image) is None


def test_a_strained_layer_along_a_border_is_a_region_and_no_artefact():
    """Two layers at opposite borders, 3 % longer along y than the rest."""
    at = 60, MISFITS[0] - 60
    image = lattice(
        MISFITS, bend=lambda y: 0.03 * (np.minimum(y - at[0], 0) + np.maximum(y - at[1], 0))
    )
    labels = np.ones(MISFITS, int)
    labels[: at[0]], labels[at[1] :] = 2, 3
    strain = analyse(image, 14.0, labels)
    assert strain.e_yy[:40].mean() == pytest.approx(0.031, abs=2e-3)
    assert border_of(image, labels, 14.0) is None


def test_the_map_leaves_the_strips_out_and_says_why(caplog):
    image = ht.Micrograph(bragg(lattice(MISFITS)))
    for axis in image.axes_manager.signal_axes:
        axis.scale, axis.units = 0.02, "nm"
    labels = np.ones(MISFITS, int)
    spectrum = ht.SegmentedImage.from_labels(image, labels).find_peaks(show_progressbar=False)
    strain = spectrum.gpa()
    reason = strain.history[-1]["outcome"]["border"]
    assert reason in caplog.text
    assert "opposite borders" in reason
    assert "nm at the left" in reason
    marked = np.isnan(strain.e_yy.data)
    assert marked[:30].all()
    assert marked[:, -30:].all()
    assert not marked[90:-90, 90:-90].any()
    assert np.nanmax(np.abs(strain.e_yy.data)) < 6e-3
    lazy = spectrum.as_lazy().gpa()
    np.testing.assert_array_equal(np.isnan(lazy.e_yy.data.compute()), marked)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(part=st.floats(0.15, 0.4), hole=st.floats(0.005, 0.01), dose=st.sampled_from([5, 300]))
def test_bragg_masks_of_other_sizes_on_other_sizes_of_image(part, hole, dose):
    """Strips as wide as the kernel, whatever part of a period is left over."""
    rows = 339 + round(part * PERIODS[1])
    found = border_of(bragg(lattice((rows, 388), dose, seed=5), hole), resolution=11.0)
    kernel = 1 / (2 * np.pi * hole)
    assert 1.0 * kernel < min(found.top, found.bottom)
    assert max(found.top, found.bottom) < 5 * kernel
    assert (found.left, found.right) == (0, 0)
