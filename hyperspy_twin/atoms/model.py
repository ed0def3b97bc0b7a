"""From the registered lattices of regions and their displacement to atoms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from hyperspy_twin.atoms.amorphous import fill_amorphous, parse_material
from hyperspy_twin.atoms.blocks import Block
from hyperspy_twin.atoms.faults import FaultedImage
from hyperspy_twin.atoms.filling import FilledAtoms, fill_blocks
from hyperspy_twin.atoms.joins import TwinPlane, Twins
from hyperspy_twin.core import Grid, Outlines, RegisteredLattice, contains, rasterise
from hyperspy_twin.registration import count_repeats, find_beam_translation

AlongBeam = Literal["coherent", "relaxed"] | float


@dataclass(frozen=True, eq=False)
class MeasuredLattice:
    """A lattice from which a part of the displacement was measured.

    Attributes
    ----------
    reference
        Number of the region that the lattice is fitted to.
    regions
        Numbers of the regions that are compared with it.
    area
        Pixels with the displacement from it, boolean, shape (rows, columns); None for all.
    faulted
        Its planar faults and the image in which they were seen.
    """

    reference: int
    regions: tuple[int, ...]
    area: np.ndarray | None = None
    faulted: FaultedImage | None = None


def build_model(
    lattices: Sequence[RegisteredLattice],
    outlines: Outlines,
    *,
    displacement: np.ndarray,
    grid: Grid,
    thickness: float,
    seed: int,
    displacement_error: np.ndarray | None = None,
    measured: Sequence[MeasuredLattice] = (),
    along_beam: AlongBeam = "coherent",
    amorphous: Mapping[int, tuple[str, float]] | None = None,
    twins: Sequence[TwinPlane] = (),
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
    displacement_error
        Standard errors of the displacement, of the same shape; None where they are not known.
    measured
        The lattices that the displacement was measured from, the main one first, whose crystal is
        not strained along the beam; regions in none of them follow it. By default all displaced
        regions follow the lattice of the first.
    along_beam
        What an image cannot show: whether layers on the lattice of the reference share its repeats
        along the beam (``"coherent"``), or each crystal has the whole number that suits it best
        (``"relaxed"``), so that dislocations across the beam lie between layers of other numbers.
        A number is the repeat of the lattice of the reference in Å, which all share.
    amorphous
        Formula and density in g/cm³ of regions without a lattice, which are filled by random
        sequential packing.
    twins
        Planes in which adjacent regions mirror each other: they are joined there.

    Raises
    ------
    ValueError
        If there is no lattice, the thickness is not positive, ``along_beam`` is none of these, or a
        region that is to be amorphous does not exist or is a crystal.
    """
    if not lattices:
        raise ValueError(
            "no region has a registered lattice: index its phase and register it first"
        )
    amorphous = dict(amorphous or {})
    _check_amorphous(amorphous, outlines, lattices)
    first = next((one for one in lattices if one.displaced), lattices[0])
    measured = list(measured) or [MeasuredLattice(first.region, ())]
    owner = {region: number for number, one in enumerate(measured) for region in one.regions}
    part = [owner.get(one.region, 0) for one in lattices]
    lattices = _set_beam_length(lattices, part, along_beam)
    lengths = [_repeat_length(lattice) for lattice in lattices]
    length = count_repeats(lengths[0], thickness) * lengths[0]
    groups: dict[tuple[Any, ...], list[int]] = {}
    for index, one in enumerate(lattices):
        key = (one.crystal, one.origin, one.offset, part[index]) if one.displaced else (one.region,)
        groups.setdefault(key, []).append(index)
    blocks = []
    for members in groups.values():
        regions = tuple(lattices[index].region for index in members)
        lattice, known = lattices[members[0]], measured[part[members[0]]]
        repeat = relaxed = lengths[members[0]]
        if lattice.displaced:
            own = next((one for one in lattices if one.region == known.reference), first)
            relaxed *= _crystal_length(lattice) / _crystal_length(own)
        if along_beam == "relaxed":
            repeat = relaxed
        blocks.append(
            Block(
                lattice=lattice,
                repeats=max(1, round(length / repeat)),
                regions=regions,
                bounds=_bounds(outlines, regions, grid),
                beam_length=relaxed,
                area=known.area if lattice.displaced else None,
                faulted=known.faulted if lattice.displaced else None,
            )
        )
    low, high = _corners(grid)

    def region_in_image(points: np.ndarray) -> np.ndarray:
        inside = np.all((points >= low) & (points <= high), axis=1)
        return np.where(inside, contains(outlines, points), 0)

    atoms = fill_blocks(
        blocks,
        region_in_image,
        displacement,
        grid,
        displacement_error=displacement_error,
        seed=seed,
        thickness=length,
        twins=Twins(twins, rasterise(outlines, grid), grid) if twins else None,
    )
    if not amorphous:
        return atoms
    positions, numbers, region = fill_amorphous(
        amorphous,
        region_in_image,
        {label: _bounds(outlines, (label,), grid) for label in amorphous},
        positions=atoms.positions,
        thickness=atoms.thickness,
        seed=seed,
    )
    return _with_amorphous(atoms, positions, numbers, region)


def _check_amorphous(
    amorphous: Mapping[int, tuple[str, float]],
    outlines: Outlines,
    lattices: Sequence[RegisteredLattice],
) -> None:
    """Refuse regions that cannot be filled as amorphous, before anything is computed."""
    crystals = {one.region for one in lattices}
    for label, material in amorphous.items():
        parse_material(material)
        if label not in np.asarray(outlines.ring_region):
            raise ValueError(f"there is no region {label} to fill as amorphous {material[0]}")
        if label in crystals:
            raise ValueError(
                f"region {label} is a crystal with a registered lattice: it cannot be amorphous"
            )


def _with_amorphous(
    atoms: FilledAtoms, positions: np.ndarray, numbers: np.ndarray, region: np.ndarray
) -> FilledAtoms:
    """All atoms; those of no block and no site come last."""
    count = len(numbers)
    none = np.full(count, -1, np.int16)
    return replace(
        atoms,
        positions=np.concatenate([atoms.positions, positions]),
        numbers=np.concatenate([atoms.numbers, numbers]),
        region=np.concatenate([atoms.region, region]),
        occupancy=np.concatenate([atoms.occupancy, np.ones(count, np.float32)]),
        block=np.concatenate([atoms.block, none]),
        site=np.concatenate([atoms.site, none]),
        error=np.concatenate([atoms.error, np.full((count, 2), np.nan, np.float32)]),
    )


def _set_beam_length(
    lattices: Sequence[RegisteredLattice], part: Sequence[int], along_beam: AlongBeam
) -> Sequence[RegisteredLattice]:
    """Lattices of which the shared one has the repeat along the beam that is given in Å, if any."""
    if isinstance(along_beam, str):
        if along_beam not in ("coherent", "relaxed"):
            raise ValueError(
                f"along_beam is 'coherent', 'relaxed' or a length in Å, not {along_beam!r}"
            )
        return lattices
    if not (np.isfinite(along_beam) and along_beam > 0):
        raise ValueError(f"along_beam must be a length in Å above zero, not {along_beam}")
    return [
        replace(one, base=one.base * [1.0, 1.0, along_beam / _repeat_length(one)])
        if one.displaced and number == 0
        else one
        for one, number in zip(lattices, part, strict=True)
    ]


def _crystal_length(lattice: RegisteredLattice) -> float:
    """Repeat along the beam of the unstrained crystal in Å."""
    translation = find_beam_translation(lattice.crystal, lattice.crystal.base, lattice.zone_axis)
    return float(np.linalg.norm(translation))


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
