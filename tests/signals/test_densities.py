"""Groups of atoms, and densities of states as signals."""

import hyperspy.api as hs
import numpy as np
import pytest
from ase.build import bulk

from hyperspy_twin import AtomicModel
from hyperspy_twin.signals._densities import GroupChoice, density_signal, groups_of_atoms


@pytest.fixture(scope="module")
def model():
    atoms = bulk("Si", "diamond", a=5.431, cubic=True).repeat((1, 4, 1))
    atoms.numbers[:5] = 32
    atoms.set_array("region", np.where(atoms.positions[:, 1] > 10, 7, 2))
    return AtomicModel.from_ase(atoms)


def groups_of(model, **choice):
    return groups_of_atoms(model.positions, model.region, model.numbers, GroupChoice(**choice))


def test_bins_are_of_equal_width_and_hold_all_atoms(model):
    groups = groups_of(model, along="y", bins=4)
    y = model.positions[:, 1] / 10
    assert groups.atoms.sum() == len(y) and (groups.labels >= 0).all()
    width = np.ptp(y) / 4
    (axis,) = groups.axes
    assert (np.abs(y - axis.places[groups.labels]) <= width / 2 + 1e-9).all()
    assert (axis.name, axis.unit) == ("y", "nm")


def test_edges_leave_atoms_out(model):
    groups = groups_of(model, along="y", bins=[0.5, 1.0, 1.2])
    y = model.positions[:, 1] / 10
    assert np.array_equal(groups.labels == 0, (y >= 0.5) & (y < 1.0))
    assert np.array_equal(groups.labels == 1, (y >= 1.0) & (y <= 1.2))


def test_classes_and_mask(model):
    regions = groups_of(model, by="region")
    assert regions.axes[0].places.tolist() == [2, 7]
    assert np.array_equal(regions.axes[0].places[regions.labels], model.region)
    elements = groups_of(model, by="element")
    assert elements.axes[0].names == ("Si", "Ge") and elements.atoms.tolist() == [27, 5]
    part = groups_of(model, by="element", mask=model.numbers == 32)
    assert part.atoms.tolist() == [0, 5] and (part.labels[model.numbers == 14] == -1).all()
    assert len(groups_of(model)) == 1


def test_elements_of_each_bin(model, tmp_path):
    both = groups_of(model, along="y", bins=4, by="element")
    bins, elements = groups_of(model, along="y", bins=4), groups_of(model, by="element")
    assert both.shape == (2, 4)
    assert np.array_equal(both.labels, 4 * elements.labels + bins.labels)
    values = np.arange(8.0)[:, None] * np.ones(5)
    signal = density_signal(
        values * np.maximum(both.atoms, 1)[:, None],
        values,
        np.arange(5.0),
        unit="eV",
        groups=both,
        title="",
        details={},
    )
    signal.save(tmp_path / "density.hspy")
    loaded = hs.load(tmp_path / "density.hspy")
    assert [axis.name for axis in loaded.axes_manager.navigation_axes] == ["y", "element"]
    assert loaded.data.shape == (2, 4, 5)
    known = both.atoms.reshape(2, 4) > 0
    assert np.array_equal(loaded.data[..., 0][known], np.arange(8.0).reshape(2, 4)[known])
    assert np.isnan(loaded.data[~known]).all() and (~known).any()
    assert loaded.metadata.Density.atoms == both.atoms.reshape(2, 4).tolist()
    assert loaded.metadata.Density.names == ["Si", "Ge"]


@pytest.mark.parametrize(
    "choice, message",
    [
        ({"along": "z"}, "'x' or 'y'"),
        ({"bins": 3}, "needs along"),
        ({"along": "y", "bins": 0}, "above zero"),
        ({"along": "y", "bins": [1.0, 0.5]}, "that rise"),
        ({"along": "y", "bins": [50.0, 60.0]}, "no atom"),
        ({"by": "charge"}, "'region' or 'element'"),
        ({"mask": np.ones(3, bool)}, "boolean array"),
        ({"mask": np.zeros(32)}, "boolean array"),
    ],
)
def test_groups_that_cannot_be(model, choice, message):
    with pytest.raises(ValueError, match=message):
        groups_of(model, **choice)


def test_signal_is_for_each_atom_and_survives_a_file(model, tmp_path):
    groups = groups_of(model, by="region")
    energies = np.array([0.0, 0.5, 1.5])
    values, variance = groups.atoms[:, None] * energies, groups.atoms[:, None] ** 2 * [1.0, 2, 3]
    signal = density_signal(
        values, variance, energies, unit="eV", groups=groups, title="LDOS", details={"moments": 6}
    )
    signal.save(tmp_path / "dos.hspy")
    loaded = hs.load(tmp_path / "dos.hspy")
    np.testing.assert_allclose(loaded.data, [energies, energies])
    np.testing.assert_allclose(
        loaded.metadata.Signal.Noise_properties.variance.data, [[1, 2, 3], [1, 2, 3]]
    )
    assert loaded.axes_manager["Energy"].axis.tolist() == energies.tolist()
    assert loaded.axes_manager["region"].axis.tolist() == [2, 7]
    assert loaded.metadata.Density.atoms == groups.atoms.tolist()
    assert loaded.inav[1].data.shape == (3,)


def test_group_without_atoms_has_no_density(model):
    groups = groups_of(model, by="element", mask=model.numbers == 32)
    signal = density_signal(
        np.ones((2, 5)),
        np.ones((2, 5)),
        np.arange(5.0),
        unit="eV",
        groups=groups,
        title="",
        details={},
    )
    assert np.isnan(signal.data[0]).all() and np.isfinite(signal.data[1]).all()
    assert signal.metadata.Density.names == ["Si", "Ge"]
