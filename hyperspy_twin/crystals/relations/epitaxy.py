"""How two adjacent crystals lie to each other: parallel planes, misfit, misorientation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product

import numpy as np

from hyperspy_twin.core import Crystal, Peaks, Table
from hyperspy_twin.crystals.diffraction import measure_misorientations
from hyperspy_twin.crystals.indexing import RegionPhase
from hyperspy_twin.crystals.notation import four_plane_indices, has_four_indices
from hyperspy_twin.crystals.relations.lattice_fit import explained_peaks
from hyperspy_twin.crystals.relations.lattice_planes import (
    IndexedLattice,
    find_coincidence,
    fit_indexed_lattice,
    plane_spacing,
)

LARGEST_INDEX = 3  # of the planes that are compared
LARGEST_ANGLE = 2.0  # degrees; what still counts as nearly parallel
PAIRS = 2  # of planes for two regions: one for each direction of the image
APART = 20.0  # degrees between the planes of different pairs

Key = tuple[int, int]  # region, and number of the crystal within it
Indices = tuple[int, int, int]

# Type, shape of a value, and unit.
_COLUMNS: dict[str, tuple[type, tuple[int, ...], str]] = {
    "first": (int, (), ""),
    "second": (int, (), ""),
    "crystal_first": (int, (), ""),
    "crystal_second": (int, (), ""),
    "phase_first": (str, (), ""),
    "phase_second": (str, (), ""),
    "zone_axis_first": (int, (3,), ""),
    "zone_axis_second": (int, (3,), ""),
    "plane_first": (int, (3,), ""),
    "plane_second": (int, (3,), ""),
    "angle": (float, (), "°"),
    "spacing_first": (float, (), "nm"),
    "spacing_second": (float, (), "nm"),
    "misfit": (float, (), "%"),
    "measured_misfit": (float, (), "%"),
    "measured_error": (float, (), "%"),
    "n": (int, (), ""),
    "m": (int, (), ""),
    "coincidence_misfit": (float, (), "%"),
    "misorientation": (float, (), "°"),
    "axis": (int, (3,), ""),
}


def tabulate_epitaxy(
    records: Iterable[RegionPhase],
    peaks: Sequence[Peaks],
    labels: np.ndarray,
    *,
    largest_angle: float = LARGEST_ANGLE,
) -> Table:
    """Table of how the crystals of adjacent regions lie to each other.

    Parameters
    ----------
    records
        Records of the regions.
    peaks
        Peaks of each region.
    labels
        Region of each pixel, shape (rows, columns).
    largest_angle
        As for :func:`find_parallel_planes`.

    Returns
    -------
    Table
        A row for each pair of planes of each pair of crystals, as :func:`find_adjacent` gives
        them; zone axes, planes and the axis of misorientation have the shape (n, 3).

    Raises
    ------
    ValueError
        If the angle is not positive.
    """
    measured = {one.region: one for one in peaks}
    lattices = {
        (record.region, number): fit_indexed_lattice(
            *explained_peaks(one.match, measured[record.region])
        )
        for record in records
        for number, one in enumerate(record.crystals, 1)
        if one.match is not None
    }
    return relate_crystals(lattices, find_adjacent(labels, lattices), largest_angle=largest_angle)


@dataclass(frozen=True)
class ParallelPlanes:
    """Two nearly parallel planes that stand edge-on.

    Attributes
    ----------
    first, second
        Miller indices of the planes.
    angle
        From the normal of the first to that of the second in degrees, counter-clockwise as seen
        on the screen.
    spacing_first, spacing_second
        Spacings of the lattice planes in nm, by the structures.
    misfit
        Second spacing over first, less 1, in %, by the structures.
    measured_misfit, measured_error
        The same ratio as the image shows it, in %, with its standard error; any wrong pixel size
        or distortion of the image cancels.
    multiples
        Whole numbers (n, m): n spacings of the first are nearest to m of the second.
    coincidence_misfit
        What is left of the misfit then: m second spacings over n first, less 1, in %.
    """

    first: Indices
    second: Indices
    angle: float
    spacing_first: float
    spacing_second: float
    misfit: float
    measured_misfit: float
    measured_error: float
    multiples: tuple[int, int]
    coincidence_misfit: float


def find_parallel_planes(
    first: IndexedLattice, second: IndexedLattice, *, largest_angle: float = LARGEST_ANGLE
) -> list[ParallelPlanes]:
    """Find the planes of lowest indices that two crystals have nearly parallel.

    Parameters
    ----------
    first, second
        The crystals; the zone axis of each lies along the beam.
    largest_angle
        Largest angle between normals, in degrees, that counts as nearly parallel.

    Returns
    -------
    list of ParallelPlanes
        At most two, the normals of the second pair at least 20 degrees from those of the first.
        The one nearest to parallel of all where none is within ``largest_angle``.

    Raises
    ------
    ValueError
        If the angle is not positive.
    """
    if not largest_angle > 0:
        raise ValueError(f"the largest angle must be positive, not {largest_angle}")
    (one, cost_one), (other, cost_other) = (
        _edge_on(lattice.oriented.crystal, lattice.oriented.zone_axis)
        for lattice in (first, second)
    )
    normal_one, normal_other = first.normals(one), second.normals(other)
    angle = _degrees(normal_one[:, None], normal_other[None])
    cost = cost_one[:, None] + cost_other
    near = np.abs(angle) <= largest_angle
    if not near.any():
        near = np.abs(angle) <= np.abs(angle).min() + 1e-9
    found: list[ParallelPlanes] = []
    chosen: list[np.ndarray] = []
    candidates = np.argwhere(near)
    order = np.lexsort((np.abs(angle[near]).round(3), cost[near]))
    for i, j in candidates[order]:
        normal = normal_one[i]
        if any(abs(_degrees(normal, other_normal)) < APART for other_normal in chosen):
            continue
        chosen.append(normal)
        sign = 1 if normal @ normal_other[j] > 0 else -1
        found.append(_pair(one[i], sign * other[j], first, second, float(angle[i, j])))
        if len(found) == PAIRS:
            break
    return found


def relate_crystals(
    lattices: dict[Key, IndexedLattice],
    pairs: Sequence[tuple[Key, Key]],
    *,
    largest_angle: float = LARGEST_ANGLE,
) -> Table:
    """Relations of pairs of crystals, as :func:`tabulate_epitaxy` gives them.

    Parameters
    ----------
    lattices
        Lattice of each crystal, under its region and its number within it.
    pairs
        Pairs of crystals.
    largest_angle
        As for :func:`find_parallel_planes`.
    """
    columns: dict[str, list] = {name: [] for name in _COLUMNS}
    first, second = ([lattices[pair[side]] for pair in pairs] for side in (0, 1))
    turns, axes = measure_misorientations(
        [lattice.oriented for lattice in first], [lattice.oriented for lattice in second]
    )
    for (one, other), a, b, turn, axis in zip(pairs, first, second, turns, axes, strict=True):
        for planes in find_parallel_planes(a, b, largest_angle=largest_angle):
            row = (
                one[0],
                other[0],
                one[1],
                other[1],
                a.oriented.crystal.name,
                b.oriented.crystal.name,
                a.oriented.zone_axis,
                b.oriented.zone_axis,
                planes.first,
                planes.second,
                planes.angle,
                planes.spacing_first,
                planes.spacing_second,
                planes.misfit,
                planes.measured_misfit,
                planes.measured_error,
                *planes.multiples,
                planes.coincidence_misfit,
                turn,
                axis,
            )
            for name, value in zip(_COLUMNS, row, strict=True):
                columns[name].append(value)
    arrays = {
        name: np.array(columns[name], kind).reshape(-1, *shape)
        for name, (kind, shape, _) in _COLUMNS.items()
    }
    return Table.from_columns(
        arrays, {name: unit for name, (_, _, unit) in _COLUMNS.items() if unit}
    )


def find_adjacent(labels: np.ndarray, crystals: Iterable[Key]) -> list[tuple[Key, Key]]:
    """Pairs of crystals in one region or in regions that share a border.

    Parameters
    ----------
    labels
        Region of each pixel, shape (rows, columns).
    crystals
        The crystals: region, and number within it.

    Returns
    -------
    list of (Key, Key)
        In order. Where no two of the regions share a border, all of them count as adjacent.
    """
    within: dict[int, list[Key]] = {}
    for key in sorted(crystals):
        within.setdefault(key[0], []).append(key)
    touching = [pair for pair in _borders(labels) if pair[0] in within and pair[1] in within]
    pairs = [pair for keys in within.values() for pair in combinations(keys, 2)]
    for one, other in touching or combinations(within, 2):
        pairs += product(within[one], within[other])
    return sorted(pairs)


def _borders(labels: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of labels of pixels side by side, the smaller label first."""
    found = [np.zeros((0, 2), int)]
    for a, b in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        apart = a != b
        found.append(np.stack([a[apart], b[apart]], axis=1))
    pairs = np.unique(np.sort(np.concatenate(found), axis=1), axis=0)
    return list(map(tuple, pairs.tolist()))


def _pair(
    one: np.ndarray,
    other: np.ndarray,
    first: IndexedLattice,
    second: IndexedLattice,
    angle: float,
) -> ParallelPlanes:
    planes = tuple(one.tolist()), tuple(other.tolist())
    sides = (first, planes[0]), (second, planes[1])
    spacings = [plane_spacing(lattice.oriented.crystal, plane) for lattice, plane in sides]
    stretches = [
        np.linalg.norm(lattice.normals(np.array(plane)))
        / np.linalg.norm(lattice.oriented.reciprocal_vectors(np.array(plane)))
        for lattice, plane in sides
    ]
    ratio = spacings[1] / spacings[0]
    measured = float(ratio * stretches[0] / stretches[1])
    multiples, left = find_coincidence(*spacings)
    return ParallelPlanes(
        first=planes[0],
        second=planes[1],
        angle=angle,
        spacing_first=spacings[0],
        spacing_second=spacings[1],
        misfit=100 * (ratio - 1),
        measured_misfit=100 * (measured - 1),
        measured_error=float(100 * measured * np.sqrt(first.variance + second.variance)),
        multiples=multiples,
        coincidence_misfit=100 * left,
    )


@lru_cache(maxsize=256)
def _edge_on(crystal: Crystal, zone_axis: Indices) -> tuple[np.ndarray, np.ndarray]:
    """Planes that hold the zone axis, one of each (hkl) and its negative, shape (n, 3).

    Also the sum of their squared indices as they are written, shape (n,).
    """
    grid = np.arange(-LARGEST_INDEX, LARGEST_INDEX + 1)
    hkl = np.stack(np.meshgrid(grid, grid, grid, indexing="ij"), -1).reshape(-1, 3)
    hkl = hkl[(hkl @ np.array(zone_axis) == 0) & (np.gcd.reduce(hkl, axis=1) == 1)]
    negative = (hkl < 0).sum(axis=1) - (hkl > 0).sum(axis=1)
    first = hkl[np.arange(len(hkl)), (hkl != 0).argmax(axis=1)]
    planes = hkl[(negative < 0) | ((negative == 0) & (first > 0))]
    written = planes
    if has_four_indices(crystal):
        written = np.array([four_plane_indices(plane) for plane in planes.tolist()])
    return planes, np.square(written).sum(axis=1)


def _degrees(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Angle between lines, counter-clockwise on the screen, from -90 to 90 degrees."""
    cross = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    angle = -np.degrees(np.arctan2(cross, (one * other).sum(axis=-1)))
    return (angle + 90) % 180 - 90
