"""LAMMPS data files, with bonds where they are wanted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase.data import atomic_masses, chemical_symbols

from hyperspy_twin.io.models.content import CHUNK, ModelContent
from hyperspy_twin.io.models.text import decimals, integers, lines

DIGITS = 8
# Relative tilt that is rounding.
NO_TILT = 1e-12


def write_lammps(content: ModelContent, path: Path) -> None:
    """Write a LAMMPS data file in units of metal, types in alphabetical order of the elements.

    Without bonds it is of ``atom_style atomic``; with bonds of ``atom_style bond``, one type for
    each pair of elements, and the molecule is the region. The first line, a comment, has the
    ``boundary`` command that the file itself cannot hold. Boxes of any angle are turned to the
    orientation that LAMMPS wants.

    Raises
    ------
    ValueError
        If the box vectors are left-handed, or atoms are bonded to two images of the same atom or to
        an image of themselves, which a data file cannot say.

    References
    ----------
    https://docs.lammps.org/read_data.html and https://docs.lammps.org/Howto_triclinic.html
    """
    if np.linalg.det(content.cell) < 0:
        raise ValueError("LAMMPS needs right-handed box vectors: exchange two of them")
    # cell = box @ turn with a lower triangular box.
    turn, box = np.linalg.qr(content.cell.T)
    sign = np.sign(np.diag(box))
    turn, box = turn * sign, (box * sign[:, None]).T
    present = content.present
    type_of = np.zeros(int(present.max()) + 1, int)
    type_of[present] = np.arange(1, len(present) + 1)
    numbers = np.asarray(content.numbers)
    region = np.asarray(content.arrays.get("region", np.ones(len(content), int)))
    bonds, bond_types, pairs = _bonds_of(content, type_of, present)
    boundary = " ".join("p" if along else "f" for along in content.pbc)
    rows = [f"# {content.comment or 'atoms'}; {pairs}boundary {boundary}", ""]
    rows += [f"{len(content)} atoms", f"{len(present)} atom types"]
    if bonds is not None:
        rows += [f"{len(bonds)} bonds", f"{bond_types.max(initial=1)} bond types"]
    rows += [f"0.0 {box[d, d]:.10f} {'xyz'[d]}lo {'xyz'[d]}hi" for d in range(3)]
    tilt = box[1, 0], box[2, 0], box[2, 1]
    if max(map(abs, tilt)) > NO_TILT * box.max():
        rows.append("{:.10f} {:.10f} {:.10f} xy xz yz".format(*tilt))
    rows += ["", "Masses", ""]
    rows += [
        f"{type_of[one]} {atomic_masses[one]:.6g} # {chemical_symbols[one]}" for one in present
    ]
    rows += ["", f"Atoms # {'atomic' if bonds is None else 'bond'}", ""]
    with path.open("wb") as file:
        file.write("".join(f"{row}\n" for row in rows).encode())
        for part in content.parts():
            columns = [integers(np.arange(part.start, part.stop) + 1)]
            if bonds is not None:
                columns.append(integers(region[part]))
            columns.append(integers(type_of[numbers[part]]))
            columns.append(decimals(content.placed(part) @ turn, DIGITS))
            file.write(lines(*columns))
        if bonds is not None:
            file.write(b"\nBonds\n\n")
            for first in range(0, len(bonds), CHUNK):
                some = bonds[first : first + CHUNK]
                index = np.arange(first, first + len(some)) + 1
                kind = bond_types[first : first + CHUNK]
                file.write(lines(integers(index), integers(kind), integers(some + 1)))


def _bonds_of(
    content: ModelContent, type_of: np.ndarray, present: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray, str]:
    """Bonds, the type of each, and what the types are."""
    if content.bonds is None:
        return None, np.zeros(0, int), ""
    bonds = np.asarray(content.bonds, np.int64)
    key = bonds.min(axis=1) * len(content) + bonds.max(axis=1)
    if np.any(bonds[:, 0] == bonds[:, 1]) or len(np.unique(key)) < len(key):
        raise ValueError(
            "an atom is bonded to two images of the same atom, since the box repeats after so "
            "short a length: build a thicker model, or write without bonds"
        )
    kinds = type_of[np.asarray(content.numbers)[bonds]]
    low, high = kinds.min(axis=1), kinds.max(axis=1)
    found, index = np.unique(low * (len(present) + 1) + high, return_inverse=True)
    names = [chemical_symbols[number] for number in present]
    said = [
        f"{number} {names[key // (len(present) + 1) - 1]}-{names[key % (len(present) + 1) - 1]}"
        for number, key in enumerate(found.tolist(), 1)
    ]
    return bonds, index + 1, f"bond types {', '.join(said)}; "
