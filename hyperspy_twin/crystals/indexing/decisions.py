"""Choosing among the ranked explanations of a region by what a person calls them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.crystals.diffraction.notation import read_direction
from hyperspy_twin.crystals.diffraction.zone_axes import laue_rotations
from hyperspy_twin.crystals.indexing.common_scale import REGION_SPREAD
from hyperspy_twin.crystals.indexing.records import crystals_of
from hyperspy_twin.signals._indexing import of_all_spots

if TYPE_CHECKING:
    from hyperspy_twin.core.crystal import Crystal
    from hyperspy_twin.crystals.indexing.matches import Match
    from hyperspy_twin.crystals.indexing.records import RegionPhase

_WITH_ZONE = re.compile(r"(.+?)\s*(\[[^\]]*\])\s*$")
Axis = tuple[int, int, int]


def named_match(record: RegionPhase, wanted: str | int) -> Match | tuple[str, Axis]:
    """Explanation of a region that a person means.

    Parameters
    ----------
    record
        Record of the region.
    wanted
        Name of the phase, with or without its zone axis, or the rank, 1 for the best.

    Returns
    -------
    Match or tuple
        The ranked explanation; for a tie by another zone axis, which the ranking does not hold,
        the name of the phase and its zone axis.

    Raises
    ------
    ValueError
        If it is not ranked.
    """
    if isinstance(wanted, (int, np.integer)):
        if 1 <= wanted <= len(record.ranking):
            return record.ranking[wanted - 1]
        raise ValueError(f"there is no rank {wanted}: {listed(record)}")
    name, axis = split_label(wanted)
    for match in record.ranking:
        if match.phase == name and (
            axis is None or equivalent(match.crystal, match.zone_axis, axis)
        ):
            return match
    crystals = {match.phase: match.crystal for match in record.ranking}
    for tie in record.ties:
        tied_name, tied_axis = split_label(tie)
        if (
            axis is not None
            and tied_axis is not None
            and tied_name == name
            and equivalent(crystals[name], tied_axis, axis)
        ):
            return name, tied_axis
    raise ValueError(f"{wanted!r} is not ranked: {listed(record)}")


def listed(record: RegionPhase) -> str:
    """Write what is ranked for a region."""
    ranks = [
        f"{rank} is {match.label} (score {match.score:.1f})"
        for rank, match in enumerate(record.ranking, 1)
    ]
    ties = [tie for tie in record.ties if split_label(tie)[1] is not None]
    if ties:
        ranks.append(f"tied are {', '.join(ties)}")
    return f"for region {record.region}, {'; '.join(ranks) or 'nothing is ranked'}"


def split_label(label: str) -> tuple[str, Axis | None]:
    """Name of a phase and its zone axis, None where the label has none."""
    found = _WITH_ZONE.match(label)
    return (found[1], read_direction(found[2])) if found else (label.strip(), None)


def equivalent(crystal: Crystal, first: Sequence[int], second: Sequence[int]) -> bool:
    """Whether a rotation of the crystal carries one direction into another."""
    family = laue_rotations(crystal) @ np.array(first)
    return bool((family == np.array(second)).all(axis=1).any())


def directions(zone_axis: Any) -> list[Axis]:
    """Directions that a person gives: one, or a list of them."""
    texts = isinstance(zone_axis, (list, tuple)) and any(isinstance(one, str) for one in zone_axis)
    if texts or (not isinstance(zone_axis, str) and np.ndim(zone_axis) == 2):
        return [read_direction(axis) for axis in zone_axis]
    return [read_direction(zone_axis)]


def with_opposites(axes: list[Axis], crystals: list[Crystal]) -> list[Axis]:
    """Zone axes, and the opposite of those that no rotation of some crystal turns round."""
    found = list(axes)
    for u, v, w in axes:
        opposite = (-u, -v, -w)
        if not all(equivalent(crystal, (u, v, w), opposite) for crystal in crystals):
            found.append(opposite)
    return found


def told_apart(record: RegionPhase) -> RegionPhase:
    """Record without ties that are its own answer under an equivalent zone axis."""
    if record.phase is None or record.zone_axis is None:
        return record
    crystal, axis = record.ranking[0].crystal, record.zone_axis
    ties = []
    for tie in record.ties:
        name, other = split_label(tie)
        if name != record.phase or other is None or not equivalent(crystal, axis, other):
            ties.append(tie)
    return replace(record, ties=tuple(ties))


def accepted(
    record: RegionPhase, match: Match, chosen: np.ndarray, others: list[RegionPhase]
) -> RegionPhase:
    """Record in which one explanation is the answer because a person says so.

    Parameters
    ----------
    record
        Record of the region.
    match
        The explanation.
    chosen
        Which spots of the region it was made for, bool, shape (n,).
    others
        Records of the other regions; the scale and distortion of one is taken where they fit.

    Returns
    -------
    RegionPhase
        The explanation, first in its ranking and without ties.
    """
    label = match.label
    reason = f"accepted by the user; {label} explains {match.explained:.0%} of the spots"
    reason += f" within {match.residual:.2%}"
    best = max(record.ranking, key=lambda one: one.score)
    if best.score > match.score:
        reason += f"; {best.label} has a score that is {best.score - match.score:.1f} higher"
    known = [other for other in others if other.phase is not None]
    nearest = min(known, key=lambda other: abs(np.log(other.scale / match.scale)), default=None)
    scale, distortion = match.scale, match.distortion
    if nearest is not None and abs(np.log(nearest.scale / scale)) < 3 * REGION_SPREAD:
        scale, distortion = nearest.scale, nearest.distortion
    elif nearest is not None:
        reason += f", at a scale of {scale:.4g} against {nearest.scale:.4g} elsewhere"
    rest = [one for one in record.ranking if one is not match and one.label != match.label]
    return replace(
        record,
        phase=match.phase,
        zone_axis=match.zone_axis,
        score=match.score,
        probability=match.probability,
        scale=scale,
        distortion=distortion,
        residual=match.residual,
        reason=reason,
        orientation=match.orientation,
        hkl=of_all_spots(match.hkl, chosen),
        forbidden=of_all_spots(match.forbidden, chosen),
        ties=(),
        ranking=(match, *rest),
    )


def chosen_crystal(record: RegionPhase, crystal: int) -> RegionPhase:
    """Record of one of the crystals of a region, counted from 1.

    Raises
    ------
    ValueError
        If there is no such crystal.
    """
    crystals = crystals_of(record)
    if not 1 <= crystal <= len(crystals):
        raise ValueError(
            f"there is no crystal {crystal} in region {record.region}: there are {len(crystals)}"
        )
    return crystals[crystal - 1]


def settled(record: RegionPhase, crystal: int, decided: RegionPhase) -> RegionPhase:
    """Record of a region in which one of its crystals is decided.

    Later crystals were sought among the spots that the earlier ones leave. They go if the
    decision explains some of these.
    """
    crystals = list(crystals_of(record))
    before = np.any([one.hkl.any(axis=1) for one in crystals[:crystal]], axis=0)
    claimed = decided.hkl.any(axis=1) & ~before
    kept = [one for one in crystals[crystal:] if not (one.hkl.any(axis=1) & claimed).any()]
    crystals = [*crystals[: crystal - 1], decided, *kept]
    return replace(crystals[0], further=tuple(crystals[1:]))
