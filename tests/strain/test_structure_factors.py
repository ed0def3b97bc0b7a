"""Reflections disagree where one compound goes over into another, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hyperspy_twin as ht
from hyperspy_twin.core import Grid, PhaseInvariants
from hyperspy_twin.strain import find_disagreement, geometric_phase_analysis
from hyperspy_twin.strain.artefacts.structure_factors import whole_sums

SHAPE = 340, 360
CELL = 40.0  # pixels
MIDDLE = 170.0
# {111}, (2-20), (004) and (1-13) along [110], x along [1-10] and y along [001].
VECTORS = np.array(
    [(h * np.sqrt(2) / CELL, k / CELL) for h, k in ((1, 1), (1, -1), (2, 0), (0, 4))]
)
# Brightness of both columns of a dumbbell, about Z ** 1.7, and the phase that it gives to {111}.
GAAS, ALAS, INAS, ASGA = (342.0, 381.0), (78.0, 381.0), (757.0, 381.0), (381.0, 342.0)
SI, GE = (89.0, 89.0), (363.0, 363.0)


def dumbbells(above, below, dose=30, stretch=0.0, seed=0):
    """Image of two compounds along [110], the lower one stretched along y."""
    image = np.zeros(SHAPE)
    width = 0.06 * CELL
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    across, along = CELL / np.sqrt(2), CELL
    for row in range(-1, 10):
        for column in range(-1, 14):
            for half in (0.0, 0.5):
                for site, shift in enumerate((0.0, 0.25)):
                    to_x, to_y = (column + half) * across, (row + half + shift) * along
                    bright = (above if to_y < MIDDLE else below)[site]
                    to_y += stretch * max(to_y - MIDDLE, 0.0)
                    part = tuple(
                        slice(max(0, int(to) - 12), max(0, int(to) + 13)) for to in (to_y, to_x)
                    )
                    if image[part].size:
                        squared = (x[part] - to_x) ** 2 + (y[part] - to_y) ** 2
                        image[part] += bright * np.exp(-squared / (2 * width**2))
    return np.random.default_rng(seed).poisson(dose * image / image.mean()).astype(float)


def analyse(image, labels=None, resolution=26.0, vectors=VECTORS):
    reference = np.zeros(SHAPE, bool)
    reference[40:120, 40:-40] = True
    grid = Grid(SHAPE, (1.0, 1.0))
    return geometric_phase_analysis(
        image, grid, vectors, resolution=resolution, reference=reference, labels=labels,
        displacement=False,
    )  # fmt: skip


def two_layers():
    labels = np.ones(SHAPE, int)
    labels[int(MIDDLE) :] = 2
    return labels


def phase_of(compound):
    """Phase of (111) in degrees against the first site."""
    return np.degrees(np.arctan2(compound[1], compound[0]))


@pytest.mark.parametrize("below", [ALAS, INAS, ASGA], ids=["AlAs", "InAs", "exchanged"])
@pytest.mark.parametrize("dose", [10, 1000])
def test_an_interface_of_compounds_is_marked(below, dose):
    """(004) is twice the sum of {111}, whose phases each change by that of the compounds."""
    field = analyse(dumbbells(GAAS, below, dose), two_layers())
    assert np.nanmax(np.abs(field.e_xx[40:-40, 40:-40])) < 0.01
    difference, error = field.invariants.compare(1, 2)
    true = 4 * (phase_of(below) - phase_of(GAAS))
    assert difference == pytest.approx(true, abs=max(2.0, 4 * error))
    pixels, pairs = find_disagreement(field, two_layers(), Grid(SHAPE, (1.0, 1.0)))
    assert list(pairs) == [(1, 2)]
    rows = np.flatnonzero(pixels.any(axis=1))
    assert rows.min() == pytest.approx(MIDDLE - 26, abs=2)
    assert rows.max() == pytest.approx(MIDDLE + 26, abs=2)
    assert pixels[int(MIDDLE)].all()


@pytest.mark.parametrize("below", [ALAS, INAS, ASGA], ids=["AlAs", "InAs", "exchanged"])
def test_an_interface_without_an_outline_is_marked_too(below):
    field = analyse(dumbbells(GAAS, below))
    rows = np.flatnonzero(field.disagreeing.any(axis=1))
    assert abs(rows.mean() - MIDDLE) < 13
    assert np.ptp(rows) < 4 * 26
    # Its ends lie in windows that the border of the image cuts.
    assert field.disagreeing[int(MIDDLE) - 13 : int(MIDDLE) + 13, 110:-110].any(axis=0).all()


@pytest.mark.parametrize("dose", [10, 1000])
@pytest.mark.parametrize("stretch", [0.0, 0.02, 0.04])
@pytest.mark.parametrize("labels", [None, two_layers()], ids=["whole", "layers"])
def test_silicon_on_germanium_is_not_marked(dose, stretch, labels):
    field = analyse(dumbbells(SI, GE, dose, stretch), labels)
    pixels, pairs = find_disagreement(field, two_layers(), Grid(SHAPE, (1.0, 1.0)))
    assert pixels is None
    assert pairs == {}


def test_two_reflections_always_agree():
    field = analyse(dumbbells(GAAS, ALAS), two_layers(), vectors=VECTORS[:2])
    assert field.invariants is None
    assert field.disagreeing is None


def test_sums_that_the_compounds_leave_alone_do_not_tell():
    """Of {111} and their difference (2-20), the change is a displacement along [001]."""
    field = analyse(dumbbells(GAAS, ALAS), two_layers(), vectors=VECTORS[:3])
    assert find_disagreement(field, two_layers(), Grid(SHAPE, (1.0, 1.0)))[1] == {}


@settings(max_examples=5, deadline=None, derandomize=True)
@given(site=st.floats(60.0, 900.0), dose=st.sampled_from([10, 100]), seed=st.integers(0, 99))
def test_any_brightness_gives_its_phase(site, dose, seed):
    below = (site, 381.0)
    field = analyse(dumbbells(GAAS, below, dose, seed=seed), two_layers())
    difference, error = field.invariants.compare(1, 2)
    true = 4 * (phase_of(below) - phase_of(GAAS))
    assert (difference - true + 180) % 360 - 180 == pytest.approx(0.0, abs=max(2.5, 4 * error))


def test_phases_are_compared_modulo_a_turn():
    found = PhaseInvariants(np.array([3, 5]), np.array([[170.0], [-160.0]]), np.ones((2, 1)))
    assert found.compare(3, 5) == pytest.approx((30.0, np.sqrt(2)))
    assert np.isnan(found.compare(3, 4)).all()


def test_vectors_that_are_no_sums_have_no_invariants():
    assert whole_sums(np.array([[1, 0], [0, 1], [0.6, 0.5]])) is None
    pair, numbers = whole_sums(VECTORS)
    np.testing.assert_allclose(numbers @ VECTORS[list(pair)], VECTORS, atol=1e-12)


def test_the_map_says_where_and_why(caplog, tmp_path):
    import hyperspy.api as hs

    image = ht.Micrograph(dumbbells(GAAS, ALAS, 100))
    for axis in image.axes_manager.signal_axes:
        axis.scale, axis.units = 0.0141, "nm"
    spectrum = ht.SegmentedImage.from_labels(image, two_layers())
    strain = spectrum.find_peaks(show_progressbar=False).gpa(vectors=VECTORS / 0.0141)
    assert "reflections disagree" in caplog.text
    assert strain.history[-1]["outcome"]["reflections"] in caplog.text
    row = strain.interfaces[0]
    assert abs(row["phase"]) == pytest.approx(121, abs=4)
    assert 0 < row["error_phase"] < 3
    marked = strain.disagreement.data
    assert marked[int(MIDDLE), 180]
    assert not marked[40].any()
    assert "crossed: doubtful" in strain.plot().get_suptitle()
    strain.save(tmp_path / "strain.hspy")
    again = hs.load(tmp_path / "strain.hspy")
    np.testing.assert_array_equal(again.disagreement.data, marked)
    assert again.interfaces["phase"][0] == row["phase"]
    part = strain.isig[50:300, 100:280].disagreement.data
    np.testing.assert_array_equal(part, marked[100:280, 50:300])
