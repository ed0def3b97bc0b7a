"""The plane lattices that a set of spots shows, fitted one after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from hyperspy_twin.spectra.lattices.refinement import (
    COPY_REACH,
    COPY_TOLERANCE,
    LatticeFit,
    copied,
    distortion_scale,
    from_pair,
    refined,
)
from hyperspy_twin.spectra.lattices.satellites import find_satellites
from hyperspy_twin.spectra.lattices.search import copy_evidence, pair_evidence, spot_pairs
from hyperspy_twin.spectra.lattices.superlattices import (
    FALSE_LATTICES,
    enlarged,
    of_strong_spots,
    without_twin,
)

# Peaks of a distorted lattice stay on a common one but for this share of their length, and
# but for this share of the resolution, whatever their own error.
RELATIVE_TOLERANCE, RESOLUTION_TOLERANCE = 0.003, 0.1
# Factor on both where else no lattice is found, and the number of spots that it takes.
LOOSE, FEWEST_LOOSE = 3.0, 5
# The maximum of a broad spot lies this close to its lattice point, in units of the resolution.
LARGEST_ERROR = 0.25
MOST_LATTICES = 8
# Chance at which the first lattice is taken: spots without any are rare.
FIRST_FALSE = 0.1
# Evidence by which pairs may differ that span the same lattice, with more or less precision.
TIE = 8.0
# Least length of a lattice vector in units of the resolution.
SHORTEST = 3.0
# Share of the spots that a lattice must explain to be taken for granted without further evidence.
LEAST_SHARE = 0.6
# SNR at which a spot weighs nothing, and the least weight of any spot.
NOISE, LEAST_WEIGHT = 8.0, 0.1


@dataclass(frozen=True)
class Lattice:
    """A plane lattice of spots.

    Attributes
    ----------
    basis
        Reduced basis in rows, shape (2, 2), in 1/nm.
    covariance
        Covariance of the basis, shape (4, 4), in the order of ``basis.ravel()``.
    evidence
        Logarithm of how much likelier the spots are on this lattice than anywhere, less what the
        choice among all trial lattices gives by chance.
    """

    basis: np.ndarray
    covariance: np.ndarray
    evidence: float

    @property
    def fit(self) -> LatticeFit:
        """Lattice as it was fitted, without members."""
        return LatticeFit(self.basis, self.covariance[::2, ::2], self.covariance[1::2, 1::2])

    def indices(self, position: np.ndarray) -> np.ndarray:
        """Integer coordinates of the lattice points next to spots, shape (n, 2)."""
        return np.rint(position @ np.linalg.inv(self.basis)).astype(int)


@dataclass(frozen=True)
class LatticeSpots:
    """Lattices of a set of spots, strongest first.

    Attributes
    ----------
    lattices
        The lattices.
    membership
        Number of the lattice of each spot, from 1; 0 for a spot on none; shape (n,).
    satellite
        Number of the lattice that a spot is a satellite of, displaced from its points by a wave
        vector that it shares with other spots; 0 for any other spot; shape (n,). A satellite is
        no member.
    """

    lattices: tuple[Lattice, ...]
    membership: np.ndarray
    satellite: np.ndarray


def find_lattices(
    position: np.ndarray, error: np.ndarray, snr: np.ndarray, resolution: np.ndarray
) -> LatticeSpots:
    """Find the plane lattices of a set of spots.

    Pairs of spots, and turned or mirrored copies of a lattice that is found already, propose
    lattices; the other spots are the evidence. What the first lattice leaves goes into the
    search of the second, and so on, until no lattice stands out from chance. Where none does,
    larger distortions are allowed, as of unresolved pairs of spots.

    Parameters
    ----------
    position
        Spots, one of each Friedel pair, strongest first, shape (n, 2).
    error
        Their standard errors, shape (n, 2).
    snr
        Their power over that of the noise, shape (n,); weak spots count less.
    resolution
        Standard deviation of the width of a spot along x and y, shape (2,).

    Returns
    -------
    LatticeSpots
        The lattices; a set of spots along one line has none.
    """
    length = np.linalg.norm(position, axis=1, keepdims=True)
    measured = np.minimum(error, LARGEST_ERROR * resolution) ** 2
    distorted = (RELATIVE_TOLERANCE * length) ** 2 + (RESOLUTION_TOLERANCE * resolution) ** 2
    shortest = SHORTEST * float(resolution.max())
    found = _search(position, (measured, distorted), snr, shortest)
    if len(found.lattices) or len(position) < FEWEST_LOOSE:
        return found
    return _search(position, (measured, LOOSE**2 * distorted), snr, shortest)


def _search(
    position: np.ndarray, variances: tuple[np.ndarray, np.ndarray], snr: np.ndarray, shortest: float
) -> LatticeSpots:
    """Take one lattice, or the satellites of one, after the other."""
    measured, distorted = variances
    membership, satellite = np.zeros((2, len(position)), int)
    fits: list[LatticeFit] = []
    lattices: list[Lattice] = []
    own: list[np.ndarray] = []
    while len(lattices) < MOST_LATTICES:
        free = (membership == 0) & (satellite == 0)
        fit, evidence = _best_fit(
            position, measured + distorted, snr, free, membership, lattices, shortest
        )
        displaced, owner = _best_satellites(fits, position, own, snr, free, evidence)
        if owner:
            satellite[displaced] = owner
            continue
        if fit is None:
            break
        fit = of_strong_spots(fit, position, measured + distorted, free, snr)
        scale = distortion_scale(fit, position, measured, distorted)
        variance = measured + scale**2 * distorted
        fit = refined(fit, position, variance, free)
        fit = enlarged(fit, position, variance, free, snr, shortest)
        if not (fit.members & free).any():
            break
        fits.append(fit)
        own.append(variance)
        lattices.append(Lattice(fit.basis, fit.covariance, evidence))
        membership[fit.members & free] = len(lattices)
    power = np.bincount(membership, snr, len(lattices) + 1)[1:]
    order = np.argsort(-power)
    rank = np.zeros(len(lattices) + 1, int)
    rank[order + 1] = np.arange(1, len(lattices) + 1)
    ranked = tuple(lattices[n] for n in order)
    return LatticeSpots(ranked, rank[membership], rank[satellite])


def _best_satellites(
    fits: list[LatticeFit],
    position: np.ndarray,
    variances: list[np.ndarray],
    snr: np.ndarray,
    free: np.ndarray,
    rival: float,
) -> tuple[np.ndarray, int]:
    """Satellites that explain spots better than another lattice, and the number of their own."""
    best, satellites, owner = max(rival, -np.log(FALSE_LATTICES)), free, 0
    weight = np.where(free, _weights(snr, free), 0.0)
    for number, (fit, variance) in enumerate(zip(fits, variances, strict=True), 1):
        displaced, evidence = find_satellites(fit, position, variance, weight, snr)
        if evidence > best:
            best, satellites, owner = evidence, displaced, number
    return satellites, owner


def _best_fit(
    position: np.ndarray,
    variance: np.ndarray,
    snr: np.ndarray,
    free: np.ndarray,
    membership: np.ndarray,
    lattices: list[Lattice],
    shortest: float,
) -> tuple[LatticeFit | None, float]:
    """Next lattice of the unexplained spots, or None where none stands out."""
    weight = np.where(free, _weights(snr, free), 0.0)
    pairs = spot_pairs(free)
    least = -np.log(FALSE_LATTICES if lattices else FIRST_FALSE)
    fit, evidence = None, -np.inf
    if len(pairs):
        total, mixed = pair_evidence(position, variance, weight, pairs, shortest)
        # The mean over all trials is what chance makes rarely large; a true lattice has many.
        strength = _weights(snr, free)[pairs].prod(axis=1) ** 2
        mean = float(logsumexp(mixed, b=strength / strength.sum()))
        chosen = int(np.argmax(np.where(mixed > mixed.max() - TIE, total, -np.inf)))
        if mean > least:
            fit, evidence = _spanned(position, variance, free, pairs[chosen]), mean
        elif not lattices and np.isfinite(total).any():
            # The strongest spots span the lattice when too few are seen to tell.
            chosen = int(np.argmax(total))
            trial = _spanned(position, variance, free, pairs[chosen])
            if trial.members.sum() >= LEAST_SHARE * len(position):
                return trial, mean
    for number, lattice in enumerate(lattices, 1):
        value, basis = copy_evidence(
            position,
            variance,
            weight,
            membership == number,
            lattice.basis,
            (COPY_REACH, COPY_TOLERANCE),
        )
        if value > max(least, evidence):
            trial = refined(copied(basis), position, variance, free)
            if (trial.members & free).sum() >= 2:
                fit, evidence = trial, value
    if fit is None or not (fit.members & free).any():
        return None, -np.inf
    return fit, float(evidence)


def _weights(snr: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Weight of each spot by its strength, since weak ones may be side lobes or streaks."""
    if not free.any():
        return np.zeros(len(snr))
    strength = np.log(np.maximum(snr, NOISE) / NOISE)
    share = np.clip(strength / max(strength[free].max(), 1.0), LEAST_WEIGHT, 1.0)
    return np.sqrt(share)


def _spanned(
    position: np.ndarray, variance: np.ndarray, free: np.ndarray, pair: np.ndarray
) -> LatticeFit:
    """Lattice that a pair of spots spans, or one of the twins that it holds."""
    fit = from_pair(position, variance, free, pair)
    return without_twin(fit, position, variance, free)
