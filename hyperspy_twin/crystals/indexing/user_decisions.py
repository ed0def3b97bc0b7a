"""What a person decides about the phases of regions: an accepted phase, or a search with limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hyperspy_twin.core import Crystal, Peaks
from hyperspy_twin.crystals.evidence import ScalePrior
from hyperspy_twin.crystals.indexing.common_scale import REGION_SPREAD
from hyperspy_twin.crystals.indexing.compositions import known_scale, with_composition
from hyperspy_twin.crystals.indexing.matches import Match
from hyperspy_twin.crystals.indexing.peak_indexing import index_peaks
from hyperspy_twin.crystals.indexing.records import PhaseRecords, RegionPhase, record_twin
from hyperspy_twin.crystals.indexing.region_indexing import index_regions
from hyperspy_twin.crystals.indexing.settings import IndexingSettings
from hyperspy_twin.crystals.indexing.verdicts import name_explanation
from hyperspy_twin.crystals.notation import direction_label, read_direction
from hyperspy_twin.crystals.structures import laue_rotations

_WITH_ZONE = re.compile(r"(.+?)\s*(\[[^\]]*\])\s*$")
# Scales that differ by more of their usual spread are not those of one image.
SPREADS_APART = 3
Axis = tuple[int, int, int]


def accept_phase(
    records: Iterable[RegionPhase],
    peaks: Sequence[Peaks],
    region: int,
    phase: str | int,
    *,
    crystal: int = 1,
    candidates: Sequence[Crystal],
    settings: IndexingSettings,
) -> list[RegionPhase]:
    """Take a ranked phase of a region as the answer.

    Parameters
    ----------
    records
        Records of all regions.
    peaks
        Peaks of each region.
    region
        Number of the region.
    phase
        Name of a phase in the ranking or the ties of its record, with or without its zone axis, or
        its rank, 1 for the best.
    crystal
        Number of the crystal where the region holds several, from 1.
    candidates, settings
        Those of the indexing.

    Returns
    -------
    list of RegionPhase
        All records. That of the region holds the phase, without ties, and its reason says who
        decided. Further crystals go if the phase claims their own peaks.

    Raises
    ------
    KeyError
        If the region has no record.
    ValueError
        If there is no such crystal, or the phase is not ranked; the message lists what is.
    """
    known = PhaseRecords(records)
    whole = known[region]
    record = _choose_crystal(whole, crystal)
    match = find_named_match(record, phase)
    if isinstance(match, tuple):
        name, axis = match
        expected = None if record.match is None else _expect_scale([record.scale])
        limits = replace(settings, zone_axes=(axis,), calibration_error=None, scale_prior=expected)
        own = next(one for one in peaks if one.region == region)
        match, *_ = index_peaks(own, choose_candidates(candidates, name), limits)
        match = with_composition(match, own, known_scale(settings))
    others = [other for other in known if other.region != region]
    decided = _settle(whole, crystal, _decide(record, match, others))
    return [decided if other.region == region else other for other in known]


def constrain_phases(
    records: Iterable[RegionPhase],
    peaks: Sequence[Peaks],
    candidates: Sequence[Crystal],
    settings: IndexingSettings,
    *,
    zone_axes: Any = None,
    phases: str | Sequence[str] | None = None,
    region: int | None = None,
    not_crystalline: Mapping[int, str] | None = None,
) -> list[RegionPhase]:
    """Identify phases again with what a person knows about them.

    Parameters
    ----------
    records
        Records of all regions.
    peaks
        Peaks of each region.
    candidates, settings
        Those of the indexing.
    zone_axes
        Directions along the beam, as :func:`read_directions` takes them. All equivalent directions
        are meant, the opposite ones too.
    phases
        Names of some of the candidates.
    region
        Number of the region; all by default. Records of other regions stay, and the pixel size that
        they imply is expected.
    not_crystalline
        As for :func:`index_regions`.

    Returns
    -------
    list of RegionPhase
        All records.

    Raises
    ------
    KeyError
        If the region has no record.
    ValueError
        If neither axes nor phases are given, or a phase is no candidate.
    """
    if zone_axes is None and phases is None:
        raise ValueError("give what you know: zone_axis=..., phase=..., or both")
    known = PhaseRecords(records)
    crystals = choose_candidates(candidates, phases)
    axes = None if zone_axes is None else read_directions(zone_axes)
    limits = replace(
        settings, zone_axes=None if axes is None else tuple(_add_opposites(axes, crystals))
    )
    if region is not None:
        known[region]
        others = [r.scale for r in known if r.match is not None and r.region != region]
        if others:
            limits = replace(limits, scale_prior=_expect_scale(others))
    if phases is not None:
        elements = sorted({element for crystal in crystals for element in crystal.elements})
        limits = replace(limits, elements=tuple(elements))
    sought = [one for one in peaks if region is None or one.region == region]
    given = [crystal.name for crystal in crystals] if phases is not None else []
    given += [direction_label(axis) for axis in axes or ()]
    found = index_regions(sought, crystals, limits, not_crystalline=not_crystalline)
    said = f"limited by the user to {', '.join(given)}"
    new = {
        record.region: replace(_drop_equal_ties(record), reason=f"{said}; {record.reason}")
        for record in found
    }
    return [new.get(record.region, record) for record in known]


def choose_candidates(
    candidates: Sequence[Crystal], names: str | Sequence[str] | None
) -> list[Crystal]:
    """Candidates of these names, or all.

    Raises
    ------
    ValueError
        If no name is given, or one is not that of a candidate.
    """
    if names is None:
        return list(candidates)
    wanted = [names] if isinstance(names, str) else list(names)
    known = {crystal.name: crystal for crystal in candidates}
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise ValueError(
            f"{', '.join(map(repr, unknown)) or 'nothing'} is not among the candidates: they "
            f"are {', '.join(known)}; call index_phases(...) with others"
        )
    return [known[name] for name in wanted]


def read_directions(zone_axes: Any) -> list[Axis]:
    """Directions [uvw] that a person gives: one, or a list of them.

    Parameters
    ----------
    zone_axes
        Each as :func:`hyperspy_twin.crystals.read_direction` takes it.
    """
    texts = isinstance(zone_axes, (list, tuple)) and any(isinstance(one, str) for one in zone_axes)
    if texts or (not isinstance(zone_axes, str) and np.ndim(zone_axes) == 2):
        return [read_direction(axis) for axis in zone_axes]
    return [read_direction(zone_axes)]


def find_named_match(record: RegionPhase, wanted: str | int) -> Match | tuple[str, Axis]:
    """Explanation of a region that a person means by a label such as ``Ge [110]``, or by its rank.

    For a tie by another zone axis, which the ranking does not hold, the name of the phase and its
    zone axis. A ValueError lists what is ranked.
    """
    if isinstance(wanted, (int, np.integer)):
        if 1 <= wanted <= len(record.ranking):
            return record.ranking[wanted - 1]
        raise ValueError(f"there is no rank {wanted}: {_list_ranking(record)}")
    name, axis = _split_label(wanted)
    for match in record.ranking:
        if match.phase == name and (
            axis is None or _are_equivalent(match.crystal, match.zone_axis, axis)
        ):
            return match
    crystals = {match.phase: match.crystal for match in record.ranking}
    for tie in record.ties:
        tied_name, tied_axis = _split_label(tie)
        if (
            axis is not None
            and tied_axis is not None
            and tied_name == name
            and _are_equivalent(crystals[name], tied_axis, axis)
        ):
            return name, tied_axis
    raise ValueError(f"{wanted!r} is not ranked: {_list_ranking(record)}")


def _list_ranking(record: RegionPhase) -> str:
    ranks = [
        f"{rank} is {match.label} (score {match.score:.1f})"
        for rank, match in enumerate(record.ranking, 1)
    ]
    ties = [tie for tie in record.ties if _split_label(tie)[1] is not None]
    if ties:
        ranks.append(f"tied are {', '.join(ties)}")
    return f"for region {record.region}, {'; '.join(ranks) or 'nothing is ranked'}"


def _split_label(label: str) -> tuple[str, Axis | None]:
    """Name of a phase and its zone axis, None where the label has none."""
    found = _WITH_ZONE.match(label)
    return (found[1], read_direction(found[2])) if found else (label.strip(), None)


def _are_equivalent(crystal: Crystal, first: Sequence[int], second: Sequence[int]) -> bool:
    """Whether a rotation of the crystal carries one direction into another."""
    family = laue_rotations(crystal) @ np.array(first)
    return bool((family == np.array(second)).all(axis=1).any())


def _add_opposites(axes: list[Axis], crystals: list[Crystal]) -> list[Axis]:
    """Zone axes, and the opposite of those that no rotation of some crystal turns round."""
    found = list(axes)
    for u, v, w in axes:
        opposite = (-u, -v, -w)
        if not all(_are_equivalent(crystal, (u, v, w), opposite) for crystal in crystals):
            found.append(opposite)
    return found


def _drop_equal_ties(record: RegionPhase) -> RegionPhase:
    """Record without ties that are its own answer under an equivalent zone axis."""
    if record.match is None:
        return record
    crystal, own = record.match.crystal, record.match.zone_axis
    ties = []
    for tie in record.ties:
        name, axis = _split_label(tie)
        if name != record.phase or axis is None or not _are_equivalent(crystal, own, axis):
            ties.append(tie)
    return replace(record, ties=tuple(ties))


def _expect_scale(scales: list[float]) -> ScalePrior:
    """State what other regions let one expect of ln(scale)."""
    return ScalePrior(float(np.median(np.log(scales))), REGION_SPREAD)


def _decide(record: RegionPhase, match: Match, others: list[RegionPhase]) -> RegionPhase:
    """Record in which one explanation is the answer because a person says so.

    It is first in its ranking and without ties. Scale and distortion of another region are taken
    where they fit.
    """
    reason = f"accepted by the user; {name_explanation(match)}"
    reason += f" {match.explained_with_twin:.0%} of the peaks within {match.residual:.2%}"
    best = max(record.ranking, key=lambda one: one.score)
    if best.score > match.score:
        reason += f"; {best.label} has a score that is {best.score - match.score:.1f} higher"
    known = [other for other in others if other.match is not None]
    nearest = min(known, key=lambda other: abs(np.log(other.scale / match.scale)), default=None)
    scale, distortion = match.scale, match.distortion
    if nearest is not None and abs(np.log(nearest.scale / scale)) < SPREADS_APART * REGION_SPREAD:
        scale, distortion = nearest.scale, nearest.distortion
    elif nearest is not None:
        reason += f", at a scale of {scale:.4g} against {nearest.scale:.4g} elsewhere"
    rest = [one for one in record.ranking if one is not match and one.label != match.label]
    return replace(
        record,
        match=match,
        probability=match.probability,
        scale=scale,
        distortion=distortion,
        reason=reason,
        ties=(),
        ranking=(match, *rest),
    )


def _choose_crystal(record: RegionPhase, crystal: int) -> RegionPhase:
    """Record of one of the crystals of a region, counted from 1."""
    if not 1 <= crystal <= len(record.crystals):
        raise ValueError(
            f"there is no crystal {crystal} in region {record.region}: "
            f"there are {len(record.crystals)}"
        )
    return record.crystals[crystal - 1]


def _settle(record: RegionPhase, crystal: int, decided: RegionPhase) -> RegionPhase:
    """Record of a region in which one of its crystals is decided.

    Later crystals were sought among the peaks that the earlier ones leave. They go if the
    decision explains some of these.
    """
    crystals = list(record.crystals)
    before = np.any([one.hkl.any(axis=1) for one in crystals[:crystal]], axis=0)
    claimed = decided.used & ~before
    later, twin = crystals[crystal:], record_twin(decided)
    if later and later[0].as_twin is not None:  # that of what was the answer before
        later = later[1:]
    kept = [one for one in later if not (one.hkl.any(axis=1) & claimed).any()]
    crystals = [*crystals[: crystal - 1], decided, *([] if twin is None else [twin]), *kept]
    return replace(crystals[0], further=tuple(crystals[1:]))
