"""Strain up to the interface when the regions are known."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import geometric_phase_analysis

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
