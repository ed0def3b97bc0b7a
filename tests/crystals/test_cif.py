from __future__ import annotations

import json

import gemmi
import numpy as np
import pytest
from ase import Atoms
from ase.neighborlist import neighbor_list
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.crystals.structures.cif import read_cif, read_cifs
from hyperspy_twin.crystals.structures.conversion import as_candidates, as_crystal
from hyperspy_twin.crystals.structures.space_group import number_of_space_group

TABLE = list(gemmi.spacegroup_table())
CUBIC = (5.5, 5.5, 5.5, 90, 90, 90)
HEXAGONAL = (3.25, 3.25, 5.207, 90, 90, 120)
SITE = "loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n"
SITE += "_atom_site_fract_z\n_atom_site_occupancy\n"


def cif(cell, sites, header="", operations=(), name="a"):
    lines = [f"data_{name}", header]
    lines += [f"_cell_length_{k} {v}" for k, v in zip("abc", cell[:3], strict=True)]
    angles = ("alpha", "beta", "gamma")
    lines += [f"_cell_angle_{k} {v:.6f}" for k, v in zip(angles, cell[3:], strict=True)]
    if operations:
        lines += ["loop_", "_symmetry_equiv_pos_as_xyz", *(f"'{text}'" for text in operations)]
    return "\n".join(lines) + "\n" + SITE + "\n".join(sites) + "\n"


def group(name, number=None):
    text = f"_symmetry_space_group_name_H-M '{name}'\n"
    return text + (f"_symmetry_Int_Tables_number {number}\n" if number else "")


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "a.cif"
        path.write_text(text, encoding="utf-8")
        return read_cif(path)

    return read


def nearest(crystal):
    atoms = Atoms(crystal.symbols, scaled_positions=crystal.fractional, cell=crystal.base, pbc=True)
    return neighbor_list("d", atoms, 6.0).min()


def reference_names(shared_file):
    return json.loads(shared_file("cif_real/reference.json").read_text(encoding="utf-8"))


def test_real_files_are_read_right_or_refused_for_what_is_wrong_in_them(shared_file):
    wrong, refused = [], {}
    for name, right in reference_names(shared_file).items():
        try:
            crystal = read_cif(shared_file(f"cif_real/{name}"))
        except ValueError as error:
            refused[name] = str(error)
            continue
        amounts = {}
        for symbol, occupancy in zip(crystal.symbols, crystal.occupancy, strict=True):
            amounts[symbol] = amounts.get(symbol, 0) + occupancy
        # The reference calls X what it cannot name: water, hydroxyl groups, oxygen named OA.
        known = {k: v for k, v in right["elements"].items() if k != "X"}
        is_right = (
            len(crystal.symbols) == right["sites"]
            and np.isclose(np.linalg.det(crystal.base), right["volume"], rtol=1e-4)
            and sum(amounts.values()) == pytest.approx(sum(right["elements"].values()), abs=1e-3)
            and all(amounts[k] >= known[k] - 1e-3 for k in known)
            and ("X" in right["elements"] or set(amounts) == set(known))
        )
        if min(crystal.occupancy) == 1:
            is_right &= bool(abs(nearest(crystal) - right["nearest"]) < 2e-3)
        if not is_right:
            wrong.append(name)
    assert wrong == []
    # SiC, which states the formula Si.
    assert list(refused) == ["cif2cell_cifs_SiC.cif"]
    assert "states 'Si'" in refused["cif2cell_cifs_SiC.cif"]


@pytest.mark.parametrize(
    ("header", "cell", "sites", "count", "distance"),
    [
        (group("P 63/m m c", 194), (3.2094, 3.2094, 5.2108, 90, 90, 120),
         ["Mg Mg 0.3333 0.6667 0.25 1"], 2, 3.197),
        (group("P 63/m m c", 194), (3.16, 3.16, 12.294, 90, 90, 120),
         ["Mo Mo 0.3333 0.6667 0.25 1", "S S 0.3333 0.6667 0.621 1"], 6, 2.42),
        (group("P 63 m c", 186), HEXAGONAL,
         ["Zn Zn .33 .67 0 1", "O O .33 .67 .3819 1"], 4, 1.98),
        (group("P -3 m 1", 164), (4.1537, 4.1537, 6.862, 90, 90, 120),
         ["Mg Mg 0 0 0 1", "I I 0.3333 0.6667 0.75763 1"], 3, 2.92),
        (group("P 31 2 1", 152), (4.454, 4.454, 5.924, 90, 90, 120),
         ["Te Te 0.269 0 0.3333 1"], 3, 2.87),
    ],
)  # fmt: skip
def test_coordinates_that_are_rounded_thirds(read, header, cell, sites, count, distance):
    crystal = read(cif(cell, sites, header))
    assert len(crystal.symbols) == count
    assert nearest(crystal) == pytest.approx(distance, abs=0.03)


def test_a_split_site_is_not_merged(read):
    sites = ["Ti Ti 0.5 0.5 0.5 1", "O O 0.02 0 0 0.5"]
    crystal = read(cif((8, 8, 8, 90, 90, 90), sites, group("P -1")))
    assert crystal.symbols == ("Ti", "O", "O") and sum(crystal.occupancy) == pytest.approx(2)
    sites[1] = "O O 0.02 0 0 1"
    assert read(cif((8, 8, 8, 90, 90, 90), sites, group("P -1"))).symbols == ("Ti", "O")


@pytest.mark.parametrize("header", [group("F d -3 m :2", 227), group("F d -3 m Z", 227),
                                    group("F d -3 m", 227) + "_cell_formula_units_Z 8\n"
                                    "_chemical_formula_sum Si\n",
                                    "_space_group_name_Hall '-F 4vw 2vw 3'\n"])  # fmt: skip
@pytest.mark.parametrize("listed", [False, True])
def test_second_origin(read, header, listed):
    operations = [op.triplet() for op in gemmi.SpaceGroup("F d -3 m:2").operations()]
    text = cif((5.431,) * 3 + (90,) * 3, ["Si Si 0.125 0.125 0.125 1"], header,
               operations if listed else ())  # fmt: skip
    crystal = read(text)
    assert len(crystal.symbols) == 8 and nearest(crystal) == pytest.approx(2.352, abs=0.001)


def test_an_origin_that_is_not_told_is_refused(read):
    sites = ["Fe Fe .125 .125 .125 1", "Fe Fe .5 .5 .5 1", "O O .2549 .2549 .2549 1"]
    with pytest.raises(ValueError, match="origin.*F d -3 m:1 and F d -3 m:2"):
        read(cif((8.3965,) * 3 + (90,) * 3, sites, group("F d -3 m", 227)))
    crystal = read(
        cif(
            (8.3965,) * 3 + (90,) * 3,
            sites,
            group("F d -3 m", 227) + "_space_group_IT_coordinate_system_code 2\n",
        )
    )
    assert len(crystal.symbols) == 56 and nearest(crystal) == pytest.approx(1.889, abs=0.001)


@pytest.mark.parametrize(
    ("name", "number", "cell", "sites", "count", "distance"),
    [
        ("P 1 21/n 1", 14, (5, 6, 7, 90, 100, 90),
         ["Fe Fe .113 .231 .377 1", "O O .419 .071 .193 1"], 8, 2.098),
        ("P b n m", 62, (5.346, 5.616, 7.668, 90, 90, 90),
         ["Gd Gd .9837 .0626 .25 1", "Fe Fe 0 .5 0 1", "O O .1009 .4669 .25 1",
          "O O .6957 .3012 .0506 1"], 20, 2.0),
        ("R -3 m", 166, (4.746,) * 3 + (57.24,) * 3, ["Bi Bi .2339 .2339 .2339 1"], 2, 3.07),
        ("R -3 m R", 166, (4.746,) * 3 + (57.24,) * 3, ["Bi Bi .2339 .2339 .2339 1"], 2, 3.07),
        ("R -3 m H", 166, (4.546, 4.546, 11.862, 90, 90, 120), ["Bi Bi 0 0 .2339 1"], 6, 3.07),
        ("F 4/m -3 2/m", 225, (5.64,) * 3 + (90,) * 3,
         ["Na Na 0 0 0 1", "Cl Cl .5 .5 .5 1"], 8, 2.82),
        ("P 63/m 2/m 2/c", None, (3.2094, 3.2094, 5.2108, 90, 90, 120),
         ["Mg Mg .3333 .6667 .75 1"], 2, 3.197),
    ],
)  # fmt: skip
@pytest.mark.parametrize("with_number", [True, False])
def test_settings_without_operations(read, name, number, cell, sites, count, distance, with_number):
    crystal = read(cif(cell, sites, group(name, number if with_number else None)))
    assert len(crystal.symbols) == count and nearest(crystal) == pytest.approx(distance, abs=0.01)


def general_crystal(setting, generator):
    """A cell that the operations of a setting preserve, with one atom in general position."""
    operations = list(setting.operations())
    metric = np.diag([1.0, 1.2, 1.5]) + 0.1 * np.array([[0, 1, -1], [1, 0, 0.7], [-1, 0.7, 0]])
    rotations = np.array([op.rot for op in operations]) / gemmi.Op.DEN
    metric = np.einsum("nji,jk,nkl->il", rotations, metric, rotations) / len(operations)
    metric *= (60 * len(operations)) ** (2 / 3) / np.linalg.det(metric) ** (1 / 3)
    lengths = np.sqrt(np.diag(metric))
    cosines = metric / np.outer(lengths, lengths)
    cell = (*lengths, *np.degrees(np.arccos([cosines[1, 2], cosines[0, 2], cosines[0, 1]])))
    while True:
        place = generator.random(3).round(4)
        images = np.array([op.apply_to_xyz(list(place)) for op in operations]) % 1
        difference = images[:, None] - images
        difference -= np.round(difference)
        distance = np.sqrt(np.einsum("nmi,ij,nmj->nm", difference, metric, difference))
        if (distance + 9 * np.eye(len(images))).min() > 1.5:
            return cell, place, images


def as_stated(setting, way):
    if way == "operations":
        # A wrong name beside it: what is listed wins.
        return group("P 1", 1), [op.triplet() for op in setting.operations()]
    if way == "name and number":
        return group(setting.xhm(), setting.number), ()
    return f"_space_group_name_Hall '{setting.hall}'\n", ()


@pytest.mark.parametrize("way", ["operations", "name and number", "Hall symbol"])
@settings(max_examples=60, derandomize=True, deadline=None)
@given(setting=st.sampled_from(TABLE))
def test_any_setting_of_a_space_group(way, setting, tmp_path_factory):
    check_setting(setting, way, tmp_path_factory.getbasetemp() / "setting.cif")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["operations", "name and number", "Hall symbol"])
def test_every_setting_of_the_table(way, tmp_path):
    assert len(TABLE) == 564
    for setting in TABLE:
        check_setting(setting, way, tmp_path / "setting.cif")


def check_setting(setting, way, path):
    cell, place, images = general_crystal(setting, np.random.default_rng(setting.number))
    header, operations = as_stated(setting, way)
    x, y, z = place
    path.write_text(cif(cell, [f"Fe Fe {x} {y} {z} 1"], header, operations))
    crystal = read_cif(path)
    assert len(crystal.symbols) == len(images), setting.xhm()
    difference = np.array(crystal.fractional)[:, None] - images
    difference -= np.round(difference)
    assert np.abs(difference).max(axis=2).min(axis=1).max() < 1e-6, setting.xhm()
    if crystal.space_group is not None:
        assert number_of_space_group(crystal.space_group) == setting.number


@pytest.mark.parametrize(
    ("text", "formula", "count"),
    [
        (cif(CUBIC, ["Cs Cs .5 .5 .5 1", "Sn Sn 0 0 0 .9", "In In 0 0 0 .0672", "Cl Cl .5 0 0 1"],
             "_chemical_formula_sum 'Cl3 Cs In0.07 Sn0.9'\n" + group("P m -3 m")),
         "CsSn0.9In0.0672Cl3", 6),
        (cif(CUBIC, ["Na Na .5 .5 .5 1.004(5)", "Cl Cl 0 0 0 1"], group("F m -3 m")), "NaCl", 8),
        (cif(CUBIC, ["Cs Cs 0 0 0 1", "Cl Cl .5 .5 .5 ?"],
             group("P 1") + "_symmetry_equiv_pos_as_xyz x,y,z\n"), "CsCl", 2),
        (cif(HEXAGONAL, ["Zn Zn .333333 .666667 0 1", "O O .333333 .666667 .3819 1"],
             group("P6_3mc")), "ZnO", 4),
        (cif(CUBIC, ["NA1 NA1+ .5 .5 .5 1", "CL1 CL1- 0 0 0 1"],
             "_chemical_formula_sum 'CL NA'\n" + group("F m -3 m")), "NaCl", 8),
    ],
)  # fmt: skip
def test_sound_files_that_are_a_little_odd(read, text, formula, count):
    crystal = read(text)
    assert crystal.formula == formula and len(crystal.symbols) == count


LABELS = "loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"


@pytest.mark.parametrize(
    ("labels", "stated", "formula"),
    [
        (("Si", "O"), "", "SiO"),
        (("Ca", "WatA"), "", "CaO"),
        (("CaM4", "OH"), "Ca H O", "CaO"),
        (("SiT1", "OA"), "Si O", "SiO"),
        (("CA1", "O2"), "Ca O", "CaO"),
        (("C1A", "OX"), "C O", "CO"),
        (("W1", "O1"), "W O", "WO"),
        (("Co1", "Os1"), "Co Os", "CoOs"),
    ],
)
def test_elements_of_labels(read, labels, stated, formula):
    header = f"_chemical_formula_sum '{stated}'\n" if stated else ""
    text = cif(CUBIC, (), header + group("P 1")).replace(SITE, LABELS)
    text += f"{labels[0]} 0 0 0\n{labels[1]} 0.5 0.5 0.5\n"
    text += "loop_\n_atom_site_aniso_label\n_atom_site_aniso_U_11\nSomethingElse 0.004\n"
    assert read(text).formula == formula


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (cif(HEXAGONAL, ["Mg Mg 1/3 2/3 1/4 1"], group("P 63/m m c")), "'1/3' is no number"),
        (cif(CUBIC, ["Si Si 0 0 0 1"]), "states no symmetry"),
        (cif(CUBIC, ["Si Si 0 0 0 1"], group("Q m m m")), "'Q m m m' is not known"),
        (cif(CUBIC, ["Si Si 0 0 0 1"], "_space_group_IT_number 300\n"), "from 1 to 230"),
        (cif((3, 4, 5, 90, 90, 90), ["Si Si 0 0 0 1"], group("F m -3 m")), "do not fit a cell"),
        (cif(CUBIC, ["Si Si 0 0 0 1.4"], group("F m -3 m")), "occupancy of atom site Si"),
        (cif(CUBIC, ["Si Si 0 0 0 .8", "Ge Ge 0 0 0 .8"], group("F m -3 m")), "1.600 times"),
        (cif(CUBIC, ["Si Si 0 0 0 1", "Si Si 0.1 0 0 1"], group("P 1")), "0.550 Å apart"),
        (cif((55, 55, 55, 90, 90, 90), ["Si Si 0 0 0 1"], group("P 1")), "Å³ per atom"),
        (cif((1.5, 1.5, 1.5, 90, 90, 90), ["Au Au 0 0 0 1"], group("P 1")), "apart|g/cm³"),
        (cif(CUBIC, ["Si Si 0 0 0 1"], operations=("x,y,q",)), "symmetry operation"),
    ],
)
def test_unsound_files_are_refused_with_the_true_reason(read, text, reason):
    with pytest.raises(ValueError, match=reason):
        read(text)


def test_several_data_blocks(tmp_path):
    path = tmp_path / "two.cif"
    salt = cif(CUBIC, ["Na Na .5 .5 .5 1", "Cl Cl 0 0 0 1"], group("F m -3 m"), name="salt")
    copper = cif((3.615,) * 3 + (90,) * 3, ["Cu Cu 0 0 0 1"], group("F m -3 m"), name="copper")
    path.write_text("data_empty\n_journal_year 2003\n" + salt + copper)
    assert [crystal.formula for crystal in read_cifs(path)] == ["NaCl", "Cu"]
    assert [crystal.name for crystal in as_candidates(path, ())] == ["two salt", "two copper"]
    with pytest.raises(ValueError, match="2 structures.*two salt, two copper"):
        as_crystal(path)


@pytest.mark.parametrize("source", ["ase", "diffpy"])
def test_structures_of_other_packages_are_checked_too(source):
    from diffpy.structure import Atom, Lattice, Structure

    if source == "ase":
        wrong = Atoms("Si2", scaled_positions=[(0, 0, 0), (0.1, 0, 0)], cell=[5, 5, 5], pbc=True)
    else:
        wrong = Structure(
            [Atom("Si", [0, 0, 0]), Atom("Si", [0.1, 0, 0])], Lattice(5, 5, 5, *[90] * 3)
        )
    with pytest.raises(ValueError, match="0.500 Å apart"):
        as_crystal(wrong)
