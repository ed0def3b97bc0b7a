"""What a state says of the lattices of its regions, as the analysis of strain takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

    from hyperspy_twin.core import RegisteredLattice, StrainField
    from hyperspy_twin.crystals import RegionPhase
    from hyperspy_twin.signals._signal import TwinSignal
    from hyperspy_twin.strain import RegionLattice, Translations


def region_lattices(signal: TwinSignal) -> dict[int, RegionLattice]:
    """Peaks of each region, and what its phase explains of them."""
    from hyperspy_twin.strain import RegionLattice

    found, records = {}, _records(signal)
    for one in signal._state("spectra", ()):
        region = one.peaks.region
        match = records[region].match if region in records else None
        found[region] = RegionLattice(
            one.peaks,
            one.crystallinity.name,
            one.crystallinity.has_lattice,
            indexed=None if match is None else match.in_zone,
            explained=None if match is None else match.explained,
            hkl=None if match is None else records[region].hkl,
            crystal=None if match is None else match.oriented,
        )
    return found


def lattice_translations(signal: TwinSignal, region: int) -> Translations | None:
    """Give the translations of the crystal of a region; None without a phase."""
    from hyperspy_twin.crystals import centring_translations
    from hyperspy_twin.strain import Translations

    records = _records(signal)
    match = records[region].match if region in records else None
    if match is None:
        return None
    crystal = match.oriented.crystal
    return Translations(np.array(centring_translations(crystal)).reshape(-1, 3), crystal.base)


def register_block(
    signal: TwinSignal,
    field: StrainField,
    reference: int,
    *,
    vectors: np.ndarray | None = None,
    regions: Collection[int] | None = None,
) -> tuple[RegisteredLattice, ...]:
    """Lattices of indexed regions, fixed in the image of a signal.

    Parameters
    ----------
    signal
        A signal that holds the image and the indexed spectra.
    field
        Displacement from the lattice of the reference, and the vectors of that lattice.
    reference
        Number of that region.
    vectors
        Where the vectors were before the field refined them, shape (k, 2).
    regions
        Numbers of the regions; all by default.

    Raises
    ------
    ValueError
        If the composition of a region is not known, or as
        :func:`~hyperspy_twin.registration.register_lattices`.
    """
    from hyperspy_twin.registration import IndexedPeaks, register_lattices

    image, grid, labels = signal._indexed_image()
    indexed, peaks = [], {one.peaks.region: one.peaks for one in signal._state("spectra", ())}
    for record in signal._state("phases", ()):
        if regions is not None and record.region not in regions:
            continue
        if record.composition is not None and not record.composition.known:
            raise ValueError(f"region {record.region}: {record.composition.reason}")
        if record.match is not None:
            used = record.match.in_zone
            indexed.append(
                IndexedPeaks(
                    peaks[record.region].take(used), record.hkl[used], record.match.oriented
                )
            )
    found = register_lattices(
        image,
        grid,
        labels=labels,
        indexed=indexed,
        strain=field,
        reference=reference,
        vectors=vectors,
        calibrated=signal._calibrated,
    )
    return tuple(found)


def _records(signal: TwinSignal) -> dict[int, RegionPhase]:
    return {one.region: one for one in signal._state("phases", ())}
