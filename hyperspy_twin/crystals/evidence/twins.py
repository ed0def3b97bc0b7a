"""Evidence for a crystal and its twin, which share one scale and one distortion.

Thin lamellae streak the reflections that the two do not share along the normal of the twin plane,
and a streak may show several peaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import lgamma
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from hyperspy_twin.core import kernel
from hyperspy_twin.crystals.diffraction import RESOLVED, TwinPattern, ZonePattern
from hyperspy_twin.crystals.evidence.affine import fit_affine, forward
from hyperspy_twin.crystals.evidence.hypotheses import GATE, Observed
from hyperspy_twin.crystals.evidence.intensities import UNEXPLAINED, weigh_peaks
from hyperspy_twin.crystals.evidence.superlattice import superlattice_gain
from hyperspy_twin.crystals.evidence.thin_crystals import projected_gain
from hyperspy_twin.crystals.evidence.zone_evidence import (
    COLLINEAR,
    DISTORTION_SD,
    ITERATIONS,
    ScalePrior,
    assign_peaks,
    find_missing,
    integrate,
    measure_positions,
    weigh_beside,
)

# Prior probability that a region holds a crystal and its twin.
TWINNED = 0.1
STREAKED = 0.3  # and that its lamellae are so thin that reflections are streaked
STREAK = 0.4  # 1/nm: half the length of a streak that shows peaks, of lamellae of 2.5 nm
MINIMUM_OWN = 2  # peaks of the twin alone: one may be anything


class Twinned(NamedTuple):
    """What a zone with its twin makes of the peaks.

    Attributes
    ----------
    pattern
        Of the twin.
    coordinates
        Of each peak in the basis of the twin, shape (n, 2); zeros where the twin has
        none there.
    streaked
        Whether each peak stands on the streak of a reflection, bool, shape (n,).
    """

    pattern: TwinPattern
    coordinates: np.ndarray
    streaked: np.ndarray


@kernel
def assign_to_both(
    observed: Observed,
    lattice: ZonePattern,
    mirrored: ZonePattern,
    alpha: complex,
    beta: complex,
    gate: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of each peak in a zone and in its twin, shape (n, 2), the nearer of them.

    Those of both where they are equally near; zeros where there is none.
    """
    first = assign_peaks(observed, lattice, alpha, beta, gate)
    second = assign_peaks(observed, mirrored, alpha, beta, gate)
    for i in range(len(first)):
        if not (first[i].any() and second[i].any()):
            continue
        g = first[i, 0] * lattice.basis[0] + first[i, 1] * lattice.basis[1]
        h = second[i, 0] * mirrored.basis[0] + second[i, 1] * mirrored.basis[1]
        own = abs(observed.position[i] - forward(g, alpha, beta))
        other = abs(observed.position[i] - forward(h, alpha, beta))
        if own > other + 1e-6 * abs(g):
            first[i, :] = 0
        elif other > own + 1e-6 * abs(g):
            second[i, :] = 0
    return first, second


@kernel
def twin_gains(
    observed: Observed,
    lattice: ZonePattern,
    normals: np.ndarray,
    alpha: complex,
    beta: complex,
    index: np.ndarray,
) -> np.ndarray:
    """Evidence gained by the positions of unexplained peaks next to lattice points of twins, (n,).

    ``normals`` are those of the twin planes, and ``index`` is that of :func:`explain`.
    """
    gains = np.zeros(len(normals))
    basis = np.empty(2, np.complex128)
    for k in range(len(normals)):
        for axis in range(2):
            basis[axis] = normals[k] ** 2 * lattice.basis[axis].conjugate()
        gains[k] = projected_gain(observed, basis, alpha, beta, index)
    return gains


@kernel
def _refine_both(
    observed: Observed, lattice: ZonePattern, mirrored: ZonePattern, alpha: complex, beta: complex
) -> tuple[complex, complex, np.ndarray, np.ndarray]:
    """Least squares for (alpha, beta) by the peaks of both crystals."""
    n = len(observed.position)
    g = np.zeros(n, np.complex128)
    weight = np.zeros(n)
    for step in range(ITERATIONS):
        gate = GATE * (2.0 if step == 0 else 1.0)
        first, second = assign_to_both(observed, lattice, mirrored, alpha, beta, gate)
        area, straight = 0j, 0.0
        for i in range(n):
            g[i] = first[i, 0] * lattice.basis[0] + first[i, 1] * lattice.basis[1]
            if g[i] == 0:
                g[i] = second[i, 0] * mirrored.basis[0] + second[i, 1] * mirrored.basis[1]
            weight[i] = 1.0 / observed.sigma[i] ** 2 if g[i] != 0 else 0.0
            area += weight[i] * g[i] * g[i]
            straight += weight[i] * abs(g[i]) ** 2
        if straight == 0 or abs(area) > COLLINEAR * straight:
            break
        alpha, beta = fit_affine(g, observed.position, weight, alpha, DISTORTION_SD)
    first, second = assign_to_both(observed, lattice, mirrored, alpha, beta, GATE)
    return alpha, beta, first, second


@kernel
def _is_hidden(observed: Observed, point: complex, matched: np.ndarray) -> bool:
    """Tell whether a reflection makes one peak with another that is seen."""
    for i in range(len(matched)):
        if matched[i] >= 0:
            apart = min(abs(observed.position[i] - point), abs(observed.position[i] + point))
            if apart < max(RESOLVED * abs(point), 2.0 * observed.sigma[i]):
                return True
    return False


@kernel
def streak_gain(
    observed: Observed,
    points: np.ndarray,
    together: np.ndarray,
    normal: complex,
) -> tuple[float, np.ndarray]:
    """Logarithm of the evidence gained by peaks on streaks, and the reflection of each, (n,).

    Averaged over "no streaks" and "streaks", by their prior probabilities.

    Parameters
    ----------
    observed
        The peaks.
    points
        Where the reflection of each peak lies that is of one crystal only, complex; 0 for others.
    together
        Reflection of each peak, -1 for none.
    normal
        Direction of the streaks, of length 1.
    """
    owner = np.full(len(together), -1)
    found, total, streaks = 0, 0.0, 0
    for k in range(len(points)):
        streaks += points[k] != 0
    for i in range(len(together)):
        if together[i] >= 0:
            continue
        best, sigma = 0.0, observed.sigma[i]
        for k in range(len(points)):
            if points[k] == 0:
                continue
            for sign in (1.0, -1.0):
                off = (observed.position[i] - sign * points[k]) * normal.conjugate()
                if abs(off.real) > STREAK or abs(off.imag) > GATE * sigma:
                    continue
                across = -0.5 * (off.imag / sigma) ** 2 - np.log(np.sqrt(2 * np.pi) * sigma)
                term = across - np.log(2 * STREAK) - observed.log_density - UNEXPLAINED
                if term > best:
                    best, owner[i] = term, k
        if owner[i] >= 0:
            total += observed.weight[i] * best
            found += 1
    if found == 0:
        return np.log(1 - STREAKED), owner
    most = max(streaks, found)
    total += lgamma(found + 1) + lgamma(most - found + 1) - lgamma(most + 2)
    gain = np.logaddexp(np.log(1 - STREAKED), np.log(STREAKED) + total)
    return gain, owner


@kernel
def evaluate_twin(
    observed: Observed,
    lattice: ZonePattern,
    mirrored: ZonePattern,
    common: np.ndarray,
    normal: complex,
    both: ZonePattern,
    alpha: complex,
    beta: complex,
    scale_prior: ScalePrior,
) -> tuple[float, float, float, complex, complex, np.ndarray, np.ndarray, np.ndarray]:
    """Refine a zone with its twin and weigh it, like ``evaluate`` of a zone alone.

    Parameters
    ----------
    observed
        The peaks.
    lattice, mirrored, common, normal, both
        Pattern of the zone, and of a :class:`TwinPattern`, for one strength of the twin.
    alpha, beta, scale_prior
        As for ``evaluate``.

    Returns
    -------
    evidence, intensity, error, alpha, beta, index
        As of ``evaluate``, ``index`` of the first crystal.
    twin_index : numpy.ndarray
        The same of the twin.
    streaked : numpy.ndarray
        Whether each peak stands on a streak, bool, shape (n,).
    """
    alpha, beta, first, second = _refine_both(observed, lattice, mirrored, alpha, beta)
    matched, geometry = measure_positions(observed, lattice, alpha, beta, first)
    twin_matched, twin_geometry = measure_positions(observed, mirrored, alpha, beta, second)
    rows = len(lattice.vector)
    together, own = matched.copy(), 0
    points = np.zeros(len(matched), np.complex128)
    for i in range(len(matched)):
        if matched[i] < 0 and twin_matched[i] >= 0:
            together[i], geometry[i] = rows + twin_matched[i], twin_geometry[i]
            points[i] = forward(mirrored.vector[twin_matched[i]], alpha, beta)
            own += 1
        elif matched[i] >= 0 and twin_matched[i] < 0:
            points[i] = forward(lattice.vector[matched[i]], alpha, beta)
    streaks, owner = streak_gain(
        observed, points, together, forward(normal, alpha, beta) / abs(forward(normal, alpha, beta))
    )
    for k in owner:
        own += k >= 0 and together[k] >= rows
    if own < MINIMUM_OWN or not (together < rows).any():
        return -np.inf, 0.0, np.inf, alpha, beta, first, second, owner >= 0
    count = 0
    missing = np.zeros(2 * rows, np.int64)
    for k in find_missing(observed, lattice, alpha, beta, matched):
        if not _is_hidden(observed, forward(lattice.vector[k], alpha, beta), together):
            missing[count] = k
            count += 1
    for k in find_missing(observed, mirrored, alpha, beta, twin_matched):
        point = forward(mirrored.vector[k], alpha, beta)
        if not common[k] and not _is_hidden(observed, point, together):
            missing[count] = rows + k
            count += 1
    peaks, intensity = weigh_peaks(observed, both, together, geometry, missing[:count])
    peaks += superlattice_gain(observed, lattice, alpha, beta, together) + streaks
    total, error = integrate(observed, alpha, beta, together >= 0, peaks, scale_prior)
    return total, intensity, error, alpha, beta, first, second, owner >= 0


def weigh_twins(
    observed: Observed,
    zone: ZonePattern,
    patterns: Sequence[TwinPattern],
    laws: int,
    result: tuple,
    scale_prior: ScalePrior,
) -> tuple[float, Twinned | None, tuple]:
    """Weigh a zone with its twin, beside the crystal alone.

    Parameters
    ----------
    observed
        The peaks.
    zone
        Pattern of the zone.
    patterns
        Of those of its twins that may explain a peak.
    laws
        Number of its twins, equally likely.
    result
        What :func:`explain` gave for the zone.
    scale_prior
        As for :func:`explain`.

    Returns
    -------
    gain : float
        Logarithm of the evidence of both, averaged by their prior probabilities, less that of the
        crystal alone; 0 where no peak is better explained.
    twin : Twinned or None
        The likeliest twin; None where there is rather none.
    result : tuple
        As from :func:`explain`, of the first crystal.
    """
    alone, _, _, alpha, beta, _ = result
    prior = np.log(TWINNED / laws)
    best, values = None, []
    for pattern in patterns:
        weighed = [
            evaluate_twin(observed, zone, *pattern[1:4], one, alpha, beta, scale_prior)
            for one in pattern.both
        ]
        values += [one[0] for one in weighed]
        strongest = max(weighed, key=lambda one: one[0])
        if best is None or strongest[0] > best[1][0]:
            best = pattern, strongest
    if best is None:
        return 0.0, None, result
    twinned = float(logsumexp(values) - np.log(len(best[0].both)) + prior)
    gain, likelier = weigh_beside(alone, twinned, TWINNED)
    if not likelier:
        return gain, None, result
    pattern, (*found, twin_index, streaked) = best
    return gain, Twinned(pattern, twin_index, streaked), tuple(found)
