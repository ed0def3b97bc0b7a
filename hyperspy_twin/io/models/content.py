"""What a file of atoms holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from ase.data import chemical_symbols

# Atoms that are written at once: some 20 MB of text.
CHUNK = 200_000


@dataclass(frozen=True, eq=False)
class ModelContent:
    """Atoms as they are written; large arrays are kept as they are and read in parts.

    Attributes
    ----------
    positions
        In Å, shape (n, 3).
    numbers
        Atomic numbers, shape (n,).
    cell
        Box vectors as rows in Å, shape (3, 3).
    pbc
        Whether the box repeats along each of them, shape (3,).
    origin
        Corner of the box: files hold positions from there, in Å, shape (3,).
    arrays
        Further arrays by name, of n rows each.
    fractions
        Fraction of an element on the site of each atom, by atomic number, shape (n,) each: where
        they do not add up to anything, the atom is what its number says.
    bonds
        Indices of bonded atoms, each bond once, shape (m, 2).
    header
        Where the atoms come from, as names and texts.
    """

    positions: np.ndarray
    numbers: np.ndarray
    cell: np.ndarray
    pbc: np.ndarray
    origin: np.ndarray = field(default_factory=lambda: np.zeros(3))
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    fractions: Mapping[int, np.ndarray] = field(default_factory=dict)
    bonds: np.ndarray | None = None
    header: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Give the number of atoms."""
        return len(self.numbers)

    @property
    def present(self) -> np.ndarray:
        """Atomic numbers of the elements of the file in the alphabetical order of the symbols."""
        found = {*np.flatnonzero(np.bincount(self.numbers)).tolist()}
        return np.array(sorted(found, key=chemical_symbols.__getitem__))

    @property
    def comment(self) -> str:
        """Header as one line of plain text."""
        return one_line("; ".join(f"{name}: {text}" for name, text in self.header.items()))

    def parts(self) -> Iterator[slice]:
        """Rows that are written at once."""
        for first in range(0, len(self), CHUNK):
            yield slice(first, min(first + CHUNK, len(self)))

    def placed(self, rows: slice | np.ndarray) -> np.ndarray:
        """Positions of some atoms from the corner of the box, shape (rows, 3)."""
        return self.positions[rows] - self.origin

    def sites(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Atoms with their fractions, in parts: rows, atomic numbers and occupancies.

        A site that several elements share comes once for each of them.
        """
        for part in self.parts():
            rows = np.arange(part.start, part.stop)
            shares = {
                number: np.nan_to_num(np.asarray(values[part], float))
                for number, values in self.fractions.items()
            }
            total = np.sum(list(shares.values()), axis=0) if shares else np.zeros(len(rows))
            found = [(rows[total == 0], self.numbers[part][total == 0], np.ones(sum(total == 0)))]
            for number, share in shares.items():
                some = share > 0
                found.append((rows[some], np.full(some.sum(), number), share[some]))
            atom, numbers, occupancy = (np.concatenate(one) for one in zip(*found, strict=True))
            order = np.argsort(atom, kind="stable")
            yield atom[order], numbers[order], occupancy[order]


def one_line(text: str) -> str:
    """Text without what ends a line or a quoted string, in ASCII."""
    plain = text.encode("ascii", "replace").decode()
    return " ".join(plain.replace('"', "'").replace("#", " ").split())
