"""Hands the state of an indexed spectrum to geometric phase analysis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.signals.strain_map import COMPONENTS

if TYPE_CHECKING:
    from hyperspy_twin.core.grid import Grid
    from hyperspy_twin.registration.lattices import IndexedRegion, Lattice
    from hyperspy_twin.signals.indexed_fft import IndexedFFT
    from hyperspy_twin.strain.gpa import StrainField

# The reference keeps this many resolutions from its outline.
MARGIN = 2.5
# Spots below this part of the strongest do not disturb the phase of another.
WEAK = 0.01


def analyse(
    image: np.ndarray,
    grid: Grid,
    spectrum: IndexedFFT,
    reference: int | None,
    vectors: Sequence[Sequence[float]] | None,
    resolution: float | None,
    definition: str,
) -> tuple[np.ndarray, dict[str, Any], list[str]]:
    """Choose what is not given, analyse, and fix the lattices in the image.

    Returns
    -------
    maps : numpy.ndarray
        Components, float32, shape (7, rows, columns).
    strain : dict
        Reference, vectors, resolution and definition, for the metadata.
    lattices : list of str
        Lattices of the indexed regions, for the metadata; empty without phases or pixel size.
    """
    from hyperspy_twin.core.outlines import rasterise
    from hyperspy_twin.strain.comparable import has_partners
    from hyperspy_twin.strain.gpa import geometric_phase_analysis
    from hyperspy_twin.strain.selection import (
        DEFAULT_SEPARATION,
        choose_reference,
        choose_resolution,
        choose_vectors,
        reference_mask,
    )

    labels = rasterise(spectrum._outlines(), grid)
    quality = _quality(spectrum)
    if not quality:
        found = "; ".join(f"region {n} is {state}" for n, state in spectrum.states.items())
        raise ValueError(f"no region has a lattice: {found}")
    peaks = spectrum.peaks()
    region_spots = {n: _positions(_lattice_spots(peaks, n)) for n in quality}
    if reference is None:
        shortest = min(np.linalg.norm(found, axis=1).min() for found in region_spots.values())
        margin = MARGIN * DEFAULT_SEPARATION / shortest / min(grid.scale)
        reference = choose_reference(labels, quality, margin, region_spots)
    elif reference not in quality:
        raise ValueError(
            f"region {reference} cannot be the reference: the regions with a lattice are "
            f"{sorted(quality)}"
        )
    spots = _lattice_spots(peaks, reference)
    positions = _positions(spots)
    if vectors is not None:
        chosen = np.asarray(vectors, float)
    else:
        others = list(region_spots.values())
        chosen = choose_vectors(positions, spots["snr"], spots["intensity"], others)
    if resolution is None:
        strong = spots["intensity"] > WEAK * spots["intensity"].max()
        resolution = choose_resolution(chosen, positions[strong])
    margin = MARGIN * resolution / min(grid.scale)
    # A lattice, if it is the only one there, needs no phase to be compared with the reference.
    counts = {n: peaks["lattice"][peaks["region"] == n].max(initial=0) for n in _crystals(spectrum)}
    single = [n for n, count in counts.items() if count == 1]
    region_spots |= {n: _positions(_lattice_spots(peaks, n)) for n in single}
    comparable = [n for n, found in region_spots.items() if has_partners(chosen, found)]
    field = geometric_phase_analysis(
        image,
        grid,
        chosen,
        resolution=resolution,
        reference=reference_mask(labels, reference, margin),
        labels=np.where(np.isin(labels, comparable), labels, 0),
        definition=definition,  # type: ignore[arg-type]
    )
    maps = np.stack([getattr(field, name) for name in COMPONENTS]).astype(np.float32)
    strain = {
        "reference": int(reference),
        "g": np.asarray(field.vectors, float),
        "resolution": float(resolution),
        "definition": definition,
    }
    lattices: list[str] = []
    try:
        measured = _lattices(image, grid, labels, spectrum, int(reference), chosen, field)
        lattices = [lattice.to_json() for lattice in measured]
    except ValueError as error:
        # Strain is right without a lattice for the atoms; to_atoms says what is missing.
        strain["without_atoms"] = str(error)
    return maps, strain, lattices


def _lattices(
    image: np.ndarray,
    grid: Grid,
    labels: np.ndarray,
    spectrum: IndexedFFT,
    reference: int,
    vectors: np.ndarray,
    field: StrainField,
) -> list[Lattice]:
    """Lattices of the indexed regions; a ValueError says why there are none."""
    from hyperspy_twin.registration.lattices import measure_lattices

    if not spectrum._calibrated:
        raise ValueError(
            "pixel size is missing: call s.calibrate(...) on the micrograph and run the chain again"
        )
    regions = _indexed_regions(spectrum)
    if not regions:
        raise ValueError("no region has an indexed phase: call index_phases(...) before gpa()")
    displacement = np.stack([field.u_x, field.u_y])
    return measure_lattices(
        image, grid, labels, regions, reference, vectors, field.vectors, displacement
    )


def _crystals(spectrum: IndexedFFT) -> list[int]:
    """Regions that have a lattice."""
    from hyperspy_twin.spectra.region import LATTICE_STATES

    return [region for region, state in spectrum.states.items() if state in LATTICE_STATES]


def _quality(spectrum: IndexedFFT) -> dict[int, float]:
    """How well each region is a single crystal, from 0 to 1.

    That of the indexed regions; of all crystals where no phase was found.
    """
    indexed = {
        record.region: record.ranking[0].explained
        for record in spectrum.phases
        if record.phase is not None
    }
    return indexed or dict.fromkeys(_crystals(spectrum), 1.0)


def _indexed_regions(spectrum: IndexedFFT) -> dict[int, IndexedRegion]:
    from ase.data import atomic_numbers

    from hyperspy_twin.registration.lattices import IndexedRegion

    regions, peaks = {}, spectrum.peaks()
    for record in spectrum.phases:
        if record.phase is None or record.zone_axis is None:
            continue
        spots = peaks[peaks["region"] == record.region]
        indexed = np.any(record.hkl != 0, axis=1)
        crystal = record.ranking[0].crystal
        regions[record.region] = IndexedRegion(
            region=record.region,
            phase=record.phase,
            base=crystal.base,
            numbers=np.array([atomic_numbers[symbol] for symbol in crystal.symbols]),
            fractional=np.asarray(crystal.fractional),
            occupancy=np.asarray(crystal.occupancy),
            zone_axis=record.zone_axis,
            orientation=np.asarray(record.orientation),
            hkl=record.hkl[indexed],
            g=_positions(spots)[indexed],
            error=np.stack([spots["error_x"], spots["error_y"]], axis=1)[indexed],
        )
    return regions


def _lattice_spots(peaks: np.ndarray, region: int) -> np.ndarray:
    """Spots of a region that belong to its crystal: the indexed ones, or all without indices."""
    spots = peaks[peaks["region"] == region]
    if "h" not in (spots.dtype.names or ()):
        return spots
    indexed = (spots["h"] != 0) | (spots["k"] != 0) | (spots["l"] != 0)
    return spots[indexed] if indexed.any() else spots


def _positions(spots: np.ndarray) -> np.ndarray:
    return np.stack([spots["x"], spots["y"]], axis=1)
