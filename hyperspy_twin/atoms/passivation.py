"""Hydrogen on the missing bonds of tetrahedral atoms."""

from __future__ import annotations

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from scipy.spatial import cKDTree

# Elements with four bonds in diamond, zincblende and wurtzite.
TETRAHEDRAL = tuple(
    atomic_numbers[one] for one in "B C N Al Si P S Zn Ga Ge As Se Cd In Sn Sb Te Hg".split()
)
# Å; silane: D. R. J. Boyd, J. Chem. Phys. 23 (1955) 922; germane: L. P. Lindeman, M. K. Wilson,
# J. Chem. Phys. 22 (1954) 1723. Other bonds are sums of covalent radii.
HYDROGEN_BONDS = {14: 1.480, 32: 1.525}
# Atoms are bonded up to this multiple of the sum of their covalent radii: between the first
# neighbours and the second, which are 1.63 times as far, also under 10 % of strain.
LONGEST_BOND = 1.25
# Cosine and sine of half the tetrahedral angle.
HALF = (np.sqrt(1 / 3), np.sqrt(2 / 3))
# Å between hydrogen atoms of different bonds: those of two neighbours that lack the same atom are
# 1.4 apart in silicon; nearer than this they would be a molecule (0.74) rather than two bonds.
SHORTEST_HYDROGEN = 1.1
# Hydrogen stays this multiple of the sum of covalent radii away from atoms it is not bonded to.
CLEAR_OF_ATOMS = 1.2


def find_hydrogen(
    positions: np.ndarray, numbers: np.ndarray, period: float | None
) -> tuple[np.ndarray, np.ndarray, int]:
    """Place hydrogen along the missing bonds of tetrahedral atoms with one to three neighbours.

    Directions complete a tetrahedron: opposite to the sum of three bonds; in the plane between two
    bonds and at right angles to theirs; or around one bond, staggered to the bonds of its other
    end. Hydrogen that would come too near to other hydrogen or another atom is left out.

    Parameters
    ----------
    positions
        In Å, shape (n, 3).
    numbers
        Atomic numbers, shape (n,).
    period
        Period along z in Å, or None.

    Returns
    -------
    hydrogen : numpy.ndarray
        Positions in Å, shape (m, 3).
    parent : numpy.ndarray
        Index of the atom that each is bonded to, shape (m,).
    missing : int
        Number of missing bonds that have none: there was no room, or the atom has no neighbour.
    """
    positions, numbers = np.asarray(positions, float), np.asarray(numbers)
    first, second, bond = _bonds(positions, numbers, period)
    coordination = np.bincount(first, minlength=len(positions))
    start = np.concatenate([[0], np.cumsum(coordination)])
    tetrahedral = np.isin(numbers, TETRAHEDRAL)
    directions, parents = [], []
    for count in (1, 2, 3):
        atoms = np.flatnonzero(tetrahedral & (coordination == count))
        if not len(atoms):
            continue
        chosen = start[atoms][:, None] + np.arange(count)
        found = missing_directions(bond[chosen], second[chosen], bond, start)
        directions.append(found.reshape(-1, 3))
        parents.append(np.repeat(atoms, 4 - count))
    alone = 4 * int(np.sum(tetrahedral & (coordination == 0)))
    if not directions:
        return np.empty((0, 3)), np.empty(0, np.intp), alone
    parent = np.concatenate(parents)
    hydrogen = positions[parent] + _lengths(numbers)[parent, None] * np.concatenate(directions)
    if period is not None:
        hydrogen[:, 2] = np.mod(hydrogen[:, 2], period)
    keep = _is_free(hydrogen, parent, positions, numbers, period)
    return hydrogen[keep], parent[keep], alone + int(np.sum(~keep))


def _lengths(numbers: np.ndarray) -> np.ndarray:
    """Length of the bond to hydrogen of each atom in Å."""
    length = covalent_radii + covalent_radii[1]
    for number, value in HYDROGEN_BONDS.items():
        length[number] = value
    return length[numbers]


def _with_images(
    points: np.ndarray, reach: float, period: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Points with their images along z within reach of the cell, and whose images they are."""
    if period is None:
        return points, np.arange(len(points))
    if period < reach:
        shifts = np.arange(-int(np.ceil(reach / period)), int(np.ceil(reach / period)) + 1)
    else:
        shifts = np.array([-1, 0, 1])
    parts, index = [], []
    for shift in sorted(shifts, key=abs):
        moved = points + [0.0, 0.0, shift * period]
        near = (moved[:, 2] > -reach) & (moved[:, 2] < period + reach) | (shift == 0)
        parts.append(moved[near])
        index.append(np.flatnonzero(near))
    return np.concatenate(parts), np.concatenate(index)


def _bonds(
    positions: np.ndarray, numbers: np.ndarray, period: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Atom, neighbour and unit vector to it of all bonds, both ways, in the order of the atoms."""
    radius = covalent_radii[numbers]
    reach = LONGEST_BOND * 2 * float(radius.max(initial=0.0))
    points, index = _with_images(positions, reach, period)
    pairs = cKDTree(points).query_pairs(reach, output_type="ndarray").astype(np.intp)
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    pairs = pairs[pairs[:, 0] < len(positions)]
    vector = points[pairs[:, 1]] - points[pairs[:, 0]]
    length = np.linalg.norm(vector, axis=1)
    first, second = pairs[:, 0], index[pairs[:, 1]]
    bonded = length < LONGEST_BOND * (radius[first] + radius[second])
    order = np.lexsort((second[bonded], first[bonded]))
    first, second, vector = (one[bonded][order] for one in (first, second, vector))
    return first, second, vector / length[bonded][order, None]


def missing_directions(
    bonds: np.ndarray, neighbours: np.ndarray, all_bonds: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Find the directions of the missing bonds of tetrahedral atoms with k bonds, one to three.

    Parameters
    ----------
    bonds
        Unit vectors of the bonds of these atoms, shape (m, k, 3).
    neighbours
        Atoms that these bonds lead to, shape (m, k).
    all_bonds
        Unit vectors of the bonds of all atoms, in the order of the atoms, shape (b, 3).
    start
        Where the bonds of each atom begin there, and where the last ones end, shape (n + 1,).

    Returns
    -------
    numpy.ndarray
        Unit vectors, shape (m, 4 - k, 3).
    """
    total = _unit(bonds.sum(axis=1))
    if bonds.shape[1] == 3:
        return -total[:, None]
    if bonds.shape[1] == 2:
        across = _unit(np.cross(bonds[:, 0], bonds[:, 1]))
        along, aside = HALF[0] * total, HALF[1] * across
        return np.stack([-along + aside, -along - aside], axis=1)
    # Of one bond b the others are -b' + 2 (b.b') b' mirrored at its middle: staggered to a bond b'
    # of its other end are the opposite of b' and its turns by 120 degrees about b.
    axis = bonds[:, 0]
    helper = np.eye(3)[np.argmin(np.abs(axis), axis=1)]
    other = neighbours[:, 0]
    for step in range(int(np.diff(start).max())):
        valid = start[other] + step < start[other + 1]
        candidate = all_bonds[np.minimum(start[other] + step, len(all_bonds) - 1)]
        aside = valid & (np.abs(np.sum(candidate * axis, axis=1)) < 0.9)
        helper[aside] = -candidate[aside]
    across = _unit(helper - np.sum(helper * axis, axis=1)[:, None] * axis)
    third = np.cross(axis, across)
    turns = 2 * np.pi / 3 * np.arange(3)[:, None, None]
    around = np.cos(turns) * across + np.sin(turns) * third
    return np.moveaxis(-axis / 3 + np.sqrt(8) / 3 * around, 0, 1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(length, np.finfo(float).tiny)


def _is_free(
    hydrogen: np.ndarray,
    parent: np.ndarray,
    positions: np.ndarray,
    numbers: np.ndarray,
    period: float | None,
) -> np.ndarray:
    """Mark hydrogen that is not too near to an atom of another bond, or to other hydrogen."""
    keep = np.ones(len(hydrogen), bool)
    radius = covalent_radii[numbers]
    reach = CLEAR_OF_ATOMS * float(radius.max() + covalent_radii[1])
    points, index = _with_images(positions, reach, period)
    near = cKDTree(hydrogen).query_ball_tree(cKDTree(points), reach)
    for one, found in enumerate(near):
        others = np.array([n for n in found if index[n] != parent[one]], np.intp)
        if len(others):
            distance = np.linalg.norm(points[others] - hydrogen[one], axis=1)
            limit = CLEAR_OF_ATOMS * (radius[index[others]] + covalent_radii[1])
            keep[one] = np.all(distance > limit)
    points, index = _with_images(hydrogen, SHORTEST_HYDROGEN, period)
    pairs = cKDTree(points).query_pairs(SHORTEST_HYDROGEN, output_type="ndarray")
    for one, other in np.sort(index[pairs], axis=1).tolist():
        if one != other and keep[one] and keep[other]:
            keep[other] = False
    return keep
