"""The lattices and planar faults of a strain map, as models of atoms take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.signals._region_lattices import register_block

if TYPE_CHECKING:
    from hyperspy_twin.atoms import MeasuredLattice, PlanarFault, TwinPlane
    from hyperspy_twin.core import Grid, RegisteredLattice, StrainField, Table
    from hyperspy_twin.strain import Block, Dislocations

# Resolutions from the end of a fault, back along it, forth and beside it, within which a partial
# dislocation ends it: faults are seen up to 4.7 beyond it.
BACK, FORTH, BESIDE = 8.0, 3.0, 2.5
# Waves with which the displacement across faults is measured: of more, some step the short way
# and others the long way around the circle, and their mean is no step of the crystal.
WAVES = 2


def measured_lattices(
    strain: Any, lattices: Sequence[RegisteredLattice], faults: Table | None
) -> tuple[Sequence[RegisteredLattice], list[MeasuredLattice], np.ndarray]:
    """Lattices of the blocks of a map, with planar faults, and the displacement from them.

    Where there are faults, displacement and origin are measured again by two waves.

    Parameters
    ----------
    strain
        The map.
    lattices
        The lattices of its regions.
    faults
        What :meth:`StrainMap.planar_faults` found, or some rows of it; None where nothing was
        looked for.

    Returns
    -------
    lattices
        Those of all regions.
    measured
        The blocks of regions, the main one first, with their faults.
    displacement
        In nm, shape (2, rows, columns).
    """
    from hyperspy_twin.atoms import FaultedImage, MeasuredLattice
    from hyperspy_twin.strain import find_dislocations

    labels, blocks, measured = strain._labels, strain._blocks, []
    displacement, found = strain._displacement, {one.region: one for one in lattices}
    others = [number for one in blocks[1:] for number in one.regions]
    partials = (
        strain._find_defects(find_dislocations, None) if faults is not None and len(faults) else {}
    )
    for block in blocks:
        area, faulted = None, None
        if others:
            main = block is blocks[0]
            area = ~np.isin(labels, others) if main else np.isin(labels, block.regions)
        own = None if faults is None else faults[faults["lattice"] == block.reference]
        if own is not None and len(own) and block.reference in found:
            image, grid = strain._image_for_defects()
            ends = partials[block.reference]
            field = _measure_again(strain, block)
            members = [n for n in found if n not in others or n in block.regions]
            if block is not blocks[0]:
                members = [n for n in members if n in block.regions]
            for one in register_block(strain, field, block.reference, regions=members):
                found[one.region] = one
            inside = np.ones(labels.shape, bool) if area is None else area
            displacement = np.where(inside, _on_grid(field, grid, strain._grid), displacement)
            faulted = FaultedImage(
                image,
                grid,
                tuple(_fault_of(row, ends, strain.resolution) for row in own),
                block.reference,
                field.vectors,
                strain.resolution,
            )
        regions = (block.reference, *block.regions)
        measured.append(MeasuredLattice(block.reference, regions, area, faulted))
    return tuple(found.values()), measured, displacement


def twin_planes(lattices: Sequence[RegisteredLattice], labels: np.ndarray) -> list[TwinPlane]:
    """Planes in which the crystals of adjacent regions of an image mirror each other."""
    from hyperspy_twin.atoms import TwinPlane
    from hyperspy_twin.core import adjacent_regions
    from hyperspy_twin.crystals import find_twin_planes
    from hyperspy_twin.registration import is_same_type

    oriented = {one.region: one.oriented for one in lattices}
    found = []
    for pair in adjacent_regions(labels):
        if not all(number in oriented for number in pair):
            continue
        one, other = (oriented[number] for number in pair)
        planes = find_twin_planes(one, other) if is_same_type(one, other) else None
        if planes is not None:
            found.append(TwinPlane(pair, planes))
    return found


def _measure_again(strain: Any, block: Block) -> StrainField:
    """Displacement from the lattice of a block by its first waves."""
    from hyperspy_twin.core import Outlines, rasterise
    from hyperspy_twin.strain import geometric_phase_analysis

    image, grid, labels = strain._indexed_image()
    area, reference = strain._settings.area, labels == block.reference
    if area is not None and block is strain._blocks[0]:
        reference = rasterise(Outlines.from_rings([area], [1]), grid) > 0
    return geometric_phase_analysis(
        image,
        grid,
        block.g[:WAVES],
        resolution=strain.resolution,
        reference=reference,
        labels=np.where(np.isin(labels, (block.reference, *block.regions)), labels, 0),
        fixed=True,
    )


def _on_grid(field: StrainField, grid: Grid, other: Grid) -> np.ndarray:
    """Displacement of an image at the pixels of a map that was cut out of it."""
    row, column = (
        np.clip(np.rint(at).astype(int), 0, size - 1)
        for at, size in zip(
            (
                (other.y - grid.offset[1]) / grid.scale[1],
                (other.x - grid.offset[0]) / grid.scale[0],
            ),
            grid.shape,
            strict=True,
        )
    )
    return np.asarray(field.displacement)[:, row[:, None], column[None, :]]


def _fault_of(row: Any, ends: Dislocations, resolution: float) -> PlanarFault:
    """Fault of a row of a table, with ends at the partial dislocations that end it."""
    from hyperspy_twin.atoms import PlanarFault

    partials = np.flatnonzero(ends.partial)
    points = np.array([[row["start_x"], row["start_y"]], [row["end_x"], row["end_y"]]], float)
    along = (points[1] - points[0]) / np.linalg.norm(points[1] - points[0])
    inside, burgers = [], None
    for end, sign in enumerate((-1.0, 1.0)):
        off = (ends.position[partials] - points[end]) / resolution
        into, beside = off @ along * -sign, np.abs(off @ [-along[1], along[0]])
        close = (into > -FORTH) & (into < BACK) & (beside < BESIDE)
        inside.append(bool(close.any()))
        if close.any():
            nearest = partials[np.where(close, np.linalg.norm(off, axis=1), np.inf).argmin()]
            points[end] = ends.position[nearest]
            # The circuit around the end leads from the left of the fault to its right.
            if np.isfinite(ends.indices[nearest]).all():
                burgers = tuple((sign * ends.indices[nearest]).tolist())
    (start_x, start_y), (end_x, end_y) = points.tolist()
    return PlanarFault(
        (start_x, start_y),
        (end_x, end_y),
        tuple(row["plane"]),
        tuple(row["R"]),
        inside[0],
        inside[1],
        burgers,
    )
