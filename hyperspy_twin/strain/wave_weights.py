"""Weights of lattice waves whose errors belong together."""

from __future__ import annotations

import numpy as np

# Squared sine of the angle between two vectors that determine a strain, at least: 8 degrees.
MINIMUM_SQUARED_SINE = 0.02
# Fraction of the variance of each wave that counts as its own, so that waves whose errors seem to
# be one and the same (a clean computed image) can be combined; float32 knows no smaller one.
OWN_VARIANCE = 1e-6


def combine_waves(
    significant: np.ndarray, covariance: np.ndarray, vectors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Inverse covariance of each set of waves that is present somewhere.

    Parameters
    ----------
    significant
        Nodes at which each wave is present, shape (k, rows, columns).
    covariance
        Of the quadratures of the waves, shape (k, k).
    vectors
        Reciprocal vectors (x, y), shape (k, 2).

    Returns
    -------
    subset
        Index of the set at each node, shape (rows, columns); -1 where the waves that are present
        are collinear.
    inverses
        Shape (sets, k, k), 0 where a wave is absent.
    """
    count = len(vectors)
    bits = np.tensordot(1 << np.arange(count), significant.astype(np.int64), 1)
    present, index = np.unique(bits, return_inverse=True)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    floor = max(float(np.diag(covariance).max()), float(np.finfo(np.float32).tiny))
    stable = covariance + OWN_VARIANCE * floor * np.eye(count)
    inverses = np.zeros((len(present), count, count))
    number = np.full(len(present), -1)
    for position, code in enumerate(present):
        which = np.flatnonzero((code >> np.arange(count)) & 1)
        if np.linalg.det(unit[which].T @ unit[which]) > MINIMUM_SQUARED_SINE:
            inverses[position][np.ix_(which, which)] = np.linalg.inv(stable[np.ix_(which, which)])
            number[position] = position
    return number[index].reshape(bits.shape), inverses
