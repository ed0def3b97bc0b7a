from __future__ import annotations

import ase
import ase.build
import numpy as np
import pytest
from ase.neighborlist import neighbor_list
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.atoms import find_hydrogen


def slab(element, structure, lattice, **options):
    """Block of cells that is periodic along z."""
    bulk = ase.build.bulk(element, structure, a=lattice, cubic=True).repeat((4, 4, 3))
    bulk.pbc = (False, False, True)
    return bulk


@pytest.mark.parametrize(
    ("element", "structure", "lattice", "length"),
    [("Si", "diamond", 5.431, {14: 1.48}), ("Ge", "diamond", 5.658, {32: 1.525}),
     ("GaAs", "zincblende", 5.653, {31: 1.53, 33: 1.50})],
)  # fmt: skip
def test_every_missing_bond_gets_hydrogen_at_its_length(element, structure, lattice, length):
    atoms = slab(element, structure, lattice)
    bond = lattice * 3**0.5 / 4
    coordination = np.bincount(neighbor_list("i", atoms, bond + 0.1), minlength=len(atoms))
    hydrogen, parent, missing = find_hydrogen(atoms.positions, atoms.numbers, atoms.cell[2, 2])
    np.testing.assert_array_equal(np.bincount(parent, minlength=len(atoms)), 4 - coordination)
    assert missing == 0
    away = hydrogen - atoms.positions[parent]
    away[:, 2] -= atoms.cell[2, 2] * np.rint(away[:, 2] / atoms.cell[2, 2])
    expected = np.array([length[z] for z in atoms.numbers[parent]])
    np.testing.assert_allclose(np.linalg.norm(away, axis=1), expected, atol=0.005)
    whole = atoms + ase.Atoms("H" * len(hydrogen), hydrogen)
    whole.pbc = atoms.pbc
    first, second, distance = neighbor_list("ijd", whole, 1.9)
    both = (first >= len(atoms)) & (second >= len(atoms))
    assert distance[both].min(initial=9.0) > 1.1


def test_bonds_are_tetrahedral():
    """All angles at a silicon atom with two or three neighbours, and one with one, are 109.47."""
    directions = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3**0.5
    for count in (1, 2, 3):
        positions = np.concatenate([[[0, 0, 0]], 2.35 * directions[:count]])
        numbers = np.array([14] + [79] * count)  # gold gets no hydrogen
        hydrogen, parent, _ = find_hydrogen(positions, numbers, None)
        assert set(parent) == {0} and len(hydrogen) == 4 - count
        bonds = np.concatenate([directions[:count], hydrogen / 1.48])
        cosines = (bonds @ bonds.T)[~np.eye(4, dtype=bool)]
        np.testing.assert_allclose(cosines, -1 / 3, atol=1e-6)
    # Two and three are determined: they are the other corners of the tetrahedron.
    for count in (2, 3):
        positions = np.concatenate([[[0, 0, 0]], 2.35 * directions[:count]])
        hydrogen, _, _ = find_hydrogen(positions, np.array([14] + [79] * count), None)
        match = (hydrogen / 1.48) @ directions[count:].T
        np.testing.assert_allclose(match.max(axis=0), 1, atol=1e-6)


def test_disilane_is_staggered():
    positions = np.array([[0, 0, 0], [2.35, 0, 0], [-0.6, 1.4, 0.3]])
    hydrogen, parent, _ = find_hydrogen(positions, np.array([14, 14, 1]), None)
    own = hydrogen[parent == 1] - positions[1]
    cosine = own @ (positions[2] * [0, 1, 1]) / np.linalg.norm(own * [0, 1, 1], axis=1)
    assert cosine.min() == pytest.approx(-np.linalg.norm(positions[2][1:]), abs=0.02)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.booleans())
def test_vacancies_never_bring_hydrogen_too_close(seed, periodic):
    generator = np.random.default_rng(seed)
    atoms = slab("Si", "diamond", 5.431)
    keep = generator.random(len(atoms)) > 0.2
    positions = atoms.positions[keep] + generator.normal(0, 0.04, (keep.sum(), 3))
    period = atoms.cell[2, 2] if periodic else None
    hydrogen, parent, missing = find_hydrogen(positions, atoms.numbers[keep], period)
    whole = ase.Atoms("Si" * len(positions) + "H" * len(hydrogen),
                      np.concatenate([positions, hydrogen]), cell=atoms.cell,
                      pbc=(False, False, periodic))  # fmt: skip
    i, j, distance = neighbor_list("ijd", whole, 1.75)
    count = len(positions)
    assert not np.any((i >= count) & (j >= count) & (distance < 1.1))
    mixed = (i >= count) & (j < count) & (distance < 1.65)
    assert np.all(parent[i[mixed] - count] == j[mixed])
    assert missing >= 0


def test_full_crystals_and_metals_get_none():
    bulk = ase.build.bulk("Cu", cubic=True).repeat((3, 3, 3))
    hydrogen, parent, missing = find_hydrogen(bulk.positions, bulk.numbers, None)
    assert len(hydrogen) == len(parent) == missing == 0
    alone = find_hydrogen(np.zeros((1, 3)), np.array([14]), None)
    assert len(alone[0]) == 0 and alone[2] == 4
