"""Bonds of tetrahedral crystals in four slots."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from hyperspy_twin.properties import find_tetrahedral_bonds
from hyperspy_twin.properties.tetrahedral import slots, spatial_order

BOND = 5.431 * np.sqrt(3) / 4


def find(atoms, lengths=((BOND,),), species=None):
    species = np.zeros(len(atoms), int) if species is None else species
    return find_tetrahedral_bonds(
        atoms.positions,
        atoms.cell.array,
        atoms.pbc,
        species=species,
        lengths=np.array(lengths),
        names=("Si", "Ge", "H"),
    )


def crystal(times=3):
    return bulk("Si", "diamond", a=5.431, cubic=True).repeat(times)


@pytest.mark.parametrize("atoms", [crystal(), bulk("Si", "diamond", a=5.431)])
def test_each_atom_has_four_bonds_that_lead_back(atoms):
    atoms.rattle(0.05, seed=1)
    bonds = find(atoms)
    assert (bonds.count == 4).all()
    assert not bonds.crowded.any()
    there = bonds.vectors(atoms.positions)
    i, slot = np.indices(bonds.index.shape)
    back = there[bonds.index, bonds.reverse]
    np.testing.assert_allclose(back, -there[i, slot], atol=1e-12)
    np.testing.assert_array_equal(bonds.index[bonds.index, bonds.reverse], i)
    assert bonds.repeated.all() == (len(atoms) == 2)


def test_atoms_in_another_order_have_the_same_bonds():
    atoms = crystal(2)
    atoms.pbc = (True, False, True)
    bonds = find(atoms)
    order = np.random.default_rng(2).permutation(len(atoms))
    moved = bonds.in_order(order)
    there = moved.vectors(atoms.positions[order])
    np.testing.assert_allclose(there, bonds.vectors(atoms.positions)[order], atol=1e-12)
    present = moved.index >= 0
    np.testing.assert_array_equal(order[moved.index[present]], bonds.index[order][present])


def test_order_along_a_curve_keeps_neighbours_together():
    atoms = crystal((6, 6, 6))
    atoms = atoms[np.random.default_rng(0).permutation(len(atoms))]
    order = spatial_order(atoms.positions)
    assert np.array_equal(np.sort(order), np.arange(len(atoms)))
    bonds = find(atoms).in_order(order)
    apart = np.abs(bonds.index - np.arange(len(atoms))[:, None])
    assert np.median(apart) < 20


def test_surface_lacks_bonds():
    atoms = crystal(2)
    atoms.pbc = (True, True, False)
    bonds = find(atoms)
    lowest = atoms.positions[:, 2] < 0.1
    assert (bonds.count[lowest] == 2).all()
    assert (bonds.index[lowest, 2:] == -1).all()
    assert (bonds.vectors(atoms.positions)[lowest, 2:] == 0).all()
    assert bonds.count.sum() == 4 * len(atoms) - 4 * lowest.sum()


def test_crowded_atom_keeps_the_four_shortest_bonds():
    atoms = crystal(2)
    extra = atoms.positions[0] + np.array([-1.0, -1.0, -1.0]) * 0.62 * BOND / np.sqrt(3) * 1.7
    bonds = find(atoms + Atoms("Si", [extra]))
    assert bonds.crowded[0]
    assert bonds.count.max() == 4
    assert (bonds.reverse[bonds.index >= 0] >= 0).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_kernels_as_python(threads, monkeypatch):
    atoms = crystal(2)
    atoms.rattle(0.05, seed=3)
    expected = find(atoms)
    for name in ("choose_shortest", "link_slots", "find_reverse", "write_vectors"):
        monkeypatch.setattr(
            f"hyperspy_twin.properties.tetrahedral.tetrahedral_bonds.{name}",
            getattr(slots, name).py_func,
        )
    monkeypatch.setattr("numba.get_num_threads", lambda: threads)
    found = find(atoms)
    for name in ("index", "reverse", "shift", "crowded"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    np.testing.assert_allclose(
        found.vectors(atoms.positions), expected.vectors(atoms.positions), atol=1e-13
    )


def test_wrong_input_is_named():
    atoms = crystal(2)
    overlapping = atoms + Atoms("Si", [atoms.positions[5] + 0.5])
    with pytest.raises(ValueError, match="atoms 5 and 64 .Si-Si. at 0.87 Å overlap"):
        find(overlapping)
    alone = atoms.copy()
    alone.pbc = False
    alone += Atoms("Si", [(30.0, 0, 0)])
    with pytest.raises(ValueError, match="atom 64 .Si. .* has no bonds"):
        find(alone)
    species = np.arange(len(atoms)) % 3 == 1
    with pytest.raises(ValueError, match="Si-Ge. .* no parameters"):
        find(atoms, [[BOND, np.nan], [np.nan, np.nan]], species)
    thin = Atoms("Si2", [(0, 0, 0), (0, 0, 2.0)], cell=(2.4, 20, 20), pbc=(True, False, False))
    with pytest.raises(ValueError, match="too thin"):
        find(thin)
    atoms.positions[3, 1] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        find(atoms)
