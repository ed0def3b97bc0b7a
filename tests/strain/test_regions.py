"""Strain up to the interface when the regions are known."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import geometric_phase_analysis
from hyperspy_twin.strain.lattice_waves import measure_lattice_waves
from hyperspy_twin.strain.pieces import find_pieces

GRID = Grid((300, 360), (0.04, 0.04))
VECTORS = np.array([[2.5, 0.1], [-0.1, 2.5]])


def step(misfit, edge=180):
    """Unstrained lattice left of a column, and coherently strained lattice right of it."""
    y, x = np.mgrid[: GRID.shape[0], : GRID.shape[1]] * 0.04
    across = np.maximum(x - edge * 0.04 + 0.02, 0.0)
    u = misfit / (1 + misfit) * across
    image = sum(np.cos(2 * np.pi * (g[0] * (x - u) + g[1] * y)) for g in VECTORS)
    labels = np.where(np.arange(GRID.shape[1]) < edge, 1, 2) * np.ones(GRID.shape, int)
    reference = np.zeros(GRID.shape, bool)
    reference[40:-40, 40 : edge - 40] = True
    return image, labels, reference, u


@pytest.mark.parametrize("misfit", [0.02, 0.1])
def test_interface_stays_sharp(misfit):
    image, labels, reference, u = step(misfit)
    truth = np.where(labels == 2, misfit, 0.0)
    inner = (slice(60, -60), slice(60, -60))
    rms = {}
    for name, given in (("plain", None), ("regions", labels)):
        result = geometric_phase_analysis(
            image, GRID, VECTORS, resolution=0.6, reference=reference, labels=given
        )
        rms[name] = np.sqrt(((result.e_xx - truth)[inner] ** 2).mean())
        assert np.isfinite(result.e_xx).all()
    assert rms["regions"] < 0.25 * rms["plain"]
    assert rms["regions"] < 1e-3
    assert np.abs((result.u_x - u)[inner]).max() < 5e-3


def test_unassigned_and_tiny_regions_give_nan():
    image, labels, reference, _ = step(0.02)
    labels[:, 300:] = 0
    labels[100:104, 100:104] = 7
    result = geometric_phase_analysis(
        image, GRID, VECTORS, resolution=0.5, reference=reference, labels=labels
    )
    for field in (result.e_xx, result.u_x, result.sigma):
        assert np.isnan(field[:, 300:]).all()
        assert np.isnan(field[100:104, 100:104]).all()
        assert np.isfinite(field[:, 180:300]).all()


def test_two_pieces_of_one_region_are_joined():
    y, x = np.mgrid[: GRID.shape[0], : GRID.shape[1]] * 0.04
    image = sum(np.cos(2 * np.pi * (g[0] * x + g[1] * y)) for g in VECTORS)
    labels = np.ones(GRID.shape, int)
    labels[:, 150:210] = 2
    reference = np.zeros(GRID.shape, bool)
    reference[60:-60, 40:110] = True
    result = geometric_phase_analysis(
        image, GRID, VECTORS, resolution=0.4, reference=reference, labels=labels
    )
    assert np.abs(result.u_x[40:-40, 40:-40]).max() < 0.02
    assert np.abs(result.u_y[40:-40, 40:-40]).max() < 0.02


@pytest.mark.parametrize(("rows", "shown"), [(22, False), (60, True)])
def test_a_strip_of_two_atomic_rows_gives_no_strain(rows, shown):
    """Its windows do not keep the lattice planes along it apart from the others."""
    y, x = np.mgrid[: GRID.shape[0], : GRID.shape[1]] * 0.04
    image = sum(np.cos(2 * np.pi * (g[0] * x + g[1] * y)) for g in VECTORS)
    image += 0.5 * np.cos(2 * np.pi * 2.5 * (x + y))
    labels = np.where(np.arange(GRID.shape[0]) < rows, 2, 1)[:, None] * np.ones(GRID.shape, int)
    reference = np.zeros(GRID.shape, bool)
    reference[120:-40, 40:-40] = True
    result = geometric_phase_analysis(
        image,
        GRID,
        VECTORS,
        resolution=0.6,
        reference=reference,
        labels=labels,
        others=np.array([[*VECTORS.sum(axis=0), 0.5]]),
    )
    assert np.isfinite(result.e_xx[rows:]).all()
    strip = result.e_yy[:rows]
    assert np.isfinite(strip).all() == shown
    if shown:
        assert np.abs(strip).max() < 3e-3
    else:
        assert np.isnan(strip).all()


def test_transmission_and_width_of_a_cut_window():
    """Far from the outline a window lets through what its Gaussian does; at it, more."""
    piece = find_pieces(np.ones(GRID.shape, int), GRID, 0.4)[0]
    image = np.random.default_rng(0).normal(size=GRID.shape)
    waves = measure_lattice_waves(image, piece, GRID.scale, VECTORS, 0.4)
    weights = waves.coarse.spectrum_of_rows(waves.weights)
    passed = waves.window.transmission(weights, np.array([0.9, 0.4]))
    middle = tuple(size // 2 for size in passed.shape)
    assert passed[middle] == pytest.approx(np.exp(-2 * np.pi**2 * 0.4**2 * 0.97), rel=1e-3)
    assert waves.window.width[middle] == pytest.approx(0.4, rel=1e-3)
    assert waves.window.width[middle[0], 0] < 0.25
    assert passed[middle[0], 0] > 2 * passed[middle]
