"""The lattices of indexed regions, fitted and placed on the bright maxima of the image."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.registration.cell import align_to_zone_axis, fit_cell, reciprocal_vectors
from hyperspy_twin.registration.origin import fit_origin, measure_amplitudes
from hyperspy_twin.registration.periodicity import repeat_cell

HAADF_EXPONENT = 1.7  # of the atomic number; Pennycook & Jesson, Ultramicroscopy 37, 14 (1991)
COHERENT_FRACTION = 0.5
STRONGEST = 12  # spots that place a lattice; weaker ones add nothing
SAME_ORIGIN = 0.03  # nm; far above the error of an origin, far below a period
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
        Miller indices of the indexed spots, strongest first, shape (k, 3).
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
    refined: np.ndarray,
    displacement: np.ndarray,
) -> list[Lattice]:
    """Fit the lattice of every indexed region and place it on the bright maxima of the image.

    Regions of the reference's structure type whose lattice the displacement follows share the
    reference's lattice, and its origin where the image agrees: the displacement is known only up
    to a period of its two waves, which need not be a period of the crystal. The other regions get
    a lattice of their own.

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
        Reciprocal vectors of the reference's spots that the displacement is measured with, in
        1/nm, shape (k, 2).
    refined
        These vectors as refined over the reference region, shape (k, 2).
    displacement
        Displacement (u_x, u_y) in nm, NaN without a lattice, shape (2, rows, columns).

    Raises
    ------
    ValueError
        If a vector is no indexed spot of the reference, or a lattice does not fit its spots.
    """
    master = regions[reference]
    hkl = _indices(master, vectors)
    mask = labels == reference
    lattice, zone_axis = _fit(master, hkl, refined, None)
    origin, _ = _place(image, grid, mask, master, lattice, displacement)
    found = []
    for label, region in regions.items():
        inside = labels == label
        known = np.isfinite(displacement[0][inside])
        if _same_type(region, master) and known.mean() > COHERENT_FRACTION:
            placed = _place(image, grid, inside, region, lattice, displacement)
            if _equivalent(placed[0], origin, region, lattice):
                placed = origin, placed[1]
            found.append(_lattice(region, lattice, zone_axis, *placed, displaced=True))
        else:
            own, axis = _fit(region, region.hkl, region.g, 1 / region.error.prod(axis=1))
            placed = _place(image, grid, inside, region, own, None)
            found.append(_lattice(region, own, axis, *placed, displaced=False))
    return found


def _indices(region: IndexedRegion, vectors: np.ndarray) -> np.ndarray:
    """Miller indices of reciprocal vectors that are spots of a region, or opposite to one."""
    both = np.concatenate([region.g, -region.g])
    hkl = np.concatenate([region.hkl, -region.hkl])
    found = []
    for vector in vectors:
        distance = np.linalg.norm(both - vector, axis=1)
        if distance.min() > SAME_VECTOR * np.linalg.norm(vector):
            raise ValueError(
                f"no indexed spot of region {region.region} lies at the vector "
                f"({vector[0]:.3f}, {vector[1]:.3f}): give gpa vectors that index_phases explained"
            )
        found.append(hkl[distance.argmin()])
    return np.asarray(found)


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
    hkl = region.hkl[:STRONGEST]
    g = reciprocal_vectors(lattice, hkl)
    amplitudes = measure_amplitudes(image, grid, mask, g, displacement)
    weights = region.occupancy * region.numbers.astype(float) ** HAADF_EXPONENT
    columns, rows = mask.any(axis=0), mask.any(axis=1)
    near = float(grid.x[columns].mean()), float(grid.y[rows].mean())
    origin = fit_origin(lattice, region.fractional, weights, hkl, amplitudes, near)
    return (float(origin.position[0]), float(origin.position[1])), float(origin.merit)


def _equivalent(
    one: tuple[float, float], other: tuple[float, float], region: IndexedRegion, lattice: np.ndarray
) -> bool:
    """Whether two origins (nm) differ by a translation of the projected crystal, or by noise."""
    structure = region.numbers, region.fractional, region.occupancy
    plane = repeat_cell(lattice, region.zone_axis, *structure).lattice[:2, :2] / 10
    steps = (np.asarray(one) - other) @ np.linalg.inv(plane)
    return bool(np.linalg.norm((steps - np.rint(steps)) @ plane) < SAME_ORIGIN)


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
