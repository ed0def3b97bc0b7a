"""Claimed errors of the displacement against the scatter of measured ones."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import Analysis, find_displacement_errors, geometric_phase_analysis
from hyperspy_twin.strain.wave_weights import fit_one_lattice

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


def test_vectors_of_a_strain_analysis_are_those_of_one_lattice():
    rng = np.random.default_rng(0)
    basis = np.array([[1.3, 0.2], [-0.4, 2.1]])
    indices = np.array([[1, 0], [0, 1], [1, 1], [2, 0], [1, -1], [3, 1]])
    noisy = indices @ basis + rng.normal(scale=1e-4, size=(6, 2))
    amplitudes = np.array([4.0, 3.0, 5.0, 1.0, 2.0, 0.5])
    found = fit_one_lattice(noisy, amplitudes)
    rest = found @ np.linalg.inv(found[:2])
    np.testing.assert_allclose(rest, indices, atol=1e-9)
    assert np.abs(found - indices @ basis).max() < 4e-4
    # Centred: no two of them make up all others as whole multiples.
    centred = np.array([[2, 0], [0, 2], [1, 1], [3, 1]]) @ basis
    np.testing.assert_allclose(fit_one_lattice(centred, amplitudes[:4]), centred, atol=1e-12)


def test_vectors_of_two_lattices_stay_as_they_are():
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [1.03, 0.0], [0.5, 0.37]])
    assert fit_one_lattice(vectors, np.ones(4)) is vectors
    assert fit_one_lattice(vectors[:2], np.ones(2)) is not None
