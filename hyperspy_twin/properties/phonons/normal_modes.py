"""All vibrations of a small model, from its whole matrix of force constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.linalg

from hyperspy_twin.core import count_steps
from hyperspy_twin.properties.phonons.occupation import displacement_factor, heat_factor
from hyperspy_twin.properties.phonons.units import DISPLACEMENT, FULL_WIDTH, SQUARED_ENERGY

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator

# Atoms. Force constants of more take 6 n calculations of n atoms, and 9 n² numbers: with 1000, 6000
# calculations, and minutes for the vibrations.
MOST_ATOMS = 1000
# Å; half of the distance over which forces are compared. Forces of valence force fields are cubic
# in it, of which the error is 1e-4 of the force constants.
STEP = 0.01
# Squared energies below this part of the highest are those of the crystal as a whole.
RIGID = 1e-7


@dataclass(frozen=True, eq=False)
class NormalModes:
    """Vibrations of a small model.

    Attributes
    ----------
    squared
        Squared energies in meV², rising, shape (3 n,).
    shares
        Part that each atom has in each vibration, shape (n, 3 n): its columns sum up to 1.
    masses
        Of the atoms in u, shape (n,).
    """

    squared: np.ndarray
    shares: np.ndarray
    masses: np.ndarray

    @property
    def energies(self) -> np.ndarray:
        """Energies in meV, shape (3 n,); negative where a displacement lowers the energy."""
        return np.sign(self.squared) * np.sqrt(np.abs(self.squared))

    @property
    def is_rigid(self) -> np.ndarray:
        """Which vibrations are motions of the whole that cost no energy, shape (3 n,)."""
        return np.abs(self.squared) < RIGID * self.squared[-1]

    def check(self) -> None:
        """Refuse positions that are no minimum of the energy."""
        if (self.squared[~self.is_rigid] < 0).any():
            raise ValueError(
                f"{(self.squared[~self.is_rigid] < 0).sum()} displacements lower the energy, so "
                "that there are no vibrations about these positions: relax the model first"
            )

    def density(
        self, labels: np.ndarray, energies: np.ndarray, width: float, groups: int | None = None
    ) -> np.ndarray:
        """Density of vibrations of groups of atoms, with lines that are Gaussian.

        Parameters
        ----------
        labels
            Group of each atom, or -1, shape (n,).
        energies
            In meV, shape (m,).
        width
            Full width of the lines at half maximum in meV.
        groups
            Number of groups; by default one more than the highest label.

        Returns
        -------
        numpy.ndarray
            In 1/meV, shape (groups, m).
        """
        groups = int(np.max(labels)) + 1 if groups is None else groups
        weights = np.array([self.shares[labels == one].sum(axis=0) for one in range(groups)])
        return weights @ gaussian_lines(self.energies, energies, width)

    def mean_square_displacements(self, temperature: float) -> np.ndarray:
        """Mean square displacement of each atom along one direction in Å², shape (n,)."""
        self.check()
        vibrating = ~self.is_rigid
        factor = displacement_factor(self.squared[vibrating], temperature)
        return DISPLACEMENT / self.masses / 3 * (self.shares[:, vibrating] @ factor)

    def heat_capacities(self, temperature: float) -> np.ndarray:
        """Heat capacity of each atom in Boltzmann's constant, shape (n,)."""
        self.check()
        return self.shares @ heat_factor(self.squared, temperature)


def gaussian_lines(lines: np.ndarray, energies: np.ndarray, width: float) -> np.ndarray:
    """Gaussians of area 1 at some energies, shape (lines, m)."""
    sigma = width / FULL_WIDTH
    away = (np.asarray(energies) - np.asarray(lines)[:, None]) / sigma
    return np.exp(-(away**2) / 2) / (sigma * np.sqrt(2 * np.pi))


def find_modes(constants: np.ndarray, masses: np.ndarray) -> NormalModes:
    """Vibrations by the whole matrix of force constants in eV/Å², shape (3 n, 3 n)."""
    masses = np.asarray(masses, float)
    root = np.repeat(np.sqrt(SQUARED_ENERGY / masses), 3)
    squared, vectors = scipy.linalg.eigh(root[:, None] * constants * root)
    return NormalModes(squared, (vectors**2).reshape(len(masses), 3, -1).sum(axis=1), masses)


def differentiate_forces(
    atoms: Atoms, calculator: BaseCalculator, *, step: float = STEP
) -> np.ndarray:
    """Force constants by any calculator of ASE, from differences of forces.

    Parameters
    ----------
    atoms
        Atoms at rest.
    calculator
        That gives their forces.
    step
        How far each atom is moved in either direction, in Å.

    Returns
    -------
    numpy.ndarray
        In eV/Å², shape (3 n, 3 n), symmetric and with sums of zero.

    Raises
    ------
    ValueError
        If there are so many atoms that it would take too long.
    """
    if len(atoms) > MOST_ATOMS:
        raise ValueError(
            f"a calculator gives the force constants of {MOST_ATOMS} atoms at most, not "
            f"{len(atoms)}: they take {6 * len(atoms)} calculations of forces. Take part of the "
            "model with select(), or the valence force field, which has them at once"
        )
    moved = atoms.copy()
    moved.calc = calculator
    found = np.empty((len(atoms), 3, len(atoms), 3))
    for atom in count_steps(range(len(atoms)), "force constants of atom"):
        for axis in range(3):
            forces = []
            for sign in (1, -1):
                moved.positions[atom, axis] = atoms.positions[atom, axis] + sign * step
                forces.append(moved.get_forces(apply_constraint=False))
            moved.positions[atom, axis] = atoms.positions[atom, axis]
            found[atom, axis] = (forces[1] - forces[0]) / (2 * step)
    found = (found + found.transpose(2, 3, 0, 1)) / 2
    everyone = np.arange(len(atoms))
    found[everyone, :, everyone] -= found.sum(axis=2)
    return found.reshape(3 * len(atoms), -1)
