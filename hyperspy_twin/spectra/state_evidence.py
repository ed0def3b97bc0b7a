"""Probabilities of the states of a region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.spectra.lattices.fit import LatticeSpots
from hyperspy_twin.spectra.lattices.superlattices import FALSE_LATTICES

STATES = ("amorphous", "single crystal", "several crystals", "powder", "fringes")
# Share of the strongest spot's SNR at which a spot off the others is as likely a side effect
# (streak, satellite of a bent fringe) as a lattice: off a line, and off a lattice.
OFF_LINE, OFF_LATTICE = 0.01, 0.05
# A spot this close to a stronger one, relative to its length, belongs to it if strain is large.
SATELLITE = 0.05
# Sine of the angle within which spots are on one line.
COLLINEAR = float(np.sin(np.deg2rad(3.0)))
# Relative half width of a ring of spots.
RING_WIDTH = 0.03
# Unevenness above which the power between spots is that of crystallites, and its softness.
UNEVEN, UNEVEN_SPREAD = 3.6, 0.25
# Unevenness of mere noise, and the SNR of a spot that spreads as much as crystallites do.
QUIET, SPREADING = 2.4, 5e3
# SNR of the strongest spot above which spots along a line are fringes whatever is between them.
WEAK = 150.0
# Probability of one lattice where none is found, and of several crystals where the lattice is
# only assumed, as too few spots are seen.
NO_LATTICE, ASSUMED = 0.1, 0.2
# Logistic regression of many against few crystals on 280 simulated images of grains: constant,
# and the factors of the four numbers of _crowd.
MANY_CRYSTALS = np.array([-5.0, 1.6, 1.35, 1.6, -3.8])
# Share of the power off the first three lattices below which there are few crystals.
LITTLE = 0.1
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
    unevenness
        Of the power between the spots.
    """

    position: np.ndarray
    snr: np.ndarray
    reality: np.ndarray
    resolution: np.ndarray
    found: LatticeSpots
    unevenness: float


def state_probabilities(evidence: Evidence) -> np.ndarray:
    """Probability of each of :data:`STATES`, shape (5,).

    Noise or not, one line or a plane, one lattice or more, few or many crystals: each question is
    answered with a probability, and the states are the products.

    Parameters
    ----------
    evidence
        Spots with their lattices, and the unevenness of the power between them.

    Returns
    -------
    numpy.ndarray
        Sums to one.
    """
    some = 1 - float(np.prod(1 - evidence.reality))
    uneven = _logistic((unevenness_of(evidence) - UNEVEN) / UNEVEN_SPREAD)
    plane = _in_a_plane(evidence)
    proven = any(lattice.evidence > PROVEN for lattice in evidence.found.lattices)
    more = _more_than_one(evidence)
    crowd = _crowd(evidence)
    many = _logistic(float(MANY_CRYSTALS @ np.concatenate([[1.0], crowd])))
    # Lattices that hold all power leave nothing to further crystals, whatever is between the spots.
    many *= min(1.0, (1 - float(crowd[-1])) / LITTLE)
    if not proven:
        more = max(more, uneven)
    # Few weak spots of many crystallites may happen to lie along one line.
    weak = uneven / (1 + evidence.snr.max(initial=0.0) / WEAK)
    line = some * (1 - plane)
    return np.array(
        [
            (1 - some) * (1 - uneven),
            some * plane * (1 - more),
            some * plane * more * (1 - many),
            some * plane * more * many + line * weak + (1 - some) * uneven,
            line * (1 - weak),
        ]
    )


def _in_a_plane(evidence: Evidence) -> float:
    """Probability that the spots lie in more than one direction."""
    weight = clear(evidence, OFF_LINE)
    if not len(weight):
        return 0.0
    length = np.linalg.norm(evidence.position, axis=1)
    unit = evidence.position / length[:, None]
    on_line = np.abs(unit[:, None, 0] * unit[:, 1] - unit[:, None, 1] * unit[:, 0]) < COLLINEAR
    line = on_line[np.argmax(on_line @ (weight * np.log1p(evidence.snr)))]
    off = weight * ~line
    gap = np.linalg.norm(evidence.position[:, None] - evidence.position[line], axis=2)
    near = (gap < SATELLITE * length[line]).any(axis=1)
    off = np.where(near, clear(evidence, OFF_LATTICE) * ~line, off)
    return float(1 - np.prod(1 - off))


def _more_than_one(evidence: Evidence) -> float:
    """Probability that one lattice does not hold all spots."""
    found = evidence.found
    if not found.lattices:
        return 1 - NO_LATTICE
    proven = any(lattice.evidence > PROVEN for lattice in found.lattices)
    assumed = 0.0 if proven else ASSUMED
    off = clear(evidence, OFF_LATTICE)[(found.membership == 0) & (found.satellite == 0)]
    left = 1 - float(np.prod(1 - off))
    second = 1 - FALSE_LATTICES if len(found.lattices) > 1 else 0.0
    return float(1 - (1 - assumed) * (1 - left) * (1 - second))


def _crowd(evidence: Evidence) -> np.ndarray:
    """Measure what tells many crystallites from a few crystals, shape (4,).

    Logarithm of one plus the number of spots on the densest ring of those off the lattices,
    unevenness, lattices beyond the third, share of the power of spots that three lattices hold.
    """
    membership = evidence.found.membership
    off = (membership == 0) & (evidence.found.satellite == 0)
    weight = clear(evidence, OFF_LATTICE)
    radius = np.linalg.norm(evidence.position[off], axis=1)
    near = np.abs(radius[:, None] - radius) < RING_WIDTH * radius
    proven = [n for n, one in enumerate(evidence.found.lattices[:3], 1) if one.evidence > PROVEN]
    held = evidence.snr[np.isin(membership, proven)].sum()
    return np.array(
        [
            np.log1p((near @ weight[off]).max(initial=0.0)),
            min(unevenness_of(evidence), 6.0),
            max(len(evidence.found.lattices) - 3, 0),
            held / max(evidence.snr.sum(), 1.0),
        ]
    )


def _logistic(value: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(value, -50, 50))))


def unevenness_of(evidence: Evidence) -> float:
    """Unevenness without what strong spots spread by scan noise and sharp borders."""
    spread = 1 + evidence.snr.max(initial=0.0) / SPREADING
    return QUIET + (evidence.unevenness - QUIET) / spread


def clear(evidence: Evidence, share: float) -> np.ndarray:
    """Probability that each spot is neither noise nor a side effect of the strongest, (n,)."""
    relative = (evidence.snr / evidence.snr.max(initial=1.0)) ** 2
    return evidence.reality * relative / (relative + share**2)
