"""Time and memory of vibrations of large models, and their densities beside known ones.

Run: python benchmarks/phonons.py [millions of atoms ...] [--skip PART ...] [--peers PYTHON]

Parts: ``sizes`` (by default .01, .1, 1 and 4 million atoms of a random Si-Ge alloy: force constants
in 32 bits, and steps of the recursion of 1, 8 and 16 vectors with the sums of 40 groups), ``well``
(the map along y of the sample ``sige_quantum_well`` with 2e5 atoms, relaxed), ``alloy`` (peaks,
bonds and an isolated atom), ``bonds`` (bands of an alloy by bonds, of all vibrations of small
models), ``thermal`` (displacements of the well), and, with ``--peers``, ``phonopy`` (the Python of
an environment that has it: its dense solution on the same constants).

Times are of the process, best of eight, so that others who use the machine count little; the load
is printed. Set NUMBA_NUM_THREADS for the number of threads.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.data import atomic_masses
from scipy.signal import find_peaks

import hyperspy_twin as ht
from hyperspy_twin.data.quantum_well import alloy_lattice, well_lattice
from hyperspy_twin.properties import bond_atoms, cell_of, force_constants, mass_weighted
from hyperspy_twin.properties.phonons import VibrationOperator, find_modes
from hyperspy_twin.properties.phonons.normal_modes import gaussian_lines
from hyperspy_twin.properties.phonons.vibrations import squared_window
from hyperspy_twin.simulation import stack_diamond_planes

SIZES = (0.01, 0.1, 1.0, 4.0)
VECTORS = (1, 8, 16)
GROUPS = 40
REPEATS = 8
PARTS = ("sizes", "well", "alloy", "bonds", "thermal", "phonopy")
GERMANIUM = 0.7
PEER = """
import sys, time
import numpy as np
from phonopy import Phonopy
from phonopy.structure.atoms import PhonopyAtoms
data = np.load(sys.argv[1])
cell = PhonopyAtoms(symbols=data["symbols"].tolist(), cell=data["cell"],
                    scaled_positions=data["scaled"], masses=data["masses"])
phonopy = Phonopy(cell, supercell_matrix=data["times"].tolist(), primitive_matrix=np.eye(3))
order = data["constants"]
places = phonopy.supercell.scaled_positions * data["times"]
# Our atoms in the order of phonopy's.
match = [int(np.argmin(np.abs((data["places"] - one + 0.5 * data["times"]) % data["times"]
         - 0.5 * data["times"]).sum(axis=1))) for one in places]
phonopy.force_constants = order[np.ix_(match, match)]
begin = time.process_time()
found = [phonopy.get_frequencies(q) for q in data["q"]]
print(time.process_time() - begin)
np.save(sys.argv[2], np.array(found) * 4.135667696)  # meV
"""


def cpu_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Least time of the process for a call, after one that compiles."""
    work()
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def alloy(cells: int, fraction: float, seed: int = 0) -> Atoms:
    """Random alloy of the lattice parameter of its composition."""
    atoms = bulk("Si", "diamond", a=alloy_lattice(fraction), cubic=True).repeat(cells)
    order = np.random.default_rng(seed).permutation(len(atoms))
    atoms.numbers[order[: round(fraction * len(atoms))]] = 32
    return atoms


def quantum_well(millions: float, height: float = 27.0, well: float = 16.0) -> Atoms:
    """Sample ``sige_quantum_well`` as a film that repeats along x and z, lengths in nm."""
    barrier = alloy_lattice(GERMANIUM)
    layer, period = well_lattice(barrier), barrier / np.sqrt(2)
    planes = round(10 * well / (layer / 4))
    barriers = np.arange(round(10 * (height - well) / 2 / (barrier / 4)))
    upper = -planes * layer / 4
    heights = [(barriers + 0.5) * barrier / 4, -(np.arange(planes) + 0.5) * layer / 4]
    heights.append(upper - (barriers + 0.5) * barrier / 4)
    indices = np.concatenate([-1 - barriers, np.arange(planes), planes + barriers])
    # Two atoms of each plane in a cell of the beam and of x, 4 times as long along x as along z.
    side = np.sqrt(1e6 * millions / len(indices) / 4)
    across, along = round(4 * side), round(side)
    positions, plane = stack_diamond_planes(
        np.concatenate(heights),
        indices,
        period=period,
        x_range=(0, across * period),
        thickness=along * period,
    )
    box = np.array([across, along]) * period - 1e-6
    kept = (positions[:, 0] > -1e-6) & (positions[:, 0] < box[0]) & (positions[:, 2] < box[1])
    positions, plane = positions[kept], plane[kept]
    inside = (plane >= 0) & (plane < planes)
    chance = np.random.default_rng(0).random(len(plane)) < GERMANIUM
    positions[:, 1] -= positions[:, 1].min()
    cell = (across * period, np.ptp(positions[:, 1]) + 20, along * period)
    numbers = np.where(inside | chance, 32, 14)
    atoms = Atoms(numbers, positions, cell=cell, pbc=(True, False, True))
    atoms.set_array("region", np.where(inside, 2, np.where(plane < 0, 3, 1)))
    return atoms


def relaxed(atoms: Atoms, tolerance: float = 1e-5) -> ht.AtomicModel:
    """Model of atoms at rest in plain Keating, to a force in eV/Å."""
    model = ht.AtomicModel.from_ase(atoms)
    return model.relax(tolerance=tolerance, show_progressbar=False)


def measure_sizes(millions: float) -> None:
    """Print the row of one size."""
    atoms = alloy(round((1e6 * millions / 8) ** (1 / 3)), 0.5)
    bonded = bond_atoms(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc)
    repeats = REPEATS if millions <= 1 else 3
    made = cpu_seconds(
        lambda: force_constants(atoms.positions, bonded, precision=np.float32), min(3, repeats)
    )
    constants = force_constants(atoms.positions, bonded, precision=np.float32)
    size = (constants.blocks.nbytes + constants.index.nbytes) / 1e9
    labels = (atoms.positions[:, 1] / atoms.cell[1, 1] * GROUPS).astype(int)
    operator = VibrationOperator(
        constants, atomic_masses[atoms.numbers], labels, groups=GROUPS, overwrite=True
    )
    window, steps = squared_window(operator), []
    for vectors in VECTORS:
        current = operator.start(range(vectors), 0)
        previous = np.zeros_like(current)

        def work(current: np.ndarray = current, previous: np.ndarray = previous) -> None:
            operator.step(current, previous, window, 2)

        steps.append(cpu_seconds(work, repeats))
    print(f"{len(atoms):9} {made:9.2f} {size:7.2f}", *(f"{one:9.3f}" for one in steps), flush=True)


def measure_well() -> None:
    """Print what the map along y has, and return nothing: the guide's picture is made alike."""
    begin = time.process_time()
    model = relaxed(quantum_well(0.2))
    moved = time.process_time() - begin
    begin = time.process_time(), time.perf_counter()
    found = model.phonon_dos("y", 40, show_progressbar=False)
    spent = time.process_time() - begin[0], time.perf_counter() - begin[1]
    energy, y = (found.axes_manager[one].axis for one in ("Energy", "y"))
    variance = found.metadata.Signal.Noise_properties.variance.data
    error = np.sqrt(variance.sum(axis=1) / (found.data**2).sum(axis=1))
    print(
        f"well of {len(model.positions)} atoms (relaxed in {moved:.1f} cpu-s): map of 40 bins of "
        f"{found.metadata.Density.atoms[0]} atoms, {found.metadata.Density.moments} moments, 16 "
        f"vectors in {spent[0]:.1f} cpu-s ({spent[1]:.1f} s); errors {100 * error.min():.1f} to "
        f"{100 * error.max():.1f} % (rms over rms)"
    )
    middle = np.abs(y - y.mean()) < 7.2
    high = energy > 45
    part = found.data[:, high].sum(axis=1) / found.data.sum(axis=1)
    peaks = energy[np.argmax(found.data[middle], axis=1)]
    print(
        f"in the well: peak at {peaks.min():.1f} to {peaks.max():.1f} meV, above 45 meV "
        f"{100 * part[middle].mean():.3f} % of the weight, at most "
        f"{100 * np.abs(part[middle]).max():.3f} % in a bin"
    )
    outer = np.abs(y - y.mean()) > 9
    mean = found.data[outer].mean(axis=0)
    places, _ = find_peaks(mean, prominence=0.003)
    print(
        f"in the barriers: {100 * part[outer].mean():.1f} % above 45 meV, peaks",
        *(f"{energy[one]:.1f}" for one in places if energy[one] > 30),
        "meV",
    )


def measure_alloy() -> None:
    """Print peaks and bonds of alloys, and the line of one silicon atom in germanium."""
    model = relaxed(alloy(10, GERMANIUM))
    atoms = model.to_ase()
    bonds = bond_atoms(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc).bonds
    length = np.linalg.norm(bonds.vectors(atoms.positions), axis=2)
    pair = atoms.numbers[:, None] + atoms.numbers[bonds.index]
    means = [float(length[pair == one].mean()) for one in (28, 46, 64)]
    print("bonds Si-Si, Si-Ge, Ge-Ge of Si0.3Ge0.7:", *(f"{one:.4f}" for one in means), "Å")
    for field in ("keating", "modified"):
        found = model.phonon_dos(field=field, vectors=32, show_progressbar=False)
        energy = found.axes_manager["Energy"].axis
        places, _ = find_peaks(found.data, prominence=0.003)
        peaks = [f"{energy[one]:.1f}" for one in places if energy[one] > 30]
        print(f"peaks of Si0.3Ge0.7, {field}:", *peaks, "meV")
    single = bulk("Ge", "diamond", a=5.658, cubic=True).repeat(4)
    single.numbers[0] = 14
    single = relaxed(single).to_ase()
    bonded = bond_atoms(single.positions, single.numbers, single.cell.array, single.pbc)
    matrix = force_constants(single.positions, bonded).to_sparse().toarray()
    modes = find_modes(matrix, atomic_masses[single.numbers])
    print(f"isolated Si in Ge: {modes.energies[-1]:.2f} meV, {modes.shares[0, -1]:.3f} on silicon")


def measure_bonds(cells: int, count: int, unrelaxed: bool = False) -> None:
    """Print the bands of Si0.3Ge0.7 by bonds, of all vibrations of some small models."""
    energies, found = np.arange(30, 70, 0.1), []
    for seed in range(count):
        atoms = alloy(cells, GERMANIUM, seed)
        if not unrelaxed:
            atoms.positions = relaxed(atoms, 1e-6).to_ase().positions
        bonded = bond_atoms(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc)
        matrix = force_constants(atoms.positions, bonded)
        matrix = mass_weighted(matrix, atomic_masses[atoms.numbers], overwrite=True)
        squared, states = np.linalg.eigh(matrix.to_sparse().toarray())
        lines = np.sqrt(np.maximum(squared, 0))
        moved, stretches = states.reshape(len(atoms), 3, -1), np.zeros((3, len(lines)))
        units = bonded.bonds.vectors(atoms.positions)
        units /= np.linalg.norm(units, axis=2)[..., None]
        for slot in range(4):
            other = bonded.bonds.index[:, slot]
            stretch = np.einsum("nd,ndk->nk", units[:, slot], moved[other] - moved) ** 2
            germanium = (atoms.numbers == 32) * 1 + (atoms.numbers[other] == 32)
            stretches += [stretch[germanium == one].sum(axis=0) for one in range(3)]
        peaks = energies[np.argmax(stretches @ gaussian_lines(lines, energies, 2.0), axis=1)]
        mean = np.average(lines[lines > 57], weights=stretches[0, lines > 57])
        found.append([peaks[2], peaks[1], peaks[0], mean, lines[-1]])
    names = "Ge-Ge", "Si-Ge", "Si-Si", "mean of Si-Si", "highest"
    values = zip(names, np.mean(found, axis=0), np.std(found, axis=0, ddof=1), strict=True)
    print(
        f"{'unrelaxed' if unrelaxed else 'relaxed'} Si0.3Ge0.7, {count} models of {len(atoms)}:",
        ", ".join(f"{name} {mean:.2f} +- {spread:.2f}" for name, mean, spread in values),
        "meV",
    )


def measure_thermal() -> None:
    """Print mean square displacements of a well, and the time that they took."""
    model = relaxed(quantum_well(0.05))
    begin = time.process_time()
    table = model.thermal_displacements(300.0, by="region", show_progressbar=False)
    spent = time.process_time() - begin
    print(f"displacements of {len(model.positions)} atoms at 300 K in {spent:.1f} cpu-s")
    print(table)


def measure_phonopy(python: str) -> None:
    """Print the largest difference from phonopy on the same force constants, and both times."""
    times = 3
    primitive = bulk("Si", "diamond", a=alloy_lattice(0.0), cubic=True)
    primitive.numbers[::3] = 32
    large = primitive.repeat(times)
    bonded = bond_atoms(large.positions, large.numbers, large.cell.array, large.pbc)
    constants = force_constants(large.positions, bonded).to_sparse().toarray()
    q = np.random.default_rng(0).random((200, 3)) - 0.5
    cell = cell_of(primitive, "keating")
    waves = q @ (2 * np.pi * np.linalg.inv(primitive.cell.array).T)
    ours = cell.energies(waves)
    spent = cpu_seconds(lambda: cell.energies(waves), 3)
    with tempfile.TemporaryDirectory() as folder:
        given, result = Path(folder, "in.npz"), Path(folder, "out.npy")
        np.savez(
            given,
            symbols=np.array(primitive.get_chemical_symbols()),
            masses=atomic_masses[primitive.numbers],
            cell=primitive.cell.array,
            scaled=primitive.get_scaled_positions(),
            times=np.full(3, times),
            places=large.positions @ np.linalg.inv(primitive.cell.array),
            constants=constants.reshape(len(large), 3, -1, 3).transpose(0, 2, 1, 3),
            q=q,
        )
        run = [python, "-c", PEER, str(given), str(result)]
        done = subprocess.run(run, check=True, capture_output=True, text=True)
        theirs = np.load(result)
    differs = np.abs(ours**2 - np.sign(theirs) * theirs**2).max()
    print(
        f"phonopy, 8 atoms, {len(q)} wave vectors: squared energies within {differs:.1e} "
        f"meV² (of {ours.max() ** 2:.0f}); ours {spent:.2f} cpu-s, phonopy {done.stdout.strip()}"
    )


def main() -> None:
    """Run the parts."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("millions", type=float, nargs="*", default=SIZES)
    parser.add_argument("--skip", nargs="*", default=(), choices=PARTS)
    parser.add_argument("--peers")
    chosen = parser.parse_args()
    print(f"threads: {numba.get_num_threads()}, load {os.getloadavg()[0]:.1f}")
    if "sizes" not in chosen.skip:
        print("    atoms  assemble      GB", *(f"{one:3} vect." for one in VECTORS), " (cpu-s)")
        for millions in chosen.millions:
            measure_sizes(millions)
    for name, work in (
        ("well", measure_well),
        ("alloy", measure_alloy),
        ("bonds", lambda: measure_bonds(4, 12)),
        ("bonds", lambda: measure_bonds(5, 4)),
        ("bonds", lambda: measure_bonds(4, 12, unrelaxed=True)),
        ("thermal", measure_thermal),
    ):
        if name not in chosen.skip:
            work()
    if chosen.peers and "phonopy" not in chosen.skip:
        measure_phonopy(chosen.peers)


if __name__ == "__main__":
    main()
