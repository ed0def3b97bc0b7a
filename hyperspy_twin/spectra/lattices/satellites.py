"""Satellites: copies of a lattice that one wave vector displaces.

A periodic error of the scan, or a modulation of the crystal, of wave vector q puts weak peaks at
g + q and g - q next to each peak g.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from hyperspy_twin.core import kernel
from hyperspy_twin.spectra.lattices.refinement import GATE, LatticeFit, PeakSet
from hyperspy_twin.spectra.lattices.search import (
    FEW,
    MANY,
    bounded_ratio,
    mixed_evidence,
    nearest_point,
)

# Largest power of a satellite over that of the strongest peak of its lattice: set on the tuning
# half of benchmarks/spots.py.
STRONGEST = 0.05
# Fewest peaks that are called satellites: two have a common wave vector by chance.
FEWEST = 3


def find_satellites(
    fit: LatticeFit, peaks: PeakSet, weight: np.ndarray
) -> tuple[np.ndarray, float]:
    """Find the wave vector that brings most of the unexplained peaks onto a lattice.

    Parameters
    ----------
    fit
        A lattice with its members.
    peaks
        All peaks.
    weight
        How much each peak counts, from 0 (explained already) to 1, shape (n,).

    Returns
    -------
    satellites : numpy.ndarray
        Whether each peak is one, shape (n,).
    evidence : float
        Logarithm of how much likelier the positions are for satellites than by chance; -inf where
        there are fewer than three.
    """
    satellites = np.zeros(len(weight), bool)
    weight = np.where(are_weak(fit, peaks.snr), weight, 0.0)
    trials = np.flatnonzero(weight)
    if len(trials) < FEWEST:
        return satellites, -np.inf
    total = weigh_satellites(fit, peaks, weight, (FEW, MANY))[trials]
    position, variance = peaks.position[trials], peaks.variance[trials]
    displaced = _displaced_equally(fit, position, variance, int(np.argmax(total)))
    if displaced.sum() < FEWEST:
        return satellites, -np.inf
    satellites[trials] = displaced
    return satellites, float(logsumexp(total) - np.log(len(trials)))


def weigh_satellites(
    fit: LatticeFit, peaks: PeakSet, weight: np.ndarray, fractions: tuple[float, float]
) -> np.ndarray:
    """Evidence of :func:`satellite_evidence` for a fitted lattice, shape (n,)."""
    covariances = fit.covariance_x, fit.covariance_y
    position, variance = peaks.position, peaks.variance
    return satellite_evidence(position, variance, weight, fit.basis, covariances, fractions)


def are_weak(fit: LatticeFit, snr: np.ndarray) -> np.ndarray:
    """Whether peaks are weak enough for satellites of a lattice, shape (n,)."""
    return snr < STRONGEST * snr[fit.members].max(initial=0.0)


def _displaced_equally(
    fit: LatticeFit, position: np.ndarray, variance: np.ndarray, chosen: int
) -> np.ndarray:
    """Whether peaks are a lattice vector apart from plus or minus the chosen one, shape (n,)."""
    nearest = np.full(len(position), np.inf)
    for sign in (1, -1):
        apart = position - sign * position[chosen]
        index = np.rint(apart @ np.linalg.inv(fit.basis))
        total = variance + variance[chosen] + fit.variance_at(index)
        nearest = np.minimum(nearest, ((apart - index @ fit.basis) ** 2 / total).sum(axis=1))
    return nearest < GATE


@kernel
def satellite_evidence(
    position: np.ndarray,
    variance: np.ndarray,
    weight: np.ndarray,
    basis: np.ndarray,
    covariances: tuple[np.ndarray, np.ndarray],
    fractions: tuple[float, float],
) -> np.ndarray:
    """Evidence that peaks are satellites with the wave vector of one of them.

    Parameters
    ----------
    position, variance, weight : numpy.ndarray
        As of :func:`find_satellites`.
    basis : numpy.ndarray
        Reduced basis of the lattice, shape (2, 2).
    covariances : tuple of numpy.ndarray
        Of the x and of the y components of its two vectors, each of shape (2, 2).
    fractions : tuple of float
        Two fractions of the peaks that are satellites, equally likely.

    Returns
    -------
    numpy.ndarray
        Shape (n,), for the wave vector of each peak; -inf where its weight is 0.
    """
    evidence = np.full(len(position), -np.inf)
    area = basis[0, 0] * basis[1, 1] - basis[0, 1] * basis[1, 0]
    fraction_few, fraction_many = fractions
    for i in range(len(position)):
        if weight[i] == 0:
            continue
        few, many = 0.0, 0.0
        for s in range(len(position)):
            if weight[s] == 0 or s == i:
                continue
            ratio = 0.0
            for sign in (1.0, -1.0):
                x = position[s, 0] - sign * position[i, 0]
                y = position[s, 1] - sign * position[i, 1]
                h, k = nearest_point(x, y, basis, area)
                error_x, error_y = [
                    h * h * one[0, 0] + 2 * h * k * one[0, 1] + k * k * one[1, 1]
                    for one in covariances
                ]
                ratio += 0.5 * bounded_ratio(
                    x - h * basis[0, 0] - k * basis[1, 0],
                    y - h * basis[0, 1] - k * basis[1, 1],
                    variance[s, 0] + variance[i, 0] + error_x,
                    variance[s, 1] + variance[i, 1] + error_y,
                    abs(area),
                )
            few += weight[s] * np.log(1 - fraction_few + fraction_few * ratio)
            many += weight[s] * np.log(1 - fraction_many + fraction_many * ratio)
        evidence[i] = mixed_evidence(few, many)
    return evidence
