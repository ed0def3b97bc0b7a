"""The XYZ file of Prismatic and computem, which abTEM reads too."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hyperspy_twin.io.models.content import ModelContent
from hyperspy_twin.io.models.text import decimals, integers, lines

DIGITS = 8
# Relative size of an entry off the diagonal that is rounding.
ORTHOGONAL = 1e-9


def write_prismatic(content: ModelContent, path: Path) -> None:
    """Write atomic number, position, occupancy and thermal displacement of each atom.

    Elements that share a site are listed with their fractions. The thermal displacement is not
    known to the model and written as 0 Å: without one, Prismatic simulates atoms at rest.

    Raises
    ------
    ValueError
        If the box is not rectangular along x, y and z.

    References
    ----------
    https://prism-em.com/docs-inputs
    """
    lengths = np.diag(content.cell)
    if np.abs(content.cell - np.diag(lengths)).max() > ORTHOGONAL * np.abs(lengths).max():
        raise ValueError(
            "Prismatic needs a rectangular box along x, y and z: write another format, or cut the "
            "model to such a box"
        )
    with path.open("wb") as file:
        size = " ".join(f"{one:.10g}" for one in lengths)
        file.write(f"{content.comment or 'atoms'}\n{size}\n".encode())
        for atom, numbers, occupancy in content.sites():
            columns = [integers(numbers), decimals(content.placed(atom), DIGITS)]
            columns.append(decimals(np.column_stack([occupancy, np.zeros(len(atom))]), DIGITS))
            file.write(lines(*columns))
        file.write(b"-1\n")
