"""Whether a ring between the peaks is the halo of a glass."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from hyperspy_twin.core import Grid
from hyperspy_twin.spectra.ring_sums import HIGHEST
from hyperspy_twin.spectra.rings import RadialProfile, Rings

# nm. Spacings 2 pi / Q at which glasses have their first maxima: 0.41 nm for silica (Q = 15.2/nm,
# A.C. Wright, J. Non-Cryst. Solids 179 (1994) 84), around 0.32 nm for germanium and silicon
# (G. Etherington et al., J. Non-Cryst. Solids 48 (1982) 265; K. Laaziri et al., Phys. Rev. Lett. 82
# (1999) 3460), near 0.2 nm for metallic glasses and carbon; up to 0.5 nm in chalcogenides
# (S.R. Elliott, Nature 354 (1991) 445).
WIDEST_SPACING = 0.5
CLOSEST_SPACING = 0.15
# Full width over radius below which a ring is one of crystallites: by 0.9 / width (P. Scherrer)
# the order reaches over nine spacings.
NARROWEST = 0.1
# Above which it is none of a glass. Packed germanium in a focused probe has 0.41 to 0.58
# (tests/spectra/test_halo.py); noise through the difference of two Gaussian filters 0.81 or more,
# 0.66 to 0.75 above what the profile shows of its inner side.
BROADEST = 0.65
# Standard errors by which the ring rises above both of its sides: one image of noise of a thousand
# does (tests/spectra/test_halo.py).
SIGNIFICANCE = 5.0
# In each of four directions the ring reaches at least this fraction of its mean height: square
# filters make lobes along x and y only.
IN_EACH_DIRECTION = 0.5
# Standard errors that chance may take away from it there.
CHANCE = 2.0
# Fraction of the power at the longest periods that a ring reaches at least: the lobes of a filter
# that takes means reach 0.047 in squares, (sin x / x)^2, and 0.017 in discs, (2 J1(x) / x)^2.
OF_CENTRE = 0.1
# Rings over which the power at the longest periods is averaged.
CENTRE_RINGS = 3
# Relative difference of the distances between squared radii of three rings that are alike. The
# rings of phase contrast have equal ones (F. Thon, Z. Naturforsch. 21a (1966) 476), those of
# silicon and germanium glass about 2 : 4.
THON = 0.2
# nm. Spacing from which pixels that do not show it show no lattice planes: those of the largest
# spacings of most metals and semiconductors lie below, see methods.COMMON_SPACING.
COARSE = 0.4
# nm. Spacing of the planes that the pixels have to show so that none of note is missed.
FINE = 0.2


def finest_spacing(grid: Grid) -> float:
    """Shortest spacing that the pixels show, in the unit of the grid."""
    return max(grid.scale) / HIGHEST


def resolves_planes(grid: Grid) -> bool:
    """Whether the pixels of a grid in nm are fine enough for lattice planes."""
    return finest_spacing(grid) <= COARSE


def describe_pixels(grid: Grid) -> str:
    """Say what pixels in nm do not resolve; empty where they show all planes of note."""
    if not resolves_planes(grid):
        return f"the pixels ({max(grid.scale):.2g} nm) do not resolve lattice planes"
    finest = finest_spacing(grid)
    return f"planes closer than {finest:.2g} nm are not resolved" if finest > FINE else ""


def find_halo(profile: RadialProfile, rings: Rings) -> tuple[Rings, str]:
    """Find the halo of a glass among the rings of the noise of a region.

    It is a ring at the spacings of the first maxima of glasses, broader than one of crystallites
    and narrower than what a filter leaves of noise, as high in all directions, and none of several
    that a lens makes.

    Parameters
    ----------
    profile
        Radial profile of the region in 1/nm.
    rings
        Its rings, the most prominent first.

    Returns
    -------
    halo : Rings
        One ring, or none.
    reason
        Why the most prominent ring is no halo; empty where there is none or it is one.
    """
    reasons = [_no_halo(profile, rings, number) for number in range(len(rings))]
    for number, reason in enumerate(reasons):
        if not reason:
            one = slice(number, number + 1)
            return Rings(*(value[one] for value in vars(rings).values())), ""
    return Rings.none(), reasons[0] if reasons else ""


def _no_halo(profile: RadialProfile, rings: Rings, number: int) -> str:
    """Why a ring is no halo; empty where it is one."""
    radius, width = float(rings.radius[number]), float(rings.width[number])
    if _is_thon_ring(rings.radius, radius):
        return "one of those of the contrast transfer"
    if not 1 / WIDEST_SPACING <= radius <= 1 / CLOSEST_SPACING:
        return f"at the spacing {1 / radius:.2g} nm, where no glass has its first one"
    if width < NARROWEST * radius:
        return "too narrow for a glass"
    if width > BROADEST * radius:
        return "too broad for a glass"
    centre = float(np.mean(profile.noise[:CENTRE_RINGS]))
    if float(np.interp(radius, profile.radius, profile.noise)) < OF_CENTRE * centre:
        return "as weak as a smoothing filter leaves one"
    weight = 1 / profile.noise_error**2
    height, error = _height(profile.radius, np.log(profile.noise), weight, radius, width)
    if not height > SIGNIFICANCE * error:
        return "not clear of the noise"
    for values, errors in zip(profile.by_direction, profile.direction_error, strict=True):
        part, chance = _height(profile.radius, values, 1 / errors**2, radius, width)
        if not part + CHANCE * chance > IN_EACH_DIRECTION * height:
            return "not the same in all directions"
    return ""


def _height(
    radii: np.ndarray, values: np.ndarray, weight: np.ndarray, radius: float, width: float
) -> tuple[float, float]:
    """Height of a ring in a logarithmic profile above the higher of its sides, and its error.

    NaN where the profile does not reach over the ring.
    """
    means, variances = [], []
    for shift in (0, -1, 1):
        chosen = (np.abs(radii - radius - shift * width) <= width / 4) & (weight > 0)
        if not chosen.any():
            return np.nan, np.nan
        means.append(np.average(values[chosen], weights=weight[chosen]))
        variances.append(1 / weight[chosen].sum())
    side = 1 + int(np.argmax(means[1:]))
    return float(means[0] - means[side]), float(np.sqrt(variances[0] + variances[side]))


def _is_thon_ring(radii: np.ndarray, radius: float) -> bool:
    """Whether the squares of three neighbouring rings, this one among them, are equidistant."""
    ordered = np.sort(radii)
    steps = np.diff(ordered**2)
    for first, (inner, outer) in enumerate(pairwise(steps)):
        alike = abs(outer - inner) < THON * 0.5 * (inner + outer)
        if alike and radius in ordered[first : first + 3]:
            return True
    return False
