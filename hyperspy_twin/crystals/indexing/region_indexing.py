"""The verdict on each region of an image, with one pixel size for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hyperspy_twin.core import Peaks, begin_step, count_steps
from hyperspy_twin.crystals.evidence import ScalePrior
from hyperspy_twin.crystals.indexing.bundled_rivals import weigh_bundled_crystals
from hyperspy_twin.crystals.indexing.common_scale import (
    REGION_SPREAD,
    find_common_scale,
    score_jointly,
    search_again,
)
from hyperspy_twin.crystals.indexing.matches import keep_one_of_each, rank_matches
from hyperspy_twin.crystals.indexing.overlapping_crystals import (
    find_further_crystals,
    weigh_plane_lattice,
)
from hyperspy_twin.crystals.indexing.peak_indexing import index_peaks, read_candidates
from hyperspy_twin.crystals.indexing.records import RegionPhase
from hyperspy_twin.crystals.indexing.settings import USUAL, IndexingSettings
from hyperspy_twin.crystals.indexing.verdicts import (
    Verdict,
    cap_probability,
    judge,
    make_record,
    weigh_alike,
    weigh_alternatives,
)

# A phase that is less probable than this is compared with the bundled crystals, too.
SURE = 0.995


def index_regions(
    regions: Sequence[Peaks],
    candidates: Sequence[Any],
    settings: IndexingSettings = USUAL,
    *,
    not_crystalline: Mapping[int, str] | None = None,
) -> list[RegionPhase]:
    """Identify the phases of all regions of an image under one scale and one distortion.

    Parameters
    ----------
    regions
        Peaks of each region.
    candidates
        Crystals; their order counts where the evidence for them is alike.
    settings
        How they are indexed.
    not_crystalline
        What regions without a crystal lattice are instead, by their numbers: the reason that their
        records give.

    Returns
    -------
    list of RegionPhase
        One for each region; further crystals of a region are within its record. The score of an
        explanation counts what it makes of the other regions: their best explanations at the scale
        and distortion that it implies.

    Raises
    ------
    ValueError
        If the input is not valid.
    """
    crystals = read_candidates(candidates)
    order = [crystal.name for crystal in crystals]
    prior, calibrated = settings.prior, settings.calibrated
    found = [index_peaks(peaks, crystals, settings) for peaks in count_steps(regions, "region")]
    unknown = [
        (weigh_plane_lattice(peaks, calibrated), weigh_alike(matches, prior, len(crystals)))
        for peaks, matches in zip(regions, found, strict=True)
    ]
    begin_step("common scale")
    if len(regions) > 1 and any(found):
        others = np.array([weigh_alternatives(*one) for one in unknown])
        if not calibrated:
            found = search_again(found, regions, crystals, settings, unknown=others)
        found = score_jointly(found, others, prior)
    found = [
        keep_one_of_each(rank_matches(matches, order, calibrated=calibrated)) for matches in found
    ]
    known = bool(np.isfinite(prior.width))
    verdicts = [
        judge(matches, weigh_alternatives(*one), len(crystals), _count_own(peaks), calibrated=known)
        for matches, one, peaks in zip(found, unknown, regions, strict=True)
    ]
    for number, verdict in enumerate(verdicts):
        sure = verdict.best is not None and verdict.probability > SURE
        if not known or not found[number] or sure:
            continue
        peaks, expected = _at_scale_of_others(number, regions, verdicts, prior)
        evidence, rival = weigh_bundled_crystals(
            peaks, crystals, replace(settings, scale_prior=expected)
        )
        other = weigh_alternatives(*unknown[number], evidence)
        verdicts[number] = judge(
            found[number], other, len(crystals), _count_own(peaks), calibrated=known, rival=rival
        )
    begin_step("further crystals")
    common = find_common_scale([one.best for one in verdicts if one.best is not None])
    records = []
    for peaks, verdict in zip(regions, verdicts, strict=True):
        record = make_record(verdict, common, peaks)
        if record.match is not None and common is not None:
            record = find_further_crystals(peaks, record, crystals, common, settings)
            record = cap_probability(record, peaks)
        reason = (not_crystalline or {}).get(peaks.region, record.reason)
        records.append(replace(record, reason=reason))
    return records


def _at_scale_of_others(
    number: int, regions: Sequence[Peaks], verdicts: list[Verdict], prior: ScalePrior
) -> tuple[Peaks, ScalePrior]:
    """Peaks of a region at the scale of the others, where those have a phase, and what is known."""
    others = [one.best for at, one in enumerate(verdicts) if at != number and one.best is not None]
    common = find_common_scale(others)
    if common is None:
        return regions[number], prior
    return common.correct(regions[number]), ScalePrior(0.0, REGION_SPREAD)


def _count_own(peaks: Peaks) -> int:
    """Count the peaks that are no satellites."""
    return int((np.asarray(peaks.satellite) == 0).sum())
