"""The density of states of a model of atoms, as a user asks for it."""

import hyperspy.api as hs
import numpy as np
import pytest
from ase.build import bulk

from hyperspy_twin import AtomicModel


def layers():
    """Layers of silicon and germanium across y, periodic along the beam."""
    atoms = bulk("Si", "diamond", a=5.5, cubic=True).repeat((2, 4, 2))
    upper = atoms.positions[:, 1] > 11
    atoms.numbers[upper] = 32
    atoms.set_array("region", np.where(upper, 2, 1))
    atoms.pbc = (True, True, True)
    return atoms


@pytest.fixture(scope="module")
def model():
    return AtomicModel.from_ase(layers())


def test_regions_sum_to_the_total(model, tmp_path):
    options = {"resolution": 1.0, "vectors": 2, "energies": (-10, 8)}
    total = model.electronic_dos(**options)
    parts = model.electronic_dos(by="region", **options)
    assert type(total) is hs.signals.Signal1D
    energy = parts.axes_manager["Energy"]
    assert (energy.units, energy.offset) == ("eV", -10)
    atoms = np.array(parts.metadata.Density.atoms)
    np.testing.assert_allclose(atoms @ parts.data, total.data * atoms.sum(), rtol=1e-6, atol=1e-9)
    variance = parts.metadata.Signal.Noise_properties.variance
    assert variance.data.shape == parts.data.shape and (variance.data > 0).all()
    assert parts.metadata.Density.parameters == "Niquet 2009"
    assert parts.axes_manager["region"].axis.tolist() == [1, 2]
    parts.save(tmp_path / "dos.hspy")
    np.testing.assert_array_equal(hs.load(tmp_path / "dos.hspy").data, parts.data)


def test_whole_spectrum_has_twenty_states_for_each_atom(model):
    found = model.electronic_dos(along="y", bins=2, resolution=1.0, vectors=2)
    assert found.axes_manager["y"].units == "nm"
    np.testing.assert_allclose(found.integrate1D("Energy").data, 20, rtol=0.01)


def test_checkpoint_is_continued_from_and_belongs_to_its_call(model, tmp_path):
    options = {"resolution": 2.0, "vectors": 2, "energies": (-5, 5)}
    file = tmp_path / "states.npz"
    first = model.electronic_dos(checkpoint=file, **options)
    again = model.electronic_dos(checkpoint=str(file), **options)
    np.testing.assert_array_equal(first.data, again.data)
    with pytest.raises(ValueError, match="another calculation"):
        model.electronic_dos(checkpoint=file, by="element", **options)


def test_occupancies_that_were_never_drawn_are_refused():
    atoms = layers()
    atoms.set_array("occupancy", np.full(len(atoms), 0.5))
    with pytest.raises(ValueError, match="occupancies below 1"):
        AtomicModel.from_ase(atoms).electronic_dos()


def test_hydrogen_is_refused():
    atoms = layers()
    atoms.numbers[3] = 1
    with pytest.raises(ValueError, match="hydrogen"):
        AtomicModel.from_ase(atoms).electronic_dos()
