"""States that were found, and what is known of those that were not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class FoundStates:
    """Eigenstates near an energy, the nearest first.

    Attributes
    ----------
    energies
        In the unit of the operator, shape (m,).
    residuals
        Norm of the operator times the state, less the energy times it, shape (m,): an eigenvalue
        lies within this distance of the energy.
    vectors
        Normalised, shape (rows, m).
    near, within
        Middle and half width of the range that was searched.
    counted, counted_error
        Number of states in it by kernel polynomials, weighted with a Gaussian of half its half
        width, and its standard error; NaN where all were found without counting.
    dropped
        Number of values in the range that are no eigenvalues: their residuals are too large.
    """

    energies: np.ndarray
    residuals: np.ndarray
    vectors: np.ndarray
    near: float
    within: float
    counted: float
    counted_error: float
    dropped: int = 0

    def __len__(self) -> int:
        """Give the number of states."""
        return len(self.energies)

    @property
    def rows(self) -> int:
        """Length of the vectors."""
        return len(self.vectors)

    def density(self, rows_of_atom: int) -> np.ndarray:
        """Part of each state on each atom, which has as many rows, shape (m, atoms)."""
        squares = np.abs(self.vectors.T.astype(np.complex128)) ** 2
        atoms = len(self.vectors) // rows_of_atom
        return squares.reshape(len(self), atoms, rows_of_atom).sum(axis=2)


def participation_ratio(density: np.ndarray) -> np.ndarray:
    """Count the atoms that states spread over: 1 / sum of squares of densities (m, atoms)."""
    return 1.0 / np.sum(np.asarray(density, float) ** 2, axis=1)
