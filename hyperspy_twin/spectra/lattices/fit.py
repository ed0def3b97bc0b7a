"""The plane lattices that a set of peaks shows, fitted one after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp

from hyperspy_twin.spectra.lattices.refinement import (
    LatticeFit,
    PeakSet,
    find_copy,
    measure_distortion,
    reduce_fit,
    refine_lattice,
)
from hyperspy_twin.spectra.lattices.satellites import find_satellites
from hyperspy_twin.spectra.lattices.search import pair_evidence, peak_pairs
from hyperspy_twin.spectra.lattices.superlattices import (
    FALSE_LATTICES,
    add_superlattice,
    reduce_to_strong_peaks,
    split_twin,
)

# Peaks of a distorted lattice stay on a common one but for this fraction of their length, whatever
# their own error. This and the constants below without another reason are set on the tuning half
# of benchmarks/spots.py.
RELATIVE_TOLERANCE = 0.003
# The same as a fraction of the resolution.
RESOLUTION_TOLERANCE = 0.1
# Factor on both where else no lattice is found.
LOOSE = 3.0
# Fewest peaks for which that is tried.
FEWEST_LOOSE = 5
# The maximum of a broad peak lies this close to its lattice point, in units of the resolution.
LARGEST_ERROR = 0.25
# Lattices that are sought in one region: bounds the time.
MOST_LATTICES = 8
# Chance at which the first lattice is taken: peaks without any are rare.
FIRST_FALSE = 0.1
# Evidence by which pairs may differ that span the same lattice, with more or less precision.
TIE = 8.0
# Shortest lattice vector in units of the resolution: peaks closer than that overlap.
SHORTEST = 3.0
# Fraction of the peaks that a lattice must explain to be taken for granted without more evidence.
SMALLEST_FRACTION = 0.6
# SNR at which a peak weighs nothing: noise has maxima as high.
NOISE = 8.0
# Smallest weight of any peak.
SMALLEST_WEIGHT = 0.1


@dataclass(frozen=True)
class FoundLattice:
    """A plane lattice of peaks, and what speaks for it.

    Attributes
    ----------
    fit
        The lattice as it was fitted.
    evidence
        Logarithm of how much likelier the peaks are on this lattice than anywhere, less what the
        choice among all trial lattices gives by chance.
    """

    fit: LatticeFit
    evidence: float


@dataclass(frozen=True)
class PeakLattices:
    """The lattices of a set of peaks, strongest first.

    Attributes
    ----------
    lattices
        The lattices.
    membership
        Number of the lattice of each peak, from 1; 0 for a peak on none; shape (n,).
    satellite
        Number of the lattice that a peak is a satellite of, displaced from its points by a wave
        vector that it shares with other peaks; 0 for any other peak; shape (n,). A satellite is
        no member.
    """

    lattices: tuple[FoundLattice, ...]
    membership: np.ndarray
    satellite: np.ndarray


def find_lattices(
    position: np.ndarray, error: np.ndarray, snr: np.ndarray, resolution: np.ndarray
) -> PeakLattices:
    """Find the plane lattices of a set of peaks.

    Pairs of peaks, and turned or mirrored copies of a lattice that is found already, propose
    lattices; the other peaks are the evidence. What the first lattice leaves goes into the
    search of the second, and so on, until no lattice stands out from chance. Where none does,
    larger distortions are allowed, as of unresolved pairs of peaks.

    Parameters
    ----------
    position
        Peaks, one of each Friedel pair, strongest first, shape (n, 2).
    error
        Their standard errors, shape (n, 2).
    snr
        Their power over that of the noise, shape (n,); weak peaks count less.
    resolution
        Standard deviation of the width of a peak along x and y, shape (2,).

    Returns
    -------
    PeakLattices
        The lattices; a set of peaks along one line has none.
    """
    measured = np.minimum(error, LARGEST_ERROR * resolution) ** 2
    distorted = distortion_variance(position, resolution)
    shortest = SHORTEST * float(resolution.max())
    found = _search(position, (measured, distorted), snr, shortest)
    if len(found.lattices) or len(position) < FEWEST_LOOSE:
        return found
    return _search(position, (measured, LOOSE**2 * distorted), snr, shortest)


def distortion_variance(position: np.ndarray, resolution: np.ndarray) -> np.ndarray:
    """Squared distances (n, 2) by which distortions move peaks off their common lattice."""
    length = np.linalg.norm(position, axis=1, keepdims=True)
    return (RELATIVE_TOLERANCE * length) ** 2 + (RESOLUTION_TOLERANCE * resolution) ** 2


def _search(
    position: np.ndarray, variances: tuple[np.ndarray, np.ndarray], snr: np.ndarray, shortest: float
) -> PeakLattices:
    """Take one lattice, or the satellites of one, after the other."""
    measured, distorted = variances
    membership, satellite = np.zeros((2, len(position)), int)
    lattices: list[FoundLattice] = []
    own: list[np.ndarray] = []
    while len(lattices) < MOST_LATTICES:
        free = (membership == 0) & (satellite == 0)
        peaks = PeakSet(position, measured + distorted, snr, free)
        fit, evidence = _best_fit(peaks, membership, lattices, shortest)
        displaced, owner = _best_satellites(lattices, own, peaks, evidence)
        if owner:
            satellite[displaced] = owner
            continue
        if fit is None:
            break
        fit = reduce_to_strong_peaks(fit, peaks)
        scale = measure_distortion(fit, position, measured, distorted)
        peaks = replace(peaks, variance=measured + scale**2 * distorted)
        fit = add_superlattice(refine_lattice(fit, peaks), peaks, shortest)
        if not (fit.members & free).any():
            break
        own.append(peaks.variance)
        lattices.append(FoundLattice(fit, evidence))
        membership[fit.members & free] = len(lattices)
    power = np.bincount(membership, snr, len(lattices) + 1)[1:]
    order = np.argsort(-power)
    rank = np.zeros(len(lattices) + 1, int)
    rank[order + 1] = np.arange(1, len(lattices) + 1)
    ranked = tuple(lattices[n] for n in order)
    return PeakLattices(ranked, rank[membership], rank[satellite])


def _best_satellites(
    lattices: list[FoundLattice], variances: list[np.ndarray], peaks: PeakSet, rival: float
) -> tuple[np.ndarray, int]:
    """Satellites that explain peaks better than another lattice, and the number of their own."""
    best, satellites, owner = max(rival, -np.log(FALSE_LATTICES)), peaks.free, 0
    weight = np.where(peaks.free, _weights(peaks), 0.0)
    for number, (one, variance) in enumerate(zip(lattices, variances, strict=True), 1):
        displaced, evidence = find_satellites(one.fit, replace(peaks, variance=variance), weight)
        if evidence > best:
            best, satellites, owner = evidence, displaced, number
    return satellites, owner


def _best_fit(
    peaks: PeakSet, membership: np.ndarray, lattices: list[FoundLattice], shortest: float
) -> tuple[LatticeFit | None, float]:
    """Next lattice of the unexplained peaks, or None where none stands out."""
    weights = _weights(peaks)
    weight = np.where(peaks.free, weights, 0.0)
    pairs = peak_pairs(peaks.free)
    least = -np.log(FALSE_LATTICES if lattices else FIRST_FALSE)
    fit, evidence = None, -np.inf
    if len(pairs):
        total, mixed = pair_evidence(peaks.position, peaks.variance, weight, pairs, shortest)
        # The mean over all trials is what chance makes rarely large; a true lattice has many.
        strength = weights[pairs].prod(axis=1) ** 2
        mean = float(logsumexp(mixed, b=strength / strength.sum()))
        chosen = int(np.argmax(np.where(mixed > mixed.max() - TIE, total, -np.inf)))
        if mean > least:
            fit, evidence = _fit_spanned(peaks, pairs[chosen]), mean
        elif not lattices and np.isfinite(total).any():
            # The strongest peaks span the lattice when too few are seen to tell.
            trial = _fit_spanned(peaks, pairs[int(np.argmax(total))])
            if trial.members.sum() >= SMALLEST_FRACTION * len(membership):
                return trial, mean
    for number, lattice in enumerate(lattices, 1):
        value, copy = find_copy(lattice.fit, membership == number, peaks, weight)
        if value > max(least, evidence):
            trial = refine_lattice(copy, peaks)
            if (trial.members & peaks.free).sum() >= 2:
                fit, evidence = trial, value
    if fit is None or not (fit.members & peaks.free).any():
        return None, -np.inf
    return fit, float(evidence)


def _weights(peaks: PeakSet) -> np.ndarray:
    """Weight of each peak by its strength, since weak ones may be side lobes or streaks."""
    if not peaks.free.any():
        return np.zeros(len(peaks.snr))
    strength = np.log(np.maximum(peaks.snr, NOISE) / NOISE)
    highest = max(strength[peaks.free].max(), 1.0)
    return np.sqrt(np.clip(strength / highest, SMALLEST_WEIGHT, 1.0))


def _fit_spanned(peaks: PeakSet, pair: np.ndarray) -> LatticeFit:
    """Lattice that a pair of peaks spans, or one of the twins that it holds."""
    start = reduce_fit(peaks.position[pair], *map(np.diag, peaks.variance[pair].T))
    return split_twin(refine_lattice(start, peaks), peaks)
