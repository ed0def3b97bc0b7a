"""How far atoms moved, and how long bonds are."""

from __future__ import annotations

import numpy as np
from ase.data import chemical_symbols

from hyperspy_twin.core import Table
from hyperspy_twin.properties.keating import BondedAtoms

PICOMETRES = 100.0  # in an Å


def summarise_displacements(
    displacement: np.ndarray, region: np.ndarray, symbols: np.ndarray
) -> Table:
    """Table of displacements by region and element.

    Parameters
    ----------
    displacement
        In Å, shape (n, 3).
    region, symbols
        Number of the region and element of each atom, shape (n,).
    """
    groups = sorted(set(zip(region.tolist(), symbols.tolist(), strict=True)))
    rows = []
    for number, symbol in groups:
        own = PICOMETRES * displacement[(region == number) & (symbols == symbol)]
        length = np.linalg.norm(own, axis=1)
        rms = np.sqrt(np.mean(length**2))
        rows.append((number, symbol, len(own), rms, *own.mean(axis=0), length.max()))
    names = ("region", "element", "atoms", "rms", "mean_x", "mean_y", "mean_z", "largest")
    columns = {
        name: np.array(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)
    }
    return Table.from_columns(columns, dict.fromkeys(names[3:], "pm"))


def mean_bond_lengths(
    atoms: BondedAtoms, start: np.ndarray, moved: np.ndarray
) -> dict[str, tuple[float, float]]:
    """Mean lengths of the bonds of each pair of elements in Å, at the start and moved."""
    there = atoms.bonds.index >= 0
    one = np.broadcast_to(atoms.species[:, None], there.shape)[there]
    other = atoms.species[atoms.bonds.index[there]]
    before, after = (
        np.linalg.norm(atoms.bonds.vectors(positions)[there], axis=1)
        for positions in (start, moved)
    )
    symbols = [chemical_symbols[number] for number in atoms.field.numbers]
    found = {}
    for i in range(len(symbols)):
        for j in range(i, len(symbols)):
            pair = (one == i) & (other == j)
            if pair.any():
                name = "-".join(sorted((symbols[i], symbols[j])))
                found[name] = float(before[pair].mean()), float(after[pair].mean())
    return found
