"""Claimed errors of the displacement against the scatter of measured ones."""

from __future__ import annotations

import numpy as np
import pytest

import hyperspy_twin as ht
from hyperspy_twin.core import Grid
from hyperspy_twin.strain import (
    Analysis,
    describe_vectors,
    find_displacement_errors,
    geometric_phase_analysis,
)
from hyperspy_twin.strain.lattice_waves import measure_lattice_waves
from hyperspy_twin.strain.noise import frequency_errors, measure_noise
from hyperspy_twin.strain.pieces import find_pieces
from hyperspy_twin.strain.wave_weights import are_one_lattice, fit_one_lattice

PERIOD, SHAPE = 8.0, (200, 160)
RESOLUTION = 1.25 * PERIOD
GRID = Grid(SHAPE, (1.0, 1.0))
BEAMS = np.array([[1, 0], [0, 1], [1, 1], [1, -1]]) / PERIOD
LABELS = np.where(np.arange(SHAPE[0]) < 100, 1, 2)[:, None] * np.ones((1, SHAPE[1]), int)


def measure(seed, *, jitter=0.0, noise=0.5):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    shift = jitter * rng.normal(size=(SHAPE[0], 1))
    image = sum(np.cos(2 * np.pi * (g[0] * (x + shift) + g[1] * y)) for g in BEAMS)
    return geometric_phase_analysis(
        image + rng.normal(scale=noise, size=SHAPE),
        GRID,
        BEAMS,
        resolution=RESOLUTION,
        reference=LABELS == 1,
        labels=LABELS,
    )


def position_errors(field):
    """Errors of the sites n of the lattice: R + u with the measured lattice, less where they are.

    Errors of the lattice, which grow with the distance from the reference, cancel with those of u.
    """
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    true = np.stack([x, y])
    cell = np.linalg.inv(field.vectors[:2]) @ BEAMS[:2]
    found = np.einsum("ij,j...->i...", cell, true) - true + field.displacement
    return found - found[:, LABELS == 1].mean(axis=1)[:, None, None]


@pytest.fixture(scope="module")
def white():
    fields = [measure(seed) for seed in range(24)]
    claimed = [
        find_displacement_errors(Analysis(LABELS, GRID, RESOLUTION, one.vectors, 1, one.noise))
        for one in fields
    ]
    return np.array([position_errors(one) for one in fields]), np.array(claimed)


M = int(2.5 * RESOLUTION)
PLACES = {
    "interior": (slice(M, 100 - M), slice(M, -M)),
    "other region": (slice(100 + M, -M), slice(M, -M)),
    "interface": (slice(98, 102), slice(M, -M)),
    "left edge": (slice(M, -M), slice(0, 3)),
    "a resolution from the interface": (slice(109, 112), slice(M, -M)),
}


@pytest.mark.parametrize("place", PLACES)
def test_chi_square_of_white_noise(white, place):
    error, claimed = (one[(slice(None), slice(None), *PLACES[place])] for one in white)
    assert np.mean((error / claimed) ** 2) == pytest.approx(1, abs=0.3)


def test_errors_grow_at_outlines_as_the_windows_are_cut(white):
    _, claimed = white
    middle = claimed[0, 0, 50, 80]
    # Of a sharp outline 2.5, see the formula; weights fall to zero over some pixels.
    assert 2.4 < claimed[0, 0, 50, 0] / middle < 3.3
    assert claimed[0, 0, 0, 0] > 1.5 * claimed[0, 0, 50, 0]


def test_jitter_of_lines_is_claimed():
    fields = [measure(seed, jitter=0.15, noise=0.1) for seed in range(10)]
    inner = PLACES["interior"]
    true = np.sqrt(np.mean([one.u_x[inner] ** 2 for one in fields]))
    claimed = [
        find_displacement_errors(Analysis(LABELS, GRID, RESOLUTION, one.vectors, 1, one.noise))
        for one in fields
    ]
    stated = np.sqrt(np.mean([one[0][inner] ** 2 for one in claimed]))
    assert stated == pytest.approx(true, rel=0.35)
    assert np.mean([one[0][inner] for one in claimed]) > 5 * np.mean(
        [one[1][inner] for one in claimed]
    )


def test_unknown_noise_is_unknown_error(white):
    field = measure(0)
    none = type(field.noise)(np.zeros(0, int), np.zeros((0, 2, 2)), np.zeros((0, 2, 2)))
    found = find_displacement_errors(Analysis(LABELS, GRID, RESOLUTION, field.vectors, 1, none))
    assert np.isnan(found).all()


def lattice_with_errors(deviation):
    """Vectors of one lattice, their indices, and the vectors with errors of such a deviation."""
    basis = np.array([[1.3, 0.2], [-0.4, 2.1]])
    indices = np.array([[1, 0], [0, 1], [1, 1], [2, 0], [1, -1], [3, 1]])
    noise = np.random.default_rng(0).normal(scale=deviation, size=(6, 2))
    return indices @ basis, indices, indices @ basis + noise


# With errors of 0.02 the indices differ by more than 0.01 from whole numbers.
@pytest.mark.parametrize("deviation", [1e-4, 0.02])
def test_vectors_of_a_strain_analysis_are_those_of_one_lattice(deviation):
    true, indices, noisy = lattice_with_errors(deviation)
    amplitudes = np.array([4.0, 3.0, 5.0, 1.0, 2.0, 0.5])
    found = fit_one_lattice(noisy, amplitudes, np.full((6, 2), deviation))
    rest = found @ np.linalg.inv(found[:2])
    np.testing.assert_allclose(rest, indices, atol=1e-9)
    assert np.abs(found - true).max() < 4 * deviation
    assert are_one_lattice(found)


def test_vectors_without_a_lattice_in_the_middle_of_its_cell():
    """Centred: no two of them make up all others as whole multiples."""
    true, _, _ = lattice_with_errors(0.0)
    basis = true[:2]
    centred = np.array([[2, 0], [0, 2], [1, 1], [3, 1]]) @ basis
    found = fit_one_lattice(centred, np.array([4.0, 3.0, 5.0, 1.0]), np.zeros((4, 2)))
    np.testing.assert_allclose(found, centred, atol=1e-12)


def test_vectors_of_two_lattices_stay_as_they_are():
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [1.03, 0.0], [0.5, 0.37]])
    for error in (0.0, 1e-3):
        assert fit_one_lattice(vectors, np.ones(4), np.full((4, 2), error)) is vectors
    assert not are_one_lattice(vectors)
    assert "not those of one lattice" in describe_vectors(vectors)
    assert describe_vectors(vectors[:2]) is None


def test_the_map_says_that_its_vectors_are_not_those_of_one_lattice(caplog):
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [0.87, 0.62]]) / PERIOD
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    image = 10 + sum(np.cos(2 * np.pi * (g[0] * x + g[1] * y)) for g in vectors)
    noisy = image + np.random.default_rng(0).normal(scale=0.5, size=SHAPE)
    micrograph = ht.Micrograph(noisy.astype(np.float32))
    for axis in micrograph.axes_manager.signal_axes:
        axis.scale, axis.units = 1.0, "nm"
    labelled = ht.SegmentedImage.from_labels(micrograph, np.ones(SHAPE, int))
    spectrum = labelled.find_peaks(show_progressbar=False)
    for chosen, doubtful in ((vectors[:2], False), (vectors, True)):
        strain = spectrum.gpa(vectors=chosen, show_progressbar=False)
        assert ("vectors" in (strain.history[-1].get("outcome") or {})) == doubtful
        assert ("not those of one lattice" in caplog.text) == doubtful


@pytest.mark.parametrize("rows", [40, 100])
def test_errors_of_the_vectors_of_the_reference(rows):
    """No less than they are, and not much more, as that lets vectors of another lattice pass."""
    labels = np.where(np.arange(SHAPE[0]) < rows, 1, 0)[:, None] * np.ones((1, SHAPE[1]), int)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    lattice = sum(np.cos(2 * np.pi * (g[0] * x + g[1] * y)) for g in BEAMS)
    found, claimed = [], []
    for seed in range(12):
        image = lattice + np.random.default_rng(seed).normal(scale=0.5, size=SHAPE)
        (piece,) = find_pieces(labels, GRID, RESOLUTION)
        region = measure_lattice_waves(image, piece, GRID.scale, BEAMS, RESOLUTION)
        weights = region.coarse.node_weights(piece.mask) * region.window.mass**2
        total = [np.sum(one.frequency * weights, axis=(1, 2)) for one in region.waves]
        found.append(total / weights.sum() - BEAMS)
        claimed.append(frequency_errors([region], [weights], measure_noise([region])))
    ratio = np.sqrt(np.mean(np.square(found), (0, 1)) / np.mean(np.square(claimed), (0, 1)))
    assert (0.15 < ratio).all() and (ratio < 0.8).all()
