"""The verdict on each region of an image, with one pixel size for all of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from hyperspy_twin.crystals.common_scale import (
    REGION_SPREAD,
    RegionInput,
    score_jointly,
    searched_again,
)
from hyperspy_twin.crystals.indexing import (
    CALIBRATED,
    UNCALIBRATED,
    Match,
    index_spots,
    ranked,
)
from hyperspy_twin.crystals.structures import as_crystal

if TYPE_CHECKING:
    from orix.quaternion import Orientation

LEAST_SCORE = 5.0
LEAST_EXPLAINED = 0.5
TIE = float(np.log(5.0))  # odds of five to one
NOTEWORTHY = 0.02  # relative error of scale or shape that the reason mentions


@dataclass(frozen=True, eq=False, repr=False)
class RegionPhase:
    """Crystal phase of one region.

    Attributes
    ----------
    phase
        Name of the crystal; None where the data do not support an answer.
    zone_axis
        Lattice direction along the beam; None without a phase.
    score
        Logarithm of the evidence of the best explanation; -inf where there is none.
    scale
        True over nominal length, common to all regions of the image; NaN without a phase.
    residual
        Relative root mean square deviation of the spots; NaN without a phase.
    reason
        One sentence that says why.
    orientation
        Rotation from the crystal to the image, shape (3, 3), see ``Match``; None without a phase.
    hkl
        Signed Miller indices of each spot, shape (n, 3); zeros where not explained.
    ties
        Other explanations that are less than five times less likely: names of phases, or of the
        phase with another zone axis.
    ranking
        Best explanation by each crystal, best first.
    region
        Number of the region in its image.
    """

    phase: str | None
    zone_axis: tuple[int, int, int] | None
    score: float
    scale: float
    residual: float
    reason: str
    orientation: np.ndarray | None
    hkl: np.ndarray
    ties: tuple[str, ...]
    ranking: tuple[Match, ...]
    region: int = 0

    def __repr__(self) -> str:
        if self.zone_axis is None:
            return f"<region {self.region}: no phase, {self.reason}>"
        zone = " ".join(map(str, self.zone_axis))
        ties = f", tie with {', '.join(self.ties)}" if self.ties else ""
        return (
            f"<region {self.region}: {self.phase} [{zone}]{ties}, score {self.score:.1f}, "
            f"scale {self.scale:.4g}, residual {self.residual:.2%}>"
        )

    def to_orix(self) -> Orientation | None:
        """Orientation in the convention of orix; None without a phase.

        See Also
        --------
        hyperspy_twin.crystals.orientation.orientation_of : The convention.
        """
        from hyperspy_twin.crystals.orientation import orientation_of

        return orientation_of(self.ranking[0]) if self.phase is not None else None

    def to_json(self) -> str:
        """Whole record as one JSON string."""
        entry = {
            **vars(self),
            "hkl": self.hkl.tolist(),
            "orientation": None if self.orientation is None else self.orientation.tolist(),
            "ranking": [match.to_dict() for match in self.ranking],
        }
        return json.dumps(entry)

    @classmethod
    def from_json(cls, text: str) -> RegionPhase:
        """Record from the string that :meth:`to_json` gave."""
        entry = json.loads(text)
        orientation, zone_axis = entry["orientation"], entry["zone_axis"]
        entry["hkl"] = np.array(entry["hkl"], int).reshape(-1, 3)
        entry["orientation"] = None if orientation is None else np.array(orientation, float)
        entry["zone_axis"] = None if zone_axis is None else tuple(zone_axis)
        entry["ties"] = tuple(entry["ties"])
        entry["ranking"] = tuple(Match.from_dict(match) for match in entry["ranking"])
        return cls(**entry)


def identify(
    spots: ArrayLike,
    error: ArrayLike,
    intensity: ArrayLike,
    crystals: Sequence[Any],
    *,
    calibrated: bool = True,
    **options: Any,
) -> RegionPhase:
    """Identify the phase of one region.

    Parameters
    ----------
    spots, error, intensity, crystals, calibrated
        As for :func:`hyperspy_twin.crystals.indexing.index_spots`.
    **options
        Further options of that function.

    Returns
    -------
    RegionPhase
        Verdict, with ``phase=None`` and a reason where the data do not support one.

    Raises
    ------
    ValueError
        If the input is not valid.
    """
    region = (spots, error, intensity)
    return index_regions([region], crystals, calibrated=calibrated, **options)[0]


def index_regions(
    regions: Sequence[RegionInput],
    crystals: Sequence[Any],
    *,
    calibrated: bool = True,
    **options: Any,
) -> list[RegionPhase]:
    """Identify the phases of all regions of an image under one common scale.

    Parameters
    ----------
    regions
        Spots, errors and intensities of each region.
    crystals
        Candidates in the order that breaks exact ties.
    calibrated
        Whether the pixel size is known.
    **options
        ``tolerance``, ``max_index`` and ``zone_axes`` of
        :func:`hyperspy_twin.crystals.indexing.index_spots`.

    Returns
    -------
    list of RegionPhase
        One for each region. The score of an explanation counts what it makes of the other regions:
        their best explanations at the scale that it implies.

    Raises
    ------
    ValueError
        If the input is not valid.
    """
    candidates = [as_crystal(candidate) for candidate in crystals]
    order = [crystal.name for crystal in candidates]
    found = [
        index_spots(*region, candidates, calibrated=calibrated, **options) for region in regions
    ]
    prior = CALIBRATED if calibrated else UNCALIBRATED
    if len(regions) > 1 and any(found):
        if not calibrated:
            found = searched_again(found, regions, candidates, prior, options)
        found = score_jointly(found, prior)
    found = [_one_of_each(ranked(matches, order)) for matches in found]
    common = _common_scale(found)
    return [
        _verdict(matches, len(np.asarray(region[0], float).reshape(-1, 2)), calibrated, common)
        for matches, region in zip(found, regions, strict=True)
    ]


def _one_of_each(matches: list[Match]) -> list[Match]:
    """Keep the first explanation by each zone axis of each crystal."""
    return list({match.label: match for match in reversed(matches)}.values())[::-1]


def _common_scale(found: list[list[Match]]) -> float:
    """Scale on which the accepted regions agree, weighted by their scores."""
    accepted = [matches[0] for matches in found if matches and _failure(matches[0]) is None]
    if not accepted:
        return float("nan")
    values = np.log([match.scale for match in accepted])
    weights = np.array([match.score for match in accepted])
    centre = values[np.argmax(weights)]
    near = np.abs(values - centre) < 3 * REGION_SPREAD
    return float(np.exp(np.average(values[near], weights=weights[near])))


def _failure(match: Match) -> str | None:
    if match.score < LEAST_SCORE:
        return (
            f"none of these: the best, {match.label}, has a score of {match.score:.1f}, "
            f"and {LEAST_SCORE:g} is the least that counts as evidence"
        )
    if match.explained < LEAST_EXPLAINED:
        return (
            f"none of these: the best, {match.label}, explains {match.explained:.0%} of the spots"
        )
    return None


def _verdict(matches: list[Match], count: int, calibrated: bool, common: float) -> RegionPhase:
    ranking = tuple({match.phase: match for match in reversed(matches)}.values())
    ranking = tuple(sorted(ranking, key=matches.index))
    reason = _failure(matches[0]) if matches else _no_match(count)
    if reason is not None:
        score = matches[0].score if matches else -np.inf
        hkl = np.zeros((count, 3), int)
        return RegionPhase(None, None, score, np.nan, np.nan, reason, None, hkl, (), ranking)
    best = matches[0]
    ties = _ties(best, matches)
    reason = _praise(best, calibrated)
    if ties:
        cause = "at this uncertainty of the pixel size" if calibrated else "without a pixel size"
        names = " = ".join((best.phase, *ties))
        reason = f"tie: {names}: cannot be told apart by geometry {cause}; {reason}"
    return RegionPhase(
        phase=best.phase,
        zone_axis=best.zone_axis,
        score=best.score,
        scale=common,
        residual=best.residual,
        reason=reason,
        orientation=best.orientation,
        hkl=best.hkl,
        ties=ties,
        ranking=ranking,
    )


def _praise(best: Match, calibrated: bool) -> str:
    """Say what the match explains, and what it asks one to believe about the image."""
    reason = f"{best.label} explains {best.explained:.0%} of the spots within {best.residual:.2%}"
    if calibrated and abs(best.scale - 1) > NOTEWORTHY:
        reason += f", if the pixel size is wrong by {best.scale - 1:+.1%}"
    distortion = float(np.hypot(best.distortion[0, 0] - 1, best.distortion[0, 1]))
    if distortion > NOTEWORTHY:
        reason += f", if the image is distorted by {distortion:.1%}"
    return reason


def _no_match(count: int) -> str:
    if count < 2:
        return f"too few spots: {count}; at least two that are not collinear are needed"
    return "too few spots: no two along different directions that any candidate could explain"


def _ties(best: Match, matches: list[Match]) -> tuple[str, ...]:
    near = [match for match in matches[1:] if match.score > best.score - TIE]
    names = (match.phase if match.phase != best.phase else match.label for match in near)
    return tuple(dict.fromkeys(names))
