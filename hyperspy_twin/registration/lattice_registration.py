"""The lattices of indexed regions, fitted to their peaks and placed on the bright maxima."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hyperspy_twin.core import (
    Crystal,
    Grid,
    OrientedCrystal,
    Peaks,
    RegisteredLattice,
    StrainField,
    count_steps,
    merge_sites,
)
from hyperspy_twin.registration.beam_repeat import find_repeat_cell
from hyperspy_twin.registration.origin import (
    find_origin_error,
    fit_origin,
    measure_amplitudes,
    nearest_remainder,
    shift_by_structure,
)
from hyperspy_twin.registration.virtual_cell import (
    align_to_zone_axis,
    find_cell_error,
    fit_virtual_cell,
    reciprocal_vectors,
)

# Fraction of a region in which the displacement has to be known for its atoms to follow it.
COHERENT_FRACTION = 0.5
# Peaks that place a lattice; weaker ones add nothing.
STRONGEST = 12
# Distance of origins in nm that are the same: far above the error of an origin, far below a period.
SAME_ORIGIN = 0.03
# Offsets in nm below this are the noise of an origin: 0.3 pm in a region of 10 nm at common doses,
# up to 1.1 pm where lines of the scan are displaced by 3 pm.
SMALLEST_OFFSET = 0.001
# Relative difference below which two reciprocal vectors are the same peak; set by judgement.
SAME_VECTOR = 0.02
# Turns by which a wave may disagree with the lattice across the image, as the displacement allows
# where it joins regions. Vectors that were measured as those of one lattice disagree by none.
LARGEST_DISAGREEMENT = 0.1
# Difference of fractional coordinates below which two crystals have the same sites: CIF files carry
# four or five digits.
SAME_SITE = 1e-3
# Difference of the metrics, each of trace 1, below which two cells have the same shape. That of a
# cube stretched by 4.5 % along one axis differs by as much.
SAME_SHAPE = 0.02


@dataclass(frozen=True, eq=False)
class IndexedPeaks:
    """The peaks of a region that its crystal explains.

    Attributes
    ----------
    peaks
        These peaks, strongest first, with the number of the region.
    hkl
        Their Miller indices, shape (n, 3).
    oriented
        The crystal with its zone axis and orientation.
    """

    peaks: Peaks
    hkl: np.ndarray
    oriented: OrientedCrystal


def register_lattices(
    image: np.ndarray,
    grid: Grid,
    *,
    labels: np.ndarray,
    indexed: Sequence[IndexedPeaks],
    strain: StrainField,
    reference: int,
    vectors: np.ndarray | None = None,
    calibrated: bool = True,
) -> list[RegisteredLattice]:
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
    indexed
        The indexed regions.
    strain
        Displacement from the reference lattice, and the reciprocal vectors of that lattice. Without
        vectors, shape (0, 2), the reference lattice is that of the reference's peaks.
    reference
        Number of the reference region.
    vectors
        Where the vectors were before ``strain`` refined them over the reference, shape (k, 2).
    calibrated
        Whether the grid is in nm.

    Returns
    -------
    list of RegisteredLattice
        One for each indexed region, in their order.

    Raises
    ------
    ValueError
        If there is no pixel size, no region or not the reference is indexed, a vector is no
        indexed peak of the reference, the vectors are not those of one lattice, or a lattice does
        not fit its peaks.
    """
    if not calibrated:
        raise ValueError(
            "pixel size is missing: call s.calibrate(...) on the micrograph and run the chain again"
        )
    if not indexed:
        raise ValueError("no region has an indexed phase: call index_phases(...) first")
    master = next((one for one in indexed if one.peaks.region == reference), None)
    if master is None:
        raise ValueError(
            f"the reference, region {reference}, has no indexed phase: index it, or choose another"
        )
    given = strain.vectors if vectors is None else vectors
    base = _reference_base(master, strain.vectors, given, grid)
    displacement = strain.displacement
    origin, _ = _place(image, grid, labels == reference, master, base, displacement)
    found = []
    for one in count_steps(indexed, "lattice of region"):
        inside = labels == one.peaks.region
        known = np.isfinite(displacement[0][inside])
        displaced = is_same_type(one.oriented, master.oriented) and known.mean() > COHERENT_FRACTION
        own = base if displaced else _own_base(one)
        position, merit = _place(image, grid, inside, one, own, displacement if displaced else None)
        lattice = RegisteredLattice(
            region=one.peaks.region,
            crystal=one.oriented.crystal,
            base=own,
            zone_axis=one.oriented.zone_axis,
            origin=position,
            merit=merit,
            displaced=bool(displaced),
            origin_error=_origin_error(one),
            cell_error=find_cell_error(one.peaks.position, one.peaks.error, weights=_weights(one)),
        )
        if displaced:
            shift = shift_by_structure(
                one.oriented.crystal, master.oriented.crystal, base, one.hkl[:STRONGEST]
            )
            lattice = _on_shared_origin(lattice, origin, shifted=shift > SMALLEST_OFFSET)
        found.append(lattice)
    return found


def _reference_base(
    reference: IndexedPeaks, refined: np.ndarray, vectors: np.ndarray, grid: Grid
) -> np.ndarray:
    """Fit the reference lattice to the vectors of the strain, which have to be its vectors."""
    if not len(refined):
        return _own_base(reference)
    hkl = _find_indices(reference, vectors)
    base = fit_virtual_cell(align_to_zone_axis(reference.oriented), hkl, refined)
    turns = (np.abs(reciprocal_vectors(base, hkl) - refined) @ grid.extent).max()
    if turns > LARGEST_DISAGREEMENT:
        raise ValueError(
            f"the vectors of the strain are not those of one lattice: the waves disagree by "
            f"{turns:.2g} turns across the image, so that atoms would be displaced from their "
            "columns; choose a larger reference, or give gpa reflections=[(h, k, l), ...]"
        )
    return base


def _own_base(one: IndexedPeaks) -> np.ndarray:
    """Fit the lattice of a region to its own peaks."""
    oriented = align_to_zone_axis(one.oriented)
    return fit_virtual_cell(oriented, one.hkl, one.peaks.position, weights=_weights(one))


def _weights(one: IndexedPeaks) -> np.ndarray:
    """Weights of the peaks of a region in the fit of its lattice."""
    return 1 / one.peaks.error.prod(axis=1)


def _origin_error(one: IndexedPeaks) -> tuple[float, float]:
    return find_origin_error(one.peaks.position[:STRONGEST], one.peaks.snr[:STRONGEST])


def _find_indices(one: IndexedPeaks, vectors: np.ndarray) -> np.ndarray:
    """Miller indices of reciprocal vectors that are peaks of a region, or opposite to one."""
    both = np.concatenate([one.peaks.position, -one.peaks.position])
    hkl = np.concatenate([one.hkl, -one.hkl])
    found = []
    for vector in vectors:
        distance = np.linalg.norm(both - vector, axis=1)
        if distance.min() > SAME_VECTOR * np.linalg.norm(vector):
            raise ValueError(
                f"no indexed peak of region {one.peaks.region} lies at the vector "
                f"({vector[0]:.3f}, {vector[1]:.3f}): give gpa vectors that index_phases explained"
            )
        found.append(hkl[distance.argmin()])
    return np.asarray(found)


def _place(
    image: np.ndarray,
    grid: Grid,
    mask: np.ndarray,
    one: IndexedPeaks,
    base: np.ndarray,
    displacement: np.ndarray | None,
) -> tuple[tuple[float, float], float]:
    """Origin of the cell on the bright maxima of a region, and how well it fits."""
    hkl = one.hkl[:STRONGEST]
    amplitudes = measure_amplitudes(
        image, grid, mask, g=reciprocal_vectors(base, hkl), displacement=displacement
    )
    columns, rows = mask.any(axis=0), mask.any(axis=1)
    near = float(grid.x[columns].mean()), float(grid.y[rows].mean())
    origin = fit_origin(one.oriented.crystal, base, hkl=hkl, amplitudes=amplitudes, near=near)
    return origin.position, origin.merit


def _on_shared_origin(
    lattice: RegisteredLattice, origin: tuple[float, float], *, shifted: bool
) -> RegisteredLattice:
    """Lattice with another origin (nm) if that differs by a period of the crystal and little more.

    What is more than noise stays as the offset where the crystals are ``shifted``: the displacement
    takes the phases of the structure factors, which polar crystals of other elements have, for a
    shift.
    """
    plane = find_repeat_cell(lattice.crystal, lattice.base, lattice.zone_axis).plane
    remainder = nearest_remainder(np.asarray(lattice.origin) - origin, plane)
    distance = np.linalg.norm(remainder)
    if distance >= SAME_ORIGIN:
        return lattice
    is_offset = shifted and distance > SMALLEST_OFFSET
    offset = tuple(remainder.tolist()) if is_offset else (0.0, 0.0)
    return replace(lattice, origin=origin, offset=offset)


def is_same_type(one: OrientedCrystal, other: OrientedCrystal) -> bool:
    """Whether two crystals have the same sites in similar cells seen along equivalent axes."""
    sites, others = (_sites(each.crystal) for each in (one, other))
    if sites.shape != others.shape or not np.allclose(sites, others, atol=SAME_SITE):
        return False
    if sorted(map(abs, one.zone_axis)) != sorted(map(abs, other.zone_axis)):
        return False
    return bool(np.allclose(_shape(one.crystal), _shape(other.crystal), atol=SAME_SHAPE))


def _sites(crystal: Crystal) -> np.ndarray:
    """Coordinates of the sites, of which elements of an alloy may share each."""
    fractional, occupancy = np.array(crystal.fractional), np.array(crystal.occupancy)
    return merge_sites(crystal.numbers, fractional, occupancy).fractional


def _shape(crystal: Crystal) -> np.ndarray:
    metric = crystal.base @ crystal.base.T
    return metric / np.trace(metric)
