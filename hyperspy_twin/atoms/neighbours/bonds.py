"""Bonds: the neighbours that belong to the first shell of an atom in its crystal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase.data import chemical_symbols, covalent_radii

from hyperspy_twin.atoms.neighbours.neighbour_list import Neighbours, find_neighbours
from hyperspy_twin.core import RegisteredLattice, Table, kernel
from hyperspy_twin.registration import RepeatCell, find_repeat_cell

ELEMENTS = 119  # atomic numbers 0 to 118
# A bond may be longer than in the crystal by this factor. Atoms next to the core of a dislocation
# have bonds up to 15 % longer; the second shell of the close-packed crystals begins at 1.41.
LONGEST_STRETCH = 1.2
# Atomic numbers of the elements that are anions where others are present: N, O, F and those below
# them, as far as I.
ANIONS = (7, 8, 9, 15, 16, 17, 33, 34, 35, 51, 52, 53)
# The first shell ends at the widest gap between distances up to this many times the shortest.
SHELL_RANGE = 2.0
# Gaps whose relative widths differ by less are equally wide, and the first of them counts.
SAME_GAP = 0.01
# Relative difference of distances of one shell: rounding, and coordinates of few digits.
SAME_DISTANCE = 1e-3
# Å; the first radius that is searched, doubled until each site has a neighbour.
FIRST_RADIUS = 4.0


def longest_bonds(lattices: Sequence[RegisteredLattice]) -> np.ndarray:
    """Distances below which two elements are bonded, as their crystals say.

    In each crystal, the first shell of a site ends at the widest gap between distances, and the
    pairs of elements that are in the first shell of either one are bonded. In compounds only
    unlike ions count: the metals of a perovskite are bonded to oxygen, but not to each other.
    The longest bond is 1.2 times that
    of the crystal or reaches half way to the next shell of the same elements, whichever is less.
    Elements that no crystal holds together are bonded across an interface, up to the mean of the
    longest bonds of either; elements that no crystal holds, such as hydrogen at a surface, up to
    1.2 times the sum of the covalent radii.

    Parameters
    ----------
    lattices
        The crystals of the model.

    Returns
    -------
    numpy.ndarray
        Distances in Å by the atomic numbers of both atoms, 0 where they form no bond, shape
        (119, 119).

    References
    ----------
    B. Cordero et al., Dalton Trans. (2008) 2832-2838: covalent radii, as in ASE.
    """
    longest = np.zeros((ELEMENTS, ELEMENTS))
    together = np.zeros((ELEMENTS, ELEMENTS), bool)
    for one in lattices:
        cell = find_repeat_cell(one.crystal, one.base, one.zone_axis)
        longest = np.maximum(longest, _longest_in(cell))
        present = np.unique(cell.sites.numbers[cell.sites.numbers > 0])
        together[np.ix_(present, present)] = True
    known = np.asarray(together.any(axis=1))
    reach = longest.max(axis=1)
    across = known[:, None] & known & ~together
    longest[across] = 0.5 * (reach[:, None] + reach)[across]
    radii = np.nan_to_num(covalent_radii[:ELEMENTS])
    foreign = ~(known[:, None] & known)
    longest[foreign] = LONGEST_STRETCH * (radii[:, None] + radii)[foreign]
    return longest


def find_bonds(
    positions: np.ndarray,
    numbers: np.ndarray,
    cell: np.ndarray,
    pbc: Sequence[bool],
    longest: np.ndarray | float,
) -> Neighbours:
    """Find the bonds of all atoms.

    Parameters
    ----------
    positions, cell, pbc
        As for :func:`find_neighbours`.
    numbers
        Atomic numbers, shape (n,).
    longest
        Distance in Å below which atoms are bonded, one for all or by both atomic numbers as from
        :func:`longest_bonds`.

    Returns
    -------
    Neighbours
        The list of the bonded neighbours.
    """
    if np.ndim(longest) == 0:
        return find_neighbours(positions, cell, pbc, float(longest))
    table = np.asarray(longest, float)
    numbers = np.ascontiguousarray(numbers, np.uint8)
    present = np.flatnonzero(np.bincount(numbers))
    limits = table[np.ix_(present, present)]
    if not limits.any():
        raise ValueError("no two elements of this model form a bond: give a cutoff in Å")
    near = find_neighbours(positions, cell, pbc, limits.max())
    if (limits == limits.max()).all():
        return near
    keep, count = np.empty(len(near.index), bool), np.empty(len(near), np.int64)
    _mark_bonds(near.start, near.index, near.distances(positions), numbers, table, keep, count)
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(count)])
    return Neighbours(near.cutoff, start, near.index[keep], near.shift[keep], near.cell)


def measure_bonds(bonds: Neighbours, positions: np.ndarray, numbers: np.ndarray) -> Table:
    """Measure the lengths of the bonds of each pair of elements.

    Parameters
    ----------
    bonds
        From :func:`find_bonds`.
    positions, numbers
        Of the atoms, in Å, shapes (n, 3) and (n,).

    Returns
    -------
    Table
        For each pair the ``bond``, such as "Ge-Si", the ``count`` of bonds, and the ``mean``, the
        standard deviation ``sd``, the ``shortest`` and the ``longest`` of their lengths in Å.
    """
    numbers = np.ascontiguousarray(numbers, np.uint8)
    sums = np.zeros((ELEMENTS, ELEMENTS, 3))
    extremes = np.zeros((ELEMENTS, ELEMENTS, 2))
    extremes[:, :, 0] = np.inf
    _add_lengths(bonds.start, bonds.index, bonds.distances(positions), numbers, sums, extremes)
    high, low = (found[::-1] for found in np.nonzero(np.tril(sums[:, :, 0])))
    # Every bond was met from both ends, unequal atoms in two entries of the table.
    total = sums[high, low] + np.where(high != low, 1, 0)[:, None] * sums[low, high]
    ends = total[:, 0]
    mean = total[:, 1] / ends
    columns = {
        "bond": np.array(
            [
                f"{chemical_symbols[a]}-{chemical_symbols[b]}"
                for a, b in zip(high, low, strict=True)
            ],
            dtype=str,
        ),
        "count": np.rint(ends / 2).astype(np.int64),
        "mean": mean,
        "sd": np.sqrt(np.maximum(total[:, 2] / ends - mean**2, 0.0)),
        "shortest": np.minimum(extremes[high, low, 0], extremes[low, high, 0]),
        "longest": np.maximum(extremes[high, low, 1], extremes[low, high, 1]),
    }
    return Table.from_columns(columns, dict.fromkeys(("mean", "sd", "shortest", "longest"), "Å"))


def _longest_in(cell: RepeatCell) -> np.ndarray:
    """Longest bonds of one crystal by both atomic numbers, shape (119, 119)."""
    positions = cell.sites.fractional @ cell.base
    anions = np.asarray(np.isin(cell.sites.numbers, ANIONS).any(axis=1))
    compound = 0 < anions.sum() < len(anions)
    radius, shells_end_inside = FIRST_RADIUS, False
    while not shells_end_inside:
        near = find_neighbours(positions, cell.base, (True,) * 3, radius)
        distance = near.distances(positions)
        possible = anions[near.atom] != anions[near.index] if compound else distance > 0
        around = [distance[(near.atom == i) & possible] for i in range(len(near))]
        shells_end_inside = all(
            one.size and (SHELL_RANGE + SAME_GAP) * one.min() < radius for one in around
        )
        radius *= 2.0
    ends = np.array([_end_of_shell(one) for one in around])
    in_shell = possible & (distance <= ends[near.atom])
    longest = np.zeros((ELEMENTS, ELEMENTS))
    following = np.full((ELEMENTS, ELEMENTS), np.inf)
    pairs = [
        (a, b, distance[k], in_shell[k])
        for k, (i, j) in enumerate(zip(near.atom, near.index, strict=True))
        for a in cell.sites.numbers[i]
        for b in cell.sites.numbers[j]
        if a > 0 and b > 0
    ]
    for a, b, length, bonded in pairs:
        if bonded:
            longest[a, b] = longest[b, a] = max(longest[a, b], length)
    for a, b, length, _ in pairs:
        if length > (1 + SAME_DISTANCE) * longest[a, b]:
            following[a, b] = following[b, a] = min(following[a, b], length)
    return np.minimum(LONGEST_STRETCH * longest, np.where(longest, 0.5 * (longest + following), 0))


def _end_of_shell(distance: np.ndarray) -> float:
    """Largest distance of the first shell."""
    ordered = np.sort(distance)
    ordered = ordered[: np.searchsorted(ordered, SHELL_RANGE * ordered[0]) + 1]
    if len(ordered) == 1:
        return float(ordered[0])
    gaps = ordered[1:] / ordered[:-1] - 1.0
    return float(ordered[np.argmax(gaps >= (1 - SAME_GAP) * gaps.max())])


@kernel
def _mark_bonds(
    start: np.ndarray,
    index: np.ndarray,
    distance: np.ndarray,
    numbers: np.ndarray,
    longest: np.ndarray,
    keep: np.ndarray,
    count: np.ndarray,
) -> None:
    for i in range(len(count)):
        found = 0
        for k in range(start[i], start[i + 1]):
            keep[k] = distance[k] < longest[numbers[i], numbers[index[k]]]
            if keep[k]:
                found += 1
        count[i] = found


@kernel
def _add_lengths(
    start: np.ndarray,
    index: np.ndarray,
    distance: np.ndarray,
    numbers: np.ndarray,
    sums: np.ndarray,
    extremes: np.ndarray,
) -> None:
    for i in range(len(numbers)):
        for k in range(start[i], start[i + 1]):
            a, b, length = numbers[i], numbers[index[k]], distance[k]
            sums[a, b, 0] += 1.0
            sums[a, b, 1] += length
            sums[a, b, 2] += length * length
            extremes[a, b, 0] = min(extremes[a, b, 0], length)
            extremes[a, b, 1] = max(extremes[a, b, 1], length)
