"""Fast search: which lattice, rotation and scale may stand behind a few peaks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hyperspy_twin.core import kernel
from hyperspy_twin.crystals.diffraction import ZonePattern
from hyperspy_twin.crystals.evidence.affine import backward, forward, from_pairs, nearest_index

# Set on the tuning half of benchmarks/phases.py.
VOTE_TOLERANCE = 0.03  # of the length of a peak: how far from a reflection it still votes for it
GATE = 4.0  # standard errors within which a peak may belong to a lattice point
LATTICE_FRACTION = 0.25  # of the shortest lattice vector: no peak farther from a point is its
FADING = 5.0  # in ln(intensity): how fast the weight of a peak falls
VOTERS = 24  # strongest peaks: enough to tell hypotheses apart
FORBIDDEN_VOTE = 0.3  # of a peak where only double diffraction reaches, relative to an allowed one
MISSING_VOTE = 0.15  # taken off for each predicted reflection without a peak
MIN_SINE = 0.2  # of the angle between two peaks (12 degrees): nearer ones are of one direction
RATIO_MARGIN = 1.12  # by which lengths and their ratios may be off when pairs are formed
SAME = 0.04  # relative difference of alpha within which two hypotheses are the same


class Observed(NamedTuple):
    """Peaks as the kernels want them: one of each Friedel pair, complex x + i y.

    ``position`` (n,), ``sigma`` (n,) expected deviation per component, ``log_intensity`` (n,),
    ``weight`` (n,) in (0, 1], ``seeds`` (k,) the peaks that pairs are formed of, ``reach``
    the length up to which missing reflections count, ``log_threshold`` the weakest intensity
    seen, ``log_density`` of false peaks, ``trend`` (3,) intercept, slope against squared length
    and spread of the logarithmic intensities.
    """

    position: np.ndarray
    sigma: np.ndarray
    log_intensity: np.ndarray
    weight: np.ndarray
    seeds: np.ndarray
    reach: float
    log_threshold: float
    log_density: float
    trend: np.ndarray


@kernel
def number_at(number: np.ndarray, first: int, second: int) -> int:
    """Give the reflection at integer coordinates; -1 beyond the table and at the centre."""
    reach = number.shape[0] // 2
    if abs(first) > reach or abs(second) > reach:
        return -1
    return number[first + reach, second + reach]


@kernel
def position_evidence(observed: Observed, i: int, deviation: float) -> float:
    """Logarithm of the likelihood of a peak so far from a lattice point, against a false one."""
    sigma = observed.sigma[i]
    return -0.5 * (deviation / sigma) ** 2 - np.log(2 * np.pi * sigma**2) - observed.log_density


@kernel
def match_distance(lattice: ZonePattern, alpha: complex) -> float:
    """Distance beyond which a peak belongs to no lattice point."""
    shortest = min(abs(lattice.basis[0]), abs(lattice.basis[1]))
    return LATTICE_FRACTION * abs(alpha) * shortest


@kernel
def vote(
    observed: Observed, lattice: ZonePattern, alpha: complex, beta: complex, minimum: float
) -> float:
    """Weight of the peaks on the lattice, less a part for each predicted one not seen.

    Below ``minimum`` the counting may stop early: then any value below it is returned.
    """
    limit = match_distance(lattice, alpha)
    voters = min(VOTERS, len(observed.position))
    left = 0.0
    for i in range(voters):
        left += observed.weight[i]
    total, matched = 0.0, 0
    for i in range(voters):
        if total + left <= minimum:
            return -np.inf
        left -= observed.weight[i]
        q = observed.position[i]
        first, second = nearest_index(backward(q, alpha, beta), lattice.basis)
        k = number_at(lattice.number, first, second)
        if k < 0:
            continue
        point = forward(first * lattice.basis[0] + second * lattice.basis[1], alpha, beta)
        tolerance = min(limit, max(VOTE_TOLERANCE * abs(q), 3.0 * float(observed.sigma[i])))
        distance = abs(q - point) / tolerance
        if distance < 1:
            vote_of_one = 1.0 if lattice.amplitude[k] > 0 else FORBIDDEN_VOTE
            total += observed.weight[i] * vote_of_one * (1 - 0.5 * distance**2)
            matched += 1
    missing = int(np.searchsorted(lattice.length, observed.reach / abs(alpha))) - matched
    return total - MISSING_VOTE * max(0, missing)


@kernel
def _remember(
    best_vote: np.ndarray, best: np.ndarray, value: float, alpha: complex, beta: complex
) -> None:
    """Keep the hypothesis if it beats the one that it equals, or the weakest kept."""
    slot = int(np.argmin(best_vote))
    for k in range(len(best_vote)):
        other = best[k, 0]
        if min(abs(alpha - other), abs(alpha + other)) < SAME * abs(alpha):
            slot = k
            break
    if value > best_vote[slot]:
        best_vote[slot] = value
        best[slot, 0], best[slot, 1] = alpha, beta


@kernel
def search(
    observed: Observed,
    lattice: ZonePattern,
    scales: tuple[float, float],
    tolerance: float,
    count: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Best hypotheses of one zone: votes, shape (count,), and (alpha, beta), shape (count, 2).

    ``scales`` bound ``|alpha|``, and ``tolerance`` the relative distortion ``|beta / alpha|``.
    Votes are -inf where fewer than ``count`` distinct hypotheses were found.
    """
    best_vote = np.full(count, -np.inf)
    best = np.zeros((count, 2), np.complex128)
    seeds = observed.seeds
    for s in range(len(seeds)):
        qi = observed.position[seeds[s]]
        for t in range(s + 1, len(seeds)):
            qj = observed.position[seeds[t]]
            if abs((qi.conjugate() * qj).imag) < MIN_SINE * abs(qi) * abs(qj):
                continue
            _search_pair(best_vote, best, observed, lattice, qi, qj, scales, tolerance)
    return best_vote, best


@kernel
def _search_pair(
    best_vote: np.ndarray,
    best: np.ndarray,
    observed: Observed,
    lattice: ZonePattern,
    qi: complex,
    qj: complex,
    scales: tuple[float, float],
    tolerance: float,
) -> None:
    length = lattice.length
    low, high = scales[0] / RATIO_MARGIN, scales[1] * RATIO_MARGIN
    for a in range(np.searchsorted(length, abs(qi) / high), len(length)):
        if length[a] * low > abs(qi):
            break
        if lattice.amplitude[a] <= 0:
            continue
        ratio = length[a] * abs(qj) / abs(qi)
        for b in range(np.searchsorted(length, ratio / RATIO_MARGIN), len(length)):
            if length[b] > ratio * RATIO_MARGIN:
                break
            if b == a or lattice.amplitude[b] <= 0:
                continue
            for sign in (1.0, -1.0):
                ga, gb = lattice.vector[a], sign * lattice.vector[b]
                if abs((ga.conjugate() * gb).imag) < 0.5 * MIN_SINE * abs(ga) * abs(gb):
                    continue
                alpha, beta = from_pairs(ga, gb, qi, qj)
                size = abs(alpha)
                if abs(beta) > tolerance * size or size < scales[0] or size > scales[1]:
                    continue
                value = vote(observed, lattice, alpha, beta, float(best_vote.min()))
                if value > -np.inf:
                    _remember(best_vote, best, value, alpha, beta)
