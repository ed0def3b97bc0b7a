import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import fft

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.spectra.background import estimate_local_background
from hyperspy_twin.spectra.transform import windowed_region
from hyperspy_twin.training.images import CATEGORIES, LARGEST, SMALLEST, training_image
from hyperspy_twin.training.lattices import (
    HIGHEST_FREQUENCY,
    ProjectedLattice,
    random_lattice,
    related_lattice,
    render,
)
from hyperspy_twin.training.masks import random_mask
from hyperspy_twin.training.truth import Part, find_true_peaks

OBLIQUE = np.array([[0.083, 0.017], [-0.031, 0.112]])


def two_harmonics(basis=OBLIQUE, amplitude=(1.0, 0.5)):
    index = np.array([[1, 0], [0, 1]])
    return ProjectedLattice(basis, index, np.array(amplitude) / 2 * np.exp([1j, 2j]))


def still(shape):
    return np.zeros((2, *shape), np.float32)


def test_rendered_lattice_is_the_sum_of_its_harmonics():
    lattice = two_harmonics()
    y, x = np.mgrid[:70, :90]
    f = OBLIQUE
    expected = np.cos(2 * np.pi * (f[0, 0] * x + f[0, 1] * y) + 1)
    expected += 0.5 * np.cos(2 * np.pi * (f[1, 0] * x + f[1, 1] * y) + 2)
    np.testing.assert_allclose(render(lattice, still((70, 90))), expected, atol=2e-3)


def test_displacement_carries_the_lattice_along():
    lattice = two_harmonics()
    moved = still((64, 80))
    moved[0], moved[1] = 3, -2
    whole = render(lattice, still((70, 90)))
    np.testing.assert_allclose(render(lattice, moved)[:60, 5:75], whole[2:62, 2:72], atol=2e-3)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_random_lattices_are_band_limited_and_of_unit_contrast(seed):
    random = np.random.default_rng(seed)
    lattice = random_lattice(random)
    assert len(lattice.index) >= 2
    assert np.linalg.norm(lattice.frequency, axis=1).max() < HIGHEST_FREQUENCY
    assert 2 * np.sum(np.abs(lattice.coefficient) ** 2) == pytest.approx(1)
    other = related_lattice(lattice, random)
    change = np.linalg.solve(lattice.basis, other.basis) - np.eye(2)
    assert 0.01 < np.linalg.norm(change, 2) < 0.7


@pytest.mark.parametrize("shape", [(128, 128), (150, 211)])
def test_true_spots_lie_within_half_a_bin_of_the_known_vectors(shape):
    lattice = two_harmonics()
    image = 100 * render(lattice, still(shape))
    region = windowed_region(image, Grid(shape, (1.0, 1.0)), np.ones(shape, bool))
    part = Part(
        ProjectedLattice(lattice.basis, lattice.index, 100 * lattice.coefficient), image, 1.0
    )
    noise = np.full(region.power.shape, 1e7)
    spots = find_true_peaks([part], np.zeros(shape), region, noise)
    assert len(spots) == 2 and spots.resolved.all()
    known = OBLIQUE * np.sign(OBLIQUE[:, :1])
    np.testing.assert_allclose(spots.position, known)
    row = np.where(spots.row > shape[0] / 2, spots.row - shape[0], spots.row)
    bins = np.stack([spots.column, row], axis=1)
    assert np.abs(bins - known * shape[::-1]).max() <= 0.5 + 1e-9
    # Power of the maximum over the noise, up to what is lost between bins.
    expected = (100 * np.array([0.5, 0.25]) * region.window.sum()) ** 2 / 1e7
    assert (spots.snr <= expected * 1.001).all() and (spots.snr > 0.35 * expected).all()


def test_a_spot_in_the_flank_of_another_is_not_resolved():
    shape = (128, 128)
    near = OBLIQUE[:1] * (1 + 0.6 / 128 / np.linalg.norm(OBLIQUE[0]))
    parts = []
    for basis, amplitude in ((OBLIQUE, 1.0), (np.concatenate([near, OBLIQUE[1:]]), 0.2)):
        lattice = two_harmonics(basis, (amplitude, 0.0))
        parts.append(Part(lattice, render(lattice, still(shape)), 1.0))
    image = parts[0].image + parts[1].image
    region = windowed_region(image, Grid(shape, (1.0, 1.0)), np.ones(shape, bool))
    spots = find_true_peaks(parts, np.zeros(shape), region, np.full(region.power.shape, 1e-3))
    assert spots.resolved.tolist() == [True, False]


def test_the_same_seed_gives_the_same_image():
    first, again, other = training_image(3), training_image(3), training_image(4)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.peaks.snr, again.peaks.snr)
    assert first.image.shape != other.image.shape or (first.image != other.image).any()


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_gives_finite_images_of_its_size(category):
    drawn = training_image(11, category)
    assert drawn.category == category
    assert drawn.image.dtype == np.float32 and np.isfinite(drawn.image).all()
    assert all(SMALLEST <= size <= LARGEST for size in drawn.image.shape)
    assert drawn.mask.shape == drawn.image.shape
    assert drawn.mask.all() == (category not in ("small", "masked"))
    height, width = drawn.region.grid.shape
    assert (drawn.peaks.row < height).all() and (drawn.peaks.column <= width // 2).all()


@pytest.mark.parametrize("category", ["noise", "amorphous"])
def test_noise_and_amorphous_images_have_no_spots(category):
    assert not any(len(training_image(seed, category).peaks) for seed in range(3))


def test_the_stated_signal_to_noise_ratio_is_that_of_the_image():
    ratios = []
    for seed in (1, 5, 7, 12):
        drawn = training_image(seed, "single")
        strong = (drawn.peaks.snr > 200) & drawn.peaks.resolved
        row, column = drawn.peaks.row[strong], drawn.peaks.column[strong]
        power = drawn.region.power
        noise = estimate_local_background(power, row, column, *drawn.region.grid.shape)
        ratios.extend(power[row, column] / noise / drawn.peaks.snr[strong])
    assert len(ratios) > 20
    assert np.median(ratios) == pytest.approx(1, abs=0.2)


def test_white_noise_has_exponential_power():
    drawn = training_image(5, "noise")
    height, width = drawn.region.grid.shape
    frequency = np.hypot(fft.fftfreq(height)[:, None], fft.rfftfreq(width))
    level = drawn.region.power[(frequency > 0.30) & (frequency < 0.35)]
    assert np.median(level) / np.log(2) == pytest.approx(level.mean(), rel=0.05)


def test_unknown_category_is_refused():
    with pytest.raises(ValueError, match="category must be one of"):
        training_image(0, "diamonds")


@settings(max_examples=15, deadline=None)
@given(rows=st.integers(128, 300), columns=st.integers(128, 300), seed=st.integers(0, 1000))
def test_masks_are_never_empty(rows, columns, seed):
    random = np.random.default_rng(seed)
    for category in ("small", "masked"):
        mask = random_mask((rows, columns), category, random)
        assert mask.dtype == bool and mask.shape == (rows, columns)
        assert mask.sum() > 24**2
