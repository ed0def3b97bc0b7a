"""Hands the spots of regions to the indexing, and its records back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from hyperspy_twin.core.crystal import Crystal
    from hyperspy_twin.crystals.indexing.evidence import ScalePrior
    from hyperspy_twin.crystals.indexing.records import RegionPhase
    from hyperspy_twin.signals._spots import RegionSpectra


class SpotsToIndex(NamedTuple):
    """Spots of one region as the indexing wants them, and which of its spots they are."""

    spots: np.ndarray
    error: np.ndarray
    intensity: np.ndarray
    chosen: np.ndarray

    @property
    def measured(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions, errors and intensities."""
        return self[:3]


def spots_to_index(peaks: np.ndarray) -> SpotsToIndex:
    """Spots of one region but those that accompany others."""
    chosen = peaks["satellite"] == 0
    own = peaks[chosen]
    return SpotsToIndex(
        np.stack([own["x"], own["y"]], axis=1),
        np.stack([own["error_x"], own["error_y"]], axis=1),
        own["intensity"],
        chosen,
    )


def indexed(
    signal: RegionSpectra, regions: list[int], crystals: list[Crystal], **options: Any
) -> list[RegionPhase]:
    """Index some regions; their records have one row of indices for each of their spots."""
    from hyperspy_twin.crystals.indexing.region_indexing import index_regions
    from hyperspy_twin.spectra.region import LATTICE_STATES

    peaks = signal.peaks()
    spots = [spots_to_index(peaks[peaks["region"] == region]) for region in regions]
    found = index_regions(
        [one.measured for one in spots],
        crystals,
        calibrated=signal._calibrated,
        **{"elements": signal.metadata.get_item("Sample.elements", []), **options},
    )
    states = {state["region"]: state for state in signal._states()}
    records = []
    for region, record, one in zip(regions, found, spots, strict=True):
        state = states[region]
        lattice = state["state"] in LATTICE_STATES
        reason = record.reason if lattice else f"{state['state']}: {state['reason']}"
        records.append(replace(_placed(record, region, one.chosen), reason=reason))
    return records


def _placed(record: RegionPhase, region: int, chosen: np.ndarray) -> RegionPhase:
    """Record with its region, and one row of indices for each spot of the region."""
    return replace(
        record,
        region=region,
        hkl=of_all_spots(record.hkl, chosen),
        forbidden=of_all_spots(record.forbidden, chosen),
        further=tuple(_placed(one, region, chosen) for one in record.further),
    )


def of_all_spots(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Rows of the chosen spots of a region among all of its spots, the others zero."""
    found = np.zeros((len(chosen), *values.shape[1:]), values.dtype)
    found[chosen] = values
    return found


def expected_scale(scales: list[float]) -> ScalePrior:
    """State what other regions let one expect of ln(scale)."""
    from hyperspy_twin.crystals.indexing.common_scale import REGION_SPREAD
    from hyperspy_twin.crystals.indexing.evidence import ScalePrior

    return ScalePrior(float(np.median(np.log(scales))), REGION_SPREAD)
