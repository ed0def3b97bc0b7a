"""The table of a model from arrays of atoms that come from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hyperspy_twin.atoms.box import complete_box

# Columns of every model, in this order; further ones follow.
COLUMNS = ("x", "y", "z", "Z", "region", "occupancy")
# Columns of the standard errors of positions, of models that were made of images.
ERROR_COLUMNS = ("sigma_x", "sigma_y")
# Arrays that a model does not keep: what ASE has for molecular dynamics.
NOT_KEPT = ("positions", "numbers", "tags", "masses")
# Å; atoms in one plane still need a box with a volume.
SMALLEST_BOX = 1.0


def table_of(
    arrays: Mapping[str, np.ndarray], cell: np.ndarray, pbc: Sequence[bool]
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray]:
    """Columns, table, box and corner of the box of atoms.

    Parameters
    ----------
    arrays
        ``positions`` in Å and ``numbers``; ``region`` and ``occupancy`` where they are known, and
        further ones, of which those with one number for each atom become columns.
    cell, pbc
        Box vectors as rows in Å, shape (3, 3), and whether the box repeats along each of them. One
        that does not repeat may be zero: then the box ends at the outermost atoms.

    Returns
    -------
    columns
        Names of the columns.
    table
        Shape (n, columns).
    cell, origin
        Box vectors as rows and corner of the box in Å, shapes (3, 3) and (3,).

    Raises
    ------
    ValueError
        If there are no atoms, a position is not finite, an element is unknown or the box has no
        volume.
    """
    positions, numbers = np.asarray(arrays["positions"], float), np.asarray(arrays["numbers"])
    if len(numbers) == 0:
        raise ValueError("there are no atoms")
    if not np.isfinite(positions).all():
        raise ValueError("some positions are not finite: remove these atoms first")
    if not np.all((numbers >= 1) & (numbers <= 118)):
        raise ValueError("some atoms have no element: atomic numbers are from 1 to 118")
    more = [
        name
        for name, values in arrays.items()
        if name not in (*NOT_KEPT, *COLUMNS) and values.ndim == 1 and values.dtype.kind in "iufb"
    ]
    table = np.ones((len(numbers), len(COLUMNS) + len(more)))
    table[:, :3], table[:, 3] = positions, numbers
    for index, name in enumerate((*COLUMNS[4:], *more), 4):
        if name in arrays:
            table[:, index] = arrays[name]
    box, origin = _box_around(positions, cell, pbc)
    return (*COLUMNS, *more), table, box, origin


def _box_around(
    positions: np.ndarray, cell: np.ndarray, pbc: Sequence[bool]
) -> tuple[np.ndarray, np.ndarray]:
    """Box whose missing vectors reach over the atoms, and its corner."""
    box, missing = complete_box(cell, pbc)
    along = positions @ np.linalg.inv(box)[:, missing]
    origin = along.min(axis=0) @ box[missing]
    box[missing] *= np.maximum(np.ptp(along, axis=0), SMALLEST_BOX)[:, None]
    return box, origin
