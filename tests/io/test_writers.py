from __future__ import annotations

import ase
import ase.io
import numpy as np
import pytest
from ase.build import bulk
from ase.geometry import cellpar_to_cell
from ase.neighborlist import neighbor_list
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.io import ModelContent, write_model
from hyperspy_twin.io.writers import WRITERS


def write_atoms(atoms, path, arrays=None, **options):
    """Write atoms of ASE with their arrays, and further ones."""
    own = ("positions", "numbers")
    known = {name: one for name, one in atoms.arrays.items() if name not in own}
    content = ModelContent(
        positions=atoms.positions,
        numbers=atoms.numbers,
        cell=atoms.cell.array.copy(),
        pbc=atoms.pbc.copy(),
        arrays={**known, **(arrays or {})},
    )
    return write_model(content, path, **options)


@pytest.fixture
def atoms():
    generator = np.random.default_rng(4)
    numbers = generator.permutation([14] * 6 + [32] * 5 + [8] * 3)
    model = ase.Atoms(
        numbers=numbers,
        positions=generator.uniform(1, 9, (14, 3)),
        cell=[10.0, 11.0, 12.5],
        pbc=(False, False, True),
    )
    model.new_array("region", np.arange(14, dtype=np.uint8))
    model.new_array("occupancy", generator.uniform(0, 1, 14).astype(np.float32))
    return model


def sorted_rows(model):
    rows = np.column_stack([model.numbers, model.positions])
    return rows[np.lexsort(rows.T[::-1])]


def with_vacuum(model):
    """Cell lengths in Å when 10 Å part the model from its images along x and y."""
    return [*(np.ptp(model.positions, axis=0) + 10)[:2], model.cell[2, 2]]


def test_extxyz_keeps_everything(atoms, tmp_path):
    error = np.linspace(0, 1, 14)
    path = write_atoms(atoms, tmp_path / "model.xyz", arrays={"error": error})
    back = ase.io.read(path)
    np.testing.assert_array_equal(back.numbers, atoms.numbers)
    np.testing.assert_allclose(back.positions, atoms.positions, atol=1e-8)
    np.testing.assert_array_equal(back.arrays["region"], atoms.arrays["region"])
    np.testing.assert_allclose(back.arrays["occupancy"], atoms.arrays["occupancy"], atol=1e-7)
    np.testing.assert_allclose(back.arrays["error"], error, atol=1e-7)
    np.testing.assert_allclose(back.cell, atoms.cell)
    assert back.pbc.tolist() == [False, False, True]
    assert "error" not in atoms.arrays


@pytest.mark.parametrize("name", ["model.vasp", "model.poscar", "POSCAR", "CONTCAR"])
def test_poscar_is_sorted_by_element(atoms, tmp_path, name):
    path = write_atoms(atoms, tmp_path / name)
    back = ase.io.read(path, format="vasp")
    assert np.count_nonzero(np.diff(back.numbers)) == 2
    np.testing.assert_allclose(sorted_rows(back), sorted_rows(atoms), atol=1e-8)
    np.testing.assert_allclose(back.cell.lengths(), with_vacuum(atoms))


FORMATS = {"extxyz": "a.xyz", "vasp": "POSCAR", "cif": "a.cif", "lammps-data": "a.lmp"}


def shortest_distance(model):
    return neighbor_list("d", model, 6.0).min()


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=10, derandomize=True, deadline=None)
@given(
    periodic=st.tuples(*[st.booleans()] * 3),
    angles=st.tuples(*[st.floats(70, 110)] * 3),
    shift=st.tuples(*[st.floats(-8, 8)] * 3),
)
def test_no_atom_comes_near_another_by_what_a_format_cannot_say(
    format, tmp_path_factory, periodic, angles, shift
):
    model = bulk("Si", cubic=True).repeat(2)
    model.set_cell(cellpar_to_cell([*model.cell.lengths(), *angles]), scale_atoms=True)
    shortest = shortest_distance(model)
    model.pbc = periodic
    model.positions += np.asarray(shift) * ~np.array(periodic)
    path = tmp_path_factory.getbasetemp() / FORMATS[format]
    back = ase.io.read(write_atoms(model, path), format=format)
    assert len(back) == len(model)
    assert shortest_distance(back) == pytest.approx(shortest, abs=1e-4)
    if format == "extxyz":
        assert tuple(back.pbc) == periodic


def test_lammps_files_state_their_boundary(atoms, tmp_path, caplog):
    path = write_atoms(atoms, tmp_path / "a.lmp")
    assert path.read_text().splitlines()[0].endswith("boundary f f p")
    assert "along x and y" in caplog.text and "10 Å of vacuum" in caplog.text
    caplog.clear()
    atoms.pbc = True
    write_atoms(atoms, tmp_path / "a.lmp")
    assert not caplog.records


@pytest.mark.parametrize("vacuum", [-1, np.nan, np.inf])
def test_a_vacuum_is_a_length(atoms, tmp_path, vacuum):
    with pytest.raises(ValueError, match="vacuum must be a length"):
        write_atoms(atoms, tmp_path / "POSCAR", vacuum=vacuum)
    assert not list(tmp_path.iterdir())


def test_the_vacuum_is_as_wide_as_asked(atoms, tmp_path):
    back = ase.io.read(write_atoms(atoms, tmp_path / "POSCAR", vacuum=25), format="vasp")
    gap = back.cell.lengths() - np.ptp(back.positions, axis=0)
    np.testing.assert_allclose(gap[:2], 25)


def test_cif(atoms, tmp_path):
    atoms.pbc = True
    back = ase.io.read(write_atoms(atoms, tmp_path / "model.cif"))
    np.testing.assert_array_equal(back.numbers, atoms.numbers)
    np.testing.assert_allclose(back.positions, atoms.positions, atol=1e-4)
    np.testing.assert_allclose(back.cell.cellpar(), atoms.cell.cellpar(), atol=1e-4)


@pytest.mark.parametrize("name", ["model.data", "model.lmp"])
def test_lammps(atoms, tmp_path, name):
    path = write_atoms(atoms, tmp_path / name)
    back = ase.io.read(path, format="lammps-data", atom_style="atomic")
    np.testing.assert_allclose(sorted_rows(back), sorted_rows(atoms), atol=1e-6)
    np.testing.assert_allclose(back.cell.lengths(), with_vacuum(atoms), atol=1e-6)


def test_explicit_format_wins_over_the_name(atoms, tmp_path):
    path = write_atoms(atoms, tmp_path / "anything.dat", format="extxyz")
    assert len(ase.io.read(path, format="extxyz")) == len(atoms)


@pytest.mark.parametrize("name", ["model.png", "model", "model.xyz.gz"])
def test_unknown_name_lists_the_formats(atoms, tmp_path, name):
    with pytest.raises(ValueError, match=r"\.extxyz.*POSCAR.*lammps-data"):
        write_atoms(atoms, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_unknown_format(atoms, tmp_path):
    with pytest.raises(ValueError, match="cif, extxyz, lammps-data, vasp"):
        write_atoms(atoms, tmp_path / "model.xyz", format="pdb")


def test_missing_folder(atoms, tmp_path):
    with pytest.raises(FileNotFoundError, match="create it first"):
        write_atoms(atoms, tmp_path / "absent" / "model.xyz")
    with pytest.raises(IsADirectoryError, match="name of a file"):
        write_atoms(atoms, tmp_path, format="extxyz")


@pytest.mark.parametrize("name", ["model.vasp", "model.cif", "model.lmp"])
def test_cell_is_needed(atoms, tmp_path, name):
    atoms.pbc = False
    atoms.cell = None
    with pytest.raises(ValueError, match="needs a cell"):
        write_atoms(atoms, tmp_path / name)


def test_impossible_atoms(atoms, tmp_path):
    path = tmp_path / "model.xyz"
    with pytest.raises(ValueError, match="no atoms"):
        write_atoms(ase.Atoms(), path)
    with pytest.raises(ValueError, match="3 entries for 14 atoms"):
        write_atoms(atoms, path, arrays={"error": np.zeros(3)})
    atoms.positions[3, 1] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        write_atoms(atoms, path)
    atoms.positions[3, 1] = 0
    atoms.cell[2] = 0
    with pytest.raises(ValueError, match="direction 2 is periodic"):
        write_atoms(atoms, path)


def test_failure_keeps_the_existing_file(atoms, tmp_path, monkeypatch):
    path = write_atoms(atoms, tmp_path / "model.xyz")
    before = path.read_bytes()

    def fail(_, name):
        name.write_text("half")
        raise OSError("disk full")

    monkeypatch.setitem(WRITERS, "extxyz", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atoms(atoms, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_replaces_the_target_of_a_link(atoms, tmp_path):
    real = write_atoms(atoms, tmp_path / "real.xyz")
    link = tmp_path / "link.xyz"
    link.symlink_to(real)
    write_atoms(atoms[:5], link)
    assert link.is_symlink()
    assert len(ase.io.read(real)) == 5
