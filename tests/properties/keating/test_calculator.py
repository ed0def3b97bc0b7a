"""The calculator of ASE: its results, and when it looks for bonds again."""

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS

from hyperspy_twin.properties import KeatingCalculator, bond_atoms


def alloy(seed=0):
    atoms = bulk("Si", "diamond", a=5.55, cubic=True).repeat(2)
    atoms.symbols = np.random.default_rng(seed).choice(["Si", "Ge"], len(atoms))
    atoms.rattle(0.05, seed=seed)
    atoms.calc = KeatingCalculator()
    return atoms


def test_results_are_those_of_the_differences_of_ase():
    atoms = alloy()
    some = [3, 40]
    found = calculate_numerical_forces(atoms, eps=1e-4, iatoms=some)
    np.testing.assert_allclose(atoms.get_forces()[some], found, atol=1e-6)
    np.testing.assert_allclose(
        atoms.get_stress(), calculate_numerical_stress(atoms, eps=1e-5), atol=1e-8
    )
    assert atoms.get_potential_energies().sum() == pytest.approx(atoms.get_potential_energy())
    np.testing.assert_allclose(atoms.get_stresses().sum(axis=0), atoms.get_stress())


def test_bonds_are_found_again_only_when_they_are_others(monkeypatch):
    atoms, calls = alloy(), []

    def counted(*arguments):
        calls.append(arguments)
        return bond_atoms(*arguments)

    monkeypatch.setattr("hyperspy_twin.properties.keating.calculator.bond_atoms", counted)
    energy = atoms.get_potential_energy()
    atoms.rattle(0.01, seed=2)
    moved = atoms.get_potential_energy()
    atoms.set_cell(1.001 * atoms.cell.array, scale_atoms=True)
    atoms.get_potential_energy()
    assert moved != energy
    assert len(calls) == 1
    atoms.set_cell(atoms.cell.array / 1.001, scale_atoms=True)
    atoms.positions += 2.0
    atoms.wrap()  # bonds lead to other images now
    assert atoms.get_potential_energy() == pytest.approx(moved, rel=1e-9)
    assert len(calls) == 2
    atoms.symbols[0] = "Ge" if atoms.symbols[0] == "Si" else "Si"
    assert atoms.get_potential_energy() != pytest.approx(moved, rel=1e-6)
    assert len(calls) == 3
    del atoms[0]
    atoms.get_potential_energy()
    assert len(calls) == 4


def test_optimisers_of_ase_find_the_crystal():
    atoms = bulk("Ge", "diamond", a=5.5)
    atoms.rattle(0.02, seed=1)
    atoms.calc = KeatingCalculator()
    BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-6, steps=200)
    assert atoms.get_volume() == pytest.approx(5.658**3 / 4, rel=1e-6)


def test_stress_of_a_piece_in_vacuum():
    atoms = alloy()
    atoms.pbc, atoms.cell = False, None
    atoms.calc.reset()
    assert np.isfinite(atoms.get_forces()).all()
    with pytest.raises(PropertyNotImplementedError, match="three vectors"):
        atoms.get_stress()


def test_pressure_of_a_strained_crystal():
    strain = 1e-4
    atoms = bulk("Si", "diamond", a=5.431 * (1 + strain))
    atoms.calc = KeatingCalculator()
    modulus = (165.586 + 2 * 63.874) / 3 * units.GPa
    expected = [3 * modulus * strain] * 3 + [0] * 3
    np.testing.assert_allclose(atoms.get_stress(), expected, rtol=1e-3, atol=1e-12)
