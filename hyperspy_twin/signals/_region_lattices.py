"""What a state says of the lattices of its regions, as the analysis of strain takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
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


def _records(signal: TwinSignal) -> dict[int, RegionPhase]:
    return {one.region: one for one in signal._state("phases", ())}
