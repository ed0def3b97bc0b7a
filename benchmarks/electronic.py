"""Electronic densities of states: speed and memory beside kwant and pybinding.

Run: python benchmarks/electronic.py [atoms ...] [--threads N ...] [--kwant PYTHON]
[--pybinding PYTHON] [--density ATOMS] [--short ATOMS]

The first table is the rate of the recursion in million (atom x product x vector) per second, where
a product is that of the whole Hamiltonian (sp3d5s*, spin-orbit, 20 orbitals for each atom) with a
complex vector: the best of several. All programs give two moments for each product, and so the
rate of those that are only asked for moments counts half of their number. CPU seconds of one
thread tell more than seconds where others use the machine, whose load is printed beside. kwant
works in 64 bits and gets our matrix up to 30 000 atoms (it takes 20 kB for each atom); pybinding
makes its own of the same size, of a crystal with equal bonds, in 32 bits. Both are run by the
Python of an environment that has them (kwant 1.5 needs numpy < 2).

``--density``: the whole verb for this many atoms, ten regions, 500 moments, 4 vectors.
``--short``: a short series of moments, with the largest memory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
import scipy.sparse
from ase import Atoms
from ase.build import bulk
from chain import PeakMemory

from hyperspy_twin.core import listen_to_steps
from hyperspy_twin.properties import ModelHamiltonian, model_hamiltonian
from hyperspy_twin.properties.density_of_states import BlockOperator, operator_window
from hyperspy_twin.properties.kernel_polynomials import (
    EnergyWindow,
    RecursionSettings,
    chebyshev_moments,
    density,
)

SIZES = (10_000, 100_000, 1_000_000)
VECTORS = (1, 4, 8)
REGIONS = 10
LARGEST_OF_KWANT = 30_000
MOMENTS, DENSITY_VECTORS = 500, 4
SHORT_MOMENTS = 8
WINDOW = EnergyWindow(16.2, 29.5)  # eV; holds the spectrum of strained SiGe
KWANT = """
import sys, time
import numpy as np, scipy.sparse, kwant
part = np.load(sys.argv[1])
matrix = scipy.sparse.csr_matrix((part["data"], part["indices"], part["indptr"]))
few, more, best = 10, 30, [float("inf")] * 2
for _ in range(2):
    taken = []
    for count in (few, more):
        begin = time.perf_counter(), time.process_time()
        kwant.kpm.SpectralDensity(
            matrix, num_vectors=1, num_moments=count, bounds=(-13.0, 45.5), rng=0
        )
        taken.append([time.perf_counter() - begin[0], time.process_time() - begin[1]])
    best = np.minimum(best, np.subtract(taken[1], taken[0]))
print(*(best / ((more - few) // 2)))
"""
PYBINDING = """
import sys, time
import numpy as np, pybinding as pb
atoms, a = int(sys.argv[1]), 0.5431
rng = np.random.default_rng(0)
lattice = pb.Lattice([0, a / 2, a / 2], [a / 2, 0, a / 2], [a / 2, a / 2, 0])
def hermitian():
    part = rng.normal(size=(20, 20))
    part[10:, :10] = part[:10, 10:] = 0  # both spins, coupled within p
    part = (part + part.T).astype(complex)
    part[1:4, 11:14] = 1j * rng.normal(size=(3, 3))
    part[11:14, 1:4] = part[1:4, 11:14].conj().T
    return part
lattice.add_sublattices(("A", [0, 0, 0], hermitian()), ("B", [a / 4] * 3, hermitian()))
hop = np.kron(np.eye(2), rng.normal(size=(10, 10)))
for cell in ([0, 0, 0], [-1, 0, 0], [0, -1, 0], [0, 0, -1]):
    lattice.add_hoppings((cell, "A", "B", hop))
n = round((atoms / 2) ** (1 / 3))
model = pb.Model(lattice, pb.primitive(n, n, n))
kpm = pb.kpm(model, energy_range=[-90, 90], silent=True, num_threads=1)
count = model.system.num_sites
start = np.exp(2j * np.pi * rng.random(model.hamiltonian.shape[0])).astype(np.complex64)
few, more, best = 10, 30, [float("inf")] * 2
kpm.moments(few, start)
for _ in range(2):
    taken = []
    for moments in (few, more):
        begin = time.perf_counter(), time.process_time()
        kpm.moments(moments, start)
        taken.append([time.perf_counter() - begin[0], time.process_time() - begin[1]])
    best = np.minimum(best, np.subtract(taken[1], taken[0]))
print(*(best / ((more - few) // 2)), count)
"""


def crystal(count: int) -> Atoms:
    """Alloy of silicon and germanium with bonds of all lengths, about as many atoms."""
    side = max(round((count / 8) ** (1 / 3)), 2)
    atoms = bulk("Si", "diamond", a=5.55, cubic=True).repeat(side)
    rng = np.random.default_rng(0)
    atoms.numbers[rng.random(len(atoms)) < 0.5] = 32
    atoms.positions += rng.normal(0, 0.03, (len(atoms), 3))
    return atoms


def made(atoms: Atoms, label: str) -> ModelHamiltonian:
    """Hamiltonian, with a row of what it took."""
    with PeakMemory() as memory:
        clock = time.perf_counter(), time.process_time()
        found = model_hamiltonian(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc)
        taken = time.perf_counter() - clock[0], time.process_time() - clock[1]
    kept = sum(getattr(found.blocks, one).nbytes for one in ("onsite", "hopping")) / len(atoms)
    print(
        f"{label:>9}  Hamiltonian: {taken[0]:.1f} s, {taken[1]:.1f} CPU s; matrices {kept:.0f} "
        f"bytes for each atom; peak {memory.peak / 1e9:.2f} GB",
        flush=True,
    )
    return found


def best_of(work: Callable[[], object], times: int = 3) -> tuple[float, float]:
    """Least seconds and CPU seconds of a call."""
    wall, cpu = [], []
    for _ in range(times):
        clock = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - clock[0])
        cpu.append(time.process_time() - clock[1])
    return min(wall), min(cpu)


def row(name: str, atoms: int, vectors: int, threads: int, taken: tuple[float, float]) -> None:
    """Print one line of the table of rates."""
    wall, cpu = (atoms * vectors / 1e6 / one for one in taken)
    print(
        f"{atoms:9d} {name:22} {vectors:7d} {threads:7d} {wall:10.2f} {cpu:10.2f} "
        f"{os.getloadavg()[0]:6.1f}",
        flush=True,
    )


def rates(count: int, threads: list[int], kwant: str | None, pybinding: str | None) -> None:
    """Print the rates of one size."""
    atoms = crystal(count)
    hamiltonian = made(atoms, str(len(atoms)))
    labels = np.minimum(np.arange(len(atoms)) * REGIONS // len(atoms), REGIONS - 1)
    operator = BlockOperator(hamiltonian, labels, REGIONS)
    for number in threads:
        numba.set_num_threads(number)
        for vectors in VECTORS:
            current = operator.start(range(vectors), 0)
            previous = np.zeros_like(current)
            operator.step(current, previous, WINDOW, 1)
            taken = best_of(lambda: operator.step(current, previous, WINDOW, 2))  # noqa: B023
            row("hyperspy_twin, 32 bits", len(atoms), vectors, number, taken)
    if kwant and count <= LARGEST_OF_KWANT:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "matrix.npz"
            matrix = scipy.sparse.csr_array(hamiltonian.matrix(), dtype=complex)
            parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}
            np.savez(file, **parts)  # type: ignore[arg-type]
            found = other(kwant, KWANT, str(file))
        row("kwant, 64 bits", len(atoms), 1, 1, (found[0], found[1]))
    if pybinding:
        found = other(pybinding, PYBINDING, str(count))
        row("pybinding, 32 bits", int(found[2]), 1, 1, (found[0], found[1]))


def other(python: str, program: str, argument: str) -> list[float]:
    """Numbers that a program prints in another environment."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    environment.pop("PYTHONPATH", None)
    command = [python, "-c", program, argument]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return [float(one) for one in done.stdout.split()[-3:]]


def whole(count: int, moments: int, vectors: int) -> None:
    """Print what a density of ten regions takes from the atoms on."""
    atoms = crystal(count)
    clock = time.perf_counter(), time.process_time()
    with PeakMemory() as memory, listen_to_steps(lambda _: None):
        hamiltonian = made(atoms, str(len(atoms)))
        labels = np.minimum(np.arange(len(atoms)) * REGIONS // len(atoms), REGIONS - 1)
        operator = BlockOperator(hamiltonian, labels, REGIONS)
        window = WINDOW
        if moments > SHORT_MOMENTS:
            window = operator_window(operator)
        found = chebyshev_moments(operator, window, RecursionSettings(moments, vectors))
        values, variance = density(found, window, np.linspace(-10.0, 10.0, 401))
    taken = time.perf_counter() - clock[0], time.process_time() - clock[1]
    print(
        f"{len(atoms):9d}  {REGIONS} regions, {moments} moments, {vectors} vectors: "
        f"{taken[0]:.0f} s, {taken[1]:.0f} CPU s, {numba.get_num_threads()} threads, peak "
        f"{memory.peak / 1e9:.2f} GB, load {os.getloadavg()[0]:.1f}; total weight "
        f"{found[..., 0].sum(axis=0).mean() / len(atoms):.6f} for each atom, error of the first "
        f"region at 3 eV {100 * np.sqrt(variance[0, 260]) / values[0, 260]:.2f} %",
        flush=True,
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("atoms", nargs="*", type=int, default=SIZES)
    parser.add_argument(
        "--threads", nargs="+", type=int, default=[1, numba.config.NUMBA_NUM_THREADS]
    )
    parser.add_argument("--kwant")
    parser.add_argument("--pybinding")
    parser.add_argument("--density", type=int)
    parser.add_argument("--short", type=int)
    options = parser.parse_args()
    if options.density or options.short:
        whole(1000, SHORT_MOMENTS, 2)  # compiles the kernels
    if options.density:
        whole(options.density, MOMENTS, DENSITY_VECTORS)
    if options.short:
        whole(options.short, SHORT_MOMENTS, 1)
    if options.density or options.short:
        return
    print(" " * 9, "program                vectors threads  million/s  /CPU s    load")
    for count in options.atoms:
        rates(count, sorted(set(options.threads)), options.kwant, options.pybinding)


if __name__ == "__main__":
    sys.exit(main())
