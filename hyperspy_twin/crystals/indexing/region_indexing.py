"""The verdict on each region of an image, with one pixel size for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hyperspy_twin.core import Crystal, Peaks, begin_step, count_steps
from hyperspy_twin.crystals.evidence import ScalePrior
from hyperspy_twin.crystals.indexing.bundled_rivals import weigh_bundled_crystals
from hyperspy_twin.crystals.indexing.common_scale import (
    REGION_SPREAD,
    find_common_scale,
    score_jointly,
    search_again,
)
from hyperspy_twin.crystals.indexing.compositions import (
    known_scale,
    name_unweighed,
    rule_out,
    spread_families,
    tell_by_spacing,
    weigh_at_known_scale,
    weighed_candidates,
    with_composition,
)
from hyperspy_twin.crystals.indexing.matches import Match, keep_one_of_each, rank_matches
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
from hyperspy_twin.crystals.structures import family_of

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
        Crystals, in any order. An alloy of open composition is one, under the name of its family.
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
    offered = read_candidates(candidates)
    crystals = weighed_candidates(sorted(offered, key=_in_fixed_order), settings)
    order = list(dict.fromkeys(crystal.name for crystal in crystals))
    unweighed = [crystal for crystal in offered if crystal not in crystals]
    known_size = known_scale(settings)
    by_spacing = tell_by_spacing(crystals, known_size)
    candidate_count = len(crystals)
    if by_spacing:
        settings = replace(settings, calibration_error=None, scale_prior=None)
    else:
        crystals = spread_families(crystals, REGION_SPREAD)
    prior, calibrated = settings.prior, settings.calibrated
    found = [index_peaks(peaks, crystals, settings) for peaks in count_steps(regions, "region")]
    unknown = [
        (weigh_plane_lattice(peaks, calibrated), weigh_alike(matches, prior, candidate_count))
        for peaks, matches in zip(regions, found, strict=True)
    ]
    begin_step("common scale")
    if by_spacing:
        assert known_size is not None
        found = [
            weigh_at_known_scale(matches, peaks, known_size, prior)
            for matches, peaks in zip(found, regions, strict=True)
        ]
    elif settings.calibration_error is not None and calibrated:
        found = [rule_out(matches, settings.calibration_error) for matches in found]
    if not by_spacing and len(regions) > 1 and any(found):
        others = np.array([weigh_alternatives(*one) for one in unknown])
        if not calibrated:
            found = search_again(found, regions, crystals, settings, unknown=others)
        found = score_jointly(found, others, prior)
    found = [
        keep_one_of_each(rank_matches(matches, order, calibrated=calibrated)) for matches in found
    ]
    found = [
        [one if one.composition else with_composition(one, peaks, known_size) for one in matches]
        for matches, peaks in zip(found, regions, strict=True)
    ]
    known = bool(np.isfinite(prior.width))
    verdicts = [
        judge(
            matches,
            weigh_alternatives(*one),
            candidate_count,
            _count_own(peaks),
            calibrated=known,
        )
        for matches, one, peaks in zip(found, unknown, regions, strict=True)
    ]
    for number, verdict in enumerate(verdicts):
        sure = verdict.best is not None and verdict.probability > SURE
        if not known or not found[number] or sure:
            continue
        peaks, expected = regions[number], ScalePrior(0.0, REGION_SPREAD)
        if not by_spacing:
            peaks, expected = _at_scale_of_others(number, regions, verdicts, prior)
        evidence, rival = weigh_bundled_crystals(
            peaks, crystals, replace(settings, scale_prior=expected)
        )
        other = weigh_alternatives(*unknown[number], evidence)
        verdicts[number] = judge(
            found[number], other, candidate_count, _count_own(peaks), calibrated=known, rival=rival
        )
    begin_step("further crystals")
    common = find_common_scale([one.best for one in verdicts if one.best is not None])
    records = []
    for peaks, verdict in zip(regions, verdicts, strict=True):
        record = make_record(verdict, common, peaks)
        if record.match is not None and common is not None:
            further = _fixed_candidates(crystals, record.match) if by_spacing else crystals
            record = find_further_crystals(peaks, record, further, common, settings)
            record = _share_composition(record)
            record = cap_probability(record, peaks)
        noted = record.reason + name_unweighed(record.phase, unweighed, known_size)
        reason = (not_crystalline or {}).get(peaks.region, noted)
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


def _fixed_candidates(crystals: Sequence[Crystal], match: Match) -> list[Crystal]:
    """Candidates for further crystals of a region: an alloy is that of the region, or none."""
    fixed = [crystal for crystal in crystals if family_of(crystal) is None]
    return fixed if match.composition is None else [*fixed, match.crystal]


def _share_composition(record: RegionPhase) -> RegionPhase:
    """Record whose further crystals of its own alloy have its composition."""
    further = [
        replace(one, match=replace(one.match, composition=record.composition))
        if one.match is not None and record.match is not None and one.phase == record.phase
        else one
        for one in record.further
    ]
    return replace(record, further=tuple(further))


def _in_fixed_order(crystal: Crystal) -> tuple[float, str]:
    """Order of crystals that does not depend on how they are given: by size, then by name."""
    return round(float(np.linalg.det(crystal.base)), 6), crystal.name


def _count_own(peaks: Peaks) -> int:
    """Count the peaks that are no satellites."""
    return int((np.asarray(peaks.satellite) == 0).sum())
