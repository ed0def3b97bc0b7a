"""What a model of atoms tells about itself, its parts, and atoms from elsewhere."""

from __future__ import annotations

import ase
import ase.io
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


def test_strain_is_measured_again_from_the_atoms(chain):
    """Within what the window of the map smears at the edges of the well, and a constant error."""
    check = chain.model.strain_check(chain.strain)
    assert check["region"].tolist() == [1, 2, 3] and (check["atoms"] > 1500).all()
    assert max(check["e_xx"].max(), check["e_xy"].max()) < 5e-4
    assert check["e_yy"].max() < 3e-3 and check["rotation"].max() < 0.03
    ended = chain.model.passivate()
    assert (ended.numbers == 1).sum() > 100
    assert repr(ended.strain_check(chain.strain)) == repr(check)
    off = chain.strain.deepcopy()
    off.data[1] += 0.01
    again = chain.model.strain_check(off)
    np.testing.assert_allclose(again["e_yy"], np.hypot(check["e_yy"], 0.01), atol=1.5e-3)
    np.testing.assert_allclose(again["e_xx"], check["e_xx"], atol=1e-9)
    with pytest.raises(ValueError, match="give the StrainMap"):
        chain.model.strain_check(chain.model)
    with pytest.raises(ValueError, match="no region of this model was displaced"):
        ht.AtomicModel.from_ase(bulk("Si")).strain_check(chain.strain)


def test_files_say_where_the_model_comes_from(chain, tmp_path):
    back = ase.io.read(chain.model.write(tmp_path / "model.xyz"))
    assert back.info["steps"] == "segment find_peaks index_phases gpa to_atoms"
    assert back.info["phases"] == "1 Ge, 2 Ge, 3 Ge"
    atoms = chain.model.to_ase()
    np.testing.assert_allclose(back.positions, atoms.positions, atol=1e-8)
    for name in ("numbers", "region"):
        np.testing.assert_array_equal(back.arrays[name], atoms.arrays[name])
    again = ht.AtomicModel.from_ase(back)
    assert set(again.region) == {1, 2, 3} and again._box.pbc == (False, False, True)


def test_bonds_and_fractions_are_written(chain, tmp_path):
    part = chain.model.select(box=(2.0, 2.0, 4.0, 4.0))
    path = part.write(tmp_path / "model.lmp", bonds=True)
    assert f"{part.coordination().sum() // 2} bonds" in path.read_text()
    atoms = part.to_ase()
    atoms.set_array("Ge", np.full(len(atoms), 0.7))
    atoms.set_array("Si", np.full(len(atoms), 0.3))
    mixed = ht.AtomicModel.from_ase(atoms)
    back = ase.io.read(mixed.write(tmp_path / "model.cif"), fractional_occupancies=True)
    assert back.info["occupancy"]["0"] == {"Ge": 0.7, "Si": 0.3}
    assert len(back) == len(atoms)


def test_model_is_seen_over_its_image(chain):
    figure = chain.model.plot(image=chain.micrograph)
    (image,) = figure.axes[0].images
    assert image.get_array().shape == chain.micrograph.data.shape
    left, right, bottom, top = image.get_extent()
    assert (left, top) == pytest.approx(chain.model._box.origin[:2] / 10)
    assert right - left == pytest.approx(chain.model.cell[0, 0] / 10)
    with pytest.raises(ValueError, match="no scale in nm"):
        chain.model.plot(image=ht.Micrograph(np.ones((4, 4))))


def test_atoms_below_others_are_left_out_of_large_views(chain, monkeypatch):
    """The picture of a thick model is that of its upper atoms, and counts them all."""
    from hyperspy_twin.signals._figures import atoms

    whole = chain.model.plot(by="region").axes[0]
    monkeypatch.setattr(atoms, "MOST_DRAWN", 1000)
    thinned = chain.model.plot(by="region").axes[0]
    assert thinned.get_title() == whole.get_title()
    drawn = [len(one.collections[-1].get_offsets()) for one in (whole, thinned)]
    assert 0.1 * drawn[0] < drawn[1] < 0.5 * drawn[0]
    for one, other in zip(*(a.get_legend().get_texts() for a in (whole, thinned)), strict=True):
        assert one.get_text() == other.get_text()


def test_model_is_seen_in_three_dimensions(chain):
    axis = chain.model.plot_3d(by="region", most=500).axes[0]
    assert axis.get_title() == f"500 of {len(chain.model.data)} atoms"
    assert axis.zaxis_inverted()
    roi = hs.roi.RectangularROI(left=1.0, top=1.0, right=2.0, bottom=2.0)
    part = chain.model.plot_3d(by="z", roi=roi).axes
    assert part[0].get_title().endswith(" atoms") and part[1].get_ylabel() == "z (Å)"
    with pytest.raises(ValueError, match="above zero"):
        chain.model.plot_3d(most=0)
    nowhere = hs.roi.RectangularROI(left=900, top=1.0, right=901, bottom=2.0)
    with pytest.raises(ValueError, match="no atom lies"):
        chain.model.plot_3d(roi=nowhere)
