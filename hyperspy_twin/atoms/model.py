"""From indexed regions and their displacement to atoms: the lattices, then the filling."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.atoms.cell import align_to_zone_axis, fit_cell, reciprocal_vectors
from hyperspy_twin.atoms.fill import Block, FilledAtoms, fill
from hyperspy_twin.atoms.origin import fit_origin, measure_amplitudes
from hyperspy_twin.atoms.repeat import beam_repeat, repeats
from hyperspy_twin.grid import Grid

if TYPE_CHECKING:
    from hyperspy_twin.segmentation.outlines import Outlines

HAADF_EXPONENT = 1.7  # of the atomic number; Pennycook & Jesson, Ultramicroscopy 37, 14 (1991)
COHERENT_FRACTION = 0.5
SAME_VECTOR = 0.02  # relative difference below which two reciprocal vectors are the same spot


@dataclass(frozen=True)
class IndexedRegion:
    """A region with the crystal that its spots were indexed by.

    Attributes
    ----------
    region
        Label.
    phase
        Name of the crystal.
    base
        Lattice vectors as rows in the crystal's Cartesian frame, Angstrom, shape (3, 3).
    numbers, fractional, occupancy
        Structure: atomic numbers (n,), coordinates (n, 3), occupancies (n,).
    zone_axis
        Lattice direction along +z.
    orientation
        Image vector = orientation @ crystal vector, shape (3, 3).
    hkl
        Miller indices of the indexed spots, shape (k, 3).
    g, error
        Their reciprocal vectors and standard errors in 1/nm, shape (k, 2).
    """

    region: int
    phase: str
    base: np.ndarray
    numbers: np.ndarray
    fractional: np.ndarray
    occupancy: np.ndarray
    zone_axis: tuple[int, int, int]
    orientation: np.ndarray
    hkl: np.ndarray
    g: np.ndarray
    error: np.ndarray


@dataclass(frozen=True)
class Lattice:
    """The lattice of a region, fixed in the image.

    Attributes
    ----------
    region
        Label.
    phase
        Name of the crystal.
    lattice
        Lattice vectors a, b, c as rows in the image frame, Angstrom, shape (3, 3).
    zone_axis
        Lattice direction along +z.
    origin
        Position (x, y) of the cell's origin in nm.
    merit
        Correlation of the bright maxima with the projected columns, at most 1.
    numbers, fractional, occupancy
        Structure: atomic numbers (n,), coordinates (n, 3), occupancies (n,).
    displaced
        Whether the atoms follow the measured displacement from the reference lattice.
    """

    region: int
    phase: str
    lattice: np.ndarray
    zone_axis: tuple[int, int, int]
    origin: tuple[float, float]
    merit: float
    numbers: np.ndarray
    fractional: np.ndarray
    occupancy: np.ndarray
    displaced: bool

    def to_json(self) -> str:
        """Text form, as kept in the metadata of a signal."""
        record = asdict(self)
        return json.dumps({key: np.asarray(value).tolist() for key, value in record.items()})

    @classmethod
    def from_json(cls, text: str) -> Lattice:
        """Lattice of the text that :meth:`to_json` gives."""
        record: dict[str, Any] = json.loads(text)
        for key in ("lattice", "numbers", "fractional", "occupancy"):
            record[key] = np.asarray(record[key])
        record["zone_axis"] = tuple(record["zone_axis"])
        record["origin"] = tuple(record["origin"])
        return cls(**record)


def measure_lattices(
    image: np.ndarray,
    grid: Grid,
    labels: np.ndarray,
    regions: Mapping[int, IndexedRegion],
    reference: int,
    vectors: np.ndarray,
    displacement: np.ndarray,
) -> list[Lattice]:
    """Fit the lattice of every indexed region and place it on the bright maxima of the image.

    Regions of the reference's structure type whose lattice the displacement follows share the
    reference's lattice; the others get their own.

    Parameters
    ----------
    image
        Shape (rows, columns).
    grid
        Calibrated grid of the image in nm.
    labels
        Region of each pixel, shape (rows, columns).
    regions
        Indexed regions by label.
    reference
        Label of the reference region, one of ``regions``.
    vectors
        Refined reciprocal vectors of the reference lattice in 1/nm, shape (k, 2).
    displacement
        Displacement (u_x, u_y) in nm, NaN without a lattice, shape (2, rows, columns).
    """
    master = regions[reference]
    hkl, g = _reference_spots(master, vectors)
    mask = labels == reference
    lattice, zone_axis = _fit(master, hkl, g, None)
    origin, merit = _place(image, grid, mask, master, lattice, displacement)
    found = []
    for label, region in regions.items():
        inside = labels == label
        known = np.isfinite(displacement[0][inside])
        if _same_type(region, master) and known.mean() > COHERENT_FRACTION:
            shared = (lattice, zone_axis, origin, merit)
            found.append(_lattice(region, *shared, displaced=True))
        else:
            own, axis = _fit(region, region.hkl, region.g, 1 / region.error.prod(axis=1))
            placed = _place(image, grid, inside, region, own, None)
            found.append(_lattice(region, own, axis, *placed, displaced=False))
    return found


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
        key = (lattice.region,) if not lattice.displaced else ("displaced", lattice.phase)
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
    return fill(blocks, region_of, displacement, grid, seed)


def _reference_spots(region: IndexedRegion, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Miller indices of the vectors that the displacement refers to, and these vectors."""
    hkl = []
    for vector in vectors:
        signed = [(1, np.linalg.norm(region.g - vector, axis=1)),
                  (-1, np.linalg.norm(region.g + vector, axis=1))]  # fmt: skip
        sign, distance = min(signed, key=lambda pair: pair[1].min())
        if distance.min() > SAME_VECTOR * np.linalg.norm(vector):
            raise ValueError(
                f"no indexed spot of region {region.region} lies at the vector "
                f"({vector[0]:.3f}, {vector[1]:.3f}): give gpa vectors that index_phases explained"
            )
        hkl.append(sign * region.hkl[distance.argmin()])
    return np.asarray(hkl), np.asarray(vectors)


def _fit(
    region: IndexedRegion, hkl: np.ndarray, g: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, tuple[int, int, int]]:
    orientation = align_to_zone_axis(region.base, region.zone_axis, region.orientation)
    return fit_cell(region.base, hkl, g, orientation, weights), region.zone_axis


def _place(
    image: np.ndarray,
    grid: Grid,
    mask: np.ndarray,
    region: IndexedRegion,
    lattice: np.ndarray,
    displacement: np.ndarray | None,
) -> tuple[tuple[float, float], float]:
    """Origin of the cell on the bright maxima of a region, and how well it fits."""
    g = reciprocal_vectors(lattice, region.hkl)
    amplitudes = measure_amplitudes(image, grid, mask, g, displacement)
    weights = region.occupancy * region.numbers.astype(float) ** HAADF_EXPONENT
    columns, rows = mask.any(axis=0), mask.any(axis=1)
    near = float(grid.x[columns].mean()), float(grid.y[rows].mean())
    origin = fit_origin(lattice, region.fractional, weights, region.hkl, amplitudes, near)
    return (float(origin.position[0]), float(origin.position[1])), float(origin.merit)


def _same_type(one: IndexedRegion, other: IndexedRegion) -> bool:
    """Whether two crystals have the same sites in similar cells seen along equivalent axes."""
    if one.fractional.shape != other.fractional.shape:
        return False
    if not np.allclose(one.fractional, other.fractional, atol=1e-3):
        return False
    if sorted(map(abs, one.zone_axis)) != sorted(map(abs, other.zone_axis)):
        return False
    return bool(np.allclose(_shape(one.base), _shape(other.base), atol=0.02))


def _shape(base: np.ndarray) -> np.ndarray:
    metric = base @ base.T
    return metric / np.trace(metric)


def _lattice(
    region: IndexedRegion,
    lattice: np.ndarray,
    zone_axis: tuple[int, int, int],
    origin: tuple[float, float],
    merit: float,
    displaced: bool,
) -> Lattice:
    structure = region.numbers, region.fractional, region.occupancy
    return Lattice(
        region.region, region.phase, lattice, zone_axis, origin, merit, *structure, displaced
    )


def _repeat_length(lattice: Lattice) -> float:
    structure = lattice.numbers, lattice.fractional, lattice.occupancy
    return float(np.linalg.norm(beam_repeat(lattice.lattice, lattice.zone_axis, *structure)))


def _bounds(
    outlines: Outlines, labels: Sequence[int], grid: Grid
) -> tuple[float, float, float, float]:
    """Rectangle around regions, cut to the image."""
    boxes = np.array([outlines.bounds(label) for label in labels])
    half = np.asarray(grid.scale) / 2
    low = np.maximum(boxes[:, :2].min(axis=0), np.asarray(grid.offset) - half)
    high = np.minimum(boxes[:, 2:].max(axis=0), [grid.x[-1] + half[0], grid.y[-1] + half[1]])
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])
