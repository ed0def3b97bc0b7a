"""The verdict on each region of an image, with one pixel size for all of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from hyperspy_twin.crystals.common_scale import (
    REGION_SPREAD,
    Calibration,
    RegionInput,
    common_calibration,
    score_jointly,
    searched_again,
)
from hyperspy_twin.crystals.evidence import ScalePrior
from hyperspy_twin.crystals.indexing import (
    CALIBRATED,
    UNCALIBRATED,
    Match,
    folded_spots,
    index_spots,
    ranked,
)
from hyperspy_twin.crystals.structures import Crystal, as_crystal
from hyperspy_twin.crystals.unknown import unknown_crystal
from hyperspy_twin.crystals.verdicts import (
    Verdict,
    alternatives,
    listed_alike,
    verdict_of,
)

if TYPE_CHECKING:
    from orix.quaternion import Orientation

# Spots that are left over are searched for another crystal if they form a net by this evidence.
LEAST_NET = 3.0
# Crystals of one region, and spots of its own that a further one has at least.
MOST_CRYSTALS, LEAST_OWN = 4, 3
# A stated error of the pixel size is believed: few are more than two or three times as far off.
BELIEVED = 30.0


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
    probability
        Of the phase, or of a tie of it with others, against all other candidates and none of
        them; without a phase, that it is none of them.
    scale
        True over nominal length, common to all regions of the image; NaN without a phase.
    distortion
        Symmetric matrix of trace 2, shape (2, 2), that goes with it; unity without a phase.
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
    forbidden
        Whether each spot stands on a reflection that only double diffraction feeds, shape (n,).
    ranking
        Best explanation by each crystal, best first.
    further
        Crystals that explain what this one leaves of the spots of the region, in the order they
        were found. Their ``hkl`` are of all spots; some may be shared.
    region
        Number of the region in its image.
    """

    phase: str | None
    zone_axis: tuple[int, int, int] | None
    score: float
    probability: float
    scale: float
    distortion: np.ndarray
    residual: float
    reason: str
    orientation: np.ndarray | None
    hkl: np.ndarray
    forbidden: np.ndarray
    ties: tuple[str, ...]
    ranking: tuple[Match, ...]
    further: tuple[RegionPhase, ...] = ()
    region: int = 0

    def __repr__(self) -> str:
        if self.zone_axis is None:
            return f"<region {self.region}: no phase, {self.reason}>"
        zone = " ".join(map(str, self.zone_axis))
        ties = f", tie with {', '.join(self.ties)}" if self.ties else ""
        return (
            f"<region {self.region}: {self.phase} [{zone}]{ties}, probability "
            f"{self.probability:.2f}, scale {self.scale:.4g}, residual {self.residual:.2%}>"
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
            "forbidden": self.forbidden.tolist(),
            "distortion": self.distortion.tolist(),
            "further": [other.to_json() for other in self.further],
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
        entry["forbidden"] = np.array(entry["forbidden"], bool)
        entry["distortion"] = np.array(entry["distortion"], float)
        entry["further"] = tuple(map(cls.from_json, entry["further"]))
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
    **options: Any,
) -> RegionPhase:
    """Identify the phase of one region.

    Parameters
    ----------
    spots, error, intensity
        As for :func:`hyperspy_twin.crystals.indexing.index_spots`.
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
    **options: Any,
) -> list[RegionPhase]:
    """Identify the phases of all regions of an image under one scale and one distortion.

    Parameters
    ----------
    regions
        Spots, errors and intensities of each region.
    crystals
        Candidates in the order that breaks exact ties.
    calibrated
        Whether the pixel size is known.
    calibration_error
        Relative standard error of the pixel size, where a person knows it. By default an image
        is expected to be right to a percent, and up to 15 % wrong without surprise enough to
        refuse a phase.
    scale_prior
        What is known of ln(true over nominal length), instead.
    **options
        ``tolerance``, ``max_index`` and ``zone_axes`` of
        :func:`hyperspy_twin.crystals.indexing.index_spots`.

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
    nets = [_net(region, calibrated) for region in regions]
    others = np.array(
        [
            alternatives(net, listed_alike(matches, prior, len(candidates)))
            for net, matches in zip(nets, found, strict=True)
        ]
    )
    if len(regions) > 1 and any(found):
        if not calibrated:
            found = searched_again(found, regions, candidates, others, prior, options)
        found = score_jointly(found, others, prior)
    verdicts = [
        verdict_of(
            _one_of_each(ranked(matches, order)),
            other,
            len(candidates),
            _count(region),
            np.isfinite(prior.width),
        )
        for matches, other, region in zip(found, others, regions, strict=True)
    ]
    common = common_calibration([one.best for one in verdicts if one.best is not None])
    records = []
    for region, verdict in zip(regions, verdicts, strict=True):
        record = _record(verdict, common, _count(region))
        if common is not None and record.phase is not None:
            further = _further(region, record, candidates, common, options)
            record = replace(record, further=further)
        records.append(record)
    return records


def _scale_prior(calibrated: bool, error: float | None) -> ScalePrior:
    if not calibrated:
        return UNCALIBRATED
    if error is None:
        return CALIBRATED
    if not 0 < error < 0.15:
        raise ValueError(
            f"calibration_error is a relative error of the pixel size, such as 0.01, not {error}"
        )
    return ScalePrior(0.0, error, BELIEVED)


def _net(region: RegionInput, calibrated: bool, taken: np.ndarray | None = None) -> float:
    """Evidence that the spots form a net, whatever the crystal."""
    folded = folded_spots(region, calibrated, taken)
    return -np.inf if folded is None else unknown_crystal(folded.observed, calibrated)


def _further(
    region: RegionInput,
    first: RegionPhase,
    candidates: list[Crystal],
    common: Calibration,
    options: dict[str, Any],
) -> tuple[RegionPhase, ...]:
    """Crystals behind the spots that the first leaves, at the common scale and distortion."""
    order = [crystal.name for crystal in candidates]
    prior = ScalePrior(0.0, REGION_SPREAD)
    corrected = common.corrected(region)
    taken = first.hkl.any(axis=1)
    found: list[RegionPhase] = []
    while len(found) < MOST_CRYSTALS - 1 and (~taken).sum() >= LEAST_OWN:
        net = _net(corrected, True, taken)
        if net < LEAST_NET:
            break
        matches = index_spots(*corrected, candidates, scale_prior=prior, taken=taken, **options)
        other = alternatives(net, listed_alike(matches, prior, len(candidates)))
        restored = [common.restored(match) for match in _one_of_each(ranked(matches, order))]
        verdict = verdict_of(restored, other, len(candidates), len(taken), True)
        record = _record(verdict, common, len(taken))
        own = record.hkl.any(axis=1) & ~taken
        if record.phase is None or own.sum() < LEAST_OWN:
            break
        found.append(record)
        taken |= own
    return tuple(found)


def _record(verdict: Verdict, common: Calibration | None, count: int) -> RegionPhase:
    """Write down a verdict on a region of so many spots."""
    best = verdict.best
    if best is None or common is None:
        score = verdict.ranking[0].score if verdict.ranking else -np.inf
        return RegionPhase(
            phase=None,
            zone_axis=None,
            score=score,
            probability=verdict.probability,
            scale=np.nan,
            distortion=np.eye(2),
            residual=np.nan,
            reason=verdict.reason,
            orientation=None,
            hkl=np.zeros((count, 3), int),
            forbidden=np.zeros(count, bool),
            ties=(),
            ranking=verdict.ranking,
        )
    return RegionPhase(
        phase=best.phase,
        zone_axis=best.zone_axis,
        score=best.score,
        probability=verdict.probability,
        scale=common.scale,
        distortion=common.distortion,
        residual=best.residual,
        reason=verdict.reason,
        orientation=best.orientation,
        hkl=best.hkl,
        forbidden=best.forbidden,
        ties=verdict.ties,
        ranking=verdict.ranking,
    )


def _count(region: RegionInput) -> int:
    return len(np.asarray(region[0], float).reshape(-1, 2))


def _one_of_each(matches: list[Match]) -> list[Match]:
    """Keep the first explanation by each zone axis of each crystal."""
    return list({match.label: match for match in reversed(matches)}.values())[::-1]
