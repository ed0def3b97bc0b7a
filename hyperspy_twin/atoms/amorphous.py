"""Amorphous regions filled by random sequential packing.

Density, composition and smallest distances are right; bond angles and rings are not. It is no
relaxed network: anneal it before energies are computed.

References
----------
B. Widom, J. Chem. Phys. 44 (1966) 3888-3894.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from ase.data import atomic_masses, atomic_numbers, covalent_radii
from ase.formula import Formula
from scipy.spatial import cKDTree

from hyperspy_twin.core import ANGSTROM_PER_NM, UNITS_PER_CUBIC_ANGSTROM, place_apart

# Smallest distance over the smallest sum of covalent radii of different atoms of the formula: that
# of silica is then 1.59 Å, its bond.
CLOSEST = 0.9
# Part of the volume that spheres of that diameter fill at most: random sequential packing jams at
# 0.384, and is slow from 0.36 on.
LARGEST_FRACTION = 0.34
# Rounds of as many trials as there are atoms; at the largest fraction it takes some hundred.
MOST_ROUNDS = 2000


def parse_material(material: tuple[str, float]) -> tuple[np.ndarray, float]:
    """Atomic numbers of a formula unit, and atoms per cubic Å, of a formula and its g/cm³.

    Raises
    ------
    ValueError
        If it is no formula, or the density is not positive.
    """
    try:
        formula, density = material
        numbers = np.array([atomic_numbers[one] for one in Formula(str(formula))])
        density = float(density)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"an amorphous material is a formula and its density in g/cm³, such as "
            f"('SiO2', 2.2), not {material!r}"
        ) from error
    if not (len(numbers) and np.isfinite(density) and density > 0):
        raise ValueError(f"the density of {formula} must be above zero g/cm³, not {density}")
    molar = atomic_masses[numbers].sum()
    return numbers, density / molar * len(numbers) * UNITS_PER_CUBIC_ANGSTROM


def closest_distance(numbers: np.ndarray, atoms_per_volume: float) -> float:
    """Smallest distance in Å: a bond, or what packing at this density allows if that is less."""
    radii = np.sort(covalent_radii[np.unique(numbers)])
    pair = radii[0] + radii[min(1, len(radii) - 1)]
    jam = (LARGEST_FRACTION * 6 / np.pi / atoms_per_volume) ** (1 / 3)
    return float(min(CLOSEST * pair, jam))


def fill_amorphous(
    materials: Mapping[int, tuple[str, float]],
    region_of: Callable[[np.ndarray], np.ndarray],
    bounds: Mapping[int, tuple[float, float, float, float]],
    *,
    positions: np.ndarray,
    thickness: float,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fill regions with random networks, apart from the atoms that there are.

    Parameters
    ----------
    materials
        Formula and density in g/cm³ of each region.
    region_of
        Function from points (n, 2) in nm to region labels (n,).
    bounds
        Rectangle (x_min, y_min, x_max, y_max) in nm that holds each region.
    positions
        Atoms of the crystals in Å, shape (n, 3).
    thickness
        Period along z in Å.
    seed
        Of the random numbers.

    Returns
    -------
    positions : numpy.ndarray
        Shape (m, 3), Å.
    numbers, region : numpy.ndarray
        Atomic numbers and regions, shape (m,).
    """
    found = [(np.empty((0, 3)), np.empty(0, np.uint8), np.empty(0, np.int32))]
    for label, material in materials.items():
        numbers, density = parse_material(material)
        closest = closest_distance(numbers, density)
        generator = np.random.default_rng([seed, label])
        low = ANGSTROM_PER_NM * np.array([*bounds[label][:2], 0.0])
        size = np.append(ANGSTROM_PER_NM * np.array(bounds[label][2:]) - low[:2], thickness)

        draw = partial(_draw, label, region_of, low, size, generator)
        others = [positions, *(one[0] for one in found)]
        blocked = np.concatenate([one - low for one in others])
        near = np.all((blocked > -closest) & (blocked < size + closest), axis=1)
        placed = _pack(draw, blocked[near], size, closest, density)
        kinds = generator.permutation(np.resize(numbers, len(placed))).astype(np.uint8)
        found.append((placed + low, kinds, np.full(len(placed), label, np.int32)))
    first, second, third = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return first, second, third


def _draw(
    label: int,
    region_of: Callable[[np.ndarray], np.ndarray],
    low: np.ndarray,
    size: np.ndarray,
    generator: np.random.Generator,
    count: int,
) -> np.ndarray:
    """Those of so many random points in a box that lie in a region, relative to its corner."""
    trials = size * generator.random((count, 3))
    inside = np.asarray(region_of((trials + low)[:, :2] / ANGSTROM_PER_NM)) == label
    return trials[inside]


def _pack(
    draw: Callable[[int], np.ndarray],
    blocked: np.ndarray,
    size: np.ndarray,
    closest: float,
    density: float,
) -> np.ndarray:
    """Points that keep their distance from one another, their images along z, and blocked ones."""
    # The share of the box that is free, by as many points as resolve it to a per mille.
    sample = draw(1_000_000)
    if not len(sample):
        return np.empty((0, 3))
    tree = cKDTree(_images(blocked, closest, size[2])) if len(blocked) else None

    def clear(points: np.ndarray) -> np.ndarray:
        if tree is None:
            return points
        return points[~np.isfinite(tree.query(points, distance_upper_bound=closest)[0])]

    # Half of the gap to the crystal belongs to it.
    volume = np.prod(size) * len(sample) / 1_000_000
    taken = np.prod(size) * (len(sample) - len(clear(sample))) / 1_000_000
    wanted = int(round((volume - taken / 2) * density))
    edge = np.full(3, closest / np.sqrt(3))
    edge[2] = size[2] / np.ceil(size[2] / edge[2])
    cells = np.full([*(np.ceil(size[:2] / edge[:2]).astype(int) + 1), round(size[2] / edge[2])], -1)
    placed, count = np.empty((wanted, 3)), 0
    for _ in range(MOST_ROUNDS):
        if count == wanted:
            return placed
        trials = clear(draw(max(wanted, 1000)))
        count = place_apart(trials, placed, cells, edge, count, closest, True)
    raise ValueError(
        f"only {count} of {wanted} atoms found room: the region is too narrow or too dense"
    )


def _images(points: np.ndarray, reach: float, period: float) -> np.ndarray:
    shift = np.array([0.0, 0.0, period])
    above = points[points[:, 2] < reach] + shift
    below = points[points[:, 2] > period - reach] - shift
    return np.concatenate([points, above, below])
