"""Bonds of atoms that have four in their crystal, in a table of four slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hyperspy_twin.atoms import LONGEST_STRETCH, find_neighbours
from hyperspy_twin.core import run_in_parts
from hyperspy_twin.properties.tetrahedral.slots import (
    choose_shortest,
    find_reverse,
    link_slots,
    write_vectors,
)

# Atoms that are nearer than this part of a bond overlap: the shortest bonds of dislocation cores
# are about .85.
SHORTEST_BOND = 0.6


@dataclass(frozen=True, eq=False)
class TetrahedralBonds:
    """Bonds of each atom, at most four, each listed for both of its atoms.

    Attributes
    ----------
    index
        Neighbours, the missing ones last as -1, int32, shape (n, 4).
    reverse
        Slot of the neighbour in which the bond leads back, -1 where it is missing, int8, shape
        (n, 4).
    shift
        Box vectors from the stored position of the neighbour to the image that is bonded, int8,
        shape (n, 4, 3).
    cell
        Box vectors as rows in Å, shape (3, 3).
    crowded
        Atoms with more than four neighbours, of which the shortest bonds that both atoms share are
        kept, boolean, shape (n,).
    """

    index: np.ndarray
    reverse: np.ndarray
    shift: np.ndarray
    cell: np.ndarray
    crowded: np.ndarray

    def __len__(self) -> int:
        """Give the number of atoms."""
        return len(self.index)

    @property
    def count(self) -> np.ndarray:
        """Number of bonds of each atom, shape (n,)."""
        return (self.index >= 0).sum(axis=1)

    @property
    def repeated(self) -> np.ndarray:
        """Atoms bonded to several images of one neighbour: the box is thin; boolean, shape (n,)."""
        found = np.sort(self.index, axis=1)
        return ((found[:, 1:] == found[:, :-1]) & (found[:, 1:] >= 0)).any(axis=1)

    def in_order(self, order: np.ndarray) -> TetrahedralBonds:
        """Bonds of the same atoms in another order: their numbers as they follow, shape (n,)."""
        place = np.empty(len(self), np.int32)
        place[order] = np.arange(len(self), dtype=np.int32)
        old = self.index[order]
        index = np.where(old < 0, old, place[old])
        reverse, shift = self.reverse[order], self.shift[order]
        return TetrahedralBonds(index, reverse, shift, self.cell, self.crowded[order])

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """Vectors from each atom to its bonded neighbours.

        Parameters
        ----------
        positions
            Positions of the atoms in Å, also after they moved a little, shape (n, 3).

        Returns
        -------
        numpy.ndarray
            Vectors in Å, zero where a bond is missing, shape (n, 4, 3).
        """
        positions = np.ascontiguousarray(positions, float)
        found = np.zeros((len(self), 4, 3))

        def work(first: int, last: int) -> None:
            write_vectors(first, last, self.index, self.shift, self.cell, positions, found)

        run_in_parts(work, len(self))
        return found


def find_tetrahedral_bonds(
    positions: np.ndarray,
    cell: np.ndarray,
    pbc: Sequence[bool],
    *,
    species: np.ndarray,
    lengths: np.ndarray,
    names: Sequence[str],
) -> TetrahedralBonds:
    """Find the bonds of atoms that have four in their crystal.

    Atoms are bonded where they are nearer than 1.2 times the length of their bond without strain.

    Parameters
    ----------
    positions, cell, pbc
        As for :func:`~hyperspy_twin.atoms.find_neighbours`.
    species
        Row of each atom in the table of lengths, shape (n,).
    lengths
        Lengths of bonds without strain in Å, NaN where there is no such bond, shape (k, k).
    names
        Of the species, for messages.

    Returns
    -------
    TetrahedralBonds
        The bonds.

    Raises
    ------
    ValueError
        If two atoms overlap, have no bond for their species but are as near as bonded ones, an atom
        has no neighbour, a bond leads to an image of its own atom, or a position is not finite.
    """
    species = np.ascontiguousarray(species, np.int8)
    known = np.asarray(lengths, float)
    longest = np.where(np.isfinite(known), known, -np.inf).max(axis=1)
    limits = LONGEST_STRETCH * np.where(
        np.isfinite(known), known, np.maximum(longest[:, None], longest)
    )
    near = find_neighbours(positions, cell, pbc, limits.max())
    distance = near.distances(positions)

    def pair(k: int) -> str:
        i, j = int(near.atom[k]), int(near.index[k])
        kinds = f"{names[species[i]]}-{names[species[j]]}"
        return f"atoms {i} and {j} ({kinds}) at {distance[k]:.2f} Å"

    from_, to = species[near.atom], species[near.index]
    bonded = distance < limits[from_, to]
    shortest = SHORTEST_BOND / LONGEST_STRETCH * limits[from_, to]
    for wrong, what in (
        (distance < shortest, "overlap: move or remove one of them"),
        (bonded & np.isnan(known[from_, to]), "are as near as a bond that has no parameters"),
        (bonded & (near.atom == near.index), "are one: the box is too thin, repeat it"),
    ):
        if wrong.any():
            k = int(np.argmax(wrong))
            raise ValueError(f"{pair(k)} {what} ({wrong.sum() // 2} such pairs)")
    atoms = len(near)
    chosen, crowded = np.empty((atoms, 4), np.int64), np.empty(atoms, bool)
    run_in_parts(
        lambda a, b: choose_shortest(a, b, near.start, distance, bonded, chosen, crowded), atoms
    )
    index, shift = np.empty((atoms, 4), np.int32), np.zeros((atoms, 4, 3), np.int8)
    run_in_parts(lambda a, b: link_slots(a, b, near.index, near.shift, chosen, index, shift), atoms)
    isolated = index[:, 0] < 0
    if isolated.any():
        i = int(np.argmax(isolated))
        raise ValueError(
            f"atom {i} ({names[species[i]]}) at {np.round(positions[i], 2).tolist()} Å has no "
            f"bonds ({isolated.sum()} such atoms): remove isolated atoms"
        )
    reverse = np.full((atoms, 4), -1, np.int8)
    run_in_parts(lambda a, b: find_reverse(a, b, index, shift, reverse), atoms)
    return TetrahedralBonds(index, reverse, shift, near.cell, crowded)
