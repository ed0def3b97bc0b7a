"""The composition of an alloy by its lattice spacing, where the pixel size is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp

from hyperspy_twin.core import Crystal, Peaks
from hyperspy_twin.crystals.evidence import ScalePrior, log_scale_density
from hyperspy_twin.crystals.indexing.matches import Composition, Match
from hyperspy_twin.crystals.indexing.settings import CALIBRATED, IndexingSettings
from hyperspy_twin.crystals.structures import AlloyFamily, family_of, family_of_member

# Part of the strain that distorts a plane lattice by which its mean spacing changes, too. A layer
# held in its plane and free along its normal has (1 - n) / (1 + n): 0.14 in bulk germanium, where
# n = 2 C12 / C11 = 0.75, and 0.46 in a thin foil along [110], where n = 0.37. The mean of both.
STRAIN_OF_SPACING = 0.3
# Standard error of x from which on a spacing says no more than that x is from 0 to 1.
KNOWS_NOTHING = 1 / np.sqrt(12)
GATE = 3.0  # standard errors: a scale that is so far beyond a limit is beyond it
# ln(odds): what is ruled out is less likely than any crystal that nobody thought of.
RULED_OUT = 100.0
STEPS = 201  # of the integral over x, each far below the error of a spacing
# Relative: an error below this is none; kept out of zero for the sake of divisions.
EXACT = 1e-6


@dataclass(frozen=True)
class KnownScale:
    """How well the pixel size of an image is known.

    Attributes
    ----------
    limit
        Largest relative error.
    error
        Relative standard error.
    """

    limit: float
    error: float

    @property
    def prior(self) -> ScalePrior:
        """Distribution of ln(scale), without doubt."""
        return CALIBRATED._replace(limit=self.limit, doubt=0.0)


def known_scale(settings: IndexingSettings) -> KnownScale | None:
    """How well the pixel size is known; None where nobody says."""
    if not settings.calibrated:
        return None
    if settings.calibration_error is not None:
        return KnownScale(settings.calibration_error, settings.calibration_error)
    if settings.pixel_size_error is not None:
        return KnownScale(EXACT, max(settings.pixel_size_error, EXACT))
    return None


def tells_composition(family: AlloyFamily, known: KnownScale | None) -> bool:
    """Whether a spacing in an image of this scale says something about the composition."""
    return known is not None and _error_of_x(family, 0.5, known.error) < KNOWS_NOTHING


def tell_by_spacing(crystals: Sequence[Crystal], known: KnownScale | None) -> bool:
    """Whether there are alloys among the candidates, of open or stated x, that a spacing tells."""
    families = (family_of_member(crystal) for crystal in crystals)
    return any(family is not None and tells_composition(family, known) for family in families)


def why_withheld(family: AlloyFamily, known: KnownScale | None) -> str:
    """Say why an image tells nothing about the composition of an alloy."""
    per_cent = _error_of_x(family, 0.5, 0.01)
    cause = "the error of the pixel size is not known"
    if known is not None:
        cause = f"the pixel size is known to {known.error:.2g} only"
    return (
        f"x of {family.name} is withheld: {cause}, and 1 % of it is {per_cent:.2g} in x; give "
        "calibration_error, or name an alloy of known x"
    )


def rule_out(matches: Sequence[Match], limit: float) -> list[Match]:
    """Take from the score of what asks for a larger error of the pixel size than there can be.

    Beyond the limit lies a scale that exceeds it by three standard errors, its own and that of the
    strain of its lattice.
    """
    found = []
    for match in matches:
        own = GATE * float(np.hypot(match.scale_error, strain_of_spacing(match)))
        beyond = abs(np.log(match.scale)) > np.log1p(limit) + own
        found.append(replace(match, score=match.score - RULED_OUT) if beyond else match)
    return found


def strain_of_spacing(match: Match) -> float:
    """Relative standard error of the mean spacing that the distortion of a lattice implies."""
    stretch, shear = match.distortion[0]
    return STRAIN_OF_SPACING * float(np.hypot(stretch - 1, shear))


def weigh_at_known_scale(
    matches: Sequence[Match], peaks: Peaks, known: KnownScale, before: ScalePrior
) -> list[Match]:
    """Score explanations anew where the pixel size is known, alloys at the x of their spacing.

    All x are alike before the spacing is seen. An end of a family stays the answer where it is a
    candidate and x is within its error of it.

    Parameters
    ----------
    matches
        Explanations of the peaks of one region; those by alloys are of any x.
    peaks
        The peaks.
    known
        How well the pixel size is known.
    before
        Distribution of ln(scale) behind the present scores.
    """
    labels = {match.label for match in matches}
    found = []
    for match in matches:
        free = match.score - log_scale_density(np.log(match.scale), match.scale_error, before)
        error = _spread(match, known)
        family = family_of(match.crystal)
        if family is None:
            density = log_scale_density(np.log(match.scale), error, known.prior)
        else:
            density = _mean_density(family, match, error, known)
            match = with_composition(match, peaks, known)
            if _is_an_end(family, match, error, labels):
                continue
        found.append(replace(match, score=float(free + max(density, -RULED_OUT))))
    return sorted(found, key=lambda one: -one.score)


def with_composition(match: Match, peaks: Peaks, known: KnownScale | None) -> Match:
    """Explanation by an alloy with its composition, as the spacing has it; any other as it is.

    The crystal is that of this composition. Where the image says nothing about it, it stays as it
    is, and the composition says why.
    """
    family = family_of(match.crystal)
    if family is None:
        return match
    if known is None or not tells_composition(family, known):
        return replace(match, composition=Composition(reason=why_withheld(family, known)))
    old, x = match.crystal.lattice[0], _nearest_x(family, match)
    spacing = float(np.hypot(strain_of_spacing(match), _error_of_spacing(match, peaks)))
    error = _error_of_x(family, x, float(np.hypot(known.error, spacing)))
    if error >= KNOWS_NOTHING:
        reason = f"x of {family.name} is withheld: its standard error would be {error:.2g}"
        return replace(match, composition=Composition(reason=reason))
    crystal = family.crystal(x)
    return replace(
        match,
        oriented=replace(match.oriented, crystal=crystal),
        scale=match.scale * crystal.lattice[0] / old,
        composition=Composition(x, error),
    )


def weighed_candidates(crystals: Sequence[Crystal], settings: IndexingSettings) -> list[Crystal]:
    """Candidates without alloys that nobody asked for where the image does not tell their x."""
    known = known_scale(settings)
    found = []
    for crystal in crystals:
        family = family_of(crystal)
        if family is None or settings.alloys_asked or tells_composition(family, known):
            found.append(crystal)
    return found


def spread_families(crystals: Sequence[Crystal], spread: float) -> list[Crystal]:
    """Candidates with members of each family in its place, whose spacings differ by a spread."""
    found: list[Crystal] = []
    for crystal in crystals:
        family = family_of(crystal)
        if family is None:
            found.append(crystal)
            continue
        ends = [family.lattice_constant(x) for x in (0.0, 1.0)]
        count = max(2, int(np.ceil(abs(np.log(ends[1] / ends[0])) / spread)))
        found += [family.crystal((number + 0.5) / count) for number in range(count)]
    return found


def name_unweighed(
    phase: str | None, unweighed: Sequence[Crystal], known: KnownScale | None
) -> str:
    """Say which alloys near a phase were not weighed, and why; empty where there are none."""
    families = [family_of(crystal) for crystal in unweighed]
    names = [family.name for family in families if family and phase in family.ends]
    if not names:
        return ""
    cause = "not known" if known is None else "too large"
    return f"; not weighed, since the error of the pixel size is {cause}: {', '.join(names)}"


def _spread(match: Match, known: KnownScale) -> float:
    gauss = 0.0 if known.limit > EXACT else known.error
    return float(np.sqrt(match.scale_error**2 + gauss**2 + strain_of_spacing(match) ** 2))


def _mean_density(family: AlloyFamily, match: Match, error: float, known: KnownScale) -> float:
    """Logarithm of the density of the scale, averaged over all compositions."""
    present = match.crystal.lattice[0] / match.scale
    scales = [np.log(family.lattice_constant(x) / present) for x in np.linspace(0, 1, STEPS)]
    values = [log_scale_density(float(scale), error, known.prior) for scale in scales]
    return float(logsumexp(values) - np.log(STEPS))


def _is_an_end(family: AlloyFamily, match: Match, error: float, labels: set[str]) -> bool:
    """Whether an end of the family, which is a candidate, is within the error of x."""
    x = _nearest_x(family, match)
    ends = ((0.0, family.ends[0]), (1.0, family.ends[1]))
    zone = match.label.removeprefix(match.phase)
    return any(
        name + zone in labels and abs(x - end) <= _error_of_x(family, x, error)
        for end, name in ends
    )


def _nearest_x(family: AlloyFamily, match: Match) -> float:
    """Composition of the spacing that a match shows, or the end next to it."""
    return float(np.clip(family.composition(match.crystal.lattice[0] / match.scale), 0, 1))


def _error_of_spacing(match: Match, peaks: Peaks) -> float:
    """Relative standard error of the mean spacing, by the errors of the peaks or their scatter."""
    used = match.hkl.any(axis=1)
    position = np.asarray(peaks.position, float)[used]
    variance = np.maximum(np.mean(np.asarray(peaks.error, float)[used] ** 2, axis=-1), 1e-30)
    information = float(((position**2).sum(axis=1) / variance).sum())
    return max(1 / np.sqrt(information), match.residual / np.sqrt(max(used.sum(), 1)))


def _error_of_x(family: AlloyFamily, x: float, relative: float) -> float:
    """Give the error of the composition that a relative one of the lattice constant makes."""
    return float(relative * family.lattice_constant(x) / abs(family.slope(x)))
