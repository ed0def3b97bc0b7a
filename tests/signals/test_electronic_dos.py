"""The density of states of a model of atoms, as a user asks for it."""

import hyperspy.api as hs
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from hyperspy_twin import AtomicModel
from hyperspy_twin.properties.kernel_polynomials import memory


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


CALLS = pytest.mark.parametrize(
    "call",
    [
        lambda model: model.electronic_dos(resolution=1.0),
        lambda model: model.states(near=1.0),
        lambda model: model.band_edges(bins=2),
    ],
    ids=["electronic_dos", "states", "band_edges"],
)


def fractional(atoms):
    atoms.set_array("occupancy", np.full(len(atoms), 0.5))


def with_hydrogen(atoms):
    atoms.numbers[3] = 1


def mixed(atoms):
    atoms.numbers[:16] = [31, 33] * 8


def mixed_compounds(atoms):
    atoms.numbers[:] = [31, 33] * (len(atoms) // 2)
    atoms.numbers[0] = 49


def crowded(atoms):
    atoms.extend(Atoms("Si", [atoms.positions[0] + 0.45 * 5.5]))


def one_repeat(atoms):
    cell = bulk("Si", "diamond", a=5.5).repeat((4, 4, 1))
    del atoms[:]
    atoms.extend(cell)
    atoms.cell = cell.cell


def isolated(atoms):
    atoms.pbc = False
    atoms.positions[0] -= 9.0


@CALLS
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (fractional, "occupancies below 1.*collapse"),
        (with_hydrogen, "hydrogen has no parameters.*take the hydrogen out"),
        (mixed, "As, Ga, Ge, Si in one model.*keep the regions of one"),
        (mixed_compounds, "As, Ga, In in one model"),
        (crowded, "more than four neighbours"),
        (one_repeat, "one repeat thick.*Make it thicker"),
        (isolated, "no bonds.*remove isolated atoms"),
    ],
)
def test_model_that_cannot_be_computed_is_refused(call, spoil, message):
    atoms = layers()
    spoil(atoms)
    with pytest.raises(ValueError, match=message):
        call(AtomicModel.from_ase(atoms))


@CALLS
def test_too_little_memory_is_told_before_it_is_taken(model, call, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 1e5)
    with pytest.raises(MemoryError, match=r"matrices 0.00, bonds 0.00\), 0.00 GB are free"):
        call(model)


def test_energies_outside_of_the_spectrum_name_its_range(model):
    for energies in ((-40.0, 1.0), (0.0, 90.0)):
        with pytest.raises(ValueError, match="spectrum, which runs from -1.* to 4"):
            model.electronic_dos(energies=energies)
    with pytest.raises(ValueError, match="spectrum, which runs from -1.* to 4"):
        model.states(near=-40.0)


def test_wave_vector_along_the_beam(model):
    options = {"resolution": 2.0, "vectors": 2, "energies": (-5, 5)}
    zero, half = (model.electronic_dos(k=k, **options) for k in (0.0, 0.5))
    assert (zero.metadata.Density.k, half.metadata.Density.k) == (0.0, 0.5)
    assert not np.allclose(zero.data, half.data)
    for call in (model.electronic_dos, model.band_edges):
        with pytest.raises(ValueError, match="k is 0 or 0.5"):
            call(k=0.2)
