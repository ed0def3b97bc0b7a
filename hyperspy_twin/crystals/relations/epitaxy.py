"""How two adjacent crystals lie to each other: parallel planes, misfit, misorientation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from itertools import combinations, product

import numpy as np

from hyperspy_twin.core import Peaks, Table, adjacent_regions
from hyperspy_twin.crystals.diffraction import measure_misorientations
from hyperspy_twin.crystals.indexing import RegionPhase
from hyperspy_twin.crystals.relations.lattice_fit import explained_peaks
from hyperspy_twin.crystals.relations.lattice_planes import (
    IndexedLattice,
    find_coincidence,
    fit_indexed_lattice,
)

LARGEST_ANGLE = 2.0  # degrees; what still counts as nearly parallel
PAIRS = 2  # of planes for two regions: one for each direction of the image
# Degrees: rounding errors of 64-bit numbers are below, what a lattice shows is far above.
SAME_ANGLE = 1e-9
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
        As for ``find_parallel_planes``.

    Returns
    -------
    Table
        A row for each pair of planes of each pair of crystals, as ``find_adjacent`` gives
        them; zone axes, planes and the axis of misorientation have the shape (n, 3).

    Raises
    ------
    ValueError
        If the angle is not positive.
    """
    explained = explained_peaks(records, peaks)
    lattices = {key: fit_indexed_lattice(*crystal) for key, crystal in explained.items()}
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

    At most two pairs, the normals of the second at least 20 degrees from those of the first; the
    one nearest to parallel of all where none is within ``largest_angle``, in degrees, which is
    positive.
    """
    if not largest_angle > 0:
        raise ValueError(f"the largest angle must be positive, not {largest_angle}")
    _, cost_one, normal_one = first.edge_on
    _, cost_other, normal_other = second.edge_on
    angle = _degrees(normal_one[:, None], normal_other[None])
    cost = cost_one[:, None] + cost_other
    near = np.abs(angle) <= largest_angle
    if not near.any():
        near = np.abs(angle) <= np.abs(angle).min() + SAME_ANGLE
    candidates = np.argwhere(near)
    found: list[tuple[int, int]] = []
    for i, j in candidates[np.lexsort((np.abs(angle[near]).round(3), cost[near]))].tolist():
        if any(abs(_degrees(normal_one[i], normal_one[row])) < APART for row, _ in found):
            continue
        found.append((i, j))
        if len(found) == PAIRS:
            break
    return [_compare(first, i, second, j, float(angle[i, j])) for i, j in found]


def relate_crystals(
    lattices: dict[Key, IndexedLattice],
    pairs: Sequence[tuple[Key, Key]],
    *,
    largest_angle: float = LARGEST_ANGLE,
) -> Table:
    """Relations of pairs of crystals, as :func:`tabulate_epitaxy` gives them."""
    columns: dict[str, list] = {name: [] for name in _COLUMNS}
    first, second = ([lattices[pair[side]] for pair in pairs] for side in (0, 1))
    turns, axes = measure_misorientations(
        [lattice.oriented for lattice in first], [lattice.oriented for lattice in second]
    )
    for (one, other), a, b, turn, axis in zip(pairs, first, second, turns, axes, strict=True):
        for planes in find_parallel_planes(a, b, largest_angle=largest_angle):
            names = (a.oriented.crystal.name, b.oriented.crystal.name)
            zones = (a.oriented.zone_axis, b.oriented.zone_axis)
            *geometry, multiples, left = astuple(planes)
            numbers = (one[0], other[0], one[1], other[1])
            row = (*numbers, *names, *zones, *geometry, *multiples, left, turn, axis)
            for name, value in zip(_COLUMNS, row, strict=True):
                columns[name].append(value)
    arrays: dict[str, np.ndarray] = {
        name: np.array(columns[name], kind).reshape(-1, *shape)
        for name, (kind, shape, _) in _COLUMNS.items()
    }
    return Table.from_columns(
        arrays, {name: unit for name, (_, _, unit) in _COLUMNS.items() if unit}
    )


def find_adjacent(labels: np.ndarray, crystals: Iterable[Key]) -> list[tuple[Key, Key]]:
    """Pairs of crystals in one region or in regions that share a border, in order.

    Where no two of the regions share a border, all of them count as adjacent.
    """
    within: dict[int, list[Key]] = {}
    for key in sorted(crystals):
        within.setdefault(key[0], []).append(key)
    touching = [
        pair for pair in adjacent_regions(labels) if pair[0] in within and pair[1] in within
    ]
    pairs = [pair for keys in within.values() for pair in combinations(keys, 2)]
    for one, other in touching or combinations(within, 2):
        pairs += product(within[one], within[other])
    return sorted(pairs)


def _compare(
    first: IndexedLattice, i: int, second: IndexedLattice, j: int, angle: float
) -> ParallelPlanes:
    """Compare two planes, given by their rows in ``edge_on`` of each crystal."""
    (one, _, normal_one), (other, _, normal_other) = first.edge_on, second.edge_on
    sign = 1 if normal_one[i] @ normal_other[j] > 0 else -1
    h, k, l_ = one[i].tolist()
    p, q, r = (sign * other[j]).tolist()
    spacings = first.spacing(i), second.spacing(j)
    ratio = spacings[1] / spacings[0]
    measured = float(ratio * first.stretch(i) / second.stretch(j))
    multiples, left = find_coincidence(*spacings)
    return ParallelPlanes(
        first=(h, k, l_),
        second=(p, q, r),
        angle=angle,
        spacing_first=spacings[0],
        spacing_second=spacings[1],
        misfit=100 * (ratio - 1),
        measured_misfit=100 * (measured - 1),
        measured_error=float(100 * measured * np.sqrt(first.variance + second.variance)),
        multiples=multiples,
        coincidence_misfit=100 * left,
    )


def _degrees(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Angle between lines, counter-clockwise on the screen, above -90 and up to 90 degrees."""
    cross = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    angle = -np.degrees(np.arctan2(cross, (one * other).sum(axis=-1)))
    angle = (angle + 90) % 180 - 90
    # Lines at right angles have one angle, whatever the last digits say.
    return np.where(angle < SAME_ANGLE - 90, angle + 180, angle)
