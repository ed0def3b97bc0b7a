"""What the evidence for the candidates amounts to: a phase, a tie, none of these, too few peaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp

from hyperspy_twin.core import Peaks
from hyperspy_twin.crystals.evidence import FADING, FLAT_LOG_SCALE, ScalePrior
from hyperspy_twin.crystals.indexing.common_scale import ImageScale, scale_density
from hyperspy_twin.crystals.indexing.matches import Match, order_ties
from hyperspy_twin.crystals.indexing.records import RegionPhase, record_twin
from hyperspy_twin.crystals.notation import plane_label

# Prior probabilities of what a region may be. They and the densities were set on the tuning half of
# benchmarks/phases.py.
UNLISTED = 0.1  # a crystal that is not among the candidates
NO_CRYSTAL = 0.1  # peaks of no crystal
BUNDLED = 0.4  # of the unlisted crystals: one of the bundled structures
ALIKE = 0.3  # of the unlisted crystals: like a candidate, but with another lattice constant
ALIKE_DENSITY = float(np.log(1.5))  # ln of the density of ln(lattice constant) of such a crystal
MINIMUM_PEAKS = 3  # that a phase explains: two fit many crystals
# Evidence from which peaks that no candidate explains are said to be those of a crystal.
MINIMUM_EVIDENCE = 1.0
REFUSED = 3 / 4  # probability of none of the candidates above which none is named
DOUBTED = 1 / 6  # and above which it is said
TIE = float(np.log(5.0))  # odds of five to one
# Of the strongest intensity: weaker peaks may come of noise, disorder or a superlattice.
STRONG = 0.05
NOTEWORTHY = 0.02  # relative error of scale or shape that the reason mentions


@dataclass(frozen=True)
class Verdict:
    """Outcome for one set of peaks.

    Attributes
    ----------
    best
        The accepted explanation; None where there is none.
    probability
        Of its phase or of what it is tied with; without one, of none of the candidates.
    reason
        One sentence that says why.
    ties
        Other explanations that are less than five times less likely.
    ranking
        Best explanation by each crystal, best first, with its probability.
    """

    best: Match | None
    probability: float
    reason: str
    ties: tuple[str, ...]
    ranking: tuple[Match, ...]


def weigh_alike(matches: Sequence[Match], prior: ScalePrior, candidates: int) -> float:
    """Logarithm of the evidence for a crystal like some candidate but of another size.

    ``matches`` are explanations by the candidates, each alone in its image, and ``prior`` is the
    distribution of ln(scale) behind their scores. -inf without matches.
    """
    if not matches:
        return -np.inf
    density = ALIKE_DENSITY if np.isfinite(prior.width) else FLAT_LOG_SCALE
    free = [match.score - scale_density(match, prior) for match in matches]
    return float(logsumexp(free)) + density - np.log(candidates)


def weigh_alternatives(plane_lattice: float, alike: float, bundled: float = -np.inf) -> float:
    """Logarithm of the evidence for none of the candidates, weighed by its prior probability.

    It is made of those for any plane lattice, for a crystal that is alike and for another bundled
    one. In the units of the scores; the evidence for peaks of no crystal is 1.
    """
    prior = np.log([1 - ALIKE - BUNDLED, ALIKE, BUNDLED])
    unlisted = logsumexp(prior + [plane_lattice, alike, bundled])
    return float(np.logaddexp(np.log(UNLISTED) + unlisted, np.log(NO_CRYSTAL)))


def judge(
    matches: list[Match],
    other: float,
    candidates: int,
    count: int,
    *,
    calibrated: bool = True,
    rival: Match | None = None,
) -> Verdict:
    """Judge the explanations of one set of peaks, given by falling score.

    ``other`` is as from :func:`weigh_alternatives`, ``candidates`` the number of these, ``count``
    that of the peaks, and ``rival`` the best explanation by a crystal that is no candidate. The
    verdict has ``best=None`` and a reason where the data do not support a phase.
    """
    if not matches:
        return _no_match(count, other)
    listed = np.log((1 - UNLISTED - NO_CRYSTAL) / candidates)
    weight = np.array([match.score for match in matches]) + listed
    total = np.logaddexp(logsumexp(weight), other)
    matches = [
        replace(match, probability=float(np.exp(one - total)))
        for match, one in zip(matches, weight, strict=True)
    ]
    none = float(np.exp(other - total))
    ranking = _first_of_each(matches)
    reason = _explain_failure(matches[0], none, rival)
    if reason is not None:
        return Verdict(None, none, reason, (), ranking)
    near = [match for match in matches if match.score > matches[0].score - TIE]
    if calibrated:
        matches = order_ties(matches, TIE)
        ranking = _first_of_each(matches)
    best = matches[0]
    near = [match for match in matches[: len(near)] if match is not best]
    names = (match.phase if match.phase != best.phase else match.label for match in near)
    ties = tuple(dict.fromkeys(names))
    reason = _describe(best, calibrated)
    if ties:
        cause = "at this uncertainty of the pixel size" if calibrated else "without a pixel size"
        tied = " = ".join((best.phase, *ties))
        reason = f"tie: {tied}: cannot be told apart by geometry {cause}; {reason}"
    if none > DOUBTED:
        reason += f"; with a probability of {none:.0%} it is none of these"
        reason += _name_rival(best, rival)
    tied_phases = {best.phase, *(match.phase for match in near)}
    probability = sum(match.probability for match in matches if match.phase in tied_phases)
    return Verdict(best, probability, reason, ties, ranking)


def _first_of_each(matches: Sequence[Match]) -> tuple[Match, ...]:
    """First explanation by each crystal."""
    first: dict[str, Match] = {}
    for match in matches:
        first.setdefault(match.phase, match)
    return tuple(first.values())


def refuse(ranking: tuple[Match, ...], explained: float) -> Verdict:
    """Take back the best of a ranking, which explains too little even with further crystals."""
    reason = f"none of these: the best, {name_explanation(ranking[0], ',')} {explained:.0%}"
    reason += " of the peaks"
    none = 1 - sum(match.probability for match in ranking)
    return Verdict(None, none, reason, (), ranking)


def cap_probability(record: RegionPhase, peaks: Peaks) -> RegionPhase:
    """Bound the probability of a phase by the part of the strong peaks that its region explains.

    A crystal that is not thought of, a twin or a grating may be behind the others, and then the
    phase may be as wrong as they are many. Satellites have an explanation.
    """
    own = np.asarray(peaks.satellite) == 0
    if record.match is None or not own.any():
        return record
    relative = np.where(own, peaks.intensity, 0) / np.max(peaks.intensity[own])
    weight = np.where(relative >= STRONG, relative, 0) ** (1 / FADING)
    seen = np.any([one.used for one in record.crystals], axis=0)
    left = float(weight[~seen].sum() / weight.sum())
    if 1 - left >= record.probability:
        return record
    reason = f"{record.reason}; {left:.0%} of the strong peaks have no explanation"
    twins = [
        one if one.as_twin is None else replace(one, probability=min(one.probability, 1 - left))
        for one in record.further
    ]
    return replace(record, probability=1 - left, reason=reason, further=tuple(twins))


def _explain_failure(match: Match, none: float, rival: Match | None) -> str | None:
    explained = int(match.used.sum())
    if explained < MINIMUM_PEAKS:
        return (
            f"too few peaks: the best, {name_explanation(match, ',')} {explained}, and "
            f"{MINIMUM_PEAKS} are the least that tell crystals apart"
        )
    if none > REFUSED:
        return (
            f"none of these, with a probability of {none:.0%}: the best, "
            f"{name_explanation(match, ',')} {match.explained_with_twin:.0%} of the peaks within "
            f"{match.residual:.2%}, at a pixel size that is wrong by {match.scale - 1:+.1%}"
            f"{_name_rival(match, rival)}"
        )
    return None


def _name_rival(match: Match, rival: Match | None) -> str:
    """Say which crystal that is no candidate explains the peaks better."""
    if rival is None or rival.score < match.score:
        return ""
    return (
        f"; {name_explanation(rival, ', which is no candidate,')} "
        f"{rival.explained_with_twin:.0%} of them, at {rival.scale - 1:+.1%}"
    )


def name_explanation(match: Match, apposition: str = "") -> str:
    """Name a crystal, and its twin where it has one, as what explains so much."""
    if match.twin is None:
        return f"{match.label}{apposition} explains"
    law = match.twin.law
    plane = plane_label(law.plane)
    return f"{match.label} and its {law.name} about {plane}{apposition} explain"


def _describe(best: Match, calibrated: bool) -> str:
    """Say what the match explains, and what it asks one to believe about the image."""
    reason = f"{name_explanation(best)} {best.explained_with_twin:.0%} of the peaks"
    reason += f" within {best.residual:.2%}"
    streaked = 0 if best.twin is None else int(best.twin.streaked.sum())
    if streaked:
        reason += f", {streaked} of them on streaks along the normal of the twin plane"
    if best.composition is not None:
        reason += f"; {best.composition.reason or best.composition}"
    if calibrated and abs(best.scale - 1) > NOTEWORTHY:
        reason += f", if the pixel size is wrong by {best.scale - 1:+.1%}"
    distortion = float(np.hypot(best.distortion[0, 0] - 1, best.distortion[0, 1]))
    if distortion > NOTEWORTHY:
        reason += f", if the image is distorted by {distortion:.1%}"
    return reason


def _no_match(count: int, other: float) -> Verdict:
    if other > np.log(NO_CRYSTAL) + MINIMUM_EVIDENCE:
        reason = "none of these: the peaks form a plane lattice, but that of no candidate"
        return Verdict(None, 1.0, reason, (), ())
    reason = "too few peaks: no two along different directions that any candidate could explain"
    if count < 2:
        reason = f"too few peaks: {count}; at least two that are not collinear are needed"
    return Verdict(None, float("nan"), reason, (), ())


def make_record(verdict: Verdict, common: ImageScale | None, peaks: Peaks) -> RegionPhase:
    """Write down a verdict, with the twin if there is one.

    The image has no common scale if no region has a phase.
    """
    answered = verdict.best is not None and common is not None
    record = RegionPhase(
        region=peaks.region,
        match=verdict.best if answered else None,
        peak_count=len(peaks),
        probability=verdict.probability,
        scale=common.scale if answered and common else np.nan,
        distortion=common.distortion if answered and common else np.eye(2),
        reason=verdict.reason,
        ties=verdict.ties if answered else (),
        ranking=verdict.ranking,
    )
    twin = record_twin(record)
    return record if twin is None else replace(record, further=(twin,))
