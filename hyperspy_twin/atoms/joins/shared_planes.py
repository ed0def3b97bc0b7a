"""Coherent twin boundaries: the plane of atoms that two lattices have in common.

Beyond a twin plane a lattice goes on mirrored. Layers of both have the same heights and shift along
the plane in opposite directions, so that only every so often, every third {111} layer of a cubic
crystal, the columns of both coincide. There the crystals are joined without a change of any bond,
and which layer it is does not hang on where exactly the outline was drawn.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from hyperspy_twin.atoms.cuts import NO_CUTS
from hyperspy_twin.atoms.displaced import STILL, Displaced
from hyperspy_twin.atoms.joins.borders import FEWEST, Border, Twins, find_borders
from hyperspy_twin.atoms.joins.edges import Edge, StraightBorder
from hyperspy_twin.atoms.joins.lifts import EXCEPTED, add_up, find_lift
from hyperspy_twin.atoms.lattice_columns import Columns, LatticeColumns
from hyperspy_twin.atoms.position_errors import column_errors
from hyperspy_twin.core import Grid
from hyperspy_twin.registration import reciprocal_vectors

logger = logging.getLogger(__name__)

# nm from the outline within which a common layer is looked for: one of three {111} layers is
# common, and three are 1.12 nm high in InSb, whose lattice constant is large.
SEARCH = 0.75
# nm from its median height within which an outline has to lie: a step to the next common layer is
# .63 nm high in copper, whose lattice constant is small.
FLAT = 0.5
# Standard errors by which lattices may disagree where they coincide.
SURE = 3.0
# nm: standard error of positions beside that of the noise, of windows that reach beyond a border:
# the 5 pm to which models are right (tests/test_known_truth.py).
SYSTEMATIC = 0.005
# nm over which atoms beside a plane move with it: a disagreement of 15 pm then strains either side
# by less than 1 %.
PULL = 1.0
# Of these lengths, where nothing is moved any more: by e^-8 of the disagreement.
FARTHEST = 4.0
# Of the spacing of the planes: layers that are nearer are one, as coordinates have four digits.
SAME_LAYER = 0.02


@dataclass(frozen=True, eq=False)
class SharedPlanes:
    """What shared planes change.

    Attributes
    ----------
    lattices
        The lattices, with the columns beside the planes moved onto them.
    edges
        Of each lattice.
    lifts
        By how much regions are shifted along the beam, in repeats.
    remarks
        For each pair of twins how they were joined, or why not.
    """

    lattices: Sequence[LatticeColumns]
    edges: Sequence[Sequence[Edge]]
    lifts: dict[int, float]
    remarks: dict[str, str]


def share_planes(
    twins: Twins,
    lattices: Sequence[LatticeColumns],
    regions: Sequence[tuple[int, ...]],
    displacement_error: np.ndarray | None,
) -> SharedPlanes:
    """Find the layer that lattices have in common at each straight border of twins.

    Of the layers in which their columns coincide it is the nearest to the outline. Where the two
    lattices disagree within their errors the columns lie at the mean, weighted by these, and those
    beside them follow.

    Parameters
    ----------
    twins
        The twins.
    lattices, regions
        Each lattice, and the regions that it fills.
    displacement_error
        Standard errors of the displacement in nm, shape (2, rows, columns); None where not known.
    """
    owner = {label: number for number, labels in enumerate(regions) for label in labels}
    edges: list[list[Edge]] = [[] for _ in lattices]
    moved, lifts, remarks = list(lattices), [], {}
    for twin in twins.planes:
        numbers, texts = [owner[label] for label in twin.regions], []
        vectors = [
            reciprocal_vectors(lattices[n].lattice.base, np.array(plane))
            for n, plane in zip(numbers, twin.planes, strict=True)
        ]
        # The indices of both lattices may be those of opposite sides of the plane.
        vectors[1] *= -np.sign(vectors[0] @ vectors[1])
        for border in find_borders(twins, twin.regions, vectors[0] / np.linalg.norm(vectors[0])):
            first, second = (
                _Side(moved[n], border.facing * vector)
                for n, vector in zip(numbers, vectors, strict=True)
            )
            try:
                common = _find_common(first, second, border, twins.grid, displacement_error)
            except ValueError as reason:
                texts.append(f"share no plane: {reason}")
                continue
            if common is None:
                continue
            for side, (n, one) in enumerate(zip(numbers, (first, second), strict=True)):
                own, other = twin.regions[side], twin.regions[1 - side]
                edges[n].append(Edge((own, other), one.outward, common.limits[side], common.line))
                moved[n] = _pull(moved[n], common, common.parts[side], twins.grid)
            lifts.append((*twin.regions, common.lift))
            off = 1000 * np.linalg.norm(common.shift, axis=1).mean()
            texts.append(f"share {len(common.shift)} columns, in which they differ by {off:.2g} pm")
        texts = texts or ["share no plane: their border does not follow it"]
        name = "regions {} and {}".format(*twin.regions)
        remarks[name] = "; ".join(texts)
        if "no plane" in remarks[name]:
            logger.warning("The twins in %s: %s.", name, remarks[name])
    return SharedPlanes(moved, edges, add_up(lifts, twins.labels, owner), remarks)


class _Side(NamedTuple):
    """A lattice at a border, and the reciprocal vector of the plane in 1/nm, out of it."""

    lattice: LatticeColumns
    outward: np.ndarray

    def columns(self, line: StraightBorder, reach: float) -> Columns:
        """Columns near a line, on both of its sides."""
        across, along = np.abs(line.normal), np.abs(line.normal[::-1])
        corner = reach * across + line.half * along
        (x_min, y_min), (x_max, y_max) = line.point - corner, line.point + corner
        found = Columns.join(self.lattice.find((x_min, y_min, x_max, y_max)))
        along, across = line.coordinates(found.points)
        return found.take((np.abs(along) < line.half) & (np.abs(across) < reach))

    def variance(self, points: np.ndarray, given: np.ndarray | None, grid: Grid) -> float:
        """Mean variance of columns along one axis in nm², NaN where it is not known."""
        if given is None:
            return np.nan
        errors = column_errors(self.lattice.lattice, points, given, grid)
        errors = errors[np.isfinite(errors)]
        return float(np.mean(errors**2)) if len(errors) else np.nan


class _Common(NamedTuple):
    """A common layer.

    Attributes
    ----------
    line
        Where it lies.
    limits
        Heights at which either lattice ends.
    along, shift
        Where its columns are along the line, and by how much those of the second lattice are beyond
        those of the first, in nm, shapes (n,) and (n, 2).
    parts
        Of the shift, by which the columns of either move.
    lift
        Of the second lattice along the beam, in repeats.
    """

    line: StraightBorder
    limits: tuple[float, float]
    along: np.ndarray
    shift: np.ndarray
    parts: tuple[float, float]
    lift: float


def _find_common(
    one: _Side,
    other: _Side,
    border: Border,
    grid: Grid,
    displacement_error: np.ndarray | None,
) -> _Common | None:
    """Find the common layer nearest to a border; a ValueError tells why there is none.

    None where the border is shorter than any that can be told from chance.
    """
    pixels = np.concatenate([border.first, border.second])
    line = _fit_line(pixels, one.outward)
    # Partners of columns at the edge of the search lie beyond it.
    first = one.columns(line, SEARCH)
    second = other.columns(line, SEARCH + SURE * SYSTEMATIC)
    heights = one.lattice.layers(first, one.outward)
    layers = _layers(heights)
    if max(map(len, layers)) < FEWEST or len(second.points) == 0:
        return None
    points = first.points + one.lattice.lattice.offset
    partners = second.points + other.lattice.lattice.offset
    distance, partner = cKDTree(partners).query(points)
    variances = np.array([side.variance(points, displacement_error, grid) for side in (one, other)])
    known = np.isfinite(variances).all()
    limit = SURE * np.sqrt(SYSTEMATIC**2 + (variances.sum() if known else 0.0))
    across = line.coordinates(points)[1]
    coincide = [
        len(layer) >= FEWEST and np.mean(distance[layer] > limit) <= EXCEPTED for layer in layers
    ]
    # Beyond the last layer it is not known where the next begins.
    places = np.where(coincide, [np.abs(np.median(across[layer])) for layer in layers], np.inf)
    places[-1] = np.inf
    if not np.isfinite(places).any():
        least = 1000 * min(np.median(distance[layer]) for layer in layers)
        raise ValueError(f"their columns are {least:.2g} pm apart or more, "
                         f"and the errors allow {1000 * limit:.2g} pm")  # fmt: skip
    # Atoms on both ends of a bond across the plane can be common.
    start = end = int(places.argmin())
    while start > 0 and coincide[start - 1]:
        start -= 1
    while end + 2 < len(layers) and coincide[end + 1]:
        end += 1
    chosen = (start + end) // 2
    own = layers[chosen][distance[layers[chosen]] <= limit]
    ends = other.lattice.layers(second, -other.outward)
    beyond = ends[partner[own]].max() + SAME_LAYER
    limits = (
        float(heights[layers[chosen]].max() + heights[layers[chosen + 1]].min()) / 2,
        -float(ends[partner[own]].max() + ends[ends > beyond].min()) / 2,
    )
    near = cKDTree(partners).query_ball_point(points[own], limit)
    lift = find_lift(one.lattice.fractions(first)[own], other.lattice.fractions(second), near)
    shift = partners[partner[own]] - points[own]
    along = line.coordinates(points[own])[0]
    order = np.argsort(along)
    part = float(variances[0] / variances.sum()) if known and variances.sum() > 0 else 0.5
    height = float(np.median(across[own]))
    spacing = 1 / float(np.linalg.norm(one.outward))
    reach = min(float(np.abs(line.coordinates(pixels)[1]).max()), FLAT)
    line = replace(
        line, point=line.point + height * line.normal, reach=reach + abs(height) + spacing
    )
    return _Common(line, limits, along[order], shift[order], (part, part - 1), lift)


def _fit_line(points: np.ndarray, outward: np.ndarray) -> StraightBorder:
    """Line along a plane through the median of a border."""
    normal = outward / np.linalg.norm(outward)
    line = StraightBorder(points.mean(axis=0), normal, 0.0, 0.0)
    along, across = line.coordinates(points)
    middle, height = np.ptp(along) / 2 + along.min(), np.median(across)
    if np.mean(np.abs(across - height) > FLAT) > EXCEPTED:
        raise ValueError("their border does not follow the twin plane")
    tangent = np.array([normal[1], -normal[0]])
    point = line.point + middle * tangent + height * normal
    return StraightBorder(point, normal, float(np.ptp(along)) / 2, 0.0)


def _layers(heights: np.ndarray) -> list[np.ndarray]:
    """Columns of each layer, the lowest first."""
    order = np.argsort(heights)
    return np.split(order, np.flatnonzero(np.diff(heights[order]) > SAME_LAYER) + 1)


def _pull(one: LatticeColumns, common: _Common, part: float, grid: Grid) -> LatticeColumns:
    """Lattice of which the columns beside a plane are moved by a part of its shift."""
    displaced = one.displaced
    if displaced is STILL:
        displaced = Displaced.of(np.zeros((2, *grid.shape)), grid, NO_CUTS)
    line = common.line
    corner = line.half * np.abs(line.normal[::-1]) + FARTHEST * PULL
    columns, rows = (
        slice(*np.searchsorted(axis, [at - half, at + half]))
        for axis, at, half in zip((grid.x, grid.y), line.point, corner, strict=True)
    )
    along, across = line.coordinates(np.stack(np.meshgrid(grid.x[columns], grid.y[rows]), axis=-1))
    away = np.hypot(across, np.maximum(np.abs(along) - line.half, 0.0))
    weight = part * np.exp(-((away / PULL) ** 2) / 2)
    field = displaced.field.copy()
    for axis, values in enumerate(common.shift.T):
        field[axis, rows, columns] += weight * np.interp(along, common.along, values)
    return replace(one, displaced=replace(displaced, field=field))
