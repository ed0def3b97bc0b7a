"""From the lattices of regions and their displacement to atoms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.atoms.fill import Block, FilledAtoms, fill
from hyperspy_twin.core.grid import Grid
from hyperspy_twin.registration.lattices import Lattice
from hyperspy_twin.registration.periodicity import beam_repeat, repeats

if TYPE_CHECKING:
    from hyperspy_twin.core.outlines import Outlines


def build(
    lattices: Sequence[Lattice],
    outlines: Outlines,
    region_of: Callable[[np.ndarray], np.ndarray],
    displacement: np.ndarray,
    grid: Grid,
    thickness: float,
    seed: int,
) -> FilledAtoms:
    """Fill regions with atoms.

    Parameters
    ----------
    lattices
        Lattice of each region to fill.
    outlines
        Outlines of the regions.
    region_of
        Function from points (n, 2) in nm to region labels (n,).
    displacement
        Displacement (u_x, u_y) in nm, shape (2, rows, columns).
    grid
        Grid of the displacement; nothing is filled outside it.
    thickness
        Wanted thickness in nm.
    seed
        Of the elements on mixed sites.

    Raises
    ------
    ValueError
        If the thickness is not positive.
    """
    first, *_ = lattices
    count = repeats(_repeat_length(first), thickness)
    length = count * _repeat_length(first)
    groups: dict[tuple[Any, ...], list[Lattice]] = {}
    for lattice in lattices:
        key = (lattice.region,) if not lattice.displaced else (lattice.phase, lattice.origin)
        groups.setdefault(key, []).append(lattice)
    blocks = []
    for members in groups.values():
        one = members[0]
        labels = tuple(member.region for member in members)
        blocks.append(
            Block(
                lattice=one.lattice,
                zone_axis=one.zone_axis,
                origin=one.origin,
                numbers=one.numbers,
                fractional=one.fractional,
                occupancy=one.occupancy,
                repeats=max(1, round(length / _repeat_length(one))),
                regions=labels,
                bounds=_bounds(outlines, labels, grid),
                displaced=one.displaced,
            )
        )
    low, high = _corners(grid)

    def region_in_image(points: np.ndarray) -> np.ndarray:
        inside = np.all((points >= low) & (points <= high), axis=1)
        return np.where(inside, region_of(points), 0)

    return fill(blocks, region_in_image, displacement, grid, seed)


def _repeat_length(lattice: Lattice) -> float:
    structure = lattice.numbers, lattice.fractional, lattice.occupancy
    return float(np.linalg.norm(beam_repeat(lattice.lattice, lattice.zone_axis, *structure)))


def _bounds(
    outlines: Outlines, labels: Sequence[int], grid: Grid
) -> tuple[float, float, float, float]:
    """Rectangle around regions, cut to the image."""
    boxes = np.array([outlines.bounds(label) for label in labels])
    corner, opposite = _corners(grid)
    low = np.maximum(boxes[:, :2].min(axis=0), corner)
    high = np.minimum(boxes[:, 2:].max(axis=0), opposite)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _corners(grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Outer corners (x, y) of the first and the last pixel."""
    half = np.asarray(grid.scale) / 2
    return np.asarray(grid.offset) - half, np.array([grid.x[-1], grid.y[-1]]) + half
