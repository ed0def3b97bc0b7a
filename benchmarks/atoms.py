"""Atoms per second and peak memory of each step that a model of atoms goes through.

Run: python benchmarks/atoms.py [millions of atoms ...] [--peers PYTHON]

By default 0.1, 1 and 4 million atoms; give 20 for the largest. Each size runs in a process of its
own after a small model that compiles the kernels. CPU seconds add up all threads: they tell more
than seconds where others use the machine. Memory is the largest resident size during the step,
with what the model itself needs. The model is two strained layers of silicon in the zone axis
[110], 5 nm thick up to 1 million atoms and 20 nm above.

Neighbour lists of ASE and matscipy are measured beside, up to 0.1 and 4 million atoms: with
``--peers``, the Python of an environment that has both, in a process of its own on the same atoms.
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from chain import PeakMemory

import hyperspy_twin as ht
from hyperspy_twin.atoms import COLUMNS, ERROR_COLUMNS, build_model
from hyperspy_twin.core import Grid, Outlines, Placement, RegisteredLattice, trace
from hyperspy_twin.crystals.structures import catalogue
from hyperspy_twin.signals._twin import write
from hyperspy_twin.signals._values import ModelBox

SIZES = (0.1, 1.0, 4.0)
LARGEST_OF_ASE = 0.1
LARGEST_OF_MATSCIPY = 4.0
CUTOFFS = (2.8, 5.0)
PIXEL = 0.02  # nm
MAP_PIXEL = 3.0  # nm
PER_VOLUME = 8 / 0.5431**3  # atoms of silicon in a cubic nanometre
PEER = """
import sys, time
import numpy as np
positions, cell = np.load(sys.argv[1]), np.load(sys.argv[2])
pbc, cutoff, name = (False, False, True), float(sys.argv[4]), sys.argv[3]
if name == "ASE":
    from ase.neighborlist import primitive_neighbor_list as find
    begin = time.perf_counter(), time.process_time()
    found = find("ijS", pbc, cell, positions, cutoff)
else:
    from matscipy.neighbours import neighbour_list as find
    begin = time.perf_counter(), time.process_time()
    found = find("ijS", cutoff=cutoff, positions=positions, cell=cell, pbc=pbc)
print(time.perf_counter() - begin[0], time.process_time() - begin[1], len(found[0]))
"""


def layers(millions: float) -> dict[str, Any]:
    """Lattices, outlines and displacement of two layers that hold so many atoms."""
    thickness = 5.0 if millions <= 1 else 20.0
    side = int(np.sqrt(1e6 * millions / (PER_VOLUME * thickness)) / PIXEL)
    grid = Grid((side, side), (PIXEL, PIXEL))
    edge = grid.y[side // 2]
    y = np.broadcast_to(grid.y[:, None], grid.shape)
    displacement = np.stack([0.05 * np.sin(y / 3), np.where(y > edge, (y - edge) * 0.0196, 0.0)])
    outlines: Outlines = trace(np.where(y > edge, 2, 1).astype(np.int32), grid)
    silicon = catalogue.get("Si")
    a = silicon.lattice[0]
    base = a * np.array([[-(0.5**0.5), 0, 0.5**0.5], [0.5**0.5, 0, 0.5**0.5], [0, 1, 0]])
    base = base[[1, 0, 2]] if np.linalg.det(base) < 0 else base
    lattices = [
        RegisteredLattice(region, silicon, base, (1, 1, 0), (0.07, 0.12), 1.0, True)
        for region in (1, 2)
    ]
    return {
        "lattices": lattices,
        "outlines": outlines,
        "displacement": displacement,
        "grid": grid,
        "thickness": thickness,
        "seed": 0,
    }


def as_model(atoms: Any, grid: Grid, lattices: list[RegisteredLattice]) -> Any:
    """Give the signal, as StrainMap.to_atoms does."""
    table = ht.AtomicModel._rows_of(atoms)
    model = ht.AtomicModel(table, axes=ht.AtomicModel._axes_for(*table.shape))
    box = np.diag([10 * grid.extent[0], 10 * grid.extent[1], atoms.thickness])
    columns = (*COLUMNS, *ERROR_COLUMNS)
    units = ("Å", "Å", "Å", "", "", "", "Å", "Å")
    state = ModelBox(columns, units, box, np.zeros(3), (False, False, True))
    write(model, model=state, lattices=tuple(lattices))
    return model._derive(ht.AtomicModel, "benchmark", {})


def germanium(grid: Grid) -> Any:
    """Give a map of a graded well with pixels of 3 nm on the whole image."""
    rows, across = (int(np.ceil(length / MAP_PIXEL)) for length in grid.extent[::-1])
    share = np.clip(np.sin(np.linspace(0.0, 3.0, rows)), 0.0, 1.0)[:, None] * np.ones(across)
    maps = ht.composition.from_map({"Si": 1.0 - share, "Ge": share})
    matrix = MAP_PIXEL * np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]])
    placed = Placement(matrix, np.zeros((rows, 2)), np.zeros((2, 2)), "given", 1.0)
    write(maps, placement=placed, placement_rows=maps._grid.y)
    return maps


def measure(millions: float, peers: str | None) -> None:
    """Print the rows of one size."""
    logging.getLogger("hyperspy_twin").setLevel(logging.ERROR)
    run(layers(0.01), None)
    parts = layers(millions)
    run(parts, f"{millions:8g}", peers, millions)


def run(
    parts: dict[str, Any], label: str | None, peers: str | None = None, millions: float = 0.0
) -> None:
    """Take the steps, and print what they took if there is a label."""
    total = Clock()

    def step(name: str, work: Callable[[], Any], count: int | None = None) -> Any:
        with PeakMemory() as memory:
            clock = Clock()
            found = work()
            row = clock.row(name, count or len(found.numbers))
        if label:
            print(f"{label} {row} {memory.peak / 1e9:9.2f}", flush=True)
        return found

    lattices = parts["lattices"]
    filled = [step("fill and displace", lambda: build_model(lattices, **_rest(parts)))]
    count = len(filled[0].numbers)
    # Given away, so that the arrays of filling go when the table is made.
    model = step("table", lambda: as_model(filled.pop(), parts["grid"], lattices), count)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.xyz", "a.lmp", "POSCAR", "a.traj"):
            step(f"write {name}", lambda name=name: model.write(Path(folder) / name), count)
            (Path(folder) / name).unlink()
            if label and name == "a.xyz":
                print(f"{label} {total.row('all of these', count)}")
        for cutoff in CUTOFFS:
            step(f"neighbours {cutoff} Å", lambda c=cutoff: model.neighbours(c), count)
            if peers and label:
                run_peers(model, cutoff, peers, label, millions, Path(folder))
    alloyed = [
        step("composition", lambda: model.set_composition(germanium(parts["grid"])), count),
    ]
    step("collapse", alloyed.pop().collapse, count)
    step("coordination", model.coordination, count)
    step("bond lengths", model.bond_lengths, count)


class Clock:
    """Seconds since it was made, and those that processors worked."""

    def __init__(self) -> None:
        self.begin, self.busy = time.perf_counter(), time.process_time()

    def row(self, name: str, count: int) -> str:
        """Seconds and millions of atoms per second as text."""
        return columns(
            name, time.perf_counter() - self.begin, time.process_time() - self.busy, count
        )


def columns(name: str, seconds: float, busy: float, count: int) -> str:
    """Name, seconds and millions of atoms per second as text."""
    return f"{name:22} {seconds:9.2f} {busy:9.2f} {count / seconds / 1e6:9.2f}"


def _rest(parts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if name != "lattices"}


def run_peers(
    model: Any, cutoff: float, python: str, label: str, millions: float, folder: Path
) -> None:
    """Time the lists of ASE and matscipy on the same atoms."""
    np.save(folder / "positions.npy", model.positions)
    np.save(folder / "cell.npy", model.cell)
    for name, largest in (("ASE", LARGEST_OF_ASE), ("matscipy", LARGEST_OF_MATSCIPY)):
        if millions > largest:
            continue
        arguments = [str(folder / "positions.npy"), str(folder / "cell.npy"), name, str(cutoff)]
        done = subprocess.run(
            [python, "-c", PEER, *arguments], capture_output=True, text=True, check=True
        )
        seconds, busy = map(float, done.stdout.split()[:2])
        count = len(model.positions)
        print(f"{label} {columns(f'  {name} {cutoff} Å', seconds, busy, count)}", flush=True)


def main() -> None:
    """Measure each size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("millions", nargs="*", type=float, default=SIZES)
    parser.add_argument("--peers")
    parser.add_argument("--one", type=float, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        measure(given.one, given.peers)
        return
    print(f"{numba.get_num_threads()} threads")
    heads = "seconds", "CPU s", "M atoms/s", "peak GB"
    print(f"{'millions':>8} {'step':22} {' '.join(f'{one:>9}' for one in heads)}", flush=True)
    for millions in given.millions:
        more = ["--peers", given.peers] if given.peers else []
        subprocess.run([sys.executable, __file__, "--one", str(millions), *more], check=True)


if __name__ == "__main__":
    main()
