"""CIF with the fractions of elements that share a site."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hyperspy_twin.io.models.content import ModelContent
from hyperspy_twin.io.models.text import decimals, integers, lines, symbols

DIGITS = 10  # of fractional coordinates: 1e-6 Å in a box of a micrometre
OCCUPANCY_DIGITS = 6
ITEMS = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")


def write_cif(content: ModelContent, path: Path) -> None:
    """Write a CIF in the space group P1.

    Where the model knows the fractions of elements on a site, each of them is listed with its
    occupancy. An atom whose element has been drawn has an occupancy of 1. Labels have the symbol
    and the index of the atom, counted from 1.

    References
    ----------
    International Tables for Crystallography G: CIF core dictionary.
    """
    from ase.geometry import cell_to_cellpar

    inverse = np.linalg.inv(content.cell)
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    rows = ["data_model"]
    if content.comment:
        rows += ["_audit_creation_method", ";", content.comment, ";"]
    rows += [
        f"_cell_{name} {value:.8f}"
        for name, value in zip(names, cell_to_cellpar(content.cell), strict=True)
    ]
    rows += ["_space_group_name_H-M_alt 'P 1'", "_space_group_IT_number 1", "loop_"]
    rows += ["_space_group_symop_operation_xyz", "'x, y, z'", "loop_"]
    rows += [f"_atom_site_{name}" for name in ITEMS]
    region = content.arrays.get("region")
    if region is not None:
        rows.append("_atom_site_twin_region")
    with path.open("wb") as file:
        file.write("".join(f"{row}\n" for row in rows).encode())
        for atom, numbers, occupancy in content.sites():
            name, index = symbols(numbers), integers(atom + 1)
            # Label and index are one word: the digits begin with zeros.
            digits = np.where(index[:, 2:] == 32, 48, index[:, 2:]).astype(np.uint8)
            label = np.where(name[:, 1:] == 32, 95, name[:, 1:]).astype(np.uint8)
            columns = [label, digits, name]
            columns.append(decimals(content.placed(atom) @ inverse, DIGITS))
            columns.append(decimals(occupancy, OCCUPANCY_DIGITS))
            if region is not None:
                columns.append(integers(np.asarray(region)[atom]))
            file.write(lines(*columns))
