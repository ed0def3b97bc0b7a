"""How many bonds atoms lack where crystals are joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from hyperspy_twin.atoms.joins.overlaps import near_another_group
from hyperspy_twin.atoms.lattice_columns import LatticeColumns
from hyperspy_twin.atoms.neighbours import find_bonds, find_neighbours, longest_bonds
from hyperspy_twin.core import ANGSTROM_PER_NM

# Longest bonds from an atom of another crystal within which atoms belong to a join: across a
# missing atom.
WIDTH = 2.0
# Directions around an atom in which the crystals may end.
DIRECTIONS = 8


class MissingBonds(NamedTuple):
    """Atoms of a join: how many there are, and how many lack bonds, and more than one."""

    atoms: int
    lacking: int
    lacking_more: int


def count_missing_bonds(
    positions: np.ndarray,
    numbers: np.ndarray,
    block: np.ndarray,
    site: np.ndarray,
    groups: np.ndarray,
    lattices: Sequence[LatticeColumns],
    is_crystal: Callable[[np.ndarray], np.ndarray],
    period: float,
) -> MissingBonds:
    """Count the bonds of atoms next to another crystal against those in their own.

    Parameters
    ----------
    positions, numbers
        Of all atoms, in Å, shapes (n, 3) and (n,).
    block, site
        Index of the lattice of each, and of its site there, shape (n,).
    groups
        Number of the crystal that each lattice belongs to, shape (m,).
    lattices
        The lattices.
    is_crystal
        Whether points (n, 2) in nm lie in a region that is filled: atoms at a surface are not
        counted.
    period
        Along z in Å.
    """
    longest = longest_bonds([one.lattice for one in lattices])
    present = np.flatnonzero(np.bincount(numbers))
    reach = float(longest[np.ix_(present, present)].max())
    near = near_another_group(positions, groups[block], (WIDTH + 1) * reach)
    if len(near) == 0:
        return MissingBonds(0, 0, 0)
    positions, numbers, block, site = (one[near] for one in (positions, numbers, block, site))
    cell, pbc = np.diag([0.0, 0.0, period]), (False, False, True)
    around = find_neighbours(positions, cell, pbc, WIDTH * reach)
    group = groups[block]
    joined = np.zeros(len(near), bool)
    joined[around.atom[group[around.atom] != group[around.index]]] = True
    del around
    own = np.empty(len(near), np.int64)
    for number, one in enumerate(lattices):
        here = block == number
        own[here] = _bonds_of_sites(one, longest)[site[here]]
    missing = own - find_bonds(positions, numbers, cell, pbc, longest).count
    turns = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    for x, y in zip(np.cos(turns), np.sin(turns), strict=True):
        chosen = np.flatnonzero(joined)
        beside = positions[chosen, :2] + reach * np.array([x, y])
        joined[chosen] = is_crystal(beside / ANGSTROM_PER_NM)
    lacking = missing[joined]
    return MissingBonds(len(lacking), int((lacking > 0).sum()), int((lacking > 1).sum()))


def _bonds_of_sites(one: LatticeColumns, longest: np.ndarray) -> np.ndarray:
    """Count the bonds of each site of a crystal, as occupied by its likeliest element."""
    sites = one.cell.sites
    likeliest = np.argmax(sites.probability, axis=1)
    numbers = sites.numbers[np.arange(len(likeliest)), likeliest]
    positions = sites.fractional @ one.cell.base
    return find_bonds(positions, numbers, one.cell.base, (True,) * 3, longest).count
