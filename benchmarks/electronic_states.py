"""States in the gap of distorted germanium: ``python benchmarks/electronic_states.py [atoms ...]``.

Periodic germanium in which one column was moved: time and memory of the states nearest to 1.05 eV,
their largest residual, and the part of the first that lies within 3 nm of the column. The second
row of a size, up to LARGEST_OF_SCIPY, is the shift-and-invert of ``scipy.sparse.linalg.eigsh`` on
the same matrix.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import numpy as np
import scipy.sparse.linalg
from ase import Atoms
from ase.build import bulk
from chain import PeakMemory

from hyperspy_twin.properties import Search, model_hamiltonian, states_of_model
from hyperspy_twin.properties.tight_binding import SPIN_ORBITALS

SIZES = (400, 1_000, 10_000, 100_000)
REPEATS = 5  # unit cells along the beam
SHIFT = 1.2  # Å; the column then has bonds that are half as long again
SEARCH = Search(near=1.05, count=4, within=0.3, residual=0.005)
# Factors fill up, with the power 2.6 of the number of atoms: 1000 take 83 CPU s and 3 GB.
LARGEST_OF_SCIPY = 1_000


def distorted(count: int) -> tuple[Atoms, np.ndarray]:
    """Atoms, and the place (x, y) of the column that was moved."""
    side = max(round((count / 8 / REPEATS) ** 0.5), 3)
    atoms = bulk("Ge", "diamond", a=5.658, cubic=True).repeat((side, side, REPEATS))
    place = atoms.positions[:, :2]
    middle = place[np.argmin(np.linalg.norm(place - place.mean(axis=0), axis=1))].copy()
    atoms.positions[np.linalg.norm(place - middle, axis=1) < 0.1, 0] += SHIFT
    return atoms, middle


def timed(name: str, atoms: Atoms, work: Callable[[], tuple]) -> None:
    """Print one row, whose work gives energies, residuals and densities."""
    clock = time.perf_counter(), time.process_time()
    with PeakMemory() as memory:
        energies, residuals, near = work()
    wall, cpu = time.perf_counter() - clock[0], time.process_time() - clock[1]
    shown = " ".join(f"{one:.4f}" for one in energies)
    print(
        f"{len(atoms):>9} {name:<14}{wall:>8.1f}{cpu:>8.1f}{memory.peak / 1e9:>7.2f}"
        f"{max(residuals, default=np.nan):>10.1e}{near:>8.3f}{os.getloadavg()[0]:>6.1f}  {shown}",
        flush=True,
    )


def compare(count: int) -> None:
    """Print the rows of one size."""
    atoms, middle = distorted(count)
    inside = np.linalg.norm(atoms.positions[:, :2] - middle, axis=1) < 30.0
    hamiltonian = model_hamiltonian(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc)

    def ours() -> tuple:
        found = states_of_model(hamiltonian, SEARCH)
        density = found.density(SPIN_ORBITALS)
        return found.energies, found.residuals, density[:1, inside].sum()

    def scipys() -> tuple:
        matrix = scipy.sparse.csc_array(hamiltonian.matrix(), dtype=complex)
        energies, vectors = scipy.sparse.linalg.eigsh(matrix, SEARCH.count, sigma=SEARCH.near)
        order = np.argsort(abs(energies - SEARCH.near))
        energies, vectors = energies[order], vectors[:, order]
        residuals = np.linalg.norm(matrix @ vectors - energies * vectors, axis=0)
        density = (np.abs(vectors[:, 0]) ** 2).reshape(len(atoms), -1).sum(axis=1)
        return energies, residuals, density[inside].sum()

    timed("hyperspy_twin", atoms, ours)
    if count <= LARGEST_OF_SCIPY:
        timed("scipy eigsh", atoms, scipys)


def main() -> None:
    """Print the table."""
    print(f"{'atoms':>9} {'program':<14}{'s':>8}{'CPU s':>8}{'GB':>7}{'residual':>10}", end="")
    print(f"{'near':>8}{'load':>6}  energies / eV")
    for count in map(int, sys.argv[1:] or SIZES):
        compare(count)


if __name__ == "__main__":
    main()
