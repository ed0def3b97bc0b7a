"""One explanation of a set of peaks, and the order of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np

from hyperspy_twin.core import Crystal, OrientedCrystal, with_error
from hyperspy_twin.crystals.diffraction import TwinLaw, zone_repeats
from hyperspy_twin.crystals.notation import phase_label

# Without a pixel size crystals of one type differ by how well the model of their intensities holds:
# so much of the score says nothing.
EQUAL_SCORE = 0.2
# Decimals of ln(scale) that order ties: spacings are not known better.
DIGITS = 3


@dataclass(frozen=True)
class Composition:
    """Composition x of an alloy.

    Attributes
    ----------
    x
        As in the name of its family; NaN where it is withheld.
    error
        Standard error: of the spacing, of the pixel size, and of the strain that the spacing may
        hold. The lattice is taken for one without strain along the beam.
    reason
        Why x is withheld; empty where it is known.
    """

    x: float = float("nan")
    error: float = float("nan")
    reason: str = ""

    @property
    def known(self) -> bool:
        """Whether the image tells x."""
        return bool(np.isfinite(self.x))

    def __str__(self) -> str:
        return f"x = {with_error(self.x, self.error)}" if self.known else "x withheld"


@dataclass(frozen=True, eq=False)
class Twin:
    """Twin of a crystal, with which it explains the peaks together.

    Attributes
    ----------
    law
        How the two lie to each other.
    hkl, forbidden, explained, residual
        As of :class:`Match`, of the twin; some peaks may be of both. It has the indices in which
        the twin plane is the same in both.
    streaked
        Whether each peak stands on a streak along the normal of the twin plane, next to a
        reflection of one of the two, bool, shape (n,). Thin lamellae show these.
    together
        Part of the peaks that the two and the streaks explain, weak ones counting less.
    """

    law: TwinLaw
    hkl: np.ndarray
    forbidden: np.ndarray
    explained: float
    residual: float
    streaked: np.ndarray
    together: float


@dataclass(frozen=True, eq=False)
class Match:
    """One explanation of a set of peaks.

    Attributes
    ----------
    oriented
        The crystal with its zone axis and its orientation, of which the one is given that turns
        the pattern's own x axis by -90 to +90 degrees.
    scale
        True over nominal length: the pixel size must be multiplied by it.
    scale_error
        Its relative standard error.
    distortion
        Symmetric matrix D of trace 2, shape (2, 2): nominal peak = scale * D @ (M @ g)[:2].
    hkl
        Signed Miller indices of each given peak, int, shape (n, 3); (0, 0, 0) if not explained.
        Those of an upper Laue zone stand at the projection of g, see :attr:`laue_zone`.
    explained
        Part of the peaks that is explained, weak ones counting less.
    residual
        Root mean square deviation of the explained peaks relative to their length.
    forbidden
        Whether each given peak stands on a reflection that only double diffraction feeds, bool,
        shape (n,).
    score
        Natural logarithm of the evidence, see :func:`index_peaks`.
    intensity_score
        The part of ``score`` that comes from intensities.
    probability
        Of this crystal and zone axis, against all others and none of them; NaN before
        :func:`index_regions` weighs them.
    composition
        Of an alloy of open composition, whose ``crystal`` is that of this x; None for others.
    twin
        The twin with which the crystal explains the peaks; None where it does so alone. What the
        other attributes say of peaks is of this crystal, and ``score`` is that of both.
    """

    oriented: OrientedCrystal
    scale: float
    scale_error: float
    distortion: np.ndarray
    hkl: np.ndarray
    explained: float
    residual: float
    forbidden: np.ndarray
    score: float
    intensity_score: float
    probability: float = float("nan")
    composition: Composition | None = None
    twin: Twin | None = None

    @property
    def crystal(self) -> Crystal:
        """The crystal."""
        return self.oriented.crystal

    @property
    def zone_axis(self) -> tuple[int, int, int]:
        """Lattice direction [uvw] along +z, into the screen."""
        return self.oriented.zone_axis

    @property
    def orientation(self) -> np.ndarray:
        """Rotation from the crystal to the image, shape (3, 3).

        See :class:`~hyperspy_twin.core.OrientedCrystal`.
        """
        return self.oriented.orientation

    @property
    def laue_zone(self) -> np.ndarray:
        """Order of the Laue zone of each peak, shape (n,); above 0 a thin crystal shows it."""
        repeats = zone_repeats(self.crystal, self.zone_axis)
        return np.abs(self.hkl @ self.zone_axis) // repeats

    @property
    def used(self) -> np.ndarray:
        """Whether the crystal, its twin or their streaks explain each peak, bool, shape (n,)."""
        own: np.ndarray = np.any(self.hkl, axis=1)
        if self.twin is None:
            return own
        return own | self.twin.hkl.any(axis=1) | self.twin.streaked

    @property
    def explained_with_twin(self) -> float:
        """Part of the peaks that the crystal explains, with its twin where it has one."""
        return self.explained if self.twin is None else self.twin.together

    @property
    def in_zone(self) -> np.ndarray:
        """Whether each peak is a reflection of the zone, whose planes hold columns, shape (n,)."""
        return self.hkl.any(axis=1) & (self.laue_zone == 0)

    @property
    def of_twin(self) -> Match:
        """The explanation that the twin gives by itself; ValueError where there is none."""
        if self.twin is None:
            raise ValueError(f"{self.label} has no twin")
        return replace(
            self,
            oriented=self.twin.law.twin_of(self.oriented),
            hkl=self.twin.hkl,
            forbidden=self.twin.forbidden,
            explained=self.twin.explained,
            residual=self.twin.residual,
            twin=None,
        )

    @property
    def phase(self) -> str:
        """Name of the crystal."""
        return self.crystal.name

    @property
    def label(self) -> str:
        """Crystal and zone axis, e.g. ``"Si [110]"``; four indices for a hexagonal cell."""
        return phase_label(self.crystal, self.zone_axis)


def rank_matches(
    matches: Sequence[Match], order: Sequence[str], *, calibrated: bool
) -> list[Match]:
    """Sort by falling score; what is equal to the best goes by the order of the candidates."""
    found = sorted(matches, key=lambda match: -match.score)
    margin = 0.0 if calibrated else EQUAL_SCORE
    equal = sum(match.score >= found[0].score - margin for match in found)
    rank = {name: number for number, name in reversed(list(enumerate(order)))}
    return sorted(found[:equal], key=lambda match: rank[match.phase]) + found[equal:]


def order_ties(matches: Sequence[Match], margin: float) -> list[Match]:
    """Order explanations so that the phases of a tie go by the closest scale, then by name.

    Tied are those by falling score that are within a margin of the best. Several by one phase stay
    in their order, those of the first phase before the other phases.
    """
    near = [match for match in matches if match.score > matches[0].score - margin]
    closeness: dict[str, float] = {}
    for match in near:
        closeness.setdefault(match.phase, round(abs(log(match.scale)), DIGITS))
    names = sorted(closeness, key=lambda name: (closeness[name], name))
    near.sort(key=lambda match: names.index(match.phase))
    return [*near, *matches[len(near) :]]


def keep_one_of_each(matches: list[Match]) -> list[Match]:
    """Keep the first explanation by each zone axis of each crystal, in their order."""
    found: dict[str, Match] = {}
    for match in matches:
        found.setdefault(match.label, match)
    return list(found.values())
