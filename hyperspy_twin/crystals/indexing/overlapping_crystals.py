"""Several crystals in one region, found one after another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hyperspy_twin.core import Crystal, Peaks
from hyperspy_twin.crystals.evidence import ScalePrior, weigh_unknown_crystal
from hyperspy_twin.crystals.indexing.common_scale import REGION_SPREAD, ImageScale
from hyperspy_twin.crystals.indexing.fault_streaks import find_fault_streaks
from hyperspy_twin.crystals.indexing.matches import keep_one_of_each
from hyperspy_twin.crystals.indexing.peak_indexing import (
    fold_plausible_peaks,
    index_peaks,
    weight_of_peaks,
)
from hyperspy_twin.crystals.indexing.records import RegionPhase
from hyperspy_twin.crystals.indexing.settings import IndexingSettings
from hyperspy_twin.crystals.indexing.verdicts import (
    judge,
    make_record,
    refuse,
    weigh_alike,
    weigh_alternatives,
)

# Evidence from which peaks that are left over are searched for another crystal.
MINIMUM_EVIDENCE = 3.0
MOST_CRYSTALS = 4  # of one region
MINIMUM_OWN = 3  # peaks of its own that a further crystal has: two fit many crystals
# Part of the peaks, weak ones counting less, that all crystals of a region must explain: set on the
# tuning half of benchmarks/phases.py.
MINIMUM_EXPLAINED = 0.55


def weigh_plane_lattice(peaks: Peaks, calibrated: bool, taken: np.ndarray | None = None) -> float:
    """Evidence that the peaks that no other crystal has taken form a plane lattice."""
    folded = fold_plausible_peaks(peaks, calibrated, taken)
    return -np.inf if folded is None else weigh_unknown_crystal(folded.observed, calibrated)


def find_further_crystals(
    peaks: Peaks,
    first: RegionPhase,
    candidates: list[Crystal],
    common: ImageScale,
    settings: IndexingSettings,
) -> RegionPhase:
    """Explain the peaks that the first crystal and its twin leave, at the common scale.

    Gives the record with its further crystals, or without a phase where all of them together
    explain too little.
    """
    assert first.match is not None
    prior = ScalePrior(0.0, REGION_SPREAD)
    settings = replace(settings, calibrated=True, scale_prior=prior)
    corrected = common.correct(peaks)
    own = np.asarray(peaks.satellite) == 0
    taken = first.used
    left = 1 - first.match.explained_with_twin
    found = list(first.further)
    while len(found) < MOST_CRYSTALS - 1 and (own & ~taken).sum() >= MINIMUM_OWN:
        evidence = weigh_plane_lattice(corrected, True, taken)
        if evidence < MINIMUM_EVIDENCE:
            break
        matches = index_peaks(corrected, candidates, settings, taken=taken)
        other = weigh_alternatives(evidence, weigh_alike(matches, prior, len(candidates)))
        restored = [common.restore(match) for match in keep_one_of_each(matches)]
        verdict = judge(restored, other, len(candidates), int(own.sum()))
        record = make_record(verdict, common, peaks)
        claimed = record.used & ~taken
        if record.match is None or claimed.sum() < MINIMUM_OWN:
            break
        found += [replace(one, further=()) for one in record.crystals]
        left *= 1 - record.match.explained_with_twin
        taken = taken | claimed
    reason = first.reason
    streaks = find_fault_streaks(corrected, first.match, taken)
    if streaks is not None:
        part = weight_of_peaks(corrected, streaks.peaks)
        left = max(left - part, 0.0)
        reason = f"{reason}; a further {part:.0%} stand on {streaks}"
    if 1 - left < MINIMUM_EXPLAINED:
        return make_record(refuse(first.ranking, 1 - left), None, peaks)
    return replace(first, further=tuple(found), reason=reason)
