"""How two crystals side by side lie to each other: parallel planes, misfit, misorientation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from hyperspy_twin.core.crystal import Crystal
from hyperspy_twin.crystals.diffraction.notation import four_plane_indices, has_four_indices
from hyperspy_twin.crystals.indexing.matches import Match
from hyperspy_twin.crystals.indexing.orientation import misorientation
from hyperspy_twin.crystals.relations.lattice_planes import (
    IndexedLattice,
    coincidence,
    normals_in_image,
    plane_spacing,
    true_normals,
)

LARGEST_INDEX = 3
LARGEST_ANGLE = 2.0  # degrees; what still counts as nearly parallel
PAIRS = 2  # of planes for two regions: one for each direction of the image
APART = 20.0  # degrees between the planes of different pairs

Key = tuple[int, int]  # region, and number of the crystal within it

_COLUMNS: dict[str, tuple[type, tuple[int, ...]]] = {
    "first": (int, ()),
    "second": (int, ()),
    "crystal_first": (int, ()),
    "crystal_second": (int, ()),
    "phase_first": (str, ()),
    "phase_second": (str, ()),
    "zone_axis_first": (int, (3,)),
    "zone_axis_second": (int, (3,)),
    "plane_first": (int, (3,)),
    "plane_second": (int, (3,)),
    "angle": (float, ()),
    "spacing_first": (float, ()),
    "spacing_second": (float, ()),
    "misfit": (float, ()),
    "measured_misfit": (float, ()),
    "measured_error": (float, ()),
    "n": (int, ()),
    "m": (int, ()),
    "coincidence_misfit": (float, ()),
    "misorientation": (float, ()),
    "axis": (int, (3,)),
}


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

    first: tuple[int, int, int]
    second: tuple[int, int, int]
    angle: float
    spacing_first: float
    spacing_second: float
    misfit: float
    measured_misfit: float
    measured_error: float
    multiples: tuple[int, int]
    coincidence_misfit: float


def parallel_planes(
    first: IndexedLattice, second: IndexedLattice, largest_angle: float = LARGEST_ANGLE
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
    one, other = _edge_on(first.match), _edge_on(second.match)
    normal_one, normal_other = (
        normals_in_image(planes, lattice) for planes, lattice in ((one, first), (other, second))
    )
    angle = _degrees(normal_one[:, None], normal_other[None])
    cost = _cost(one, first.match.crystal)[:, None] + _cost(other, second.match.crystal)
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


def relations(
    lattices: Mapping[Key, IndexedLattice],
    pairs: Sequence[tuple[Key, Key]],
    largest_angle: float = LARGEST_ANGLE,
) -> dict[str, np.ndarray]:
    """Columns of a table of the relations between crystals.

    Parameters
    ----------
    lattices
        Lattice of each crystal, under its region and its number within it.
    pairs
        Pairs of crystals.
    largest_angle
        As for :func:`parallel_planes`.

    Returns
    -------
    dict of str to numpy.ndarray
        Equally long columns, one entry for each pair of planes; zone axes, planes and the axis
        of misorientation have the shape (n, 3).
    """
    columns: dict[str, list] = {name: [] for name in _COLUMNS}
    for one, other in pairs:
        first, second = lattices[one], lattices[other]
        turn, axis = misorientation(first.match, second.match)
        for planes in parallel_planes(first, second, largest_angle):
            row = (
                one[0],
                other[0],
                one[1],
                other[1],
                first.match.phase,
                second.match.phase,
                first.match.zone_axis,
                second.match.zone_axis,
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
    return {
        name: np.array(columns[name], kind).reshape(-1, *shape)
        for name, (kind, shape) in _COLUMNS.items()
    }


def neighbours(labels: np.ndarray, crystals: Sequence[Key]) -> list[tuple[Key, Key]]:
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
        In order. Where no two of the regions share a border, all of them count as neighbours.
    """
    sides = [
        np.stack([a.ravel(), b.ravel()], axis=1)
        for a, b in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1]))
    ]
    borders = set(map(tuple, np.unique(np.sort(np.concatenate(sides), axis=1), axis=0).tolist()))
    pairs = list(combinations(sorted(crystals), 2))
    apart = [pair for pair in pairs if pair[0][0] != pair[1][0]]
    touching = {pair for pair in apart if (pair[0][0], pair[1][0]) in borders} or set(apart)
    return [pair for pair in pairs if pair[0][0] == pair[1][0] or pair in touching]


def _pair(
    one: np.ndarray,
    other: np.ndarray,
    first: IndexedLattice,
    second: IndexedLattice,
    angle: float,
) -> ParallelPlanes:
    spacings = [
        plane_spacing(lattice.match.crystal, plane)
        for lattice, plane in ((first, one), (second, other))
    ]
    stretches = [
        np.linalg.norm(normals_in_image(plane, lattice))
        / np.linalg.norm(true_normals(plane, lattice))
        for lattice, plane in ((first, one), (second, other))
    ]
    ratio = spacings[1] / spacings[0]
    measured = float(ratio * stretches[0] / stretches[1])
    multiples, left = coincidence(*spacings)
    h, k, l_ = one.tolist()
    p, q, r = other.tolist()
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


def _edge_on(match: Match) -> np.ndarray:
    """List the planes that hold the zone axis, one of each (hkl) and its negative."""
    grid = np.arange(-LARGEST_INDEX, LARGEST_INDEX + 1)
    hkl = np.stack(np.meshgrid(grid, grid, grid, indexing="ij"), -1).reshape(-1, 3)
    hkl = hkl[(hkl @ np.array(match.zone_axis) == 0) & (np.gcd.reduce(hkl, axis=1) == 1)]
    negative = (hkl < 0).sum(axis=1) - (hkl > 0).sum(axis=1)
    first = hkl[np.arange(len(hkl)), (hkl != 0).argmax(axis=1)]
    return hkl[(negative < 0) | ((negative == 0) & (first > 0))]


def _degrees(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Angle between lines, counter-clockwise on the screen, from -90 to 90 degrees."""
    cross = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    angle = -np.degrees(np.arctan2(cross, (one * other).sum(axis=-1)))
    return (angle + 90) % 180 - 90


def _cost(planes: np.ndarray, crystal: Crystal) -> np.ndarray:
    """Sum of the squared indices as they are written."""
    if has_four_indices(crystal):
        planes = np.array([four_plane_indices(plane) for plane in planes.tolist()])
    return np.square(planes).sum(axis=1)
