"""From the registered lattices of regions and their displacement to atoms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hyperspy_twin.atoms.filling import Block, FilledAtoms, fill_blocks
from hyperspy_twin.core import Grid, Outlines, RegisteredLattice, contains
from hyperspy_twin.registration import count_repeats, find_beam_translation


def build_model(
    lattices: Sequence[RegisteredLattice],
    outlines: Outlines,
    *,
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
        If there is no lattice, or the thickness is not positive.
    """
    if not lattices:
        raise ValueError(
            "no region has a registered lattice: index its phase and register it first"
        )
    lengths = [_repeat_length(lattice) for lattice in lattices]
    length = count_repeats(lengths[0], thickness) * lengths[0]
    groups: dict[tuple[Any, ...], list[int]] = {}
    for index, one in enumerate(lattices):
        key = (one.crystal, one.origin) if one.displaced else (one.region,)
        groups.setdefault(key, []).append(index)
    blocks = []
    for members in groups.values():
        regions = tuple(lattices[index].region for index in members)
        blocks.append(
            Block(
                lattice=lattices[members[0]],
                repeats=max(1, round(length / lengths[members[0]])),
                regions=regions,
                bounds=_bounds(outlines, regions, grid),
            )
        )
    low, high = _corners(grid)

    def region_in_image(points: np.ndarray) -> np.ndarray:
        inside = np.all((points >= low) & (points <= high), axis=1)
        return np.where(inside, contains(outlines, points), 0)

    return fill_blocks(blocks, region_in_image, displacement, grid, seed)


def _repeat_length(lattice: RegisteredLattice) -> float:
    """Repeat along the beam in Å."""
    translation = find_beam_translation(lattice.crystal, lattice.base, lattice.zone_axis)
    return float(np.linalg.norm(translation))


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
