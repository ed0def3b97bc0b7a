"""Forces, relaxation and elastic constants as verbs of a model."""

import logging

import hyperspy.api as hs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.lj import LennardJones

from hyperspy_twin import AtomicModel
from hyperspy_twin.properties import KeatingCalculator


def alloy(times=2, seed=0):
    """Periodic alloy with some atoms off their sites, in two regions."""
    atoms = bulk("Si", "diamond", a=5.59, cubic=True).repeat(times)
    atoms.symbols = np.random.default_rng(seed).choice(["Si", "Ge"], len(atoms), p=[0.3, 0.7])
    atoms.rattle(0.03, seed=seed)
    atoms.set_array("region", (atoms.positions[:, 1] > 5.5).astype(int) + 1)
    return atoms


@pytest.fixture(scope="module")
def model():
    return AtomicModel.from_ase(alloy())


def test_forces_are_those_of_the_calculator(model):
    found = model.forces()
    atoms = model.to_ase()
    atoms.calc = KeatingCalculator()
    np.testing.assert_allclose(found.force, atoms.get_forces(), atol=1e-12)
    np.testing.assert_allclose(found.energy, atoms.get_potential_energies(), atol=1e-12)
    assert found._box.units[-4:] == ("eV/Å",) * 3 + ("eV",)
    assert found.history[-1]["outcome"]["energy"] == pytest.approx(atoms.get_potential_energy())
    np.testing.assert_array_equal(found.positions, model.positions)
    # Known before the step they are not.
    with pytest.raises(ValueError, match=r"no force: call forces\(\)"):
        _ = model.force
    with pytest.raises(ValueError, match=r"no displacement: call relax\(\)"):
        _ = model.displacement


def test_results_survive_files_and_slices(model, tmp_path):
    found = model.relax(show_progressbar=False)
    found.save(tmp_path / "relaxed.hspy")
    loaded = hs.load(tmp_path / "relaxed.hspy")
    for name in ("force", "energy", "displacement", "positions"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(found, name))
        np.testing.assert_array_equal(getattr(found.inav[3:9], name), getattr(found, name)[3:9])
    part = found.select(region=1)
    np.testing.assert_array_equal(part.force, found.force[found.region == 1])
    back = AtomicModel.from_ase(found.to_ase())
    np.testing.assert_array_equal(back.force, found.force)
    # Written over, not added once more.
    again = found.forces()
    assert again._box.columns == found._box.columns
    np.testing.assert_allclose(again.force, found.force, atol=1e-12)


def test_relaxed_model_keeps_the_measured_positions(model):
    found = model.relax(tolerance=1e-6, show_progressbar=False)
    assert np.abs(found.force).max() <= 1e-6
    np.testing.assert_allclose(found.positions - found.displacement, model.positions, atol=1e-12)
    assert np.abs(found.displacement).max() > 0.01
    outcome = found.history[-1]["outcome"]
    assert outcome["converged"] and outcome["method"] == "L-BFGS"
    assert outcome["energy"][-1] < 0.2 * outcome["energy"][0]
    assert outcome["energy"][-1] == pytest.approx(found.energy.sum(), rel=1e-9)
    rms = np.sqrt(np.mean(np.sum(found.displacement**2, axis=1)))
    assert outcome["displacement"] == pytest.approx(rms)
    before, after = outcome["bonds"]["Ge-Si"]
    assert abs(before - after) > 1e-4
    # A second relaxation counts from the measured positions too.
    moved = found.relax(tolerance=1e-7, show_progressbar=False)
    np.testing.assert_allclose(moved.positions - moved.displacement, model.positions, atol=1e-12)


def test_statistics_of_displacements(model):
    found = model.relax(show_progressbar=False)
    table = found.displacement_statistics()
    assert table["atoms"].sum() == len(found.numbers)
    total = np.sqrt(np.sum(table["atoms"] * table["rms"] ** 2) / table["atoms"].sum())
    assert total == pytest.approx(100 * np.sqrt(np.mean(np.sum(found.displacement**2, axis=1))))
    own = (found.region == 2) & (found.numbers == 32)
    row = table[(table["region"] == 2) & (table["element"] == "Ge")]
    assert row["mean_x"][0] == pytest.approx(100 * found.displacement[own, 0].mean())
    assert table.units["rms"] == "pm"


def test_columns_stay_where_they_are(model):
    found = model.relax("z", tolerance=1e-6, show_progressbar=False)
    np.testing.assert_array_equal(found.displacement[:, :2], 0)
    assert np.abs(found.force[:, 2]).max() <= 1e-6
    assert np.abs(found.force[:, :2]).max() > 1e-2


@pytest.mark.parametrize("kind", ["number", "list", "boolean"])
def test_fixed_regions_do_not_move(model, kind):
    held = model.region == 1
    fixed = {"number": 1, "list": [1], "boolean": held}[kind]
    found = model.relax(fixed=fixed, tolerance=1e-6, show_progressbar=False)
    np.testing.assert_array_equal(found.displacement[held], 0)
    assert np.abs(found.force[~held]).max() <= 1e-6
    assert np.abs(found.force[held]).max() > 1e-2


def test_any_calculator_of_ase():
    atoms = bulk("Ar", "fcc", a=5.3, cubic=True).repeat(2)
    atoms.rattle(0.05, seed=1)
    calculator = LennardJones(sigma=3.4, epsilon=0.0104, rc=8.0, smooth=True)
    model = AtomicModel.from_ase(atoms)
    with pytest.raises(ValueError, match="no constants of Ar: give an ASE calculator"):
        model.forces()
    found = model.forces(calculator=calculator)
    atoms.calc = calculator
    np.testing.assert_allclose(found.force, atoms.get_forces(), atol=1e-12)
    assert found.history[-1]["parameters"] == {"calculator": "LennardJones"}
    relaxed = model.relax(calculator=calculator, tolerance=1e-4, show_progressbar=False)
    assert np.abs(relaxed.force).max() <= 1e-4
    assert relaxed.energy.sum() < found.energy.sum()
    with pytest.raises(TypeError, match="calculator of ASE, not str"):
        model.forces(calculator="lammps")


def test_calculator_without_energies_of_atoms(model):
    class Total(KeatingCalculator):
        implemented_properties = ["energy", "forces"]

    found = model.forces(Total())
    np.testing.assert_allclose(found.force, model.forces().force)
    assert np.isnan(found.energy).all()
    assert "energy" not in found.history[-1]["outcome"]


def test_model_that_is_not_relaxed_says_so(model, caplog, monkeypatch):
    monkeypatch.setattr("hyperspy_twin.properties.relaxation.limited_memory.MOST_EVALUATIONS", 3)
    with caplog.at_level(logging.WARNING):
        found = model.relax(show_progressbar=False)
    assert "above the tolerance" in caplog.text
    assert not found.history[-1]["outcome"]["converged"]


def test_forces_do_not_outlive_the_elements(model):
    found = model.relax(show_progressbar=False)
    atoms = found.to_ase()
    atoms.pbc = (False, False, True)
    ended = AtomicModel.from_ase(atoms).passivate()
    assert (ended.numbers == 1).any()
    with pytest.raises(ValueError, match="no energy"):
        _ = ended.energy
    assert np.abs(ended.forces().force).max() > 0


def test_elastic_constants(model):
    silicon = AtomicModel.from_ase(bulk("Si", "diamond", a=5.431, cubic=True).repeat(2))
    found = silicon.elastic_constants()
    assert [round(found[one], 1) for one in ("C11", "C12", "C44")] == [165.6, 63.9, 79.2]


def test_wrong_input_is_named(model):
    atoms = alloy()
    atoms.set_array("occupancy", np.full(len(atoms), 0.5))
    fractional = AtomicModel.from_ase(atoms)
    for step in (fractional.forces, fractional.relax, fractional.elastic_constants):
        with pytest.raises(ValueError, match="collapse"):
            step()
    overlapping = AtomicModel.from_ase(alloy() + Atoms("Si", [alloy().positions[5] + 0.3]))
    with pytest.raises(ValueError, match="overlap"):
        overlapping.forces()
    alone = alloy()
    alone.pbc = False
    alone += Atoms("Si", [(-9.0, 0, 0)])
    with pytest.raises(ValueError, match="no bonds"):
        AtomicModel.from_ase(alone).relax()
    thin = Atoms("Si2", [(0, 0, 0), (0, 0, 2.0)], cell=(2.4, 20, 20), pbc=(True, False, False))
    with pytest.raises(ValueError, match="too thin"):
        AtomicModel.from_ase(thin).forces()
    broken = AtomicModel.from_ase(alloy())
    broken.data[3, 1] = np.nan
    for calculator in (None, LennardJones()):
        with pytest.raises(ValueError, match="not finite"):
            broken.forces(calculator)
    with pytest.raises(ValueError, match="'free' or 'z'"):
        model.relax("x")
    with pytest.raises(ValueError, match="tolerance"):
        model.relax(tolerance=0)
    with pytest.raises(ValueError, match="no atoms in region 7"):
        model.relax(fixed=[1, 7])
    with pytest.raises(ValueError, match="all atoms are held"):
        model.relax(fixed=[1, 2])
    with pytest.raises(ValueError, match="boolean for each of 64"):
        model.relax(fixed=np.ones(3, bool))
