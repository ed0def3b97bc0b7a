"""How well a crystal, zone axis and orientation explain the peaks: a logarithm of evidence."""

from __future__ import annotations

from math import erf
from typing import NamedTuple

import numpy as np

from hyperspy_twin.core import kernel
from hyperspy_twin.crystals.diffraction import ZonePattern
from hyperspy_twin.crystals.evidence.affine import backward, fit_affine, forward, nearest_index
from hyperspy_twin.crystals.evidence.hypotheses import (
    GATE,
    Observed,
    match_distance,
    number_at,
    position_evidence,
    search,
)
from hyperspy_twin.crystals.evidence.intensities import weigh_peaks
from hyperspy_twin.crystals.evidence.superlattice import superlattice_gain

# Those that are not said to be something else were set on the tuning half of benchmarks/phases.py.
DISTORTION_SD = 0.015  # standard deviation of each component of a relative distortion of the image
FLAT_LOG_SCALE = np.log(0.1)  # density of ln(scale) without a calibration: flat over ten units
FLANK = 0.05  # how sharp the limit of an error is, relative to it
ITERATIONS = 4  # of assigning peaks to reflections and least squares
HYPOTHESES = 4  # of each zone that are refined and weighed
MARGIN = 1.2  # by which the fitted distortion may exceed the tolerance
COLLINEAR = 0.995  # mean of exp(2i angle): peaks whose directions agree so well are on one line


class ScalePrior(NamedTuple):
    """What is known of ln(true over nominal length).

    With the probability ``doubt`` a Cauchy distribution about ``centre`` of half ``width``, else
    all within the ``limit`` of an error are alike. An infinite width stands for an image without a
    scale.
    """

    centre: float
    width: float
    limit: float = 1.0
    doubt: float = 1.0


@kernel
def log_scale_density(log_scale: float, error: float, prior: ScalePrior) -> float:
    """Logarithm of the density of a measured ln(scale) with this standard error."""
    if np.isinf(prior.width):
        return FLAT_LOG_SCALE
    width, excess = np.hypot(prior.width, error), log_scale - prior.centre
    outside = 1.0 / (np.pi * width * (1 + (excess / width) ** 2))
    flank = np.sqrt(2.0) * np.hypot(FLANK * prior.limit, error)
    inside = erf((excess + prior.limit) / flank) - erf((excess - prior.limit) / flank)
    return np.log(prior.doubt * outside + (1 - prior.doubt) * inside / (4 * prior.limit))


@kernel
def assign_peaks(
    observed: Observed, lattice: ZonePattern, alpha: complex, beta: complex, gate: float
) -> np.ndarray:
    """Lattice coordinates of each peak, shape (n, 2), zero where it belongs to none."""
    n = len(observed.position)
    index = np.zeros((n, 2), np.int64)
    distance = np.full(n, np.inf)
    limit = match_distance(lattice, alpha)
    for i in range(n):
        q = observed.position[i]
        first, second = nearest_index(backward(q, alpha, beta), lattice.basis)
        if number_at(lattice.number, first, second) < 0:
            continue
        point = forward(first * lattice.basis[0] + second * lattice.basis[1], alpha, beta)
        deviation = abs(q - point)
        if deviation > min(limit, gate * observed.sigma[i]):
            continue
        distance[i] = deviation / observed.sigma[i]
        index[i, 0], index[i, 1] = first, second
        for k in range(i):  # a lattice point has one peak: the nearer
            same = index[k, 0] == first and index[k, 1] == second
            opposite = index[k, 0] == -first and index[k, 1] == -second
            if (same or opposite) and np.isfinite(distance[k]):
                loser = k if distance[k] > distance[i] else i
                index[loser, 0] = index[loser, 1] = 0
                distance[loser] = np.inf
    return index


@kernel
def _refine(
    observed: Observed, lattice: ZonePattern, alpha: complex, beta: complex
) -> tuple[complex, complex, np.ndarray]:
    n = len(observed.position)
    g = np.zeros(n, np.complex128)
    weight = np.zeros(n)
    index = np.zeros((n, 2), np.int64)
    for step in range(ITERATIONS):
        gate = GATE * (2.0 if step == 0 else 1.0)
        index = assign_peaks(observed, lattice, alpha, beta, gate)
        area, straight = 0j, 0.0
        for i in range(n):
            g[i] = index[i, 0] * lattice.basis[0] + index[i, 1] * lattice.basis[1]
            weight[i] = 1.0 / observed.sigma[i] ** 2 if g[i] != 0 else 0.0
            area += weight[i] * g[i] * g[i]
            straight += weight[i] * abs(g[i]) ** 2
        if straight == 0 or abs(area) > COLLINEAR * straight:  # none, or all along one line
            return alpha, beta, np.zeros((n, 2), np.int64)
        alpha, beta = fit_affine(g, observed.position, weight, alpha, DISTORTION_SD)
    return alpha, beta, assign_peaks(observed, lattice, alpha, beta, GATE)


@kernel
def measure_positions(
    observed: Observed, lattice: ZonePattern, alpha: complex, beta: complex, index: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Reflection of each peak, -1 for none, and likelihood of its position against a false one."""
    n = len(index)
    matched = np.full(n, -1)
    term = np.zeros(n)
    for i in range(n):
        if index[i, 0] == 0 and index[i, 1] == 0:
            continue
        matched[i] = number_at(lattice.number, index[i, 0], index[i, 1])
        g = index[i, 0] * lattice.basis[0] + index[i, 1] * lattice.basis[1]
        deviation = abs(observed.position[i] - forward(g, alpha, beta))
        term[i] = position_evidence(observed, i, deviation)
    return matched, term


@kernel
def find_missing(
    observed: Observed, lattice: ZonePattern, alpha: complex, beta: complex, matched: np.ndarray
) -> np.ndarray:
    """Numbers of the reflections within reach that no peak stands on."""
    seen = np.zeros(len(lattice.vector), np.bool_)
    for k in matched:
        if k >= 0:
            seen[k] = True
    count = 0
    found = np.zeros(len(lattice.vector), np.int64)
    for k in range(len(lattice.vector)):
        if lattice.length[k] * (abs(alpha) - abs(beta)) > observed.reach:
            break
        if not seen[k] and abs(forward(lattice.vector[k], alpha, beta)) <= observed.reach:
            found[count] = k
            count += 1
    return found[:count]


@kernel
def integrate(
    observed: Observed,
    alpha: complex,
    beta: complex,
    used: np.ndarray,
    peaks: float,
    scale_prior: ScalePrior,
) -> tuple[float, float]:
    """Integrate the evidence of all peaks over rotation, scale and distortion (Laplace's method).

    ``used`` are those with a reflection, bool, shape (n,), and ``peaks`` is the logarithm of the
    evidence of all of them at (alpha, beta). With the relative standard error of the scale.
    """
    # What a peak counts in the likelihood it has to count in the volume, too.
    information, weighed = 0.0, 0.0
    for i in range(len(used)):
        if used[i]:
            known = abs(observed.position[i]) ** 2 / observed.sigma[i] ** 2
            information += known
            weighed += observed.weight[i] * known
    tied = 1.0 / DISTORTION_SD**2
    error = 1.0 / np.sqrt(information)
    scale = log_scale_density(np.log(abs(alpha)), error, scale_prior)
    rotation = -np.log(np.pi)  # the pattern repeats after half a turn
    distortion = -0.5 * tied * abs(beta / alpha) ** 2 + np.log(tied / (2 * np.pi))
    volume = 2 * np.log(2 * np.pi) - np.log(weighed) - np.log(weighed + tied)
    return peaks + scale + rotation + distortion + volume, error


@kernel
def evaluate(
    observed: Observed, lattice: ZonePattern, alpha: complex, beta: complex, scale_prior: ScalePrior
) -> tuple[float, float, float, complex, complex, np.ndarray]:
    """Refine a hypothesis (alpha, beta) from the search and weigh it.

    Returns
    -------
    evidence : float
        Natural logarithm of the evidence against "all peaks are false", integrated over rotation,
        scale and distortion (Laplace's method); -inf without peaks in two directions.
    intensity : float
        The part of it that comes from the intensities.
    error : float
        Relative standard error of the scale.
    alpha, beta : complex
        Refined.
    index : numpy.ndarray
        Lattice coordinates of each peak, shape (n, 2); zero where it belongs to none.
    """
    alpha, beta, index = _refine(observed, lattice, alpha, beta)
    if not index.any():
        return -np.inf, 0.0, np.inf, alpha, beta, index
    matched, geometry = measure_positions(observed, lattice, alpha, beta, index)
    missing = find_missing(observed, lattice, alpha, beta, matched)
    peaks, intensity = weigh_peaks(observed, lattice, matched, geometry, missing)
    peaks += superlattice_gain(observed, lattice, alpha, beta, matched)
    total, error = integrate(observed, alpha, beta, matched >= 0, peaks, scale_prior)
    return total, intensity, error, alpha, beta, index


@kernel
def explain(
    observed: Observed,
    lattice: ZonePattern,
    scales: tuple[float, float],
    tolerance: float,
    scale_prior: ScalePrior,
) -> tuple[float, float, float, complex, complex, np.ndarray]:
    """Find the best hypothesis of one zone and weigh it: as of :func:`evaluate`.

    ``scales`` are the smallest and the largest, ``tolerance`` is the largest relative distortion
    that is looked for. The evidence is -inf where there is none.
    """
    votes, found = search(observed, lattice, scales, tolerance, HYPOTHESES)
    best = (-np.inf, 0.0, np.inf, 0j, 0j, np.zeros((len(observed.position), 2), np.int64))
    for k in range(HYPOTHESES):
        if votes[k] == -np.inf:
            continue
        result = evaluate(observed, lattice, found[k, 0], found[k, 1], scale_prior)
        scale, distortion = abs(result[3]), abs(result[4])
        possible = distortion <= MARGIN * tolerance * scale and scales[0] <= scale <= scales[1]
        if possible and result[0] > best[0]:
            best = result
    return best


def weigh_beside(usual: float, special: float, prior: float) -> tuple[float, bool]:
    """Weigh an explanation beside the usual one of the same zone.

    Parameters
    ----------
    usual
        Logarithm of the evidence of the usual one.
    special
        That of the other, by its prior probability.
    prior
        This probability.

    Returns
    -------
    gain : float
        Logarithm of the evidence of both, averaged by their prior probabilities, less that of the
        usual one alone, at least 0.
    likelier : bool
        Whether the other is likelier, and brings a gain.
    """
    weighed = usual + np.log(1 - prior)
    gain = float(np.logaddexp(weighed, special) - usual)
    return max(gain, 0.0), bool(gain > 0 and special > weighed)
