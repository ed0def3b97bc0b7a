"""Probability that single spots are on a lattice, judged from the places of the others."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.spectra.lattices.refinement import LatticeFit
from hyperspy_twin.spectra.lattices.search import log_likelihood_ratio


def membership_probability(
    fit: LatticeFit, position: np.ndarray, variance: np.ndarray, evidence: float
) -> np.ndarray:
    """Probability that each spot is on the lattice, judged from the other members.

    Parameters
    ----------
    fit
        A lattice with its members.
    position, variance
        Spots and their squared errors, each of shape (n, 2).
    evidence
        Logarithmic evidence of the lattice.

    Returns
    -------
    numpy.ndarray
        Shape (n,); meaningless where a spot is no member.
    """
    index, ratio, _ = fit.ratios(position, variance)
    residual = position - index @ fit.basis
    area = abs(np.linalg.det(fit.basis))
    logarithm = np.zeros(len(position))
    for n in np.flatnonzero(fit.members):
        leverage = [
            float(index[n] @ covariance @ index[n]) / variance[n, axis]
            for axis, covariance in enumerate((fit.covariance_x, fit.covariance_y))
        ]
        left = np.maximum(1 - np.asarray(leverage), 1e-9)
        spread = variance[n] / left
        (x, y), (variance_x, variance_y) = residual[n] / left, spread
        value = log_likelihood_ratio(x, y, variance_x, variance_y, area)
        # Spots far off the prediction's error are on the lattice by the very choice of basis.
        logarithm[n] = max(value, 0.0) if (left < 0.05).any() else value
    without = evidence - np.maximum(ratio, 0.0)
    logarithm -= np.where(logarithm > 0, np.logaddexp(0.0, -without), 0.0)
    return 1 / (1 + np.exp(-np.clip(logarithm, -50, 50)))


def probability_off(fit: LatticeFit, position: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Probability that spots that are no members are on a lattice after all.

    Parameters
    ----------
    fit
        A lattice.
    position, variance
        Spots and their squared errors, each of shape (n, 2).

    Returns
    -------
    numpy.ndarray
        Shape (n,).
    """
    _, ratio, _ = fit.ratios(position, variance)
    return 1 / (1 + np.exp(-np.clip(ratio, -50, 50)))
