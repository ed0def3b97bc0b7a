"""The record of what a region was found to be, and those of all regions, shown as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_twin.core import html_table, text_table
from hyperspy_twin.crystals.diffraction import TwinLaw, orix_orientation
from hyperspy_twin.crystals.indexing.matches import Composition, Match
from hyperspy_twin.crystals.notation import plane_label

if TYPE_CHECKING:
    from orix.quaternion import Orientation

_SHOWN = ("region", "phase", "tie with", "probability", "explained", "scale", "residual", "reason")


@dataclass(frozen=True, eq=False, repr=False)
class RegionPhase:
    """Crystal phase of one region.

    Attributes
    ----------
    region
        Number of the region in its image.
    match
        The answer; None where the data do not support one.
    peak_count
        Number of peaks of the region.
    probability
        Of the phase, or of a tie of it with others, against all other candidates and none of
        them; without a phase, that it is none of them.
    scale
        True over nominal length, common to all regions of the image; NaN without a phase.
    distortion
        Symmetric matrix of trace 2, shape (2, 2), that goes with it; unity without a phase.
    reason
        One sentence that says why.
    ties
        Other explanations that are less than five times less likely: names of phases, or of the
        phase with another zone axis.
    ranking
        Best explanation by each crystal, best first.
    further
        Crystals that explain what this one leaves of the peaks of the region, in the order they
        were found. Their ``hkl`` are of all peaks; some may be shared. A twin follows the crystal
        that it is the twin of.
    as_twin
        Of a further crystal: the law by which it is the twin of the crystal before it; None where
        it is no twin.
    """

    region: int
    match: Match | None
    peak_count: int
    probability: float
    scale: float
    distortion: np.ndarray
    reason: str
    ties: tuple[str, ...] = ()
    ranking: tuple[Match, ...] = ()
    further: tuple[RegionPhase, ...] = ()
    as_twin: TwinLaw | None = None

    @property
    def phase(self) -> str | None:
        """Name of the crystal; None without a phase."""
        return None if self.match is None else self.match.phase

    @property
    def composition(self) -> Composition | None:
        """Composition x of an alloy, with its standard error; None for any other phase."""
        return None if self.match is None else self.match.composition

    @property
    def twin_law(self) -> TwinLaw | None:
        """Law by which this crystal and another of the region are twins; None without a twin."""
        if self.as_twin is not None or self.match is None or self.match.twin is None:
            return self.as_twin
        return self.match.twin.law

    @property
    def zone_axis(self) -> tuple[int, int, int] | None:
        """Lattice direction along the beam; None without a phase."""
        return None if self.match is None else self.match.zone_axis

    @property
    def orientation(self) -> np.ndarray | None:
        """Rotation from the crystal to the image, shape (3, 3); None without a phase."""
        return None if self.match is None else self.match.orientation

    @property
    def score(self) -> float:
        """Logarithm of the evidence of the best explanation; -inf where there is none."""
        best = self.match or next(iter(self.ranking), None)
        return -np.inf if best is None else best.score

    @property
    def residual(self) -> float:
        """Relative root mean square deviation of the peaks; NaN without a phase."""
        return np.nan if self.match is None else self.match.residual

    @property
    def hkl(self) -> np.ndarray:
        """Signed Miller indices of each peak, int, shape (n, 3); zeros where not explained."""
        return np.zeros((self.peak_count, 3), int) if self.match is None else self.match.hkl

    @property
    def used(self) -> np.ndarray:
        """Whether the crystal explains each peak, or its twin or their streaks do, shape (n,)."""
        return np.zeros(self.peak_count, bool) if self.match is None else self.match.used

    @property
    def forbidden(self) -> np.ndarray:
        """Whether each peak stands on a reflection that only double diffraction feeds, (n,)."""
        return np.zeros(self.peak_count, bool) if self.match is None else self.match.forbidden

    @property
    def laue_zone(self) -> np.ndarray:
        """Order of the Laue zone of each peak, shape (n,), 0 where it is not explained."""
        return np.zeros(self.peak_count, int) if self.match is None else self.match.laue_zone

    @property
    def crystals(self) -> tuple[RegionPhase, ...]:
        """Records of all crystals of the region: this one, and further ones."""
        return (self, *self.further)

    def __repr__(self) -> str:
        if self.match is None:
            return f"<region {self.region}: no phase, {self.reason}>"
        more = "".join(f", and {describe_crystal(one)}" for one in self.further if one.match)
        ties = f", tie with {', '.join(self.ties)}" if self.ties else ""
        return (
            f"<region {self.region}: {describe_match(self.match)}{ties}, probability "
            f"{self.probability:.2f}, scale {self.scale:.4g}, residual {self.residual:.2%}{more}>"
        )

    def to_orix(self) -> Orientation | None:
        """Orientation in the convention of orix; None without a phase.

        See Also
        --------
        hyperspy_twin.crystals.orix_orientation : The convention.
        """
        return None if self.match is None else orix_orientation(self.match.oriented)


class PhaseRecords:
    """Records of the regions of an image.

    ``records[3]`` is the record of region 3, ``3 in records`` tells whether it has one, and
    iteration gives all of them in the order of the regions. Prints as a table, with a line for
    each crystal of a region.

    Parameters
    ----------
    records
        One record for each region.
    """

    def __init__(self, records: Iterable[RegionPhase] = ()) -> None:
        ordered = sorted(records, key=lambda record: record.region)
        self._records = {record.region: record for record in ordered}

    def __iter__(self) -> Iterator[RegionPhase]:
        return iter(self._records.values())

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, region: object) -> bool:
        return region in self._records

    def __getitem__(self, region: int) -> RegionPhase:
        """Record of a region by its number."""
        try:
            return self._records[region]
        except (KeyError, TypeError):
            known = ", ".join(map(str, self._records)) or "none"
            raise KeyError(
                f"there is no record of region {region!r}: regions with one are {known}"
            ) from None

    def __repr__(self) -> str:
        return text_table(_SHOWN, self._rows()) if self else "()"

    def _repr_html_(self) -> str:
        return html_table(_SHOWN, self._rows())

    def _rows(self) -> list[tuple[str, ...]]:
        return [_row(one) for record in self for one in record.crystals]


def describe_match(match: Match) -> str:
    """Crystal and zone axis, with the composition of an alloy."""
    return match.label if match.composition is None else f"{match.label}, {match.composition}"


def describe_crystal(record: RegionPhase) -> str:
    """Crystal and zone axis of a record with a phase, and the twin law of a twin."""
    assert record.match is not None
    name = describe_match(record.match)
    return name if record.as_twin is None else f"{name}, {record.as_twin.name}"


def record_twin(record: RegionPhase) -> RegionPhase | None:
    """Record of the twin of a crystal; None where it has none."""
    if record.match is None or record.match.twin is None:
        return None
    match, law = record.match.of_twin, record.match.twin.law
    reason = f"{law.name} of {record.match.label}: both have {plane_label(law.plane)} in common"
    return replace(
        record, match=match, reason=reason, ties=(), ranking=(match,), further=(), as_twin=law
    )


def _row(record: RegionPhase) -> tuple[str, ...]:
    if record.match is None:
        return (str(record.region), "none", *[""] * 5, record.reason)
    return (
        str(record.region),
        describe_crystal(record),
        ", ".join(record.ties),
        "" if np.isnan(record.probability) else f"{record.probability:.2f}",
        f"{record.match.explained:.0%}",
        f"{record.scale:.4g}",
        f"{record.residual:.2%}",
        record.reason,
    )
