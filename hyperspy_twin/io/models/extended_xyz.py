"""Extended XYZ, which holds every array and says which directions repeat."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from hyperspy_twin.io.models.content import ModelContent, one_line
from hyperspy_twin.io.models.text import decimals, integers, lines, symbols, texts

DIGITS = 8  # of positions in Å, as ASE writes them
# Letters by which the format names kinds of numbers.
KINDS = {"f": "R", "i": "I", "u": "I", "b": "L", "U": "S", "S": "S"}


def write_extended_xyz(content: ModelContent, path: Path) -> None:
    """Write an extended XYZ file: each array is a property, the header is ``name="text"`` pairs.

    References
    ----------
    https://github.com/libAtoms/extxyz: the specification.
    """
    arrays = {name: np.asarray(values) for name, values in content.arrays.items()}
    properties = ["species:S:1", "pos:R:3"]
    for name, values in arrays.items():
        if values.ndim > 2 or values.dtype.kind not in KINDS:
            raise ValueError(f"array '{name}' cannot be written: its entries are no numbers")
        width = 1 if values.ndim == 1 else values.shape[1]
        properties.append(
            f"{re.sub('[^A-Za-z0-9_]', '_', name)}:{KINDS[values.dtype.kind]}:{width}"
        )
    box = " ".join(f"{one:.10g}" for one in np.asarray(content.cell).ravel())
    known = "".join(f' {name}="{one_line(text)}"' for name, text in content.header.items())
    periodic = " ".join("T" if one else "F" for one in content.pbc)
    title = f'Lattice="{box}" Properties={":".join(properties)}{known} pbc="{periodic}"'
    with path.open("wb") as file:
        file.write(f"{len(content)}\n{title}\n".encode())
        for part in content.parts():
            columns = [
                symbols(content.numbers[part])[:, 1:],
                decimals(content.placed(part), DIGITS),
            ]
            for values in arrays.values():
                columns.append(_column(values[part]))
            file.write(lines(*columns))


def _column(values: np.ndarray) -> np.ndarray:
    kind = values.dtype.kind
    if kind == "f":
        return decimals(values, DIGITS)
    if kind in "iu":
        return integers(values)
    return texts(np.where(values, "T", "F") if kind == "b" else values)
