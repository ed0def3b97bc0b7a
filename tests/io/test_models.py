"""What each format of atoms keeps, read back by ASE, and the text of numbers."""

from __future__ import annotations

from dataclasses import replace

import ase.io
import numpy as np
import pytest
from ase.build import bulk
from ase.io.trajectory import Trajectory
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.io import ModelContent
from hyperspy_twin.io.models import content as content_module
from hyperspy_twin.io.models import text
from hyperspy_twin.io.writers import WRITERS, write_model

HEADER = {"title": 'a "well"', "steps": "gpa to_atoms", "phases": "1 Si, 2 Ge"}


@pytest.fixture
def content():
    """A block of silicon and germanium in two regions, off the corner of its box."""
    crystal = bulk("Si", cubic=True).repeat((3, 2, 2))
    generator = np.random.default_rng(2)
    numbers = generator.choice([14, 32], len(crystal))
    return ModelContent(
        positions=crystal.positions + (5.0, -3.0, 0.0),
        numbers=numbers,
        cell=crystal.cell.array,
        pbc=np.ones(3, bool),
        origin=np.array([5.0, -3.0, 0.0]),
        arrays={"region": 1 + (crystal.positions[:, 0] > 8).astype(int)},
        header=HEADER,
    )


def triclinic(content):
    shear = np.array([[0.9, 0.1, -0.2], [0.3, 1.1, 0.1], [-0.1, 0.2, 1.0]])
    return replace(
        content,
        positions=(content.positions - content.origin) @ shear,
        cell=content.cell @ shear,
        origin=np.zeros(3),
    )


def distances(content, positions=None, cell=None):
    atoms = ase.Atoms(
        positions=content.placed(slice(None)) if positions is None else positions,
        cell=content.cell if cell is None else cell,
        pbc=True,
    )
    return atoms.get_all_distances(mic=True)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    values=st.lists(st.floats(-1e7, 1e7), min_size=1, max_size=12),
    digits=st.sampled_from([0, 6, 8, 10]),
)
def test_numbers_are_as_python_writes_them(values, digits):
    """To within the digit that rounding decides."""
    values = [0.5, *values]
    written = [
        line.split()
        for line in text.lines(text.decimals(np.array(values), digits)).decode().splitlines()
    ]
    assert all(len(one) == 1 for one in written)
    for (word,), value in zip(written, values, strict=True):
        assert len(word.partition(".")[2]) == digits
        assert float(word) == pytest.approx(value, abs=0.51 * 10.0**-digits, rel=1e-15)


def test_numbers_that_need_another_form():
    values = np.array([[np.nan, -np.inf, np.inf], [-1.0, 0.0, 12.25]])
    rows = [line.split() for line in text.lines(text.decimals(values, 3)).decode().splitlines()]
    assert rows == [["nan", "-inf", "inf"], ["-1.000", "0.000", "12.250"]]
    plain = np.full(text.decimals(values, 3).shape, text.SPACE, np.uint8)
    text._write_decimals.py_func(values, 3, plain.shape[1] // 3, plain)
    np.testing.assert_array_equal(plain, text.decimals(values, 3))
    for extreme in ([1e12, -3.5e-7], [2e-7, 1.234567e-6]):
        words = text.lines(text.decimals(np.array(extreme), 8)).decode().split()
        np.testing.assert_allclose(np.array(words, float), extreme, rtol=1e-10)


@pytest.mark.parametrize("format", WRITERS)
def test_parts_make_the_same_file(content, tmp_path, monkeypatch, format):
    """Chunks of a few atoms, whose columns may differ in width."""
    whole = write_model(content, tmp_path / "whole", format=format).read_bytes()
    monkeypatch.setattr(content_module, "CHUNK", 7)
    for module in ("poscar", "lammps"):
        monkeypatch.setattr(f"hyperspy_twin.io.models.{module}.CHUNK", 7)
    parts = write_model(content, tmp_path / "parts", format=format).read_bytes()
    if format == "traj":
        assert parts == whole
    else:
        assert parts.split() == whole.split()


def test_extended_xyz_says_where_it_comes_from(content, tmp_path):
    back = ase.io.read(write_model(content, tmp_path / "a.xyz"))
    assert back.info["title"] == "a 'well'" and back.info["phases"] == "1 Si, 2 Ge"
    np.testing.assert_allclose(back.positions, content.positions - content.origin, atol=1e-8)
    np.testing.assert_array_equal(back.arrays["region"], content.arrays["region"])


def test_poscar_keeps_the_order_in_a_map(content, tmp_path):
    path = write_model(content, tmp_path / "POSCAR")
    back = ase.io.read(path, format="vasp")
    kept = [line.split("!")[1].split() for line in path.read_text().splitlines() if "!" in line]
    index, region = np.array(kept, int).T
    np.testing.assert_array_equal(np.sort(index), np.arange(len(content)))
    np.testing.assert_array_equal(back.numbers, np.asarray(content.numbers)[index])
    np.testing.assert_allclose(back.positions, content.placed(index), atol=1e-8)
    np.testing.assert_array_equal(region, content.arrays["region"][index])
    assert "gpa to_atoms" in path.read_text().splitlines()[0]


def test_trajectory_has_regions_as_tags(content, tmp_path):
    content = replace(content, pbc=np.array([True, False, True]))
    path = write_model(content, tmp_path / "a.traj")
    (back,) = Trajectory(path)
    np.testing.assert_array_equal(back.positions, content.placed(slice(None)))
    np.testing.assert_array_equal(back.numbers, content.numbers)
    np.testing.assert_array_equal(back.get_tags(), content.arrays["region"])
    np.testing.assert_array_equal(back.cell, content.cell)
    assert back.pbc.tolist() == [True, False, True]
    assert Trajectory(path).description["steps"] == "gpa to_atoms"


def test_cif_lists_the_elements_of_a_shared_site(content, tmp_path):
    fraction = np.where(np.arange(len(content)) % 4 == 0, 0.25, np.nan)
    mixed = replace(content, fractions={14: 1 - fraction, 32: fraction})
    back = ase.io.read(write_model(mixed, tmp_path / "a.cif"), fractional_occupancies=True)
    assert len(back) == len(content)
    kinds = back.arrays["spacegroup_kinds"]
    shares = [back.info["occupancy"][str(kind)] for kind in kinds]
    order = np.argsort(
        np.linalg.norm(back.positions - content.placed(slice(None))[:, None], axis=2), axis=1
    )[:, 0]
    for atom, place in enumerate(order):
        if atom % 4 == 0:
            assert shares[place] == {"Si": 0.75, "Ge": 0.25}
        else:
            assert shares[place] == {{14: "Si", 32: "Ge"}[content.numbers[atom]]: 1.0}


def test_cif_of_any_box(content, tmp_path):
    content = triclinic(content)
    back = ase.io.read(write_model(content, tmp_path / "a.cif"))
    np.testing.assert_array_equal(back.numbers, content.numbers)
    np.testing.assert_allclose(
        distances(content, back.positions, back.cell), distances(content), atol=1e-5
    )


def test_prismatic_has_occupancies(content, tmp_path):
    fraction = np.full(len(content), 0.3)
    path = tmp_path / "a.XYZ"
    back = ase.io.read(write_model(content, path, format="prismatic"), format="prismatic")
    np.testing.assert_array_equal(back.numbers, content.numbers)
    np.testing.assert_allclose(back.positions, content.placed(slice(None)), atol=1e-8)
    np.testing.assert_allclose(back.cell.lengths(), np.diag(content.cell))
    assert path.read_text().splitlines()[-1] == "-1"
    mixed = replace(content, fractions={14: 1 - fraction, 32: fraction})
    back = ase.io.read(write_model(mixed, path, format="prismatic"), format="prismatic")
    np.testing.assert_array_equal(back.numbers, np.tile([14, 32], len(content)))
    np.testing.assert_allclose(back.arrays["occupancies"], np.tile([0.7, 0.3], len(content)))
    with pytest.raises(ValueError, match="rectangular box"):
        write_model(triclinic(content), path, format="prismatic")


def read_lammps(path, style="atomic"):
    # Types are numbered by element, and masses tell which.
    return ase.io.read(path, format="lammps-data", atom_style=style)


def test_lammps_turns_any_box(content, tmp_path):
    content = triclinic(content)
    path = write_model(content, tmp_path / "a.lmp")
    back = read_lammps(path)
    order = np.argsort(back.arrays["id"])
    np.testing.assert_array_equal(back.numbers[order], content.numbers)
    np.testing.assert_allclose(
        distances(content, back.positions[order], back.cell), distances(content), atol=1e-6
    )
    assert "xy xz yz" in path.read_text()
    swapped = replace(content, cell=content.cell[[1, 0, 2]])
    with pytest.raises(ValueError, match="right-handed"):
        write_model(swapped, tmp_path / "b.lmp")


def test_lammps_lists_bonds(content, tmp_path):
    from ase.neighborlist import neighbor_list

    atoms = ase.Atoms(
        numbers=content.numbers, positions=content.positions, cell=content.cell, pbc=True
    )
    i, j = neighbor_list("ij", atoms, 2.6)
    pairs = np.column_stack([i, j])[i < j]
    path = write_model(replace(content, bonds=pairs), tmp_path / "a.lmp")
    back = read_lammps(path, "bond")
    order = np.argsort(back.arrays["id"])
    np.testing.assert_array_equal(back.arrays["mol-id"][order], content.arrays["region"])
    section = path.read_text().split("Bonds\n\n")[1]
    index, kind, first, second = np.array([line.split() for line in section.splitlines()], int).T
    np.testing.assert_array_equal(index, 1 + np.arange(2 * len(content)))
    np.testing.assert_array_equal(np.column_stack([first, second]), pairs + 1)
    assert "bond types 1 Ge-Ge, 2 Ge-Si, 3 Si-Si" in path.read_text().splitlines()[0]
    kinds = {1: {32}, 2: {14, 32}, 3: {14}}
    for one, a, b in zip(kind, first, second, strict=True):
        assert kinds[one] == {content.numbers[a - 1], content.numbers[b - 1]}
    with pytest.raises(ValueError, match="two images"):
        write_model(replace(content, bonds=np.vstack([pairs, pairs[:1]])), path)
    with pytest.raises(ValueError, match="cannot hold bonds"):
        write_model(replace(content, bonds=pairs), tmp_path / "a.xyz")
