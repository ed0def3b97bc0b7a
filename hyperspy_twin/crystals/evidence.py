"""How well a crystal, zone axis and orientation explain the spots: a logarithm of evidence."""

from __future__ import annotations

from math import lgamma
from typing import NamedTuple

import numpy as np
from numba import njit

from hyperspy_twin.crystals.affine import backward, fit, forward, nearest_index
from hyperspy_twin.crystals.hypotheses import (
    FADING,
    Lattice,
    Observed,
    amplitude_at,
    match_distance,
)

DISTORTION_SD = 0.015
INTENSITY_SD = 1.2  # of ln(intensity) about the kinematical value with a smooth fall-off
INTENSITY_CAP = 1.5
DETECTED = 0.9  # probability to find a strong reflection
FORBIDDEN = 0.03  # and one that only double diffraction feeds
UNEXPLAINED = -1.2
FLAT_LOG_SCALE = np.log(0.1)  # density of ln(scale) without a calibration
FALL_OFF = (0.08, 0.08)  # mean and standard deviation of the slope of ln(intensity), nm²
ITERATIONS = 4
GATE = 4.0


class ScalePrior(NamedTuple):
    """What is known of ln(true over nominal length): Student's distribution.

    ``centre`` and ``width`` of it, and its degrees of ``freedom``: with one (Cauchy) an image may
    be 9 % off though most are right to a percent; with many the width is a standard deviation.
    An infinite width stands for an image without a scale.
    """

    centre: float
    width: float
    freedom: float = 1.0


@njit(cache=True, nogil=True)
def log_scale_density(log_scale: float, error: float, prior: ScalePrior) -> float:
    """Logarithm of the density of a measured ln(scale).

    Parameters
    ----------
    log_scale
        Natural logarithm of the scale.
    error
        Its standard error.
    prior
        What is known of it.

    Returns
    -------
    float
        Logarithm of the density.
    """
    if np.isinf(prior.width):
        return FLAT_LOG_SCALE
    width = np.hypot(prior.width, error)
    away = (log_scale - prior.centre) / width
    half = 0.5 * (prior.freedom + 1)
    constant = lgamma(half) - lgamma(0.5 * prior.freedom) - 0.5 * np.log(np.pi * prior.freedom)
    return constant - np.log(width) - half * np.log1p(away**2 / prior.freedom)


@njit(cache=True, nogil=True)
def assign(
    observed: Observed, lattice: Lattice, alpha: complex, beta: complex, gate: float
) -> np.ndarray:
    """Lattice coordinates of each spot, shape (n, 2), zero where it belongs to none."""
    n = len(observed.position)
    index = np.zeros((n, 2), np.int64)
    distance = np.full(n, np.inf)
    limit = match_distance(lattice, alpha)
    for i in range(n):
        q = observed.position[i]
        first, second = nearest_index(backward(q, alpha, beta), lattice.basis)
        if amplitude_at(lattice.table, first, second) < 0:
            continue
        point = forward(first * lattice.basis[0] + second * lattice.basis[1], alpha, beta)
        away = abs(q - point)
        if away > min(limit, gate * observed.sigma[i]):
            continue
        distance[i] = away / observed.sigma[i]
        index[i, 0], index[i, 1] = first, second
        for k in range(i):  # a lattice point has one spot: the nearer
            same = index[k, 0] == first and index[k, 1] == second
            opposite = index[k, 0] == -first and index[k, 1] == -second
            if (same or opposite) and np.isfinite(distance[k]):
                loser = k if distance[k] > distance[i] else i
                index[loser], distance[loser] = 0, np.inf
    return index


@njit(cache=True, nogil=True)
def _refine(
    observed: Observed, lattice: Lattice, alpha: complex, beta: complex
) -> tuple[complex, complex, np.ndarray]:
    n = len(observed.position)
    g = np.zeros(n, np.complex128)
    weight = np.zeros(n)
    index = np.zeros((n, 2), np.int64)
    for step in range(ITERATIONS):
        gate = GATE * (2.0 if step == 0 else 1.0)
        index = assign(observed, lattice, alpha, beta, gate)
        area, straight = 0j, 0.0
        for i in range(n):
            g[i] = index[i, 0] * lattice.basis[0] + index[i, 1] * lattice.basis[1]
            weight[i] = 1.0 / observed.sigma[i] ** 2 if g[i] != 0 else 0.0
            area += weight[i] * g[i] * g[i]
            straight += weight[i] * abs(g[i]) ** 2
        if straight == 0 or abs(area) > 0.995 * straight:  # none, or all along one line
            return alpha, beta, np.zeros((n, 2), np.int64)
        alpha, beta = fit(g, observed.position, weight, alpha, DISTORTION_SD)
    return alpha, beta, assign(observed, lattice, alpha, beta, GATE)


@njit(cache=True, nogil=True)
def _intensity_trend(
    observed: Observed, lattice: Lattice, alpha: complex, index: np.ndarray
) -> tuple[float, float]:
    """Intercept and fall-off that carry 2 ln|F| to the logarithmic intensities."""
    mean, spread = FALL_OFF
    w, wx, wy, wxx, wxy = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(len(index)):
        amplitude = amplitude_at(lattice.table, index[i, 0], index[i, 1])
        if amplitude <= 0:
            continue
        x = abs(observed.position[i] / alpha) ** 2
        y = observed.log_intensity[i] - 2 * np.log(amplitude) + mean * x
        weight = observed.weight[i] / INTENSITY_SD**2
        w += weight
        wx += weight * x
        wy += weight * y
        wxx += weight * x * x
        wxy += weight * x * y
    if w == 0:
        return 0.0, mean
    steep = wxx - wx * wx / w + 1.0 / spread**2
    slope = (wxy - wx * wy / w) / steep
    slope = min(slope, mean)  # intensities never grow with g beyond the kinematical ones
    return (wy - slope * wx) / w, mean - slope


@njit(cache=True, nogil=True)
def detection_probability(log_intensity: float, log_threshold: float) -> float:
    """Probability that a reflection of this expected intensity is among the spots."""
    x = 1.7 * (log_intensity - log_threshold) / INTENSITY_SD
    return max(FORBIDDEN, DETECTED / (1.0 + np.exp(-x)))


@njit(cache=True, nogil=True)
def _spot_terms(
    observed: Observed,
    lattice: Lattice,
    alpha: complex,
    beta: complex,
    index: np.ndarray,
    offset: float,
    fall_off: float,
) -> tuple[float, float]:
    """Sum over the spots: geometry and intensities, both against 'false spots only'."""
    geometry, intensity = 0.0, 0.0
    for i in range(len(index)):
        weight = observed.weight[i]
        worst = UNEXPLAINED * weight
        amplitude = amplitude_at(lattice.table, index[i, 0], index[i, 1])
        if amplitude < 0:
            geometry += worst
            continue
        q, sigma = observed.position[i], observed.sigma[i]
        g = index[i, 0] * lattice.basis[0] + index[i, 1] * lattice.basis[1]
        away = abs(q - forward(g, alpha, beta)) / sigma
        term = -0.5 * away**2 - np.log(2 * np.pi * sigma**2) - observed.log_density
        if amplitude == 0:
            geometry += max(worst, weight * (term + np.log(FORBIDDEN)))
            continue
        x = abs(q / alpha) ** 2
        expected = offset + 2 * np.log(amplitude) - fall_off * x
        doubt = amplitude_at(lattice.doubt_table, index[i, 0], index[i, 1])
        term += np.log(detection_probability(expected + doubt, observed.log_threshold))
        geometry += max(worst, weight * term)
        spread = max(observed.trend[2], INTENSITY_SD)
        null = observed.log_intensity[i] - observed.trend[0] - observed.trend[1] * abs(q) ** 2
        here = max(0.0, abs(observed.log_intensity[i] - expected) - doubt) / INTENSITY_SD
        gain = 0.5 * (null / spread) ** 2 + np.log(spread / INTENSITY_SD) - 0.5 * here**2
        intensity += weight * min(INTENSITY_CAP, max(-INTENSITY_CAP, gain))
    return geometry, intensity


@njit(cache=True, nogil=True)
def _missing_term(
    observed: Observed,
    lattice: Lattice,
    alpha: complex,
    beta: complex,
    index: np.ndarray,
    offset: float,
    fall_off: float,
) -> float:
    """Sum over the predicted reflections that no spot stands on."""
    total = 0.0
    for k in range(len(lattice.vector)):
        if lattice.amplitude[k] <= 0:
            continue
        if abs(forward(lattice.vector[k], alpha, beta)) > observed.reach:
            continue
        seen = False
        for i in range(len(index)):
            ratio = 1 if index[i, 0] == lattice.coordinates[k, 0] else -1
            if (
                index[i, 0] == ratio * lattice.coordinates[k, 0]
                and index[i, 1] == ratio * lattice.coordinates[k, 1]
            ):
                seen = True
                break
        if not seen:
            expected = offset + 2 * np.log(lattice.amplitude[k])
            expected -= fall_off * lattice.length[k] ** 2 + lattice.doubt[k]
            weight = min(1.0, np.exp((expected - observed.log_intensity[0]) / (2 * FADING)))
            missed = 1 - detection_probability(expected, observed.log_threshold)
            total += weight * np.log(missed)
    return total


@njit(cache=True, nogil=True)
def evaluate(
    observed: Observed,
    lattice: Lattice,
    alpha: complex,
    beta: complex,
    scale_prior: ScalePrior,
) -> tuple[float, float, float, complex, complex, np.ndarray]:
    """Refine a hypothesis and weigh it.

    Parameters
    ----------
    observed, lattice
        The spots and the pattern.
    alpha, beta
        Hypothesis from the search.
    scale_prior
        See :func:`log_scale_density`.

    Returns
    -------
    evidence : float
        Natural logarithm of the evidence against "all spots are false", integrated over rotation,
        scale and distortion (Laplace's method); -inf without spots in two directions.
    intensity : float
        The part of it that comes from the intensities.
    error : float
        Relative standard error of the scale.
    alpha, beta : complex
        Refined.
    index : numpy.ndarray
        Lattice coordinates of each spot, shape (n, 2); zero where it belongs to none.
    """
    alpha, beta, index = _refine(observed, lattice, alpha, beta)
    if not index.any():
        return -np.inf, 0.0, np.inf, alpha, beta, index
    offset, fall_off = _intensity_trend(observed, lattice, alpha, index)
    geometry, intensity = _spot_terms(observed, lattice, alpha, beta, index, offset, fall_off)
    missing = _missing_term(observed, lattice, alpha, beta, index, offset, fall_off)
    information = 0.0
    for i in range(len(index)):
        if index[i].any():
            information += abs(observed.position[i]) ** 2 / observed.sigma[i] ** 2
    tied = 1.0 / DISTORTION_SD**2
    error = 1.0 / np.sqrt(information)
    scale = log_scale_density(np.log(abs(alpha)), error, scale_prior)
    rotation = -np.log(np.pi)  # the pattern repeats after half a turn
    distortion = -0.5 * tied * abs(beta / alpha) ** 2 + np.log(tied / (2 * np.pi))
    volume = 2 * np.log(2 * np.pi) - np.log(information) - np.log(information + tied)
    total = geometry + intensity + missing + scale + rotation + distortion + volume
    return total, intensity, error, alpha, beta, index
