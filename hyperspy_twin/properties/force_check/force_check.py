"""Check a measured model by its forces: what is left of them after composition and noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from hyperspy_twin.core import begin_step
from hyperspy_twin.properties.force_check.rows import MeasuredNoise, Rows, displace_rows
from hyperspy_twin.properties.force_check.scan_jumps import find_jumps
from hyperspy_twin.properties.force_check.spots import find_spots
from hyperspy_twin.properties.force_check.suspects import Suspect
from hyperspy_twin.properties.force_check.virtual_crystal import (
    acoustic_positions,
    virtual_crystal,
)
from hyperspy_twin.properties.keating import BondedAtoms, choose_field

# Neighbours of neighbours up to this one have to have four bonds: the force of an atom reaches two
# bonds far, and averaged positions one.
SHELLS = 3
# Relative change of the bond length across one bond from which the composition has a step there.
STEP_OF_LENGTH = 1e-3
# Largest part of the normal of a step along an axis for which the force along it counts: a pressure
# acts along the normal. sin² of 18 degrees, above what rough outlines of flat layers show.
TANGENT = 0.1
# Å. Over this length the bonds across a step are averaged; two layers of them are 2.8 Å thick.
BOND_WIDTH = 4.0
# Å. Over this length the normal of a step is averaged, and the cells in which it is.
NORMAL_WIDTH, NORMAL_CELL = 10.0, 2.5
# Strain with which the stiffness of rows is measured: differences of forces keep nine digits.
TEST_STRAIN = 1e-3


@dataclass(frozen=True, eq=False)
class CheckedAtoms:
    """What the check of a model found.

    Attributes
    ----------
    suspects
        The places, lines of the scan first, each kind by its significance.
    force
        Forces of the virtual crystal along x, y and z in eV/Å, shape (n, 3).
    tested
        Atoms whose force was tested: those with all bonds around them, boolean, shape (n,).
    bonded
        Atoms with four bonds and a known error, boolean, shape (n,).
    """

    suspects: tuple[Suspect, ...]
    force: np.ndarray
    tested: np.ndarray
    bonded: np.ndarray


def check_forces(
    positions: np.ndarray,
    box: tuple[np.ndarray, Sequence[bool]],
    *,
    elements: Sequence[int],
    fractions: np.ndarray,
    noise: MeasuredNoise,
    chance: float,
) -> CheckedAtoms:
    """Find places of a model whose forces neither composition nor errors of positions explain.

    Forces are those of the virtual crystal, without the misfit of an alloy's bonds. Lines of the
    scan are tested by the displacement that the forces of rows make (``rows.py``), with the
    errors that positions claim to have; areas by the mean force in windows of several sizes,
    against its spread over the model. Steps of the composition are not blamed: a force along their
    normal, from the misfit of two layers, is left out.

    Parameters
    ----------
    positions
        In Å, shape (n, 3).
    box
        Vectors as rows in Å, and whether the box repeats along each.
    elements
        Atomic numbers of the elements.
    fractions
        Fraction of each element on each site, shape (n, elements).
    noise
        Errors of the positions, and the resolution.
    chance
        Probability that a model without artefacts is blamed, half of it by lines.

    Raises
    ------
    ValueError
        As :func:`bond_atoms`; or if no atom has four bonds throughout its surroundings.
    """
    begin_step("Checking forces: bonds")
    cell, pbc = box
    numbers = np.asarray(elements)[np.argmax(fractions, axis=1)]
    bonds = choose_field(np.asarray(elements)).bonds(positions, numbers, cell, pbc)
    atoms = virtual_crystal(bonds, elements, fractions)
    full = (bonds.count == bonds.index.shape[1]) & ~bonds.crowded
    full &= np.isfinite(noise.error).all(axis=1)
    inside = full
    for _ in range(SHELLS):
        inside = inside & inside[bonds.index].all(axis=1)
    if not inside.any():
        raise ValueError(
            "no atom has four bonds throughout its surroundings and a position with a known "
            "error: nothing can be tested"
        )
    begin_step("Checking forces: virtual crystal")
    moved = acoustic_positions(bonds, positions)
    _, force = atoms.forces(moved)
    points = positions[:, :2]
    along, misfit = _tangential(atoms, bonds.vectors(positions), points)
    smooth = inside & (along == 1).all(axis=1)
    begin_step("Checking forces: areas")
    spots = find_spots(points, force[:, :2], smooth, noise, chance=chance / 2)
    begin_step("Checking forces: scan lines")
    clear = ~_within(spots, points)
    rows: list[Rows] = []
    for axis in (0, 1):
        counted = inside & (along[:, axis] == 1) & clear
        stiffness = _row_stiffness(atoms, moved, axis)
        tested = inside, counted
        rows.append(
            displace_rows(
                points, force[:, axis], stiffness, tested, noise, axis=axis, misfit=misfit
            )
        )
    extent = float(points[:, 0].min()), float(points[:, 0].max())
    jumps = find_jumps((rows[0], rows[1]), noise.resolution, chance / 2, extent)
    return CheckedAtoms((*jumps, *spots), force, inside, full)


def _row_stiffness(atoms: BondedAtoms, positions: np.ndarray, axis: int) -> np.ndarray:
    """Force of each atom along an axis per curvature along y of the displacement along this axis.

    The displacement (y - y_i)² / 2 about the atom itself, without the strain that it has far away:
    what a uniform strain gives, by internal displacement, is taken off.
    """
    y = positions[:, 1] - positions[:, 1].mean()
    half = max(float(np.abs(y).max()), 1.0)

    def response(shape: np.ndarray) -> np.ndarray:
        forces = []
        for sign in (1.0, -1.0):
            moved = positions.copy()
            moved[:, axis] += sign * TEST_STRAIN * shape
            forces.append(atoms.forces(moved)[1][:, axis].copy())
        return (forces[0] - forces[1]) / (2 * TEST_STRAIN)

    return half * response(y**2 / (2 * half)) - y * response(y)


def _tangential(
    atoms: BondedAtoms, vectors: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tell for x and y whether a force along them counts, and how large the misfit is.

    Next to a step of the composition only the force along the step counts.

    Returns
    -------
    counts
        1 or 0, shape (n, 2).
    misfit
        Largest relative change of the bond length among the bonds of each atom, shape (n,).
    """
    index, kind = atoms.bonds.index, atoms.species
    length = np.diag(atoms.field.length)
    change = np.where(index >= 0, length[kind[index]] / length[kind][:, None] - 1, 0.0)
    change[np.abs(change) < STEP_OF_LENGTH] = 0.0
    misfit = np.abs(change).max(axis=1)
    at_step = misfit > 0
    counts = np.ones((len(points), 2))
    if not at_step.any():
        return counts, misfit
    gradient = np.einsum("ns,nsk->nk", change, vectors)[:, :2]
    place = ((points - points.min(axis=0)) / NORMAL_CELL).astype(int)
    shape = tuple(place.max(axis=0) + 1)
    cell = np.ravel_multi_index(tuple(place.T), shape)
    # Bonds of one atom lean to one side: neighbours are averaged before the direction is taken.
    squares = []
    for axis in (0, 1):
        summed = np.bincount(cell, gradient[:, axis], minlength=int(np.prod(shape)))
        mean = gaussian_filter(summed.reshape(shape), BOND_WIDTH / NORMAL_CELL, mode="constant")
        wide = gaussian_filter(mean**2, NORMAL_WIDTH / NORMAL_CELL, mode="constant")
        squares.append(wide.ravel()[cell])
    near = at_step
    for _ in range(2):
        near = near | near[index].any(axis=1)
    total = np.maximum(squares[0] + squares[1], np.finfo(float).tiny)
    for axis in (0, 1):
        counts[near & (squares[axis] > TANGENT * total), axis] = 0.0
    return counts, misfit


def _within(spots: Sequence[Suspect], points: np.ndarray) -> np.ndarray:
    """Atoms in the rectangles of spots."""
    found = np.zeros(len(points), bool)
    for one in spots:
        x, y = np.abs(points - (one.x, one.y)).T
        found |= (x <= one.width / 2) & (y <= one.height / 2)
    return found
