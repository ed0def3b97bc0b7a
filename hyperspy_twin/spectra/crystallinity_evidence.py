"""Probabilities of the states of a region."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hyperspy_twin.spectra.lattices.fit import LatticeSpots
from hyperspy_twin.spectra.lattices.superlattices import FALSE_LATTICES

STATES = ("amorphous", "single crystal", "several crystals", "powder", "fringes")
# Share of the strongest spot's SNR at which a spot elsewhere is as likely a side effect (of
# harmonics, distortions, the neighbourhood of the region) as a lattice: off a line, off a lattice.
OFF_LINE, OFF_LATTICE = 0.003, 0.05
# The same beside a single stronger spot, where bending, fringes of thickness and rows of a scan
# put satellites and streaks.
BESIDE = 0.05
# What is beside a spot: within this many times its width, within this share of its length if
# strain is large, or within this many times its width across the streak of a scan.
NEAR, SATELLITE, STREAK = 5.0, 0.05, 2.5
# Sine of the angle within which spots are on one line.
COLLINEAR = float(np.sin(np.deg2rad(3.0)))
# Probability of one lattice where none is found, and of several crystals where the lattice is
# only assumed, as too few spots are seen.
NO_LATTICE, ASSUMED = 0.1, 0.2
# Logistic regression of many crystallites against all else, each kind of scene weighing alike
# (`benchmarks/spots_states.py`): constant, and the factors of the five numbers of `crystallites`.
MANY_CRYSTALS = np.array([-9.65, 1.24, 4.42, -1.94, 2.73, 5.22])
# Graininess above which more of it tells nothing more, since then something is grainy for sure.
GRAINIEST = 6.0
# Relative widths of rings beyond which they are all alike: narrower ones than crystallites of 20
# spacings make, and wider ones than any of crystallites that show a ring at all.
NARROWEST, WIDEST = 0.05, 0.5
# Evidence from which a lattice is more than an assumption.
PROVEN = 3.0


@dataclass(frozen=True)
class Evidence:
    """What the state of a region is judged by.

    Attributes
    ----------
    position, snr
        The spots, shapes (n, 2) and (n,).
    reality
        Probability that each spot is not noise, shape (n,).
    resolution
        Standard deviation of the width of a spot, shape (2,).
    found
        Their lattices.
    graininess
        Of the power between the spots.
    ring_width
        Relative width of all that is scattered between the spots.
    """

    position: np.ndarray
    snr: np.ndarray
    reality: np.ndarray
    resolution: np.ndarray
    found: LatticeSpots
    graininess: float
    ring_width: float


def state_probabilities(evidence: Evidence) -> np.ndarray:
    """Probability of each of :data:`STATES`, shape (5,).

    Many crystallites or not; if not, noise or not, one line or a plane, one lattice or more: each
    question is answered with a probability, and the states are the products.

    Parameters
    ----------
    evidence
        Spots with their lattices, and what is between them.

    Returns
    -------
    numpy.ndarray
        Sums to one.
    """
    some = 1 - float(np.prod(1 - evidence.reality))
    plane = _in_a_plane(evidence)
    more = _more_than_one(evidence)
    many = _logistic(float(MANY_CRYSTALS[0] + MANY_CRYSTALS[1:] @ crystallites(evidence)))
    few = np.array([1 - some, some * plane * (1 - more), some * plane * more, some * (1 - plane)])
    return np.insert((1 - many) * few, STATES.index("powder"), many)


def _in_a_plane(evidence: Evidence) -> float:
    """Probability that the spots lie in more than one direction."""
    weight = clear(evidence, OFF_LINE)
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
    """Probability that one lattice does not hold all spots."""
    found = evidence.found
    if not found.lattices:
        return 1 - NO_LATTICE
    assumed = 0.0 if proven(evidence.found) else ASSUMED
    off = clear(evidence, OFF_LATTICE)[(found.membership == 0) & (found.satellite == 0)]
    left = 1 - float(np.prod(1 - off))
    second = 1 - FALSE_LATTICES if len(found.lattices) > 1 else 0.0
    return float(1 - (1 - assumed) * (1 - left) * (1 - second))


def crystallites(evidence: Evidence) -> np.ndarray:
    """Measure what tells many crystallites from all else, shape (5,).

    Graininess of the power between the spots, and logarithms of: the narrowness of its rings, the
    SNR of the strongest spot, which no small crystallite reaches, the number of spots, and the
    number of real ones where no lattice is more than an assumption.

    Parameters
    ----------
    evidence
        Spots with their lattices, and what is between them.
    """
    return np.array(
        [
            np.clip(evidence.graininess, 0, GRAINIEST),
            -np.log(np.clip(evidence.ring_width, NARROWEST, WIDEST)),
            np.log1p(evidence.snr.max(initial=0.0)),
            np.log1p(len(evidence.snr)),
            0.0 if proven(evidence.found) else np.log1p(evidence.reality.sum()),
        ]
    )


def proven(found: LatticeSpots) -> bool:
    """Whether a lattice is more than an assumption."""
    return any(lattice.evidence > PROVEN for lattice in found.lattices)


def _logistic(value: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(value, -50, 50))))


def clear(evidence: Evidence, share: float) -> np.ndarray:
    """Probability that each spot is neither noise nor a side effect of a stronger one, (n,)."""
    snr, position = evidence.snr, evidence.position
    apart = position[:, None] - np.stack([position, -position])[:, None]
    widths = np.abs(apart) / evidence.resolution
    near = np.hypot(*np.moveaxis(widths, -1, 0)) < NEAR
    near |= np.linalg.norm(apart, axis=-1) < SATELLITE * np.linalg.norm(position, axis=1)
    near |= widths[..., 0] < STREAK
    stronger = np.where(near.any(axis=0) & (snr > snr[:, None]), snr, 0.0).max(axis=1, initial=0.0)
    level = np.maximum(share * snr.max(initial=1.0), BESIDE * stronger)
    return evidence.reality / (1 + (level / snr) ** 2)
