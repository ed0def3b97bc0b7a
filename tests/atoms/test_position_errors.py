"""Errors of atoms against Monte-Carlo of what they are computed from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hyperspy_twin.atoms.position_errors import column_errors
from hyperspy_twin.core import Grid, OrientedCrystal, RegisteredLattice
from hyperspy_twin.registration.origin import find_origin_error
from hyperspy_twin.registration.virtual_cell import (
    find_cell_error,
    fit_virtual_cell,
    reciprocal_vectors,
)

HKL = np.array([[2, 0, 0], [0, 2, 0], [2, 2, 0], [2, -2, 0], [4, 0, 0]])


def test_cell_error_is_the_scatter_of_fitted_lattices(crystals):
    """Points carried by the lattices of noisy peaks scatter by what is claimed."""
    crystal = crystals["rocksalt"]
    oriented = OrientedCrystal(crystal, (0, 0, 1), np.eye(3))
    g = reciprocal_vectors(crystal.base, HKL)
    error = np.array([[2, 1], [1, 2], [3, 3], [2, 4], [5, 2]]) * 1e-3
    weights = 1 / error.prod(axis=1)
    generator = np.random.default_rng(0)
    points = np.array([[3.0, 0.0], [0.0, 4.0], [-5.0, 2.0]])
    indices = points @ np.linalg.inv(crystal.base[:2, :2])
    moved = []
    for _ in range(600):
        noisy = g + error * generator.normal(size=g.shape)
        base = fit_virtual_cell(oriented, HKL, noisy, weights=weights)
        moved.append(indices @ base[:2, :2] - points)
    claimed = np.sqrt(points**2 @ find_cell_error(g, error, weights=weights).T ** 2)
    np.testing.assert_allclose(np.std(moved, axis=0), claimed, rtol=0.1)


def test_origin_error_is_the_scatter_of_phases():
    g, snr = np.array([[2.0, 0.5], [-0.3, 3.0], [4.0, 0.0]]), np.array([100.0, 400.0, 50.0])
    generator = np.random.default_rng(1)
    noise = generator.normal(size=(4000, 3)) / np.sqrt(2 * snr)
    weighted = g * snr[:, None]
    found = noise @ (weighted @ np.linalg.inv(weighted.T @ g)) / (2 * np.pi)
    np.testing.assert_allclose(found.std(axis=0), find_origin_error(g, snr), rtol=0.05)
    assert np.isnan(find_origin_error(g, snr * np.nan)).all()


def test_displaced_columns_have_the_error_of_the_displacement(crystals):
    grid = Grid((20, 30), (0.1, 0.1))
    sigma = np.random.default_rng(0).random((2, 20, 30)).astype(np.float32)
    sigma[:, 5, 7] = np.nan
    lattice = RegisteredLattice(
        region=1,
        crystal=crystals["diamond"],
        base=crystals["diamond"].base,
        zone_axis=(0, 0, 1),
        origin=(1.0, 1.0),
        merit=1.0,
        displaced=True,
        origin_error=(0.3, 0.4),
        cell_error=np.array([[0.01, 0.02], [0.03, 0.04]]),
    )
    points = np.array([[0.71, 0.52], [2.0, 1.2]])
    found = column_errors(lattice, points, sigma, grid)
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1], sigma[:, 12, 20])
    own = column_errors(replace(lattice, displaced=False), points, sigma, grid)
    away = points[1] - 1.0
    expected = [
        np.hypot(0.3, np.hypot(0.01 * away[0], 0.02 * away[1])),
        np.hypot(0.4, np.hypot(0.03 * away[0], 0.04 * away[1])),
    ]
    assert own[1] == pytest.approx(expected, rel=1e-5)
