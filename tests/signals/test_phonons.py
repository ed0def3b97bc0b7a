"""Vibrations of a model by its methods."""

import hyperspy.api as hs
import numpy as np
import pytest
from ase.build import bulk

from hyperspy_twin import AtomicModel
from hyperspy_twin.properties import KeatingCalculator

EDGE = 5.431


@pytest.fixture(scope="module")
def model():
    atoms = bulk("Si", "diamond", a=5.5, cubic=True).repeat((2, 8, 2))
    upper = atoms.positions[:, 1] > 22
    atoms.numbers[upper] = 32
    atoms.set_array("region", np.where(upper, 2, 1))
    return AtomicModel.from_ase(atoms)


def test_local_densities_survive_saving(model, tmp_path):
    found = model.phonon_dos(along="y", bins=4, vectors=4, show_progressbar=False)
    energy, y = found.axes_manager["Energy"], found.axes_manager["y"]
    assert (energy.units, y.units, y.size) == ("meV", "nm", 4)
    np.testing.assert_allclose(found.data.sum(axis=1) * energy.scale, 3, atol=0.3)
    # Silicon above, germanium below: the one has vibrations that the other has not.
    high = energy.axis > 50
    part = found.data[:, high].sum(axis=1) / found.data.sum(axis=1)
    assert part[0] > 0.2 and abs(part[-1]) < 0.05
    node = found.metadata.Density
    assert node.field == "keating" and node.atoms == [64, 64, 64, 64]
    assert "strain is not read" in node.caution
    found.save(tmp_path / "map.hspy")
    again = hs.load(tmp_path / "map.hspy")
    np.testing.assert_array_equal(again.data, found.data)
    variance = again.metadata.Signal.Noise_properties.variance
    assert variance.data.shape == found.data.shape and (variance.data >= 0).all()


def test_the_same_seed_gives_the_same_density(model):
    options = {"by": "region", "vectors": 2, "resolution": 4.0, "show_progressbar": False}
    one, other = (model.phonon_dos(**options, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.data, other.data)
    assert one.axes_manager["region"].axis.tolist() == [1, 2]
    third = model.phonon_dos(**options, seed=4)
    assert not np.array_equal(one.data, third.data)


def test_energy_losses_at_a_temperature(model):
    options = {"vectors": 2, "energies": np.arange(0, 70, 0.5), "show_progressbar": False}
    density = model.phonon_dos(**options)
    losses = model.phonon_dos(temperature=300.0, **options)
    energy = losses.axes_manager["Energy"].axis
    assert energy[0] == 1.0  # the resolution
    bose = 1 / np.expm1(energy / (8.617333e-2 * 300.0))
    expected = density.isig[2:].data * (bose + 1) / energy
    np.testing.assert_allclose(losses.data, expected, rtol=1e-6)
    assert losses.metadata.Density.temperature == 300.0
    assert "single phonons" in losses.metadata.Signal.quantity


def test_any_calculator_takes_the_place_of_the_field():
    atoms = bulk("Si", "diamond", a=EDGE, cubic=True)
    small = AtomicModel.from_ase(atoms)
    found = small.phonon_dos(calculator=KeatingCalculator(), show_progressbar=False)
    energy = found.axes_manager["Energy"].axis
    # The highest of eight atoms: three vibrations of the zone centre, two thirds of an eighth.
    assert energy[found.data > 0.01][-1] == pytest.approx(68.05, abs=1.0)
    assert found.metadata.Density.calculator == "KeatingCalculator"
    assert not found.metadata.Density.has_item("caution")
    many = AtomicModel.from_ase(atoms.repeat(6))
    with pytest.raises(ValueError, match="1000 atoms at most, not 1728"):
        many.phonon_dos(calculator=KeatingCalculator(), show_progressbar=False)


def test_bands_of_a_cell():
    silicon = AtomicModel.from_ase(bulk("Si", "diamond", a=EDGE))
    bands = silicon.phonon_bands("GXWKGL", points=60, field="modified")
    assert bands.metadata.Bands.labels == ["G", "X", "W", "K", "G", "L"]
    place = bands.axes_manager["wave vector"].axis
    x = np.argmin(abs(place - bands.metadata.Bands.places[1]))
    assert place[x] == pytest.approx(2 * np.pi / EDGE, rel=0.05)
    np.testing.assert_allclose(
        bands.data[:, x], [18.87, 18.87, 51.43, 51.43, 57.31, 57.31], atol=0.3
    )
    np.testing.assert_allclose(bands.data[3:, 0], 64.5, atol=0.02)
    with pytest.raises(ValueError, match="point that is none of this lattice"):
        silicon.phonon_bands("GQ")
    slow, _, fast = silicon.sound_speeds([1, 0, 0])
    assert (slow, fast) == (pytest.approx(5830, abs=5), pytest.approx(8432, abs=5))


def test_thermal_displacements_and_heat(model):
    table = model.thermal_displacements(300.0, by="region", show_progressbar=False)
    assert table.columns == ("region", "element", "atoms", "mean_square", "error", "B")
    assert table["element"].tolist() == ["Si", "Ge"]
    np.testing.assert_allclose(table["B"], 8 * np.pi**2 * table["mean_square"])
    assert ((table["mean_square"] > 0.003) & (table["mean_square"] < 0.01)).all()
    heat = model.heat_capacity([50.0, 1000.0], show_progressbar=False)
    assert heat["heat_capacity"][0] < 1
    assert heat["heat_capacity"][1] == pytest.approx(2.945, abs=0.01)


def test_models_that_are_refused(model):
    atoms = bulk("Si", "diamond", a=EDGE, cubic=True)
    atoms.set_array("occupancy", np.full(8, 0.5))
    with pytest.raises(ValueError, match="collapse"):
        AtomicModel.from_ase(atoms).phonon_dos()
    gold = AtomicModel.from_ase(bulk("Au", cubic=True))
    with pytest.raises(ValueError, match="no constants of Au: give an ASE calculator"):
        gold.phonon_dos(show_progressbar=False)
    squeezed = bulk("Ge", "diamond", a=4.4, cubic=True).repeat(2)
    squeezed.rattle(0.05, seed=0)
    with pytest.raises(ValueError, match="relax the model first"):
        AtomicModel.from_ase(squeezed).phonon_dos(vectors=2, show_progressbar=False)
    with pytest.raises(ValueError, match="rise from zero"):
        model.phonon_dos(energies=[-1.0, 5.0], vectors=2, show_progressbar=False)
