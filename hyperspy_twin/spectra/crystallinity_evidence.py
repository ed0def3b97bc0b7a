"""Probabilities of how crystalline a region is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from hyperspy_twin.spectra.lattices import FALSE_LATTICES, PeakLattices

NAMES = ("no lattice seen", "single crystal", "several crystals", "powder", "fringes")
# Fraction of the strongest peak's SNR at which a peak off a line of others is as likely a side
# effect (of harmonics, distortions, the neighbourhood of the region) as a lattice. This and the
# constants below without another reason are set on the tuning half of benchmarks/spots.py.
OFF_LINE = 0.003
# The same for a peak off a lattice.
OFF_LATTICE = 0.05
# The same for a peak adjacent to a single stronger one, where bending, fringes of thickness and
# rows of a scan put satellites and streaks.
ADJACENT = 0.05
# What is adjacent to a peak: within this many times its width ...
NEAR = 5.0
# ... within this fraction of its length, if strain is large ...
SATELLITE = 0.05
# ... or within this many times its width across the streak of a scan.
STREAK = 2.5
# Sine of the angle within which peaks are on one line.
COLLINEAR = float(np.sin(np.deg2rad(3.0)))
# Probability of one lattice where none is found.
NO_LATTICE = 0.1
# Probability of several crystals where the lattice is only assumed, as too few peaks are seen.
ASSUMED = 0.2
# Logistic regression of many crystallites against all else, each kind of scene weighing alike
# (`benchmarks/spots_states.py`): constant, and the factors of the five numbers of
# `measure_crystallites`.
MANY_CRYSTALS = np.array([-9.65, 1.24, 4.42, -1.94, 2.73, 5.22])
# Graininess above which more of it tells nothing more, since then something is grainy for sure.
GRAINIEST = 6.0
# Relative widths of rings below which they are all alike: crystallites of 20 spacings make those.
NARROWEST = 0.05
# Relative width above which they are all alike: no crystallites that show a ring have wider ones.
WIDEST = 0.5
# Evidence from which a lattice is more than an assumption.
PROVEN = 3.0


@dataclass(frozen=True)
class Evidence:
    """What the crystallinity of a region is judged by.

    Attributes
    ----------
    position, snr
        The peaks, shapes (n, 2) and (n,).
    reality
        Probability that each peak is not noise, shape (n,).
    resolution
        Standard deviation of the width of a peak, shape (2,).
    found
        Their lattices.
    graininess
        Of the power between the peaks.
    ring_width
        Relative width of all that is scattered between the peaks.
    resolves_planes
        Whether the pixels are fine enough for lattice planes, and so for the rings of a powder.
    """

    position: np.ndarray
    snr: np.ndarray
    reality: np.ndarray
    resolution: np.ndarray
    found: PeakLattices
    graininess: float
    ring_width: float
    resolves_planes: bool = True


def crystallinity_probabilities(evidence: Evidence) -> np.ndarray:
    """Probability of each of :data:`NAMES`, shape (5,).

    Many crystallites or not; if not, any peak or none, one line or a plane, one lattice or more:
    each question is answered with a probability, and the results are the products.

    Parameters
    ----------
    evidence
        Peaks with their lattices, and what is between them.

    Returns
    -------
    numpy.ndarray
        Sums to one.
    """
    some = 1 - float(np.prod(1 - evidence.reality))
    plane = _in_a_plane(evidence)
    more = _more_than_one(evidence)
    many = 0.0
    if evidence.resolves_planes:
        many = float(expit(MANY_CRYSTALS[0] + MANY_CRYSTALS[1:] @ measure_crystallites(evidence)))
    few = np.array([1 - some, some * plane * (1 - more), some * plane * more, some * (1 - plane)])
    return np.insert((1 - many) * few, NAMES.index("powder"), many)


def _in_a_plane(evidence: Evidence) -> float:
    """Probability that the peaks lie in more than one direction."""
    weight = weigh_clear_peaks(evidence, OFF_LINE)
    if not len(weight):
        return 0.0
    length = np.linalg.norm(evidence.position, axis=1)
    unit = evidence.position / length[:, None]
    on_line = np.abs(unit[:, None, 0] * unit[:, 1] - unit[:, None, 1] * unit[:, 0]) < COLLINEAR
    line = on_line[np.argmax(on_line @ (weight * np.log1p(evidence.snr)))]
    seen = 1 - float(np.prod(1 - weight[~line]))
    # Side effects do not lie on a plane lattice.
    certain = [one.evidence for one in evidence.found.lattices if one.evidence > PROVEN]
    return max([seen, *(1 - math.exp(-value) for value in certain)])


def _more_than_one(evidence: Evidence) -> float:
    """Probability that one lattice does not hold all peaks."""
    found = evidence.found
    if not found.lattices:
        return 1 - NO_LATTICE
    assumed = 0.0 if is_proven(evidence.found) else ASSUMED
    off = weigh_clear_peaks(evidence, OFF_LATTICE)[(found.membership == 0) & (found.satellite == 0)]
    left = 1 - float(np.prod(1 - off))
    second = 1 - FALSE_LATTICES if len(found.lattices) > 1 else 0.0
    return float(1 - (1 - assumed) * (1 - left) * (1 - second))


def measure_crystallites(evidence: Evidence) -> np.ndarray:
    """Measure what tells many crystallites from all else, shape (5,).

    Graininess of the power between the peaks, and logarithms of: the narrowness of its rings, the
    SNR of the strongest peak, which no small crystallite reaches, the number of peaks, and the
    number of real ones where no lattice is more than an assumption.

    Parameters
    ----------
    evidence
        Peaks with their lattices, and what is between them.
    """
    return np.array(
        [
            np.clip(evidence.graininess, 0, GRAINIEST),
            -np.log(np.clip(evidence.ring_width, NARROWEST, WIDEST)),
            np.log1p(evidence.snr.max(initial=0.0)),
            np.log1p(len(evidence.snr)),
            0.0 if is_proven(evidence.found) else np.log1p(evidence.reality.sum()),
        ]
    )


def is_proven(found: PeakLattices) -> bool:
    """Whether a lattice is more than an assumption."""
    return any(lattice.evidence > PROVEN for lattice in found.lattices)


def weigh_clear_peaks(evidence: Evidence, fraction: float) -> np.ndarray:
    """Probability that each peak is neither noise nor a side effect of a stronger one, (n,)."""
    snr, position = evidence.snr, evidence.position
    apart = position[:, None] - np.stack([position, -position])[:, None]
    widths = np.abs(apart) / evidence.resolution
    near = np.hypot(*np.moveaxis(widths, -1, 0)) < NEAR
    near |= np.linalg.norm(apart, axis=-1) < SATELLITE * np.linalg.norm(position, axis=1)
    near |= widths[..., 0] < STREAK
    stronger = np.where(near.any(axis=0) & (snr > snr[:, None]), snr, 0.0).max(axis=1, initial=0.0)
    level = np.maximum(fraction * snr.max(initial=1.0), ADJACENT * stronger)
    return evidence.reality / (1 + (level / snr) ** 2)
