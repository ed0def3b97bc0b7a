"""Atoms whose energy and forces a calculator of ASE gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from hyperspy_twin.properties.keating import bond_atoms


class AnyAtoms(Protocol):
    """Atoms with energies and forces, in eV and eV/Å, by whatever way."""

    def forces(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energy of each atom, shape (n,), and forces, shape (n, 3)."""

    def total(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy of all atoms, and forces, shape (n, 3)."""


@dataclass(frozen=True, eq=False)
class CalculatedAtoms:
    """Atoms with a calculator.

    Attributes
    ----------
    atoms
        The atoms of ASE.
    """

    atoms: Any

    def forces(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energy of each atom, NaN where the calculator has none, and forces."""
        _, force = self.total(positions)
        if "energies" in self.atoms.calc.implemented_properties:
            return np.asarray(self.atoms.get_potential_energies(), float), force
        return np.full(len(force), np.nan), force

    def total(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy of all atoms, and forces."""
        self.atoms.set_positions(positions)
        force = np.asarray(self.atoms.get_forces(), float)
        energy = float(self.atoms.get_potential_energy())
        if not (np.isfinite(energy) and np.isfinite(force).all()):
            raise ValueError("the calculator gave energies or forces that are not finite")
        return energy, force


def calculated_atoms(
    positions: np.ndarray,
    numbers: np.ndarray,
    cell: np.ndarray,
    pbc: Sequence[bool],
    calculator: Any = None,
) -> AnyAtoms:
    """Atoms with the energies and forces of a calculator, by default Keating's.

    Parameters
    ----------
    positions, numbers
        Positions in Å, shape (n, 3), and atomic numbers, shape (n,).
    cell, pbc
        Box vectors as rows in Å, shape (3, 3), and whether the box repeats along each of them.
    calculator
        Calculator of ASE with energy and forces; None for Keating's valence force field.

    Raises
    ------
    ValueError
        If a position is not finite; by default as :func:`bond_atoms`.
    TypeError
        If the calculator is none of ASE.
    """
    if calculator is None:
        return bond_atoms(positions, numbers, cell, pbc)
    if not hasattr(calculator, "get_property"):
        raise TypeError(f"give a calculator of ASE, not {type(calculator).__name__}")
    if not np.isfinite(positions).all():
        raise ValueError("some positions are not finite: remove these atoms first")
    from ase import Atoms

    atoms = Atoms(numbers=numbers, positions=positions, cell=cell, pbc=pbc, calculator=calculator)
    return CalculatedAtoms(atoms)
