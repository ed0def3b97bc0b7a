"""Particles told apart and measured, against discs, ellipses and real images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.measure import label

from hyperspy_twin.core import Grid
from hyperspy_twin.segmentation.particles.separation import find_background, separate_particles
from hyperspy_twin.segmentation.particles.size_distribution import (
    fit_size_distribution,
    measure_particles,
)


def ellipse(shape, x, y, across, along, angle=0.0):
    row, column = np.mgrid[: shape[0], : shape[1]].astype(float)
    u = (column - x) * np.cos(angle) + (row - y) * np.sin(angle)
    v = (row - y) * np.cos(angle) - (column - x) * np.sin(angle)
    return (u / along) ** 2 + (v / across) ** 2 <= 1


def disc(shape, x, y, radius):
    return ellipse(shape, x, y, radius, radius)


def separate(mask, image=None, scale=(1.0, 1.0), **options):
    image = mask.astype(np.float32) if image is None else image
    return separate_particles(mask, image, Grid(mask.shape, scale), **options)


def sizes(labels, scale=(1.0, 1.0)):
    return measure_particles(labels, Grid(labels.shape, scale))


@pytest.mark.parametrize("scale", [(1.0, 1.0), (0.5, 0.25)])
def test_sizes_of_a_disc_and_of_a_rectangle(scale):
    shape = (300, 200) if scale[1] < scale[0] else (200, 200)
    labels = np.zeros(shape, np.int32)
    rows, columns = (90, 60) if scale == (1.0, 1.0) else (160, 40)
    labels[20 : 20 + rows, 100 : 100 + columns] = 3
    measured = sizes(labels, scale)
    wide, high = columns * scale[0], rows * scale[1]
    np.testing.assert_array_equal(measured.particle, [3])
    assert measured.area[0] == pytest.approx(wide * high)
    assert measured.equivalent_diameter[0] == pytest.approx(2 * np.sqrt(wide * high / np.pi))
    assert measured.smallest_feret[0] == pytest.approx(min(wide, high), rel=0.01)
    assert measured.largest_feret[0] == pytest.approx(np.hypot(wide, high), rel=0.02)
    assert measured.x[0] == pytest.approx((100 + (columns - 1) / 2) * scale[0])
    assert measured.y[0] == pytest.approx((20 + (rows - 1) / 2) * scale[1])
    round_ = ellipse(shape, 90, 110, 30 / scale[1], 30 / scale[0]).astype(np.int32)
    measured = sizes(round_, scale) if scale == (1.0, 1.0) else None
    if measured is not None:
        assert measured.circularity[0] == pytest.approx(1.0, abs=0.03)
        assert measured.largest_feret[0] == pytest.approx(60, abs=1.2)
        assert measured.smallest_feret[0] == pytest.approx(60, abs=1.2)


def test_circularity_does_not_depend_on_the_shape_of_the_pixels():
    labels = ellipse((400, 220), 110, 200, 160, 80).astype(np.int32)
    measured = sizes(labels, (0.2, 0.1))
    assert measured.equivalent_diameter[0] == pytest.approx(32, rel=0.005)
    assert measured.circularity[0] == pytest.approx(1.0, abs=0.03)


def test_particles_that_the_image_cuts_are_flagged_and_left_out():
    shape = (120, 160)
    mask = disc(shape, 3, 60, 20) | disc(shape, 60, 40, 15) | disc(shape, 110, 80, 25)
    measured = sizes(separate(mask))
    np.testing.assert_array_equal(measured.touches_border, measured.x < 20)
    distribution = fit_size_distribution(measured)
    assert distribution.count == 2
    assert distribution.mean == pytest.approx(40, abs=0.3)
    assert distribution.standard_deviation == pytest.approx(20 / np.sqrt(2), abs=0.3)
    assert distribution.standard_error == pytest.approx(10, abs=0.3)
    assert distribution.median == pytest.approx(np.sqrt(30 * 50), abs=0.3)
    assert distribution.spread == pytest.approx(np.log(5 / 3) / np.sqrt(2), abs=0.02)
    with pytest.raises(ValueError, match="larger image"):
        fit_size_distribution(sizes(separate(disc(shape, 60, 60, 20))))


@pytest.mark.parametrize("distance", [1.3, 1.5, 1.8, 1.99])
def test_overlapping_discs_are_cut_at_their_neck(distance):
    radius, shape = 30, (140, 220)
    mask = disc(shape, 60, 70, radius) | disc(shape, 60 + distance * radius, 70, radius)
    labels = separate(mask)
    assert labels.max() == 2
    middle = 60 + distance * radius / 2
    columns = np.nonzero(labels[70] == 1)[0]
    assert columns.max() == pytest.approx(middle, abs=1.5)
    np.testing.assert_array_equal(labels > 0, mask)
    assert separate(mask, neck=0.05).max() == (2 if distance > 1.998 else 1)


@pytest.mark.parametrize("aspect", [1.0, 1.6, 3.0])
@pytest.mark.parametrize("angle", [0.0, 0.4, 0.8])
def test_ellipses_stay_whole(aspect, angle):
    mask = ellipse((240, 240), 120, 118, 25, 25 * aspect, angle)
    labels = separate(mask)
    assert labels.max() == 1
    measured = sizes(labels)
    assert measured.largest_feret[0] == pytest.approx(50 * aspect, abs=1.6)
    assert measured.smallest_feret[0] == pytest.approx(50, abs=1.6)


def test_rough_outlines_are_seldom_split():
    shape, split = (160, 160), 0
    row, column = np.mgrid[:160, :160]
    for seed in range(25):
        random = np.random.default_rng(seed)
        broad = ndimage.gaussian_filter(random.standard_normal(shape), 9)
        fine = ndimage.gaussian_filter(random.standard_normal(shape), 1.5)
        outline = 5 * broad / broad.std() + 1.5 * fine / fine.std()
        pieces = label(45 - np.hypot(column - 80, row - 80) + outline > 0, connectivity=1)
        mask = pieces == np.bincount(pieces.ravel())[1:].argmax() + 1
        split += separate(mask).max() > 1
    assert split <= 1


def test_a_valley_of_the_brightness_separates_what_the_outline_does_not():
    shape = (100, 160)
    mask = np.zeros(shape, bool)
    mask[30:70, 20:140] = True
    row, column = np.mgrid[:100, :160]
    even = np.where(mask, 100.0, 10.0)
    split = even * np.where(mask, 1 - 0.5 * np.exp(-(((column - 80) / 5) ** 2)), 1)
    noise = np.random.default_rng(0).normal(0, 3, shape)
    # Waists shallower than the neck criterion offer the place.
    waist = mask & ~((np.abs(column - 80) < 8) & (np.abs(row - 49.5) > 17))
    assert separate(waist, even + noise).max() == 1
    assert separate(waist, split + noise).max() == 2


@st.composite
def scattered_discs(draw):
    """Discs that touch or overlap by at most a tenth of the smaller radius."""
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    discs = []
    for _ in range(draw(st.integers(1, 40))):
        radius = random.uniform(4, 22)
        x, y = random.uniform(radius + 2, 298 - radius), random.uniform(radius + 2, 238 - radius)
        if all(np.hypot(x - a, y - b) > radius + r - 0.1 * min(radius, r) for a, b, r in discs):
            discs.append((x, y, radius))
    return np.array(discs)


@settings(max_examples=25, deadline=None)
@given(scattered_discs())
def test_random_discs_are_counted_and_measured(discs):
    mask = np.any([disc((240, 300), *one) for one in discs], axis=0)
    measured = sizes(separate(mask))
    assert len(measured.particle) == len(discs)
    away = np.hypot(measured.x[:, None] - discs[:, 0], measured.y[:, None] - discs[:, 1])
    nearest = np.argmin(away, axis=1)
    assert len(set(nearest)) == len(discs)
    assert np.abs(measured.equivalent_diameter - 2 * discs[nearest, 2]).max() < 1
    assert np.all(np.diff(measured.y) >= 0)


def test_background_is_behind_the_particles_and_may_be_given():
    shape = (100, 100)
    labels = np.ones(shape, np.int32)
    labels[disc(shape, 50, 50, 20)] = 2
    labels[disc(shape, 52, 50, 8)] = 3
    assert find_background(labels) == 1
    # A particle of two regions, cut by the border, stays one; the brighter band is no background.
    halves = np.ones(shape, np.int32)
    halves[:45] = 2
    image = np.where(halves == 2, 9.0, 1.0)
    assert find_background(halves, image) == 1
    assert find_background(halves, -image) == 2
    grid = Grid(shape, (1.0, 1.0))
    image = (labels != 1).astype(np.float32)
    found = separate_particles(labels, image, grid)
    assert np.count_nonzero((found > 0) != (labels != 1)) < 0.03 * (labels != 1).sum()
    assert found.max() == 1
    dark = separate_particles(labels == 1, image, grid)
    assert np.array_equal(dark > 0, labels == 1)


def test_small_particles_go_and_scale_only_changes_lengths():
    shape = (120, 160)
    mask = disc(shape, 40, 60, 20) | disc(shape, 110, 60, 6)
    mask[5, 5] = True
    assert separate(mask).max() == 2
    assert separate(mask, scale=(0.1, 0.1), min_diameter=2.0).max() == 1
    coarse, fine = sizes(separate(mask)), sizes(separate(mask, scale=(0.1, 0.1)), (0.1, 0.1))
    np.testing.assert_allclose(fine.equivalent_diameter, 0.1 * coarse.equivalent_diameter)
    assert separate(np.zeros(shape, bool)).max() == 0
    assert separate(np.ones(shape, bool)).max() == 1
    assert len(sizes(np.zeros(shape, np.int32)).particle) == 0


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        (np.zeros((9, 9), float), {}, "integers"),
        (np.full((9, 9), -1), {}, "integers"),
        (np.zeros((9, 8), int), {}, "shape of the grid"),
        (np.zeros((9, 9), int), {"neck": 1.5}, "neck"),
        (np.zeros((9, 9), int), {"min_diameter": 0.0}, "positive"),
    ],
)
def test_wrong_input_is_told(labels, options, message):
    with pytest.raises(ValueError, match=message):
        separate_particles(labels, np.zeros((9, 9)), Grid((9, 9), (1.0, 1.0)), **options)
    with pytest.raises(ValueError, match="integers"):
        measure_particles(np.zeros((9, 9)), Grid((9, 9), (1.0, 1.0)))


def test_sample_particles_have_their_true_diameters():
    from hyperspy_twin import data

    frame = {"shape": (768, 768), "pixel_size": 0.036, "dose": 3e4, "scan_jitter": 0.003}
    frame |= {"drift": (0.0, 0.0), "tilt": (0.0, 0.0), "seed": 3}
    sample = {"number": 4, "diameter": 6.0, "metals": ("Au",), "film_thickness": 3.0}
    image = data.nanoparticles(**frame, **sample).data
    truth = data.truth("nanoparticles", frame | sample).labels
    grid = Grid(image.shape, (0.036, 0.036))
    true = measure_particles(np.where(truth <= 4, truth, 0), grid)
    # Their facets lean: the outline is where the brightness leaves that of the film.
    smooth = ndimage.gaussian_filter(image, 4)
    film = np.median(smooth)
    mask = smooth > film + 8 * 1.4826 * np.median(np.abs(smooth - film))
    # The smoothing carries so low a level outwards by about two of its lengths.
    mask = ndimage.distance_transform_edt(mask) > 8
    labels = separate_particles(mask, image, grid, min_diameter=1.0)
    found = measure_particles(labels, grid)
    assert len(found.particle) == 4
    away = np.hypot(found.x[:, None] - true.x, found.y[:, None] - true.y)
    nearest = np.argmin(away, axis=1)
    assert away.min(axis=1).max() < 0.3
    np.testing.assert_allclose(
        found.equivalent_diameter, true.equivalent_diameter[nearest], rtol=0.06
    )


def load(path):
    import hyperspy_twin as ht

    signal = ht.load(path)
    return np.asarray((signal[0] if isinstance(signal, list) else signal).data, float)


def test_overlapping_cobalt_sulfide_particles(shared_file):
    image = load(shared_file("data/JEOL_HAADF_CoS2_particles.dm4"))
    mask = image > threshold_otsu(image)
    assert label(mask).max() < 13
    labels = separate(mask, image)
    assert 15 <= labels.max() <= 19
    assert np.median(sizes(labels).circularity) > 0.9


def test_touching_gold_particles(shared_file):
    image = load(shared_file("data/example_Au_nanoparticle.emd"))[::4, ::4]
    smooth = ndimage.gaussian_filter(image, 5)
    labels = separate(smooth > threshold_otsu(smooth), image)
    centres = [labels[235, 370], labels[210, 130], labels[75, 275], labels[480, 60]]
    centres += [labels[470, 250], labels[280, 500]]
    assert 0 not in centres and len(set(centres)) == 6
