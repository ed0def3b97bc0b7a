"""Bonds and coordination of crystals whose chemistry is known."""

from __future__ import annotations

import numpy as np
import pytest
from ase.data import atomic_numbers

from hyperspy_twin.atoms import find_bonds, longest_bonds, measure_bonds
from hyperspy_twin.core import Crystal, RegisteredLattice
from hyperspy_twin.crystals.structures import catalogue
from hyperspy_twin.registration import find_repeat_cell

# Textbook coordination numbers by element. Atoms of body-centred crystals count their 8 nearest and
# the 6 that are 15 % farther away.
KNOWN = {
    "diamond": {"Si": 4},
    "fcc": {"Au": 12},
    "bcc": {"Fe": 14},
    "zincblende": {"In": 4, "P": 4},
    "rocksalt": {"Mg": 6, "O": 6},
    "hexagonal": {"Mg": 12},
}


def lattice_of(crystal, zone_axis=(0, 0, 1)):
    return RegisteredLattice(1, crystal, crystal.base, zone_axis, (0.0, 0.0), 1.0, True)


def atoms_of(crystal, repeats=2):
    """Positions, numbers and box of a block that repeats in all directions."""
    grid = np.array(np.meshgrid(*[range(repeats)] * 3)).reshape(3, -1).T
    inside = (np.array(crystal.fractional)[None] + grid[:, None]).reshape(-1, 3)
    return inside @ crystal.base, np.tile(crystal.numbers, len(grid)), repeats * crystal.base


def coordination(crystal, longest):
    positions, numbers, box = atoms_of(crystal)
    count = find_bonds(positions, numbers, box, (True,) * 3, longest).count
    return {
        symbol: set(count[numbers == atomic_numbers[symbol]].tolist())
        for symbol in crystal.elements
    }


@pytest.mark.parametrize("name", KNOWN)
def test_coordination_of_simple_crystals(crystals, name):
    crystal = crystals[name]
    found = coordination(crystal, longest_bonds([lattice_of(crystal)]))
    assert found == {symbol: {number} for symbol, number in KNOWN[name].items()}


@pytest.fixture(scope="module")
def perovskite():
    return Crystal(
        "SrTiO3",
        (3.905,) * 3 + (90,) * 3,
        ("Sr", "Ti", "O", "O", "O"),
        [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
        (1.0,) * 5,
    )


def test_ions_of_a_perovskite_are_bonded_to_oxygen_only(perovskite):
    longest = longest_bonds([lattice_of(perovskite)])
    assert coordination(perovskite, longest) == {"Sr": {12}, "Ti": {6}, "O": {6}}
    assert longest[22, 8] == pytest.approx(1.2 * 3.905 / 2)
    assert longest[38, 22] == longest[8, 8] == 0


def test_distorted_perovskite_has_the_same_bonds():
    """Tetragonal lead titanate: titanium is 0.3 Å off the centre of its octahedron."""
    crystal = Crystal(
        "PbTiO3",
        (3.904, 3.904, 4.152, 90, 90, 90),
        ("Pb", "Ti", "O", "O", "O"),
        [[0, 0, 0], [0.5, 0.5, 0.539], [0.5, 0.5, 0.114], [0.5, 0, 0.617], [0, 0.5, 0.617]],
        (1.0,) * 5,
    )
    found = coordination(crystal, longest_bonds([lattice_of(crystal)]))
    assert found["Ti"] == {6} and found["Pb"] == {12}


def test_every_bundled_crystal_has_bonds():
    """Each atom has some, none more than lanthanum in LaB6, and a strain of 5 % breaks none."""
    for crystal in map(catalogue.get, catalogue.names()):
        cell = find_repeat_cell(crystal, crystal.base, (0, 0, 1))
        longest = longest_bonds([lattice_of(crystal)])
        positions = cell.sites.fractional @ cell.base
        numbers = cell.sites.numbers[:, 0]
        count, stretched = (
            find_bonds(positions @ F, numbers, cell.base @ F, (True,) * 3, longest).count
            for F in (np.eye(3), np.diag([1.05, 0.97, 1.0]))
        )
        assert count.min() > 0 and count.max() <= 24, crystal.name
        np.testing.assert_array_equal(stretched, count, err_msg=crystal.name)


def test_elements_of_different_crystals_are_bonded_at_their_interface(crystals):
    """Across the interface of InP and Si the bonds are those of either on average."""
    longest = longest_bonds([lattice_of(crystals["zincblende"]), lattice_of(crystals["diamond"])])
    mean = 0.6 * (5.869 + 5.431) * np.sqrt(3) / 4
    assert longest[14, 15] == longest[49, 14] == pytest.approx(mean)
    assert longest[49, 49] == 0
    assert longest[14, 1] == pytest.approx(1.2 * (1.11 + 0.31))


def test_lengths_of_bonds_are_measured(crystals):
    """Each bond once; the spread of a known strain along x."""
    crystal = crystals["zincblende"]
    positions, numbers, box = atoms_of(crystal, 3)
    longest = longest_bonds([lattice_of(crystal)])
    strained = np.diag([1.04, 1.0, 1.0])
    found = measure_bonds(
        find_bonds(positions @ strained, numbers, box @ strained, (True,) * 3, longest),
        positions @ strained,
        numbers,
    )
    length = 5.869 / 4 * np.sqrt(1.04**2 + 2)
    assert found["bond"].tolist() == ["In-P"]
    assert found["count"].tolist() == [2 * len(numbers)]
    np.testing.assert_allclose(
        [found["mean"][0], found["shortest"][0], found["longest"][0]], length
    )
    assert found["sd"][0] < 1e-6
    mixed = np.where(np.arange(len(numbers)) % 3, numbers, 14)
    lengths = measure_bonds(find_bonds(positions, mixed, box, (True,) * 3, 2.8), positions, mixed)
    assert lengths["count"].sum() == 2 * len(numbers)
    assert set(lengths["bond"]) == {"In-P", "In-Si", "P-Si", "Si-Si"}


def test_elements_without_bonds_are_told(perovskite):
    positions, numbers, box = atoms_of(perovskite)
    with pytest.raises(ValueError, match="give a cutoff"):
        find_bonds(
            positions[numbers == 38],
            numbers[numbers == 38],
            box,
            (True,) * 3,
            longest_bonds([lattice_of(perovskite)]),
        )
