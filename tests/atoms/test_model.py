"""The model of two layers on one registered lattice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hyperspy_twin.atoms import build_model
from hyperspy_twin.core import Grid, RegisteredLattice, trace

A = 5.6  # Angstrom
GRID = Grid((260, 240), (0.04, 0.04), (1.0, -2.0))


@pytest.fixture(scope="module")
def layers(crystals):
    """Two layers of one lattice, the lower one longer by 2 % along y."""
    edge = GRID.y[130]
    y = np.broadcast_to(GRID.y[:, None], GRID.shape)
    u = np.stack([np.zeros(GRID.shape), np.where(y > edge, (y - edge) * 0.02 / 1.02, 0.0)])
    labels = np.where(y > edge, 2, 1).astype(np.int32)
    symbols = {1: ("Ga",) * 4 + ("As",) * 4, 2: ("In",) * 4 + ("Sb",) * 4}
    lattices = [
        RegisteredLattice(
            region=label,
            crystal=replace(crystals["zincblende"], name=f"phase {label}", symbols=symbols[label]),
            base=np.eye(3) * A,
            zone_axis=(0, 0, 1),
            origin=(1.07, -1.88),
            merit=1.0,
            displaced=True,
        )
        for label in (1, 2)
    ]
    return lattices, trace(labels, GRID), u


def test_model_has_the_spacing_and_elements_of_each_layer(layers):
    lattices, outlines, u = layers
    atoms = build_model(lattices, outlines, displacement=u, grid=GRID, thickness=1.1, seed=0)
    assert atoms.thickness == pytest.approx(2 * A)
    assert set(atoms.numbers[atoms.region == 1]) == {31, 33}
    assert set(atoms.numbers[atoms.region == 2]) == {49, 51}
    for label, spacing in ((1, A / 4), (2, 1.02 * A / 4)):
        rows = np.unique(np.round(atoms.positions[atoms.region == label, 1], 3))
        np.testing.assert_allclose(np.diff(rows)[1:-1], spacing, atol=0.01)


def test_model_needs_a_lattice_and_a_thickness(layers):
    lattices, outlines, u = layers
    known = {"displacement": u, "grid": GRID, "seed": 0}
    with pytest.raises(ValueError, match="no region has a registered lattice"):
        build_model([], outlines, thickness=1.0, **known)
    with pytest.raises(ValueError, match="thickness must be"):
        build_model(lattices, outlines, thickness=0.0, **known)
