"""Texture segmentation against images of known truth, samples and real files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hyperspy_twin.core import Grid
from hyperspy_twin.segmentation.texture.texture_segmentation import segment_texture

BASES = {
    "square": ((1.0, 0.0), (0.0, 1.0)),
    "hexagonal": ((1.0, 0.0), (0.5, 0.866)),
    "rectangular": ((1.0, 0.0), (0.0, 1.35)),
}


def lattice(shape, period, angle, kind="square", shift=(0.0, 0.0)):
    """Sum of the lattice waves that thermal motion leaves, unit variance."""
    row, column = np.mgrid[: shape[0], : shape[1]].astype(float)
    turn = np.exp(1j * np.deg2rad(angle))
    total, power = np.zeros(shape), 0.0
    for h in range(-2, 3):
        for k in range(-2, 3):
            (ax, ay), (bx, by) = BASES[kind]
            g = complex(h * ax + k * bx, h * ay + k * by)
            if (h, k) <= (0, 0) or abs(g) > 2.3:
                continue
            amplitude = np.exp(-0.5 * abs(g) ** 2)
            g *= turn / period
            phase = g.real * (column - shift[0]) + g.imag * (row - shift[1])
            total += amplitude * np.cos(2 * np.pi * phase)
            power += amplitude**2 / 2
    return total / np.sqrt(power)


def amorphous(shape, period, seed):
    noise = np.random.default_rng(seed).standard_normal(shape)
    film = ndimage.gaussian_filter(noise, 0.22 * period) - ndimage.gaussian_filter(
        noise, 0.6 * period
    )
    return film / film.std()


def counts(structure, dose, seed):
    """Counts of mean ``dose`` and 30 % contrast."""
    expected = dose * np.maximum(1 + 0.3 * structure, 0)
    return np.random.default_rng(seed).poisson(expected).astype(np.float32)


def half_plane(shape, angle, offset=0.0):
    row, column = np.mgrid[: shape[0], : shape[1]]
    a = np.deg2rad(angle)
    return (column - shape[1] / 2) * np.cos(a) + (row - shape[0] / 2) * np.sin(a) > offset


def segment(image, scale=(1.0, 1.0), **options):
    return segment_texture(image, Grid(image.shape, scale), **options)


def rim(labels):
    edge = np.zeros(labels.shape, bool)
    edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    edge[1:] |= labels[1:] != labels[:-1]
    return edge


def border_distance(found, truth):
    """Median distance of the borders of either from those of the other."""
    one, other = rim(found), rim(truth)
    away = ndimage.distance_transform_edt
    return np.median(np.concatenate([away(~other)[one], away(~one)[other]]))


@pytest.fixture(scope="module")
def check(adjusted_rand):
    def against(image, truth, period):
        labels = segment(image).labels
        assert labels.dtype == np.int32
        assert labels.max() == truth.max() + 1
        assert adjusted_rand(labels, truth) > 0.92
        assert border_distance(labels, truth) < 0.5 * period

    return against


@pytest.mark.parametrize("kind", BASES)
@pytest.mark.parametrize("turn", [6, 10, 30])
def test_two_grains_at_an_oblique_border(kind, turn, check):
    shape, period = (384, 448), 9.3
    truth = half_plane(shape, 37, 20).astype(int)
    structure = np.where(
        truth, lattice(shape, period, 12 + turn, kind), lattice(shape, period, 12, kind)
    )
    check(counts(structure, 30, 1), truth, period)


def test_three_grains_meet(check):
    shape, period = (448, 512), 8.0
    truth = half_plane(shape, 80).astype(int)
    truth[(truth == 0) & half_plane(shape, -10)] = 2
    grains = [lattice(shape, period, angle, "hexagonal") for angle in (0, 15, 37)]
    check(counts(np.choose(truth, grains), 100, 2), truth, period)


def test_amorphous_film_of_the_same_brightness_over_a_crystal(check):
    shape, period = (512, 384), 10.5
    truth = half_plane(shape, 95).astype(int)
    structure = np.where(truth, lattice(shape, period, 20), amorphous(shape, period, 3))
    image = counts(structure, 50, 3)
    assert np.mean(image[truth == 0]) == pytest.approx(np.mean(image[truth == 1]), rel=0.01)
    check(image, truth, period)


def test_grain_inside_another(check):
    shape, period = (420, 420), 8.7
    row, column = np.mgrid[: shape[0], : shape[1]]
    truth = (np.hypot(row - 220, column - 190) < 95).astype(int)
    structure = np.where(truth, lattice(shape, period, 33), lattice(shape, period, 10))
    check(counts(structure, 30, 4), truth, period)


def test_two_phases_of_the_same_brightness(check):
    shape, period = (384, 512), 11.0
    truth = half_plane(shape, 160).astype(int)
    structure = np.where(
        truth,
        lattice(shape, 0.8 * period, 5, "hexagonal"),
        lattice(shape, period, 5, "rectangular"),
    )
    check(counts(structure, 100, 5), truth, period)


def test_crystal_beside_vacuum_of_the_same_brightness(check):
    shape, period = (400, 400), 9.0
    truth = half_plane(shape, 100).astype(int)
    check(counts(np.where(truth, lattice(shape, period, 8), 0), 100, 6), truth, period)


@settings(max_examples=12, deadline=None)
@given(
    period=st.floats(6.5, 12),
    angle=st.floats(0, 90),
    turn=st.floats(12, 30),
    border=st.floats(0, 180),
    dose=st.sampled_from([15, 50, 200]),
    seed=st.integers(0, 1000),
)
def test_two_grains_anywhere(period, angle, turn, border, dose, seed, check):
    shape = (320, 320)
    truth = half_plane(shape, border).astype(int)
    structure = np.where(truth, lattice(shape, period, angle + turn), lattice(shape, period, angle))
    check(counts(structure, dose, seed), truth, period)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_the_same_everywhere_is_one_region(seed):
    shape, period = ((400, 300), (300, 420))[seed % 2], 7.5 + seed
    for structure in (np.zeros(shape), amorphous(shape, period, seed), lattice(shape, period, 9)):
        assert segment(counts(structure, 20, seed)).labels.max() == 1


def test_small_strain_and_rotation_do_not_split_a_crystal():
    shape, period = (420, 420), 9.0
    row, column = np.mgrid[: shape[0], : shape[1]].astype(float)
    middle = column - 210
    strained = 0.02 * np.maximum(middle, 0)
    bent = 0.5 * np.deg2rad(2) * middle**2 / 210
    for shift in ((strained, 0.0), (0.0, bent)):
        image = counts(lattice(shape, period, 15, shift=shift), 50, 7)
        assert segment(image).labels.max() == 1
    truth = half_plane(shape, 30)
    halves = np.where(truth, lattice(shape, period, 17), lattice(shape, period, 15))
    assert segment(counts(halves, 50, 8)).labels.max() == 1


def test_labels_are_ordered_by_centroid_and_scale_only_changes_lengths():
    shape, period = (384, 384), 8.0
    truth = half_plane(shape, 90).astype(int)
    structure = np.where(truth, lattice(shape, period, 25), lattice(shape, period, 0))
    image = counts(structure, 50, 9)
    pixels, nanometres = segment(image), segment(image, scale=(0.02, 0.02))
    assert pixels.labels[0, 0] == 1 and pixels.labels[-1, -1] == 2
    np.testing.assert_array_equal(pixels.labels, nanometres.labels)
    assert nanometres.smoothing == pytest.approx(0.02 * pixels.smoothing)
    assert pixels.smoothing == pytest.approx(period, rel=0.02)
    np.testing.assert_array_equal(segment(3 * image + 100).labels, pixels.labels)


def test_options_are_used():
    shape, period = (384, 384), 8.0
    row, column = np.mgrid[: shape[0], : shape[1]]
    grain = np.hypot(row - 190, column - 200) < 60
    structure = np.where(grain, lattice(shape, period, 25), lattice(shape, period, 0))
    image = counts(structure, 50, 10)
    assert segment(image).labels.max() == 2
    assert segment(image, min_area=2e4).labels.max() == 1
    assert segment(image, smoothing=12.0).smoothing == pytest.approx(12.0)


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (np.ones((64, 64)), {}, "constant"),
        (np.full((64, 64), np.nan), {}, "NaN"),
        (np.ones((20, 64)), {}, "larger crop"),
        (np.ones((8, 64, 64)), {}, "shape"),
        (np.eye(64), {"smoothing": -1.0}, "positive"),
        (np.eye(64), {"min_area": np.nan}, "positive"),
        (np.eye(64), {"smoothing": 20.0}, "eighth"),
    ],
)
def test_wrong_input_is_told(image, options, message):
    with pytest.raises(ValueError, match=message):
        segment(image, **options)


def test_sample_of_an_amorphous_layer_on_silicon(adjusted_rand):
    from hyperspy_twin import data

    arguments = {
        "shape": (640, 512),
        "pixel_size": 0.036,
        "dose": 3e4,
        "scan_jitter": 0.003,
        "drift": (0.0, 0.0),
        "tilt": (0.0, 0.0),
        "seed": 0,
    }
    sample = {"layer": "SiO2", "layer_thickness": 7.0, "thickness": 5.0}
    image = data.amorphous_on_crystal(**arguments, **sample).data
    truth = data.truth("amorphous_on_crystal", arguments | sample).labels
    labels = segment(image, scale=(0.036, 0.036)).labels
    assert labels.max() == 3
    assert adjusted_rand(labels, truth) > 0.97


def load(path):
    import hyperspy_twin as ht

    signal = ht.load(path)
    return np.asarray((signal[0] if isinstance(signal, list) else signal).data)


def test_grain_boundary_in_graphene(shared_file):
    labels = segment(load(shared_file("data/graphene_defect_raw.dm3"))).labels
    assert labels.max() == 2
    assert np.all(labels[60, 150:] == 1) and np.all(labels[320:] == 2)
    row = np.argmax(labels == 2, axis=0)
    assert row[20] == pytest.approx(170, abs=25) and row[480] == pytest.approx(250, abs=25)


def test_ninety_degree_domains_of_lead_titanate(shared_file):
    labels = segment(load(shared_file("data/PTO_junction_filtered_HAADF.hspy"))).labels
    assert labels.max() == 4
    corners = [labels[500, 1500], labels[900, 300], labels[1800, 500], labels[1800, 1200]]
    assert len(set(corners)) == 4


@pytest.mark.parametrize(
    "name", ["STO_ADF.hspy", "BTO_crystal_1.dm4", "Si110_5nmX25us_03_none_none.png"]
)
def test_real_single_crystals_are_one_region(shared_file, name):
    assert segment(load(shared_file(f"data/{name}"))).labels.max() == 1


def test_image_without_a_lattice_is_one_region(shared_file):
    assert segment(load(shared_file("data/multi_signal_no_lattice.dm3"))).labels.max() == 1
