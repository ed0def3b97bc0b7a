"""The verdict on each region of an image, with one pixel size for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hyperspy_twin.crystals.indexing.bundled_rivals import bundled_evidence
from hyperspy_twin.crystals.indexing.common_scale import (
    REGION_SPREAD,
    RegionInput,
    common_calibration,
    score_jointly,
    searched_again,
)
from hyperspy_twin.crystals.indexing.evidence import ScalePrior
from hyperspy_twin.crystals.indexing.matches import one_of_each, ranked
from hyperspy_twin.crystals.indexing.overlapping_crystals import net_of, with_further
from hyperspy_twin.crystals.indexing.peak_indexing import CALIBRATED, UNCALIBRATED, index_spots
from hyperspy_twin.crystals.indexing.records import RegionPhase, record_of
from hyperspy_twin.crystals.indexing.verdicts import Verdict, alternatives, listed_alike, verdict_of
from hyperspy_twin.crystals.structures.conversion import as_crystal

# A phase that is less probable than this is compared with the bundled crystals, too.
SURE = 0.995
# How often the error of a pixel size is larger than its user says.
DOUBT = 0.001


def identify(
    spots: ArrayLike,
    error: ArrayLike,
    intensity: ArrayLike,
    crystals: Sequence[Any],
    **options: Any,
) -> RegionPhase:
    """Identify the phase of one region.

    Parameters
    ----------
    spots, error, intensity
        As for :func:`hyperspy_twin.crystals.indexing.peak_indexing.index_spots`.
    crystals
        Candidates.
    **options
        As for :func:`index_regions`.

    Returns
    -------
    RegionPhase
        Verdict, with ``phase=None`` and a reason where the data do not support one.

    Raises
    ------
    ValueError
        If the input is not valid.
    """
    return index_regions([(spots, error, intensity)], crystals, **options)[0]


def index_regions(
    regions: Sequence[RegionInput],
    crystals: Sequence[Any],
    *,
    calibrated: bool = True,
    calibration_error: float | None = None,
    scale_prior: ScalePrior | None = None,
    elements: Sequence[str] = (),
    **options: Any,
) -> list[RegionPhase]:
    """Identify the phases of all regions of an image under one scale and one distortion.

    Parameters
    ----------
    regions
        Spots, errors and intensities of each region.
    crystals
        Candidates; their order counts where the evidence for them is alike.
    calibrated
        Whether the pixel size is known.
    calibration_error
        Largest relative error of the pixel size, where a person knows it. By default an image
        is as often right to a percent as wrong by several.
    scale_prior
        What is known of ln(true over nominal length), instead.
    elements
        Chemical symbols of the sample, where they are known: a region that is none of the
        candidates is then thought to hold no others.
    **options
        ``tolerance``, ``max_index`` and ``zone_axes`` of
        :func:`hyperspy_twin.crystals.indexing.peak_indexing.index_spots`.

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
    candidates = [as_crystal(candidate) for candidate in crystals]
    order = [crystal.name for crystal in candidates]
    prior = scale_prior or _scale_prior(calibrated, calibration_error)
    found = [
        index_spots(*region, candidates, calibrated=calibrated, scale_prior=prior, **options)
        for region in regions
    ]
    unknown = [
        (net_of(region, calibrated), listed_alike(matches, prior, len(candidates)))
        for region, matches in zip(regions, found, strict=True)
    ]
    if len(regions) > 1 and any(found):
        others = np.array([alternatives(*one) for one in unknown])
        if not calibrated:
            found = searched_again(found, regions, candidates, others, prior, options)
        found = score_jointly(found, others, prior)
    found = [one_of_each(ranked(matches, order, calibrated)) for matches in found]
    known = np.isfinite(prior.width)
    verdicts = [
        verdict_of(matches, alternatives(*one), len(candidates), _count(region), known)
        for matches, one, region in zip(found, unknown, regions, strict=True)
    ]
    for number, verdict in enumerate(verdicts):
        sure = verdict.best is not None and verdict.probability > SURE
        if not known or not found[number] or sure:
            continue
        region, expected = _seen_beside(number, regions, verdicts, prior)
        evidence, rival = bundled_evidence(region, candidates, expected, elements, options)
        other = alternatives(*unknown[number], evidence)
        count = _count(regions[number])
        verdicts[number] = verdict_of(found[number], other, len(candidates), count, known, rival)
    common = common_calibration([one.best for one in verdicts if one.best is not None])
    records = [
        record_of(verdict, common, _count(region))
        for region, verdict in zip(regions, verdicts, strict=True)
    ]
    if common is None:
        return records
    return [
        record
        if record.phase is None
        else with_further(region, record, candidates, common, options)
        for region, record in zip(regions, records, strict=True)
    ]


def _seen_beside(
    number: int, regions: Sequence[RegionInput], verdicts: list[Verdict], prior: ScalePrior
) -> tuple[RegionInput, ScalePrior]:
    """Spots of a region at the scale of the others, where those have a phase, and what is known."""
    beside = [one.best for at, one in enumerate(verdicts) if at != number and one.best is not None]
    common = common_calibration(beside)
    if common is None:
        return regions[number], prior
    return common.corrected(regions[number]), ScalePrior(0.0, REGION_SPREAD)


def _scale_prior(calibrated: bool, error: float | None) -> ScalePrior:
    if not calibrated:
        return UNCALIBRATED
    if error is None:
        return CALIBRATED
    if not 0 < error < 0.15:
        raise ValueError(
            f"calibration_error is a relative error of the pixel size, such as 0.01, not {error}"
        )
    return CALIBRATED._replace(limit=error, doubt=DOUBT)


def _count(region: RegionInput) -> int:
    return len(np.asarray(region[0], float).reshape(-1, 2))
