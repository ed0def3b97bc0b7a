"""POSCAR of VASP: atoms grouped by element, each with its place in the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase.data import chemical_symbols

from hyperspy_twin.io.models.content import CHUNK, ModelContent
from hyperspy_twin.io.models.text import decimals, integers, lines, repeated

DIGITS = 10


def write_poscar(content: ModelContent, path: Path) -> None:
    """Write a POSCAR with Cartesian positions.

    Behind its position, where VASP and ASE read no further, each line has "!", the index of the
    atom in the model, counted from 0, and its region.

    References
    ----------
    https://www.vasp.at/wiki/POSCAR
    """
    present = content.present
    numbers = np.asarray(content.numbers)
    rank = np.zeros(int(present.max()) + 1, np.uint8)
    rank[present] = np.arange(len(present))
    order = np.argsort(rank[numbers], kind="stable")
    counts = np.bincount(rank[numbers], minlength=len(present))
    region = content.arrays.get("region")
    with path.open("wb") as file:
        rows = [content.comment or "atoms", "1.0"]
        rows += [" ".join(f"{one:20.12f}" for one in vector) for vector in content.cell]
        rows += [" ".join(chemical_symbols[one] for one in present)]
        rows += [" ".join(map(str, counts)), "Cartesian"]
        file.write("".join(f"{row}\n" for row in rows).encode())
        for first in range(0, len(order), CHUNK):
            some = order[first : first + CHUNK]
            columns = [decimals(content.placed(some), DIGITS), repeated(" !", len(some))]
            columns.append(integers(some))
            if region is not None:
                columns.append(integers(np.asarray(region)[some]))
            file.write(lines(*columns))
