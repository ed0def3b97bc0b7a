"""Write atomic models to files that simulation programs read."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import ase

_logger = logging.getLogger(__name__)

SUFFIXES = {
    ".xyz": "extxyz",
    ".extxyz": "extxyz",
    ".poscar": "vasp",
    ".vasp": "vasp",
    ".cif": "cif",
    ".data": "lammps-data",
    ".lmp": "lammps-data",
}
FILE_NAMES = {"poscar": "vasp", "contcar": "vasp"}
NEEDS_CELL = ("vasp", "cif", "lammps-data")


def write_atoms(
    atoms: ase.Atoms,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    arrays: Mapping[str, np.ndarray] | None = None,
    vacuum: float = 10.0,
) -> Path:
    """Write atoms to a file, completely or not at all.

    The file is written under another name in the same folder and renamed when it is complete: an
    existing file stays as it was if anything fails.

    Parameters
    ----------
    atoms
        Atoms with positions in Angstrom.
    path
        File to write. Existing files are replaced.
    format
        ``"extxyz"`` (keeps every array, such as region and occupancy, and which directions are
        periodic), ``"vasp"`` (POSCAR, atoms sorted by element), ``"cif"`` or ``"lammps-data"``
        (atom types numbered by element in alphabetical order, with masses). By default the one
        that belongs to the name: .xyz, .extxyz; .vasp, .poscar, POSCAR, CONTCAR; .cif; .data, .lmp.
    arrays
        Further arrays with one entry for each atom, which extxyz keeps.
    vacuum
        Smallest gap in Å between the model and its images along directions that are not periodic,
        in formats that cannot say so: all but extxyz. The cell is made longer where it is
        too short, and the log tells. LAMMPS data carry their ``boundary`` line as a comment.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    ValueError
        If the format is unknown, there are no atoms, positions are not finite, an array has the
        wrong length, the format cannot hold the arrays, it needs a cell and there is none, or
        the vacuum is no length.
    FileNotFoundError
        If the folder does not exist.
    """
    path = Path(path)
    format = _format_of(path, format)
    prepared = _prepare(atoms, format, arrays)
    if format in NEEDS_CELL:
        _separate_images(prepared, format, vacuum)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"folder {path.parent} does not exist: create it first")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the name of a file")
    target = path.resolve()
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        _write(partial, prepared, format)
        if target.exists():
            shutil.copymode(target, partial)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _format_of(path: Path, format: str | None) -> str:
    known = sorted(set(SUFFIXES.values()))
    if format is not None:
        if format not in known:
            raise ValueError(f"format '{format}' is unknown: use one of {', '.join(known)}")
        return format
    found = SUFFIXES.get(path.suffix.lower()) or FILE_NAMES.get(path.name.lower())
    if found is None:
        raise ValueError(
            f"cannot tell the format of '{path.name}': use a name that ends in "
            f"{', '.join(SUFFIXES)}, the name POSCAR or CONTCAR, or give format as one of "
            f"{', '.join(known)}"
        )
    return found


def _prepare(atoms: ase.Atoms, format: str, arrays: Mapping[str, np.ndarray] | None) -> ase.Atoms:
    """Check the atoms and return a copy that carries the arrays."""
    if len(atoms) == 0:
        raise ValueError("there are no atoms to write")
    if not np.all(np.isfinite(atoms.positions)):
        raise ValueError("some positions are not finite: remove these atoms first")
    if format in NEEDS_CELL and not abs(atoms.cell.volume) > 0:
        raise ValueError(
            f"format '{format}' needs a cell with a volume: set one, e.g. by "
            "atoms.center(vacuum=10, axis=(0, 1)), or write extxyz"
        )
    for axis in np.flatnonzero(atoms.pbc):
        if not np.linalg.norm(atoms.cell[axis]) > 0:
            raise ValueError(f"direction {axis} is periodic but its cell vector is zero")
    if arrays and format != "extxyz":
        raise ValueError(f"format '{format}' cannot hold further arrays: write extxyz")
    prepared = atoms.copy()
    prepared.calc = atoms.calc
    for name, values in (arrays or {}).items():
        values = np.asarray(values)
        if len(values) != len(atoms):
            raise ValueError(f"array '{name}' has {len(values)} entries for {len(atoms)} atoms")
        prepared.set_array(name, values)
    for name, values in prepared.arrays.items():
        # The extended XYZ format knows signed integers only.
        if values.dtype.kind == "u":
            prepared.arrays[name] = values.astype(np.int64)
    return prepared


def _separate_images(atoms: ase.Atoms, format: str, vacuum: float) -> None:
    """Leave a gap between the images along directions that are not periodic, in place."""
    if not (np.isfinite(vacuum) and vacuum >= 0):
        raise ValueError(f"vacuum must be a length in Å, not {vacuum}")
    lengthened = []
    for axis in np.flatnonzero(~atoms.pbc):
        normal = np.linalg.inv(atoms.cell.array)[:, axis]
        normal /= np.linalg.norm(normal)
        height = float(atoms.cell[axis] @ normal)
        along = atoms.positions @ normal
        needed = np.ptp(along) + vacuum
        if needed > height:
            atoms.cell[axis] *= needed / height
            lengthened.append("xyz"[axis])
            height = needed
        if along.min() < 0 or along.max() > height:
            direction = atoms.cell[axis] / height
            atoms.positions += ((height - np.ptp(along)) / 2 - along.min()) * direction
    if lengthened:
        _logger.warning(
            "%s files are periodic in all directions: the cell is made longer along %s, so that "
            "%g Å of vacuum separate the model from its images",
            format,
            " and ".join(lengthened),
            vacuum,
        )


def _write(path: Path, atoms: ase.Atoms, format: str) -> None:
    import ase.io

    options: dict[str, Any] = {}
    if format == "vasp":
        options = {"sort": True, "direct": False}
    elif format == "lammps-data":
        options = {"masses": True, "specorder": sorted(set(atoms.symbols)), "units": "metal"}
    ase.io.write(path, atoms, format=format, parallel=False, **options)
    if format == "lammps-data":
        _state_boundary(path, atoms.pbc)


def _state_boundary(path: Path, periodic: np.ndarray) -> None:
    """Put the command that a data file cannot hold into its first line, which is a comment."""
    boundary = " ".join("p" if along else "f" for along in periodic)
    with path.open(encoding="utf-8") as file:
        first, rest = file.readline(), file.read()
    path.write_text(f"{first.rstrip()}; boundary {boundary}\n{rest}", encoding="utf-8")
