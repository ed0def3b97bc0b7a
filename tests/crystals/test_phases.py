from __future__ import annotations

import json
import os

import numpy as np
import pytest
from ase import Atoms

import hyperspy_twin as ht
from hyperspy_twin.core.crystal import Crystal
from hyperspy_twin.crystals.structures import catalogue, user_phases
from hyperspy_twin.crystals.structures.conversion import as_candidates, as_crystal
from hyperspy_twin.crystals.structures.phase_list import PhaseList

CIF = """data_{name}
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Po Po 0 0 0
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Empty folder and session for each test."""
    monkeypatch.setenv(user_phases.ENVIRONMENT_VARIABLE, str(tmp_path / "own"))
    monkeypatch.setattr(user_phases, "_session", {})
    monkeypatch.setattr(user_phases, "_read", {})
    return tmp_path / "own"


def polonium(path, a=3.359):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(CIF.format(name=path.stem, a=a))
    return path


def cube(symbol="Po", a=3.359):
    return Atoms(symbol, cell=[a, a, a], pbc=True)


def test_list_is_a_table_and_a_list_of_candidates():
    phases = ht.phases.list()
    assert phases.names == catalogue.names()
    assert isinstance(phases[:2], PhaseList) and isinstance(phases[0], Crystal)
    text = repr(phases)
    assert text.splitlines()[0].split()[:2] == ["name", "formula"]
    assert f"{len(phases)} phases" in text
    bismuth = next(line for line in text.splitlines() if line.startswith("Bi "))
    assert "R-3m" in bismuth and "4.5460, 4.5460, 11.8620" in bismuth and "Cucka" in bismuth
    assert as_candidates(phases[:3], ()) == list(phases[:3])
    assert "1 phase" in repr(phases[:1]) and "0 phases" in repr(phases[:0])


def test_table_in_a_notebook_is_escaped():
    crystal = Crystal("<script>", (4, 4, 4, 90, 90, 90), ("Si",), ((0, 0, 0),), (1,), None, "a & b")
    shown = PhaseList([crystal])._repr_html_()
    assert "&lt;script&gt;" in shown and "a &amp; b" in shown and "<script>" not in shown


def test_search_by_text():
    assert ht.phases.search("quartz").names == ("SiO2",)
    assert ht.phases.search("WURTZITE inp").names == ("InP-wurtzite",)
    assert "Bi2Te3" in ht.phases.search("R-3m").names
    assert ht.phases.search("Nakajima").names == ("Bi2Se3", "Bi2Te3")
    assert len(ht.phases.search("nothing of the kind")) == 0
    assert len(ht.phases.search()) == len(ht.phases.list())


def test_search_by_elements():
    assert set(ht.phases.search(elements=["Cu", "Te"]).names) == {
        "Cu", "Te", "CuTe", "Cu2Te", "Cu3Te2",
    }  # fmt: skip
    assert ht.phases.search("4H", elements=["Si", "C"]).names == ("SiC-4H",)
    assert ht.phases.search(elements="Te").names == ("Te",)
    for wrong in (["Qq"], ["X"], "SiC"):
        with pytest.raises(ValueError, match="no chemical element"):
            ht.phases.search(elements=wrong)


def test_get():
    assert ht.phases.get("anatase") == catalogue.get("TiO2-anatase")
    with pytest.raises(ValueError, match="Did you mean"):
        ht.phases.get("SrTi03")


def test_add_for_the_session(tmp_path):
    (added,) = ht.phases.add(polonium(tmp_path / "polonium.cif"))
    assert added.name == "polonium"
    assert ht.phases.get("polonium") is added and as_crystal("polonium") is added
    assert ht.phases.list()[-1] is added
    assert ht.phases.search("polonium", elements=["Po"]).names == ("polonium",)
    assert as_candidates(None, ["Po"]) == [added]
    assert not user_phases.folder().exists()
    ht.phases.remove("polonium")
    assert ht.phases.search(elements=["Po"]) == ()


def test_add_objects_lists_and_folders(tmp_path):
    assert ht.phases.add(cube(), name="Po-alpha").names == ("Po-alpha",)
    structure = catalogue.get("Si").to_diffpy()
    assert ht.phases.add(structure, name="Si-mine")[0].lattice == catalogue.get("Si").lattice
    for name in ("b", "a"):
        polonium(tmp_path / "cifs" / f"{name}.cif")
    (tmp_path / "cifs" / "notes.txt").write_text("not a structure")
    assert ht.phases.add(tmp_path / "cifs").names == ("a", "b")
    assert ht.phases.add([cube("At"), cube("Fr")]).names == ("At", "Fr")
    assert ht.phases.add(ht.phases.search(elements=["At"])).names == ("At",)
    assert set(user_phases.added()) == {"Po-alpha", "Si-mine", "a", "b", "At", "Fr"}


def test_an_added_name_is_replaced(tmp_path):
    ht.phases.add(cube(a=3.3), name="Po")
    ht.phases.add(cube(a=3.4), name="Po")
    assert ht.phases.get("Po").lattice[0] == 3.4
    assert ht.phases.search(elements=["Po"]).names == ("Po",)


def test_one_diffpy_structure_is_one_candidate():
    structure = catalogue.get("Si").to_diffpy()  # a list of its atoms
    (crystal,) = as_candidates(structure, ())
    assert crystal.lattice == catalogue.get("Si").lattice


def test_what_cannot_be_added(tmp_path):
    with pytest.raises(ValueError, match="bundled"):
        ht.phases.add([cube("Po"), cube("Ag")])
    assert user_phases.added() == {}  # all or nothing
    with pytest.raises(ValueError, match="one name"):
        ht.phases.add([cube("Po"), cube("At")], name="both")
    with pytest.raises(ValueError, match="same name"):
        ht.phases.add([cube("Po"), cube("Po")])
    with pytest.raises(ValueError, match="empty"):
        ht.phases.add(tmp_path)
    with pytest.raises(ValueError, match="plain name"):
        ht.phases.add(cube(), name=" .. ")
    with pytest.raises(FileNotFoundError):
        ht.phases.add("nowhere.cif")
    with pytest.raises(TypeError):
        ht.phases.add(3.0)
    with pytest.raises(ValueError, match="no added phase"):
        ht.phases.remove("Si")


def test_saved_phases_come_back(place, monkeypatch):
    ht.phases.add(cube(), name="Po (mine) / 1", save=True)
    (file,) = place.iterdir()
    assert file.parent == place and file.suffix == ".json"
    before = ht.phases.get("Po (mine) / 1")
    user_phases._session.clear()  # as in a new session
    assert ht.phases.get("Po (mine) / 1") == before
    ht.phases.remove("Po (mine) / 1")
    assert not file.exists() and user_phases.added() == {}


def test_files_put_into_the_folder(place, caplog):
    file = polonium(place / "polonium.cif")
    (place / "broken.cif").write_text("data_x")
    (place / "broken.json").write_text("[]")
    polonium(place / "Si.cif")
    (place / "notes.txt").write_text("not a structure")
    assert [phase.name for phase in ht.phases.list()][-1] == "polonium"
    for name in ("broken.cif", "broken.json", "Si.cif"):
        assert f"{name} is left out" in caplog.text
    caplog.clear()
    assert np.isclose(ht.phases.get("polonium").lattice[0], 3.359)
    assert not caplog.text  # said once
    polonium(file, a=3.5)
    os.utime(file, ns=(1, 1))
    assert np.isclose(ht.phases.get("polonium").lattice[0], 3.5)
    with pytest.raises(ValueError, match="remove it there"):
        ht.phases.remove("polonium")
    assert file.exists()


def test_default_folder(monkeypatch):
    monkeypatch.delenv(user_phases.ENVIRONMENT_VARIABLE)
    assert ht.phases.folder().name == "phases" and "hyperspy_twin" in str(ht.phases.folder())


def test_downloaded_phases_are_candidates(make_entry, monkeypatch, tmp_path, caplog):
    from hyperspy_twin.crystals.structures import optimade, optimade_cache

    entries = [
        make_entry("mp-1", catalogue.get("GaAs")),
        make_entry("mp-2", catalogue.get("GaAs"), dimension_types=[1, 1, 0]),
    ]
    monkeypatch.setattr(optimade_cache, "folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(
        optimade, "_fetch", lambda url, timeout: json.dumps({"data": entries}).encode()
    )
    found = ht.phases.download(["Ga", "As"], provider="mp")
    assert found.names == ("GaAs (mp-1)",)
    assert "mp-2: it is not periodic" in caplog.text
    assert "optimade.materialsproject.org/v1/structures/mp-1" in found[0].source
    assert as_candidates(found, ()) == [*found]
    ht.phases.add(found, save=True)
    user_phases._session.clear()
    assert as_crystal("GaAs (mp-1)") == found[0]
    assert found[0].name in [c.name for c in as_candidates(None, ["Ga", "As"])]
