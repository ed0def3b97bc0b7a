"""The lattices and planar faults of a strain map, as models of atoms take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from hyperspy_twin.atoms import MeasuredLattice, PlanarFault
    from hyperspy_twin.core import Table
    from hyperspy_twin.signals.strain_map import StrainMap

# Resolutions from the end of a fault, back along it, forth and beside it, within which a partial
# dislocation ends it: faults are seen up to 4.7 beyond it.
BACK, FORTH, BESIDE = 8.0, 3.0, 2.5


def measured_lattices(strain: StrainMap, faults: Table | None) -> list[MeasuredLattice]:
    """Lattices of the blocks of a map, the main one first, with their planar faults.

    Parameters
    ----------
    strain
        The map.
    faults
        What :meth:`StrainMap.planar_faults` found, or some rows of it; None where nothing was looked for.
    """
    from hyperspy_twin.atoms import FaultedImage, MeasuredLattice
    from hyperspy_twin.strain import find_dislocations

    labels, blocks, found = strain._labels, strain._blocks, []
    others = [number for one in blocks[1:] for number in one.regions]
    partials = strain._find_defects(find_dislocations, None) if faults is not None and len(faults) else {}
    for block in blocks:
        area, faulted = None, None
        if others:
            inside = np.isin(labels, block.regions)
            area = ~np.isin(labels, others) if block is blocks[0] else inside
        if faults is not None and (faults["lattice"] == block.reference).any():
            own = faults[faults["lattice"] == block.reference]
            image, grid = strain._image_for_defects()
            ends = partials[block.reference]
            at = ends.position[ends.partial]
            faulted = FaultedImage(
                image,
                grid,
                tuple(_fault_of(row, at, strain.resolution) for row in own),
                block.reference,
                block.g,
                strain.resolution,
            )
        regions = (block.reference, *block.regions)
        found.append(MeasuredLattice(block.reference, regions, area, faulted))
    return found


def _fault_of(row: Any, partials: np.ndarray, resolution: float) -> PlanarFault:
    """Fault of a row of a table, with ends at the partial dislocations (n, 2) that end it."""
    from hyperspy_twin.atoms import PlanarFault

    points = np.array([[row["start_x"], row["start_y"]], [row["end_x"], row["end_y"]]], float)
    along = (points[1] - points[0]) / np.linalg.norm(points[1] - points[0])
    inside = []
    for end, inwards in enumerate((along, -along)):
        off = (partials - points[end]) / resolution
        into, beside = off @ inwards, np.abs(off @ [-along[1], along[0]])
        close = np.flatnonzero((into > -FORTH) & (into < BACK) & (beside < BESIDE))
        inside.append(len(close) > 0)
        if len(close):
            points[end] = partials[close[np.linalg.norm(off[close], axis=1).argmin()]]
    start, end = (tuple(point) for point in points.tolist())
    return PlanarFault(start, end, tuple(row["plane"]), tuple(row["R"]), *inside)
