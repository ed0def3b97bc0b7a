"""Write atomic models to files that simulation programs read."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from hyperspy_twin.io.models import (
    ModelContent,
    write_cif,
    write_extended_xyz,
    write_lammps,
    write_poscar,
    write_prismatic,
    write_trajectory,
)

_logger = logging.getLogger(__name__)

WRITERS: dict[str, Callable[[ModelContent, Path], None]] = {
    "cif": write_cif,
    "extxyz": write_extended_xyz,
    "lammps-data": write_lammps,
    "vasp": write_poscar,
    "prismatic": write_prismatic,
    "traj": write_trajectory,
}
SUFFIXES = {
    ".xyz": "extxyz",
    ".extxyz": "extxyz",
    ".poscar": "vasp",
    ".vasp": "vasp",
    ".cif": "cif",
    ".data": "lammps-data",
    ".lmp": "lammps-data",
    ".traj": "traj",
}
FILE_NAMES = {"poscar": "vasp", "contcar": "vasp"}
# Formats that cannot say in which directions the box does not repeat, and need one.
NEEDS_CELL = ("vasp", "cif", "lammps-data", "prismatic")


def write_model(
    content: ModelContent,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    vacuum: float = 10.0,
) -> Path:
    """Write atoms to a file, completely or not at all.

    The file is written under another name in the same folder and renamed when it is complete: an
    existing file stays as it was if anything fails. Memory is needed for some 100 000 atoms at a
    time, however many there are.

    Parameters
    ----------
    content
        What to write.
    path
        File to write. Existing files are replaced.
    format
        ``"extxyz"`` (keeps every array, such as region and occupancy, and which directions are
        periodic), ``"vasp"`` (POSCAR, atoms grouped by element, each with its index in the model),
        ``"cif"`` (with occupancies), ``"lammps-data"`` (atom types numbered by element in
        alphabetical order, with masses), ``"prismatic"`` (XYZ of Prismatic and abTEM) or ``"traj"``
        (ASE). By default the one that belongs to the name: .xyz, .extxyz; .vasp, .poscar, POSCAR,
        CONTCAR; .cif; .data, .lmp; .traj.
    vacuum
        Smallest gap in Å between the model and its images along directions that are not periodic,
        in formats that cannot say so: all but extxyz and traj. The cell is made longer where it is
        too short, and the log tells. LAMMPS data carry their ``boundary`` line as a comment.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    ValueError
        If the format is unknown or cannot hold the bonds, there are no atoms, positions are not
        finite, the format needs a cell and there is none, or the vacuum is no length.
    FileNotFoundError
        If the folder does not exist.
    """
    path = Path(path)
    format = _format_of(path, format)
    _check(content, format)
    if format in NEEDS_CELL:
        content = _separate_images(content, format, vacuum)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"folder {path.parent} does not exist: create it first")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the name of a file")
    target = path.resolve()
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        WRITERS[format](content, partial)
        if target.exists():
            shutil.copymode(target, partial)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _format_of(path: Path, format: str | None) -> str:
    if format is not None:
        if format not in WRITERS:
            raise ValueError(f"format '{format}' is unknown: use one of {', '.join(WRITERS)}")
        return format
    found = SUFFIXES.get(path.suffix.lower()) or FILE_NAMES.get(path.name.lower())
    if found is None:
        raise ValueError(
            f"cannot tell the format of '{path.name}': use a name that ends in "
            f"{', '.join(SUFFIXES)}, the name POSCAR or CONTCAR, or give format as one of "
            f"{', '.join(WRITERS)}"
        )
    return found


def _check(content: ModelContent, format: str) -> None:
    """Refuse atoms that cannot be written."""
    if len(content) == 0:
        raise ValueError("there are no atoms to write")
    if content.bonds is not None and format != "lammps-data":
        raise ValueError(f"format '{format}' cannot hold bonds: write lammps-data")
    for name, values in content.arrays.items():
        if len(values) != len(content):
            raise ValueError(f"array '{name}' has {len(values)} entries for {len(content)} atoms")
    for part in content.parts():
        if not np.all(np.isfinite(content.positions[part])):
            raise ValueError("some positions are not finite: remove these atoms first")
    if format in NEEDS_CELL and not abs(np.linalg.det(content.cell)) > 0:
        raise ValueError(
            f"format '{format}' needs a cell with a volume: set one, e.g. by "
            "atoms.center(vacuum=10, axis=(0, 1)), or write extxyz"
        )
    for axis in np.flatnonzero(content.pbc):
        if not np.linalg.norm(content.cell[axis]) > 0:
            raise ValueError(f"direction {axis} is periodic but its cell vector is zero")


def _separate_images(content: ModelContent, format: str, vacuum: float) -> ModelContent:
    """Leave a gap between the images along directions that are not periodic."""
    if not (np.isfinite(vacuum) and vacuum >= 0):
        raise ValueError(f"vacuum must be a length in Å, not {vacuum}")
    cell, origin = content.cell.astype(float), np.array(content.origin, float)
    lengthened = []
    for axis in np.flatnonzero(~np.asarray(content.pbc, bool)):
        normal = np.linalg.inv(cell)[:, axis]
        normal /= np.linalg.norm(normal)
        height = float(cell[axis] @ normal)
        along = [(content.positions[part] - origin) @ normal for part in content.parts()]
        low, high = min(one.min() for one in along), max(one.max() for one in along)
        needed = high - low + vacuum
        if needed > height:
            cell[axis] *= needed / height
            lengthened.append("xyz"[axis])
            height = needed
        if low < 0 or high > height:
            origin -= ((height - (high - low)) / 2 - low) * cell[axis] / height
    if lengthened:
        _logger.warning(
            "%s files are periodic in all directions: the cell is made longer along %s, so that "
            "%g Å of vacuum separate the model from its images",
            format,
            " and ".join(lengthened),
            vacuum,
        )
    return replace(content, cell=cell, origin=origin)
