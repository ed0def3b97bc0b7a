"""Vibrations of small cells that repeat: bands, densities on a mesh, and speeds of sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hyperspy_twin.properties.keating import BondedAtoms
from hyperspy_twin.properties.phonons.block_rows import ForceConstants, force_constants
from hyperspy_twin.properties.phonons.hessian import ENDS, NEIGHBOURS, SECOND
from hyperspy_twin.properties.phonons.normal_modes import gaussian_lines
from hyperspy_twin.properties.phonons.units import SPEED
from hyperspy_twin.properties.phonons.vibrations import mass_weighted

# 1/Å. At these the energy of sound in crystals is linear in the wave vector to 1e-6.
LONG_WAVE = 1e-3
# Wave vectors whose matrices are made together.
TOGETHER = 256


@dataclass(frozen=True, eq=False)
class RepeatedCell:
    """Vibrations of a cell that repeats in all directions.

    Attributes
    ----------
    matrix
        Force constants over the roots of the masses, in meV².
    separation
        Vector from each atom to that of each block in Å, shape (n, 17 or 29, 3).
    cell
        Box vectors as rows in Å, shape (3, 3).
    """

    matrix: ForceConstants
    separation: np.ndarray
    cell: np.ndarray

    def matrices(self, wave_vectors: np.ndarray) -> np.ndarray:
        """Hermitian matrices in meV² at wave vectors in 1/Å (with 2 pi), shape (k, 3 n, 3 n)."""
        atoms, width = self.matrix.index.shape
        phases = np.exp(1j * np.tensordot(wave_vectors, self.separation, axes=(-1, -1)))
        terms = phases[..., None, None] * self.matrix.blocks
        found = np.zeros((atoms, atoms, len(wave_vectors), 3, 3), complex)
        row = np.repeat(np.arange(atoms), width)
        pairs: Any = row, self.matrix.index.ravel()
        by_block = terms.reshape(len(wave_vectors), -1, 3, 3).swapaxes(0, 1)
        np.add.at(found, pairs, by_block)
        whole = found.transpose(2, 0, 3, 1, 4)
        return whole.reshape(len(wave_vectors), 3 * atoms, 3 * atoms)

    def energies(self, wave_vectors: np.ndarray) -> np.ndarray:
        """Energies at wave vectors.

        Parameters
        ----------
        wave_vectors
            In 1/Å, with the factor 2 pi, shape (k, 3).

        Returns
        -------
        numpy.ndarray
            In meV, rising, shape (k, 3 n); negative where a displacement lowers the energy.
        """
        squared = np.linalg.eigvalsh(self.matrices(np.asarray(wave_vectors, float)))
        return np.sign(squared) * np.sqrt(np.abs(squared))

    def density(
        self,
        labels: np.ndarray,
        energies: np.ndarray,
        width: float,
        *,
        mesh: Sequence[int],
        groups: int | None = None,
    ) -> np.ndarray:
        """Density of vibrations of groups of atoms, from an even mesh of wave vectors.

        Parameters
        ----------
        labels, energies, width, groups
            As for ``NormalModes.density``.
        mesh
            Number of wave vectors along each vector of the reciprocal cell; the mesh lies
            symmetrically about zero, which it does not contain.

        Returns
        -------
        numpy.ndarray
            In 1/meV, shape (groups, m): of the atoms of one cell.
        """
        groups = int(np.max(labels)) + 1 if groups is None else groups
        if min(mesh) < 1:
            raise ValueError(f"a mesh has one wave vector or more along each side, not {mesh}")
        steps = [(np.arange(n) + 0.5) / n - 0.5 for n in mesh]
        fractions = np.stack(np.meshgrid(*steps, indexing="ij"), -1).reshape(-1, 3)
        points = fractions @ (2 * np.pi * np.linalg.inv(self.cell).T)
        total = np.zeros((groups, len(energies)))
        for first in range(0, len(points), TOGETHER):
            squared, states = np.linalg.eigh(self.matrices(points[first : first + TOGETHER]))
            shares = (
                (np.abs(states) ** 2).reshape(len(squared), -1, 3, squared.shape[1]).sum(axis=2)
            )
            lines = np.sign(squared) * np.sqrt(np.abs(squared))
            weights = np.stack(
                [shares[:, labels == one].sum(axis=1).ravel() for one in range(groups)]
            )
            total += weights @ gaussian_lines(lines.ravel(), energies, width)
        return total / len(points)

    def sound_speeds(self, direction: Sequence[float]) -> np.ndarray:
        """Speeds of sound along a direction in m/s, rising, shape (3,)."""
        along = np.asarray(direction, float)
        if along.shape != (3,) or not np.linalg.norm(along) > 0:
            raise ValueError(f"a direction is a vector (x, y, z) above zero, not {direction}")
        along /= np.linalg.norm(along)
        return SPEED * self.energies(LONG_WAVE * along[None])[0, :3] / LONG_WAVE


def repeated_cell(positions: np.ndarray, atoms: BondedAtoms, masses: np.ndarray) -> RepeatedCell:
    """Vibrations of a cell that repeats, by the valence force field of its atoms.

    Parameters
    ----------
    positions
        In Å, shape (n, 3).
    atoms
        Their bonds and force field.
    masses
        In u, shape (n,).
    """
    matrix = mass_weighted(force_constants(positions, atoms), masses, overwrite=True)
    return RepeatedCell(matrix, _separations(positions, atoms), atoms.bonds.cell)


def _separations(positions: np.ndarray, atoms: BondedAtoms) -> np.ndarray:
    """Vectors from each atom to those of its blocks; of missing ones any."""
    bonds = atoms.bonds
    vectors, index = bonds.vectors(positions), np.maximum(bonds.index, 0)
    found = np.zeros((len(bonds), ENDS + (12 if len(atoms.partner) else 0), 3))
    everyone = np.arange(len(bonds))
    for slot in range(4):
        neighbour, back = index[:, slot], bonds.reverse[:, slot]
        found[:, NEIGHBOURS + slot] = vectors[:, slot]
        for other in range(3):
            there = other + (other >= back)
            place = 3 * slot + other
            second = vectors[:, slot] + vectors[neighbour, there]
            found[:, SECOND + place] = second
            if len(atoms.partner):
                far, end = index[neighbour, there], atoms.partner[neighbour, there, back]
                found[everyone, ENDS + place] = second + vectors[far, end]
    return found
