"""The record of what a region was found to be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_twin.crystals.indexing.common_scale import Calibration
from hyperspy_twin.crystals.indexing.matches import Match
from hyperspy_twin.crystals.indexing.verdicts import Verdict

if TYPE_CHECKING:
    from orix.quaternion import Orientation


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
        more = "".join(f", and {one.ranking[0].label}" for one in self.further)
        ties = f", tie with {', '.join(self.ties)}" if self.ties else ""
        return (
            f"<region {self.region}: {self.ranking[0].label}{ties}, probability "
            f"{self.probability:.2f}, scale {self.scale:.4g}, residual {self.residual:.2%}{more}>"
        )

    def to_orix(self) -> Orientation | None:
        """Orientation in the convention of orix; None without a phase.

        See Also
        --------
        hyperspy_twin.crystals.indexing.orientation.orientation_of : The convention.
        """
        from hyperspy_twin.crystals.indexing.orientation import orientation_of

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


def crystals_of(record: RegionPhase) -> tuple[RegionPhase, ...]:
    """All crystals of a region: that of the record, and further ones."""
    return (record, *record.further)


def record_of(verdict: Verdict, common: Calibration | None, count: int) -> RegionPhase:
    """Write down a verdict.

    Parameters
    ----------
    verdict
        On one region.
    common
        Scale and distortion of the image; None where no region has a phase.
    count
        Number of spots of the region.

    Returns
    -------
    RegionPhase
        Without further crystals.
    """
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
