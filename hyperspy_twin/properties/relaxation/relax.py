"""Move atoms to where their forces vanish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hyperspy_twin.properties.any_atoms import AnyAtoms, calculated_atoms
from hyperspy_twin.properties.keating import BondedAtoms
from hyperspy_twin.properties.relaxation.limited_memory import minimise_limited_memory
from hyperspy_twin.properties.relaxation.newton import minimise_newton
from hyperspy_twin.properties.relaxation.rigid_motion import without_rigid_motion
from hyperspy_twin.properties.relaxation.statistics import mean_bond_lengths
from hyperspy_twin.properties.relaxation.trace import Trace

Mode = Literal["free", "z"]
# Models with more atoms are relaxed by Newton's method: L-BFGS takes more steps the larger they
# are, and in wells of 200 000 atoms stops up to a picometre from the minimum.
LARGEST_OF_LIMITED_MEMORY = 50_000


@dataclass(frozen=True, eq=False)
class Relaxation:
    """Atoms after a relaxation.

    Attributes
    ----------
    positions
        In Å, shape (n, 3).
    energy, force
        In eV, NaN where the calculator has no energies of atoms, shape (n,), and in eV/Å, also of
        atoms that were held, shape (n, 3).
    trace
        Energies of all atoms and largest forces on those that move, of each step.
    method
        ``"Newton-CG"`` or ``"L-BFGS"``.
    converged
        Whether the largest force is below the tolerance.
    broken
        Number of atoms of which a bond was stretched or pressed beyond the lengths at which bonds
        are found.
    bonds
        Mean lengths in Å at the start and at the end of the bonds of each pair of elements, such as
        ``"Ge-Si"``, in Keating's force field.
    """

    positions: np.ndarray
    energy: np.ndarray
    force: np.ndarray
    trace: Trace
    method: str
    converged: bool
    broken: int
    bonds: dict[str, tuple[float, float]]


def relax_atoms(
    positions: np.ndarray,
    numbers: np.ndarray,
    *,
    cell: np.ndarray,
    pbc: Sequence[bool],
    mode: Mode = "free",
    held: np.ndarray | None = None,
    tolerance: float,
    calculator: Any = None,
) -> Relaxation:
    """Move atoms until no component of a force is above a tolerance.

    The box stays. Where nothing holds the atoms, the mean displacement is taken out, and the mean
    rotation about directions around which the box lets them turn.

    Parameters
    ----------
    positions, numbers, cell, pbc, calculator
        As for :func:`calculated_atoms`.
    mode
        ``"free"``, or ``"z"`` where atoms move along z alone.
    held
        Atoms that do not move, boolean, shape (n,).
    tolerance
        In eV/Å.

    Raises
    ------
    ValueError
        As there; if the mode is unknown, the tolerance is not positive or no atom may move.
    """
    if mode not in ("free", "z"):
        raise ValueError(f"mode is 'free' or 'z', not {mode!r}")
    if not (np.isfinite(tolerance) and tolerance > 0):
        raise ValueError(f"the tolerance is a force in eV/Å above zero, not {tolerance}")
    free = np.ones((len(positions), 3), bool)
    if mode == "z":
        free[:, :2] = False
    if held is not None:
        free[np.asarray(held, bool)] = False
    if not free.any():
        raise ValueError("all atoms are held: leave some free")
    start = np.array(positions, float)
    atoms = calculated_atoms(start, numbers, cell, pbc, calculator)
    moved, method, trace = _minimise(atoms, start, free, tolerance)
    if held is None or not np.any(held):
        moved = without_rigid_motion(start, moved, cell, pbc, along_z=mode == "z")
    energy, force = atoms.forces(moved)
    broken, bonds = 0, {}
    if isinstance(atoms, BondedAtoms):
        bonds = mean_bond_lengths(atoms, start, moved)
        broken = int(atoms.broken(moved).sum())
    return Relaxation(
        positions=moved,
        energy=energy,
        force=force,
        trace=trace,
        method=method,
        converged=trace.force[-1] <= tolerance,
        broken=broken,
        bonds=bonds,
    )


def _minimise(
    atoms: AnyAtoms, start: np.ndarray, free: np.ndarray, tolerance: float
) -> tuple[np.ndarray, str, Trace]:
    """Positions, method and trace; L-BFGS goes on where Newton's method cannot."""
    trace = Trace()
    if isinstance(atoms, BondedAtoms) and len(start) > LARGEST_OF_LIMITED_MEMORY:
        found = minimise_newton(atoms, start, free, tolerance, trace)
        if trace.force[-1] <= tolerance:
            return found, "Newton-CG", trace
        start = found
    return minimise_limited_memory(atoms, start, free, tolerance, trace), "L-BFGS", trace
