"""Amounts of atoms by X-ray lines and k-factors, with the covariance of counting."""

from __future__ import annotations

import numpy as np

# Added to the variance of counts: of a Poisson mean of which n counts were seen it is n + 1, and
# never zero.
UNSEEN = 1.0


def net_counts(
    window: np.ndarray, background: np.ndarray, factor: np.ndarray, shared: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Subtract the background from the counts of X-ray lines; their covariance too.

    Parameters
    ----------
    window
        Counts in the window of each line, shape (lines, ...).
    background
        Counts in the background windows of each line, shape (lines, ...).
    factor
        Width of the window of each line over that of its background windows, shape (lines,).
    shared
        Whether two lines have the same background windows, shape (lines, lines).

    Returns
    -------
    counts : numpy.ndarray
        Shape (lines, ...); below zero where the background is above.
    covariance : numpy.ndarray
        Shape (lines, lines, ...).
    """
    window, background = np.asarray(window, float), np.asarray(background, float)
    scaled = np.asarray(factor, float).reshape(-1, *[1] * (window.ndim - 1))
    variance = background + np.where(scaled > 0, UNSEEN, 0.0)
    covariance = np.einsum("ij,i,j,i...->ij...", shared, factor, factor, variance)
    lines = np.arange(len(window))
    covariance[lines, lines] += window + UNSEEN
    return window - scaled * background, covariance


def cliff_lorimer(
    counts: np.ndarray, covariance: np.ndarray, kfactors: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Amounts of atoms of elements by the counts of one line of each, and their covariance.

    The ratio of the weight fractions of two elements in a thin film is that of their counts, times
    that of their k-factors [1]_.

    Parameters
    ----------
    counts, covariance
        Of the lines, shapes (elements, ...) and (elements, elements, ...).
    kfactors
        For fractions of the weight, shape (elements,).
    weights
        Atomic weights, shape (elements,).

    References
    ----------
    .. [1] G. Cliff, G.W. Lorimer, J. Microsc. 103 (1975) 203.
    """
    per_count = np.asarray(kfactors, float) / np.asarray(weights, float)
    return (
        np.einsum("i,i...->i...", per_count, counts),
        np.einsum("i,j,ij...->ij...", per_count, per_count, covariance),
    )
