"""Models of twins, from the image to the atoms, and of grains that do not fit.

``python benchmarks/joins.py`` takes five minutes. Seeds from 100 on were not looked at while the
numbers of the joins were chosen.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.spatial import cKDTree

import hyperspy_twin as ht
from hyperspy_twin.atoms import find_bonds
from hyperspy_twin.atoms.joins import remove_overlaps
from hyperspy_twin.simulation import fault_crystal
from hyperspy_twin.simulation.imaging import add_gaussians

FACES = np.array([[0, 0, 0], [0, 2, 2], [2, 0, 2], [2, 2, 0]]) / 4
# Lattice constant in Å, sites, height of a cut in periods of the planes, neighbours, bond in Å.
CRYSTALS = {
    "Ge": (5.658, np.concatenate([FACES, FACES + 0.25]), 0.125, 4, 5.658 * 3**0.5 / 4),
    "Au": (4.078, FACES, 0.5, 12, 4.078 / 2**0.5),
}
SIZE = 384
PIXEL = {"Ge": 0.035, "Au": 0.03}  # nm
WIDTH = 0.05  # nm, of a column
EDGE = 8.0  # Å at the sides of the image that are not compared
# Of grains that do not fit: half a side and thickness in Å, and the longest bond over a bond.
HALF, REPEATS, LONGEST = 30.0, 4, 1.2
RULES = ("none", "the later", "fewest")


def twin(name: str, seed: int) -> tuple[ht.Micrograph, np.ndarray]:
    """Image of a bicrystal, or of a lamella of 12 to 20 planes, and its atoms in Å."""
    random = np.random.default_rng([seed, 21])
    edge, sites, cut, *_ = CRYSTALS[name]
    planes = 99 if seed % 2 else int(random.integers(12, 21))
    first = random.integers(-3, 4) - (0 if seed % 2 else planes // 2)
    half = 5 * SIZE * PIXEL[name]
    cuts = first + cut + np.arange(planes)
    atoms, _, _ = fault_crystal(edge, sites, cuts, half + 6, random.uniform(0, 180))
    atoms = atoms + [half, half, 0.0]
    image, points = np.zeros((SIZE, SIZE)), atoms[:, :2] / 10 / PIXEL[name]
    add_gaussians(image, points, np.ones(len(points)), np.full(len(points), WIDTH / PIXEL[name]))
    image *= 10 ** random.uniform(1, 2) / image.mean()
    micrograph = ht.Micrograph(random.poisson(image).astype(np.float32))
    for axis in micrograph.axes_manager.signal_axes:
        axis.scale, axis.units = PIXEL[name], "nm"
    return micrograph, atoms


def compare(name: str, seed: int) -> str:
    """Model of a twin against its atoms."""
    micrograph, atoms = twin(name, seed)
    segmented = micrograph.segment(show_progressbar=False)
    found = segmented.find_peaks(show_progressbar=False)
    indexed = found.index_phases([name], show_progressbar=False)
    strain = indexed.gpa(show_progressbar=False)
    model = strain.to_atoms(thickness=1.5, show_progressbar=False)
    high = 10 * SIZE * PIXEL[name]

    def inside(points: np.ndarray) -> np.ndarray:
        return np.all((points[:, :2] > EDGE) & (points[:, :2] < high - EDGE), axis=1)

    here, true = inside(model.positions), atoms[inside(atoms)]
    columns = np.unique(np.round(model.positions[:, :2], 4), axis=0)
    off = 100 * cKDTree(columns).query(true[:, :2])[0]
    bonds = find_bonds(
        model.positions, model.numbers, model.cell, model._box.pbc, LONGEST * CRYSTALS[name][4]
    )
    lengths = bonds.distances(model.positions)[here[bonds.atom]] / CRYSTALS[name][4]
    wrong = np.mean(bonds.count[here] != CRYSTALS[name][3])
    more = here.sum() / round(model.cell[2, 2] * 2**0.5 / CRYSTALS[name][0]) - len(true)
    shared = str(model.history[-1].get("outcome")).count("share ")
    return (
        f"{name} {seed:4d}  regions {len(segmented.regions)}  planes shared {shared}  "
        f"atoms {len(true):5d} {more:+4.0f}"
        f"  miscoordinated {100 * wrong:5.2f} %  bonds {lengths.min():.3f} to {lengths.max():.3f}"
        f"  off {np.sqrt(np.mean(off**2)):.2f} pm rms, {off.max():.1f} at most"
    )


def grains(name: str, seed: int) -> np.ndarray:
    """Atoms that are left out, and that lack a bond, or more: as they come, in order, fewest."""
    random = np.random.default_rng([seed, 22])
    edge, sites, _, wanted, bond = CRYSTALS[name]
    period = edge / np.sqrt(2)
    thickness, parts = REPEATS * period, []
    for angle in (0.0, random.uniform(8, 62)):
        atoms, _, _ = fault_crystal(edge, sites, [], HALF + 6, angle)
        atoms = np.concatenate([atoms + [0, 0, n * period] for n in range(REPEATS)])
        atoms[:, 2] = np.mod(atoms[:, 2] + random.uniform(0, thickness), thickness)
        parts.append(atoms + [*random.uniform(0, 3, 2), 0.0])
    way = random.uniform(0, np.pi)
    normal = np.array([np.cos(way), np.sin(way)])
    along = np.array([-normal[1], normal[0]])
    keep = [
        (atoms[:, :2] @ normal < np.sin(0.4 * atoms[:, :2] @ along)) == (number == 0)
        for number, atoms in enumerate(parts)
    ]
    atoms = np.concatenate([one[chosen] for one, chosen in zip(parts, keep, strict=True)])
    group = np.repeat([0, 1], [chosen.sum() for chosen in keep])
    shortest, found = 0.8 * bond, []
    box = [1e3, 1e3, thickness]
    first = cKDTree(np.mod(atoms[group == 0] + [500, 500, 0], box), boxsize=box)
    near = first.query(np.mod(atoms + [500, 500, 0], box))[0] < shortest
    for one in (
        np.ones(len(atoms), bool),
        ~(near & (group == 1)),
        remove_overlaps(atoms, group, shortest, thickness),
    ):
        left = atoms[one]
        count = find_bonds(
            left, np.full(len(left), 32), np.diag([0, 0, thickness]), (False, False, True),
            LONGEST * bond,
        ).count  # fmt: skip
        here = (np.abs(left[:, :2]) < HALF - 4).all(axis=1) & (np.abs(left[:, :2] @ normal) < 7)
        lacking = wanted - count[here]
        found.append([np.sum(~one), np.sum(lacking > 0), np.sum(lacking > 1), np.sum(lacking < 0)])
    return np.array(found)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 100, 101, 102, 103])
    chosen = parser.parse_args().seeds
    for name in CRYSTALS:
        for seed in chosen:
            print(compare(name, seed), flush=True)
    print("grains: left out, lack a bond, lack more than one, have too many")
    for name in CRYSTALS:
        for some in ([s for s in chosen if s < 100], [s for s in chosen if s >= 100]):
            total = sum((grains(name, seed) for seed in some), np.zeros((len(RULES), 4), int))
            for rule, row in zip(
                ("none", "the later", "fewest"), np.atleast_2d(total), strict=False
            ):
                print(f"{name} {some}  {rule:10s} {row}")


if __name__ == "__main__":
    main()
