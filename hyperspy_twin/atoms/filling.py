"""Fill regions with atoms: columns of a displaced lattice, repeated along the beam."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import cKDTree

from hyperspy_twin.atoms.blocks import Block, beam_strains, lattice_groups
from hyperspy_twin.atoms.columns import separate_columns
from hyperspy_twin.atoms.cuts import NO_CUTS
from hyperspy_twin.atoms.displaced import STILL, Displaced
from hyperspy_twin.atoms.faults import insert_faults
from hyperspy_twin.atoms.joins import (
    Edge,
    SharedPlanes,
    Twins,
    count_missing_bonds,
    remove_overlaps,
    share_planes,
)
from hyperspy_twin.atoms.lattice_columns import Columns, LatticeColumns
from hyperspy_twin.atoms.position_errors import column_errors
from hyperspy_twin.core import ANGSTROM_PER_NM, Grid, draw_elements
from hyperspy_twin.registration import RepeatCell, find_repeat_cell

logger = logging.getLogger(__name__)

# Bonds across a join may be shorter than in the crystals, but not by more than this: Stillinger and
# Weber's potential of silicon (Phys. Rev. B 31 (1985) 5262) has 2 eV of energy there, that of a
# broken bond.
SHORTEST_BOND_FRACTION = 0.8
# Heights this fraction of a repeat below the top belong to the bottom: rounding.
SAME_HEIGHT = 1e-9


@dataclass(frozen=True)
class FilledAtoms:
    """Atoms of all blocks.

    Attributes
    ----------
    positions
        Positions in the image frame, Angstrom, 0 <= z < thickness, float64, shape (n, 3).
    numbers
        Atomic numbers, uint8, shape (n,).
    region
        Region labels, int32, shape (n,).
    occupancy
        Probability of the atom's element on its site, float32, shape (n,).
    block
        Index of the block, int16, shape (n,); -1 in amorphous regions.
    site
        Index of the crystallographic site in the block's repeat cell, int16, shape (n,).
    error
        Standard errors along x and y in Angstrom, float32, shape (n, 2), NaN where they are not
        known. What lies along the beam is not measured.
    thickness
        Period along z in Angstrom.
    beam_strain
        Strain along the beam of each block, which fits its crystal to the common period.
    remarks
        How blocks were joined.
    """

    positions: np.ndarray
    numbers: np.ndarray
    region: np.ndarray
    occupancy: np.ndarray
    block: np.ndarray
    site: np.ndarray
    error: np.ndarray
    thickness: float
    beam_strain: tuple[float, ...]
    remarks: dict[str, str] = field(default_factory=dict)


def fill_blocks(
    blocks: Sequence[Block],
    region_of: Callable[[np.ndarray], np.ndarray],
    displacement: np.ndarray | None = None,
    grid: Grid | None = None,
    displacement_error: np.ndarray | None = None,
    seed: int | None = None,
    minimum_distance: float | None = None,
    thickness: float | None = None,
    twins: Twins | None = None,
) -> FilledAtoms:
    """Fill regions with the atoms whose displaced columns lie inside them.

    Blocks whose repeats do not make up the period along the beam are stretched to it; the strain of
    each crystal is returned, and logged when above 2 %.

    Parameters
    ----------
    blocks
        What to fill. Where blocks of different lattices meet, atoms that are too close are left
        out, see :func:`~hyperspy_twin.atoms.joins.remove_overlaps`.
    region_of
        Function from points (n, 2) in nm to region labels (n,).
    displacement, grid
        Displacement (u_x, u_y) of the reference lattice in nm at the deformed position, NaN where
        unknown, shape (2, rows, columns), and its grid. None means none.
    displacement_error
        Standard errors of the displacement, of the same shape; None where the noise of the image is
        not known, and then no error of a position is.
    seed
        Seed for the elements on mixed sites.
    minimum_distance
        Smallest distance between atoms of different lattices in Angstrom; by default 0.8 of the
        mean of the bonds of both crystals.
    thickness
        Period along the beam in Angstrom; by default that of the first block.
    twins
        Regions that mirror each other, which share a plane where they meet.

    Raises
    ------
    ValueError
        If there is no block, a block is malformed, the repeats of the blocks give thicknesses more
        than 10 % apart, or the displacement comes without its grid.
    """
    if not blocks:
        raise ValueError("there is nothing to fill: give at least one block")
    if displacement is not None and grid is None:
        raise ValueError("give the grid of the displacement")
    lattices = [block.lattice for block in blocks]
    cells = [find_repeat_cell(one.crystal, one.base, one.zone_axis) for one in lattices]
    if thickness is None:
        thickness = blocks[0].repeats * cells[0].length
    strains = beam_strains(blocks, cells, thickness)
    moved = [STILL] * len(blocks)
    if displacement is not None and grid is not None:
        moved = _displacements(blocks, cells, displacement, grid)
    generator = np.random.default_rng(seed)
    filled = [LatticeColumns(*one) for one in zip(lattices, cells, moved, strict=True)]
    joined = SharedPlanes(filled, [()] * len(blocks), {}, {})
    if twins is not None and grid is not None:
        joined = share_planes(twins, filled, [one.regions for one in blocks], displacement_error)
    parts = [
        _fill_block(
            one,
            columns,
            thickness,
            region_of,
            edges,
            joined.lifts,
            displacement_error,
            generator,
        )
        for one, columns, edges in zip(blocks, joined.lattices, joined.edges, strict=True)
    ]
    index = np.repeat(np.arange(len(blocks), dtype=np.int16), [len(part[1]) for part in parts])
    arrays = [
        np.concatenate(columns) if len(parts) > 1 else columns[0]
        for columns in zip(*parts, strict=True)
    ]
    remarks = dict(joined.remarks)
    groups = lattice_groups(blocks, [one.jumps for one in moved])
    if groups.max() > 0:
        first = [int(np.flatnonzero(groups == group)[0]) for group in range(groups.max() + 1)]
        bonds = np.array([nearest_neighbour_distance(cells[n]) / lattices[n].scale for n in first])
        shortest = SHORTEST_BOND_FRACTION * (bonds[:, None] + bonds) / 2
        if minimum_distance is not None:
            shortest = np.full_like(shortest, minimum_distance)
        error = np.linalg.norm(arrays[5], axis=1)
        keep = remove_overlaps(arrays[0], groups[index], shortest, thickness, error)
        index, arrays = index[keep], [array[keep] for array in arrays]
        every = [label for one in blocks for label in one.regions]
        found = count_missing_bonds(
            arrays[0], arrays[1], index, arrays[4], groups, joined.lattices,
            lambda points: np.isin(region_of(points), every), thickness,
        )  # fmt: skip
        if found.atoms:
            remarks["joins"] = (
                f"{np.sum(~keep)} atoms too near to those of another crystal are left out; of "
                f"{found.atoms} atoms beside another crystal {found.lacking} lack a bond, "
                f"{found.lacking_more} of them more than one"
            )
            logger.info("%s.", remarks["joins"])
    positions, numbers, region, occupancy, site, error = arrays
    return FilledAtoms(
        positions, numbers, region, occupancy, index, site, error, thickness, strains,
        remarks,
    )  # fmt: skip


def nearest_neighbour_distance(cell: RepeatCell) -> float:
    """Return the shortest distance between two sites of a crystal in Angstrom."""
    # The cell is reduced across the beam only, so the images along it reach further.
    along = int(np.ceil(np.linalg.norm(cell.base[0, :2]) / cell.length)) + 2
    images = np.array(
        [(i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in range(-along, along + 1)]
    )
    sites = cell.sites.fractional
    around = (sites[None] + images[:, None]).reshape(-1, 3) @ cell.base
    distance, _ = cKDTree(around).query(sites @ cell.base, k=2)
    return float(distance[:, 1].min())


def _displacements(
    blocks: Sequence[Block], cells: Sequence[RepeatCell], displacement: np.ndarray, grid: Grid
) -> list[Displaced]:
    """Displacement of each block, with the steps at its planar faults."""
    found: dict[tuple[int, int], Displaced] = {}
    for index, block in enumerate(blocks):
        key = id(block.area), id(block.faulted)
        if not block.lattice.displaced or key in found:
            continue
        own, cuts = displacement, NO_CUTS
        if block.area is not None:
            own = np.where(block.area, displacement, np.nan)
        if block.faulted is not None:
            lead = next(
                (
                    number
                    for number, one in enumerate(blocks)
                    if one.faulted is block.faulted and block.faulted.region in one.regions
                ),
                index,
            )
            own, cuts = insert_faults(block.faulted, blocks[lead].lattice, cells[lead], own, grid)
        found[key] = Displaced.of(own, grid, cuts)
    return [
        found[id(one.area), id(one.faulted)] if one.lattice.displaced else STILL for one in blocks
    ]


def _fill_block(
    block: Block,
    lattice: LatticeColumns,
    thickness: float,
    region_of: Callable[[np.ndarray], np.ndarray],
    edges: Sequence[Edge],
    lifts: Mapping[int, float],
    displacement_error: np.ndarray | None,
    generator: np.random.Generator,
) -> tuple[np.ndarray, ...]:
    """Return positions, numbers, region, occupancy, site and errors of one block's atoms."""
    cell, kept, labels = lattice.cell, [], []
    # The plane of an edge may lie beyond the outline.
    reach = max((edge.line.reach for edge in edges), default=0.0)
    x_min, y_min, x_max, y_max = block.bounds
    for found in lattice.find((x_min - reach, y_min - reach, x_max + reach, y_max + reach)):
        region = np.asarray(region_of(found.points)).astype(np.int32)
        for edge in edges:
            region = edge.assign(found.points, lattice.layers(found, edge.vector), region)
        inner = np.isin(region, block.regions)
        kept.append(found.take(inner))
        labels.append(region[inner])
    columns, region = Columns.join(kept), np.concatenate(labels)
    del kept, labels
    height = lattice.heights(columns)
    if lifts:
        known = np.zeros(max(*lifts, *block.regions) + 1)
        known[list(lifts)] = list(lifts.values())
        height += cell.length * known[region]
    if lattice.displaced.jumps:
        apart = separate_columns(
            columns.points,
            height / ANGSTROM_PER_NM,
            cell.length / ANGSTROM_PER_NM,
            SHORTEST_BOND_FRACTION * nearest_neighbour_distance(cell) / ANGSTROM_PER_NM,
        )
        columns, region, height = columns.take(apart), region[apart], height[apart]
    points, site = columns.points, columns.site.astype(np.int16)
    points = points + block.lattice.offset
    length = thickness / block.repeats
    fraction = np.mod(height / cell.length + SAME_HEIGHT, 1.0) - SAME_HEIGHT
    height = np.maximum(fraction, 0.0) * length
    positions = np.empty((len(points), block.repeats, 3))
    positions[:, :, :2] = ANGSTROM_PER_NM * points[:, None, :]
    positions[:, :, 2] = height[:, None] + length * np.arange(block.repeats)
    site = np.repeat(site, block.repeats)
    numbers, occupancy = draw_elements(site, cell.sites, generator)
    error: np.ndarray = np.full((len(points), 2), np.nan, np.float32)
    if displacement_error is not None:
        error = column_errors(block.lattice, points, displacement_error, lattice.displaced.grid)
        error *= np.float32(ANGSTROM_PER_NM)
    atoms = (
        positions.reshape(-1, 3),
        numbers,
        np.repeat(region, block.repeats),
        occupancy,
        site,
        np.repeat(error, block.repeats, axis=0),
    )
    present = numbers > 0
    return atoms if present.all() else tuple(array[present] for array in atoms)
