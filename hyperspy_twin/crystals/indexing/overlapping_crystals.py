"""Several crystals in one region, found one after another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hyperspy_twin.core.crystal import Crystal
from hyperspy_twin.crystals.indexing.common_scale import REGION_SPREAD, Calibration, RegionInput
from hyperspy_twin.crystals.indexing.evidence import ScalePrior
from hyperspy_twin.crystals.indexing.matches import one_of_each
from hyperspy_twin.crystals.indexing.peak_indexing import folded_spots, index_spots
from hyperspy_twin.crystals.indexing.records import RegionPhase, record_of
from hyperspy_twin.crystals.indexing.unknown_crystal import unknown_crystal
from hyperspy_twin.crystals.indexing.verdicts import alternatives, listed_alike, refused, verdict_of

# Spots that are left over are searched for another crystal if they form a net by this evidence.
LEAST_NET = 3.0
# Crystals of one region, and spots of its own that a further one has at least.
MOST_CRYSTALS, LEAST_OWN = 4, 3
# Share of the spots, weak ones counting less, that all crystals of a region explain at least.
LEAST_EXPLAINED = 0.55


def net_of(region: RegionInput, calibrated: bool, taken: np.ndarray | None = None) -> float:
    """Evidence that spots form a net, whatever the crystal.

    Parameters
    ----------
    region
        Spots, errors and intensities.
    calibrated
        Whether the pixel size is known.
    taken
        Spots that another crystal explains, bool, shape (n,).

    Returns
    -------
    float
        As of :func:`hyperspy_twin.crystals.indexing.unknown_crystal.unknown_crystal`.
    """
    folded = folded_spots(region, calibrated, taken)
    return -np.inf if folded is None else unknown_crystal(folded.observed, calibrated)


def with_further(
    region: RegionInput,
    first: RegionPhase,
    candidates: list[Crystal],
    common: Calibration,
    options: dict[str, Any],
) -> RegionPhase:
    """Explain the spots that the first crystal leaves, at the common scale and distortion.

    Parameters
    ----------
    region
        Spots, errors and intensities.
    first
        Record of the first crystal.
    candidates
        The crystals.
    common
        Scale and distortion of the image.
    options
        Further options of :func:`hyperspy_twin.crystals.indexing.peak_indexing.index_spots`.

    Returns
    -------
    RegionPhase
        The record with its further crystals, or without a phase where all of them together explain
        too little.
    """
    prior = ScalePrior(0.0, REGION_SPREAD)
    corrected = common.corrected(region)
    taken = np.asarray(first.hkl.any(axis=1))
    left = 1 - first.ranking[0].explained
    found: list[RegionPhase] = []
    while len(found) < MOST_CRYSTALS - 1 and (~taken).sum() >= LEAST_OWN:
        net = net_of(corrected, True, taken)
        if net < LEAST_NET:
            break
        matches = index_spots(*corrected, candidates, scale_prior=prior, taken=taken, **options)
        other = alternatives(net, listed_alike(matches, prior, len(candidates)))
        restored = [common.restored(match) for match in one_of_each(matches)]
        record = record_of(
            verdict_of(restored, other, len(candidates), len(taken)), common, len(taken)
        )
        own = record.hkl.any(axis=1) & ~taken
        if record.phase is None or own.sum() < LEAST_OWN:
            break
        found.append(record)
        left *= 1 - record.ranking[0].explained
        taken |= own
    if 1 - left < LEAST_EXPLAINED:
        return record_of(refused(first.ranking, 1 - left), None, len(taken))
    return replace(first, further=tuple(found))
