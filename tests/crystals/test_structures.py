from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.core.crystal import Crystal
from hyperspy_twin.crystals.structures import catalogue
from hyperspy_twin.crystals.structures.conversion import as_crystal

FORMULAS = {
    "aflow_Cu2Te_A2B_hP6_191_h_e": ("Cu2Te", 6),
    "aflow_CuTe_AB_oP4_59_a_b": ("CuTe", 4),
    "cod_Al": ("Al", 4),
    "cod_Au": ("Au", 4),
    "cod_BaTiO3_cubic": ("BaTiO3", 5),
    "cod_Cu": ("Cu", 4),
    "cod_GaAs": ("GaAs", 8),
    "cod_Ge": ("Ge", 8),
    "cod_Pb": ("Pb", 4),
    "cod_Sb": ("Sb", 2),
    "cod_Si": ("Si", 8),
    "cod_SiC": ("SiC", 8),
    "cod_Sn-alpha": ("Sn", 8),
    "cod_diamond": ("C", 8),
    "xu_Al": ("Al", 4),
    "xu_AlAs": ("AlAs", 8),
    "xu_Au": ("Au", 4),
    "xu_CdTe": ("CdTe", 8),
    "xu_Cu": ("Cu", 4),
    "xu_GaAs": ("GaAs", 8),
    "xu_GaSb": ("GaSb", 8),
    "xu_Ge": ("Ge", 8),
    "xu_InAs": ("InAs", 8),
    "xu_InAsWZ": ("InAs", 4),
    "xu_InP": ("InP", 8),
    "xu_InSb": ("InSb", 8),
    "xu_PbTe": ("PbTe", 8),
    "xu_Si": ("Si", 8),
    "xu_SrTiO3": ("SrTiO3", 5),
    "xu_TiO2": ("TiO2", 6),
}
SAME_AS = {
    "aflow_CuTe_AB_oP4_59_a_b": "CuTe",
    "cod_diamond": "diamond",
    "cod_Sn-alpha": "Sn-alpha",
    "cod_Pb": "Pb",
    "cod_Si": "Si",
    "cod_Ge": "Ge",
    "cod_GaAs": "GaAs",
    "xu_InAsWZ": "InAs-wurtzite",
    **{
        f"xu_{name}": name
        for name in "Al AlAs Au CdTe Cu GaAs GaSb Ge InAs InP InSb PbTe Si SrTiO3 TiO2".split()
    },
}
CELL = """data_x
_cell_length_a 4
_cell_length_b 4
_cell_length_c 4
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
"""
LOOP = """loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
"""
P1 = "_symmetry_space_group_name_H-M 'P 1'\n"


def write(path, text):
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", FORMULAS)
def test_every_reference_file_loads_whole(shared_file, name):
    crystal = as_crystal(shared_file(f"cif/{name}.cif"))
    assert (crystal.formula, len(crystal.symbols)) == FORMULAS[name]
    assert np.allclose(crystal.base, crystal.to_diffpy().lattice.base)


@pytest.mark.parametrize("name", SAME_AS)
def test_bundled_structures_agree_with_the_reference_files(shared_file, name):
    file, bundled = as_crystal(shared_file(f"cif/{name}.cif")), catalogue.get(SAME_AS[name])
    assert np.allclose(file.lattice, bundled.lattice, rtol=2e-3)
    assert sorted(file.symbols) == sorted(bundled.symbols)


def test_catalogue():
    required = (
        "Si Ge diamond GaAs InP InAs InSb GaSb AlAs SiC-3C SrTiO3 PbTiO3 BaTiO3 SrRuO3 Au Ag Cu "
        "Al Pt Ni Fe W MoS2 graphite graphene CuTe MgO NaCl TiO2 GaN ZnO InAs-wurtzite CdTe PbTe"
    )
    assert set(required.split()) <= set(catalogue.names())
    assert all(catalogue.get(name).source for name in catalogue.names())
    assert catalogue.get("InAs-wz") is not None
    assert set(catalogue.with_elements({"Si", "Ge", "C"})) == {
        "Si", "Ge", "diamond", "graphene", "graphite", "SiC-2H", "SiC-3C", "SiC-4H", "SiC-6H",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "pair", "distance"),
    [
        ("Si", ("Si", "Si"), 2.352),
        ("GaAs", ("Ga", "As"), 2.448),
        ("SrTiO3", ("Ti", "O"), 1.9525),
        ("MoS2", ("Mo", "S"), 2.42),
        ("GaN", ("Ga", "N"), 1.95),
        ("graphite", ("C", "C"), 1.42),
        ("TiO2", ("Ti", "O"), 1.95),
        ("CuTe", ("Cu", "Te"), 2.58),
        ("Fe", ("Fe", "Fe"), 2.482),
    ],
)
def test_bond_lengths(name, pair, distance):
    atoms = catalogue.get(name).to_ase().repeat(2)
    symbols = np.array(atoms.get_chemical_symbols())
    table = atoms.get_all_distances(mic=True)[symbols == pair[0]][:, symbols == pair[1]]
    assert table[table > 0.1].min() == pytest.approx(distance, abs=0.02)


def test_round_trips():
    crystal = catalogue.get("PbTiO3")
    assert Crystal.from_json(crystal.to_json()) == crystal
    assert hash(Crystal.from_json(crystal.to_json())) == hash(crystal)
    for other in (as_crystal(crystal.to_ase()), as_crystal(crystal.to_diffpy())):
        assert np.allclose(other.lattice, crystal.lattice)
        assert other.symbols == crystal.symbols
        assert np.allclose(other.fractional, crystal.fractional)
    assert np.allclose(crystal.to_ase().cell, crystal.base)
    assert as_crystal(crystal) is crystal


def test_oxidation_states_and_partial_occupancy(tmp_path):
    sites = "A1 Sr2+ 0 0 0 0.4\nA2 Ba2+ 0 0 0 0.6\nTi Ti4+ 0.5 0.5 0.5 1\n"
    crystal = as_crystal(write(tmp_path / "mixed.cif", CELL + P1 + LOOP + sites))
    assert crystal.symbols == ("Sr", "Ba", "Ti")
    assert crystal.occupancy == (0.4, 0.6, 1.0)
    assert crystal.formula == "Sr0.4Ba0.6Ti"
    with pytest.raises(ValueError, match="partly occupied"):
        crystal.to_ase()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no atom sites"),
        ("hello world", "block header"),
        (CELL + P1, "no atom sites"),
        (CELL + P1 + LOOP + "Sr Sr 0 0\n", "cannot read"),
        (CELL + P1 + LOOP + "Sr Sr ? 0 0 1\n", "unknown coordinate"),
        (CELL + P1 + LOOP + "Qq Qq 0 0 0 1\n", "names no chemical element"),
        (CELL.replace("4\n", "0\n", 1) + P1 + LOOP + "Sr Sr 0 0 0 1\n", "cannot read"),
        (CELL.replace("_cell_length_a 4\n", "") + P1 + LOOP + "Sr Sr 0 0 0 1\n", "unit cell"),
        (CELL + P1 + "_chemical_formula_sum 'Sr Ti O3'\n" + LOOP + "Sr Sr 0 0 0 1\n", "not whole"),
    ],
)
def test_broken_file_is_refused_with_path_and_reason(tmp_path, capfd, text, reason):
    path = write(tmp_path / "broken.cif", text)
    with pytest.raises(ValueError, match=reason) as caught:
        as_crystal(str(path))
    assert str(path) in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_unknown_candidates():
    with pytest.raises(ValueError, match="Did you mean SrTiO3.*Known: .*TiO2") as caught:
        as_crystal("SrTi03")
    assert "ZnSe" in str(caught.value)
    with pytest.raises(FileNotFoundError, match="nowhere.cif"):
        as_crystal("nowhere.cif")
    with pytest.raises(TypeError, match="path of a CIF"):
        as_crystal(3.0)


def test_unphysical_structures():
    from ase import Atoms

    site = {"symbols": ("Si",), "fractional": ((0, 0, 0),), "occupancy": (1.0,)}
    for lattice in [(0, 4, 4, 90, 90, 90), (-4, 4, 4, 90, 90, 90), (4, 4, 4, 30, 30, 150)]:
        with pytest.raises(ValueError, match="cell|angles"):
            Crystal("bad", lattice, **site)
    with pytest.raises(ValueError, match="empty"):
        Crystal("bad", (4, 4, 4, 90, 90, 90), (), (), ())
    with pytest.raises(ValueError, match="empty"):
        as_crystal(Atoms(cell=[4, 4, 4], pbc=True))
    with pytest.raises(ValueError, match="periodic"):
        as_crystal(Atoms("Si", cell=[4, 4, 4], pbc=[True, True, False]))
    with pytest.raises(ValueError, match="left-handed"):
        as_crystal(Atoms("Si", cell=[[0, 4, 0], [4, 0, 0], [0, 0, 4]], pbc=True))
    with pytest.raises(ValueError, match="occupancies"):
        Crystal("bad", (4, 4, 4, 90, 90, 90), ("Si",), ((0, 0, 0),), (1.5,))
