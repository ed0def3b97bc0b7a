"""Elastic constants of tetrahedral crystals and alloys, whose atoms move within the cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase.build import bulk
from ase.data import atomic_numbers
from ase.units import GPa

from hyperspy_twin.properties.keating import BondedAtoms, bond_atoms, choose_field
from hyperspy_twin.properties.phonons import force_constants
from hyperspy_twin.properties.relaxation.coarse_motion import coarse_motion
from hyperspy_twin.properties.relaxation.newton import conjugate_gradients
from hyperspy_twin.properties.relaxation.relax import relax_atoms

# Strain of the differences: the energy is quartic in the positions, so that central ones err by its
# square.
STRAIN = 1e-4
# eV/Å; the constants of Si0.3Ge0.7 differ by 2e-5 GPa between 1e-4 and 1e-8.
RELAXED = 1e-6
# Part of the force that the answer of the atoms to a strain leaves.
FORCE_LEFT = 1e-6
# Cells along each side of the cube of a random alloy: 512 atoms, whose constants scatter by
# 0.006 GPa between six draws of Si0.3Ge0.7.
CUBE = 4
# Steps of the cell towards vanishing pressure, each of which leaves some hundredths of it.
CELL_STEPS = 4
# Cosine of the largest angle between the axes of two atoms of one crystal.
SAME_AXES = 0.8
# Part of the atoms that may have other axes: at defects.
OTHER_AXES = 0.05
CATIONS = ("Al", "Ga", "In", "Cd")
ANIONS = ("P", "As", "Sb", "Te")
GROUP_IV = ("C", "Si", "Ge", "Sn")
# Pairs of axes of the components xx, yy, zz, yz, xz, xy.
PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def elastic_constants(
    positions: np.ndarray, numbers: np.ndarray, cell: np.ndarray, pbc: Sequence[bool]
) -> dict[str, float]:
    """Elastic constants of a cubic crystal or alloy by Keating's valence force field.

    Of atoms in a box that repeats along all of its vectors, the constants are those of the model in
    its box: atoms are relaxed, and so is their answer to a strain. A model with surfaces has those
    of its bulk: a cube of 512 atoms with the numbers of each element drawn at random and its cell
    relaxed. Both are means over the equivalent directions of the cubic axes, which the bonds tell.

    Parameters
    ----------
    positions, numbers, cell, pbc
        As for :func:`~hyperspy_twin.properties.bond_atoms`.

    Returns
    -------
    dict
        ``C11``, ``C12`` and ``C44`` in GPa.

    Raises
    ------
    ValueError
        As there; or if the atoms are no single cubic crystal.
    """
    if not all(pbc):
        return _constants_in_box(*_bulk_of(np.asarray(numbers)))
    return _constants_in_box(np.asarray(positions, float), np.asarray(numbers), np.asarray(cell))


def _constants_in_box(
    positions: np.ndarray, numbers: np.ndarray, cell: np.ndarray
) -> dict[str, float]:
    """Elastic constants of atoms in a box that repeats."""
    axes = cubic_axes(bond_atoms(positions, numbers, cell, (True,) * 3), positions)
    relaxed = relax_atoms(positions, numbers, cell=cell, pbc=(True,) * 3, tolerance=RELAXED)
    tensor = _stiffness(relaxed.positions, numbers, cell)
    turned = np.einsum("ai,bj,ck,dl,ijkl->abcd", axes, axes, axes, axes, tensor)
    return {
        "C11": float(np.mean([turned[i, i, i, i] for i in range(3)])),
        "C12": float(np.mean([turned[i, i, j, j] for i in range(3) for j in range(3) if i != j])),
        "C44": float(np.mean([turned[i, j, i, j] for i in range(3) for j in range(3) if i != j])),
    }


def _stiffness(positions: np.ndarray, numbers: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Elastic constants of relaxed atoms in the axes of the box in GPa, shape (3, 3, 3, 3).

    With the force F and the virial W of strained atoms, and H the force constants, they are
    (dW/de - dF/de H^-1 dF/de) over the volume.
    """
    atoms = bond_atoms(positions, numbers, cell, (True,) * 3)
    constants = force_constants(positions, atoms)
    coarse = coarse_motion(constants, positions, np.ones_like(positions))
    virial, force, answer = [], [], []
    for one, other in PAIRS:
        strain = np.zeros((3, 3))
        strain[one, other] += STRAIN / 2
        strain[other, one] += STRAIN / 2
        there, back = (_strained(atoms, positions, sign * strain) for sign in (1, -1))
        virial.append((there[0] - back[0]) / (2 * STRAIN))
        force.append((there[1] - back[1]) / (2 * STRAIN))
        largest = float(np.abs(force[-1]).max())
        # Next to nothing where symmetry leaves no force.
        tolerance = max(FORCE_LEFT * largest, 1e-9)
        answer.append(conjugate_gradients(constants.product, coarse.solve, force[-1], tolerance))
    volume = abs(np.linalg.det(cell))
    tensor = np.empty((3, 3, 3, 3))
    for column, (k, m) in enumerate(PAIRS):
        for row, (i, j) in enumerate(PAIRS):
            value = virial[column][i, j] - np.vdot(force[row], answer[column])
            for a, b in ((i, j), (j, i)):
                tensor[a, b, k, m] = tensor[a, b, m, k] = value
    return tensor / volume / GPa


def _strained(
    atoms: BondedAtoms, positions: np.ndarray, strain: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sum of the virials in eV, shape (3, 3), and forces of atoms that a strain moved."""
    change = np.eye(3) + strain
    moved = atoms.in_box(atoms.bonds.cell @ change)
    return moved.virials(positions @ change).sum(axis=0), moved.forces(positions @ change)[1]


def cubic_axes(atoms: BondedAtoms, positions: np.ndarray) -> np.ndarray:
    """Axes of the cubic crystal that atoms form, as rows, shape (3, 3).

    Raises
    ------
    ValueError
        If the atoms have other or several axes.
    """
    whole = atoms.bonds.count == 4
    if not whole.any():
        raise ValueError("no atom has four bonds: elastic constants are those of a crystal")
    vectors = atoms.bonds.vectors(positions)[whole]
    vectors = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    # Two bonds of a tetrahedron enclose a cubic axis.
    frames = vectors[:, :1] + vectors[:, 1:]
    frames = frames / np.linalg.norm(frames, axis=-1, keepdims=True)
    middle = np.abs(frames.mean(axis=(1, 2))).argmax()
    relative = frames @ frames[middle].T
    partner = np.abs(relative).argmax(axis=2)
    size = np.take_along_axis(relative, partner[:, :, None], axis=2)[:, :, 0]
    same = (np.abs(size) > SAME_AXES).all(axis=1) & (np.sort(partner, axis=1) == np.arange(3)).all(
        axis=1
    )
    if np.mean(~same) > OTHER_AXES:
        raise ValueError(
            f"{100 * np.mean(~same):.0f}% of the atoms have other axes: select(region=...) one "
            "cubic crystal"
        )
    mean = np.zeros((3, 3))
    for axis in range(3):
        np.add.at(
            mean, partner[same, axis], np.sign(size[same, axis])[:, None] * frames[same, axis]
        )
    left, _, right = np.linalg.svd(mean)
    return left @ right


def _bulk_of(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, numbers and box of a relaxed cube with the composition of a model."""
    counts = np.bincount(numbers, minlength=119)
    groups = [
        {atomic_numbers[one]: counts[atomic_numbers[one]] for one in names}
        for names in (GROUP_IV, CATIONS, ANIONS)
    ]
    fourth, cations, anions = (
        {number: count for number, count in one.items() if count} for one in groups
    )
    if bool(fourth) == bool(cations or anions) or bool(cations) != bool(anions):
        raise ValueError(
            "elastic constants are those of one crystal of group IV, or of cations and anions: "
            "select(region=...) it"
        )
    pure = len(fourth) == 1 or (len(cations) == 1 and len(anions) == 1)
    cube = bulk("GaAs", "zincblende", a=1.0, cubic=True).repeat(1 if pure else CUBE)
    rng = np.random.default_rng(0)
    cation = cube.numbers == atomic_numbers["Ga"]
    if fourth:
        cube.numbers[:] = _drawn(fourth, len(cube), rng)
    else:
        cube.numbers[cation] = _drawn(cations, int(cation.sum()), rng)
        cube.numbers[~cation] = _drawn(anions, int((~cation).sum()), rng)
    positions, edge = cube.positions, _edge(cube.numbers, cation)
    for _ in range(CELL_STEPS):
        cell = edge * cube.cell.array
        relaxed = relax_atoms(
            edge * positions, cube.numbers, cell=cell, pbc=(True,) * 3, tolerance=RELAXED
        )
        atoms = bond_atoms(relaxed.positions, cube.numbers, cell, (True,) * 3)
        tension = np.trace(atoms.virials(relaxed.positions).sum(axis=0)) / 3
        there, back = (
            np.trace(_strained(atoms, relaxed.positions, sign * STRAIN * np.eye(3))[0]) / 3
            for sign in (1, -1)
        )
        positions = relaxed.positions / edge
        edge *= 1 - tension / ((there - back) / (2 * STRAIN))
    return edge * positions, cube.numbers, edge * cube.cell.array


def _drawn(counts: dict[int, int], sites: int, rng: np.random.Generator) -> np.ndarray:
    """Atomic numbers of sites in the proportion of counts, in random order."""
    amounts = np.cumsum(list(counts.values())) / sum(counts.values())
    edges = np.rint(sites * amounts).astype(int)
    return rng.permutation(np.repeat(list(counts), np.diff(edges, prepend=0)))


def _edge(numbers: np.ndarray, cation: np.ndarray) -> float:
    """Edge of the cubic cell in Å of the mean length of all pairs of both sublattices."""
    field = choose_field(numbers)
    one, other = (field.species(numbers[part]) for part in (cation, ~cation))
    pairs = field.length[np.ix_(one, other)]
    if np.isnan(pairs).any():
        raise ValueError("some elements of this model have no bond with each other")
    return float(pairs.mean() * 4 / np.sqrt(3))
