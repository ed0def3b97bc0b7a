"""What a model of atoms tells about itself, its parts, and atoms from elsewhere."""

from __future__ import annotations

import ase
import hyperspy.api as hs
import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.lattice.hexagonal import Graphite

import hyperspy_twin as ht


def inside(model, margin=8.0):
    """Atoms of a model that are more than a margin in Å away from its outermost ones."""
    x, y = model.positions[:, :2].T
    return (np.abs(x - x.mean()) < np.ptp(x) / 2 - margin) & (
        np.abs(y - y.mean()) < np.ptp(y) / 2 - margin
    )


def test_columns_are_views_that_cannot_be_written_to(chain):
    assert np.shares_memory(chain.model.positions, chain.model.data)
    with pytest.raises(ValueError, match="read-only"):
        chain.model.positions[0] = 0
    assert chain.model.data.flags.writeable


def test_coherent_well_is_fourfold_coordinated(chain):
    """Three layers on one lattice: four bonds inside, fewer at the sides."""
    count = chain.model.coordination()
    assert (count[inside(chain.model)] == 4).all()
    assert count.max() == 4 and (count[~inside(chain.model)] < 4).any()
    lengths = chain.model.bond_lengths()
    assert lengths["bond"].tolist() == ["Ge-Ge"]
    assert lengths["count"].sum() == count.sum() / 2
    assert lengths["mean"][0] == pytest.approx(2.45, abs=0.05)
    assert lengths.units["mean"] == "Å"
    np.testing.assert_array_equal(chain.model.coordination(2.75), count)


def test_neighbours_of_a_model_know_their_vectors(chain):
    near = chain.model.neighbours(2.8)
    length = np.linalg.norm(near.vectors(chain.model.positions), axis=1)
    assert 2.2 < length.min() and length.max() < 2.8
    assert len(near) == len(chain.model.data)


def test_parts_of_a_model(chain):
    model = chain.model
    second = model.select(region=2)
    assert type(second) is ht.AtomicModel and set(second.region) == {2}
    outer = model.select(element="Ge", region=[1, 3])
    assert set(outer.region) == {1, 3} and set(outer.numbers) == {32}
    roi = hs.roi.RectangularROI(left=2.0, top=1.0, right=4.0, bottom=3.5)
    cut = model.select(box=roi)
    x, y = cut.positions[:, :2].T / 10
    assert x.min() >= 2 and x.max() <= 4 and y.min() >= 1 and y.max() <= 3.5
    np.testing.assert_array_equal(cut.data, model.select(box=(2.0, 1.0, 4.0, 3.5)).data)
    height = np.unique(model.positions[:, 2].round(3))[1]
    layer = model.select(plane=("z", height / 10, 0.05))
    assert np.abs(layer.positions[:, 2] - height).max() <= 0.25
    assert len(layer.data) < len(model.data) / 4
    oblique = model.select(plane=((3, 0, 4), 1.0, 0.2))
    assert np.abs(oblique.positions @ [0.6, 0, 0.8] - 10).max() <= 1.0
    np.testing.assert_array_equal(second.cell, model.cell)
    assert second.history[-1]["step"] == "select"
    assert second.history[-1]["parameters"] == {"region": [2]}
    # The parts are the whole.
    assert sum(len(model.select(region=one).data) for one in set(model.region)) == len(model.data)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"region": 9}, r"no region \[9\]"),
        ({"element": "Au"}, r"no element \[79\]"),
        ({"element": "Xx"}, "'Xx' is no element"),
        ({"box": (4.0, 1.0, 2.0, 3.0)}, "left < right"),
        ({"plane": ("u", 0.0, 1.0)}, "'x', 'y', 'z' or a vector"),
        ({"plane": ((0, 0, 0), 0.0, 1.0)}, "a direction that is not zero"),
        ({"plane": ("z", 0.0, 0.0)}, "width above zero"),
        ({"box": (900.0, 1.0, 901.0, 3.0)}, "no atom"),
    ],
)
def test_parts_that_cannot_be(chain, wanted, message):
    with pytest.raises(ValueError, match=message):
        chain.model.select(**wanted)


def test_models_come_back_from_ase(chain):
    atoms = chain.model.to_ase()
    model = ht.AtomicModel.from_ase(atoms)
    again = model.to_ase()
    for name in ("numbers", "positions", "region", "occupancy"):
        np.testing.assert_array_equal(again.arrays[name], atoms.arrays[name])
    np.testing.assert_array_equal(again.cell, atoms.cell)
    assert again.pbc.tolist() == atoms.pbc.tolist() == [False, False, True]
    assert model.history[-1]["step"] == "from_ase"
    with pytest.raises(ValueError, match="give a cutoff"):
        model.coordination()
    assert set(model.coordination(2.75)[inside(model)]) == {4}


def test_any_atoms_of_ase_are_a_model(tmp_path):
    crystal = Graphite("C", latticeconstant={"a": 2.461, "c": 6.708}, size=(3, 3, 1))
    crystal.set_array("error", np.linspace(0, 0.1, len(crystal)))
    model = ht.AtomicModel.from_ase(crystal)
    assert set(model.region) == {1} and set(model.occupancy) == {1.0}
    assert (model.coordination(1.6) == 3).all()
    path = tmp_path / "model.hspy"
    model.save(path)
    loaded = hs.load(path)
    again = loaded.to_ase()
    np.testing.assert_array_equal(again.arrays["error"], crystal.arrays["error"])
    np.testing.assert_allclose(again.cell, crystal.cell)
    assert again.pbc.all() and "54 (C54)" not in repr(loaded) and "(C36)" in repr(loaded)
    assert loaded.plot(by="error").axes[1].get_ylabel() == "error"


def test_atoms_without_a_cell_get_a_box():
    water = molecule("H2O")
    model = ht.AtomicModel.from_ase(water)
    assert model.cell.shape == (3, 3) and np.linalg.det(model.cell) > 0
    np.testing.assert_allclose(
        model.to_ase().get_all_distances(), water.get_all_distances(), atol=1e-12
    )
    assert sorted(model.coordination(1.2).tolist()) == [1, 1, 2]
    slab = bulk("Si", cubic=True)
    slab.pbc, slab.cell[2] = (True, True, False), 0
    model = ht.AtomicModel.from_ase(slab)
    np.testing.assert_allclose(model.cell, np.diag([5.43, 5.43, 0.75 * 5.43]), atol=1e-9)


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (ase.Atoms(), "no atoms"),
        (ase.Atoms("X", cell=[3, 3, 3]), "no element"),
        (ase.Atoms("Si", positions=[[np.nan, 0, 0]], cell=[3, 3, 3]), "not finite"),
        (ase.Atoms("Si", cell=np.ones((3, 3))), "no volume"),
        (ase.Atoms("Si", cell=[3, 3, 0], pbc=True), "repeats along"),
    ],
)
def test_atoms_that_are_no_model(atoms, message):
    with pytest.raises(ValueError, match=message):
        ht.AtomicModel.from_ase(atoms)


def test_coordination_is_plotted(chain):
    axis = chain.model.plot(by="coordination").axes[0]
    names = [text.get_text() for text in axis.get_legend().get_texts()]
    assert any(name.startswith("coordination 4") for name in names)
