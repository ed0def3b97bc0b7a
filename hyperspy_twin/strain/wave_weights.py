"""Weights of lattice waves whose errors belong together."""

from __future__ import annotations

import numpy as np

# Squared sine of the angle between two vectors that determine a strain, at least: 8 degrees.
MINIMUM_SQUARED_SINE = 0.02
# Fraction of the variance of each wave that counts as its own, so that waves whose errors seem to
# be one and the same (a clean computed image) can be combined; float32 knows no smaller one.
OWN_VARIANCE = 1e-6
# Indices of vectors in a lattice differ by less from whole numbers: a hundred times the error of
# a vector of a common image, and the least misfit at which another crystal has peaks of its own.
WHOLE = 0.01
# They may differ by so many standard errors where these are large, as in a reference of a few nm:
# of 42 of these, no vector was off by more than 4 ...
SIGNIFICANCE = 5.0
# ... but no more than this, beyond which a vector of another lattice passes in 4 % of all cases.
MOST_UNCERTAIN = 0.1
# Two vectors of a lattice generate all others over one of these.
DIVISORS = (1, 2, 3)


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


def fit_one_lattice(vectors: np.ndarray, amplitudes: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Vectors of the one lattice that is nearest to measured ones.

    Each is measured with an error of its own. If they are not those of one lattice, the waves do
    not agree on where it is far away: displacements would drift against any lattice that is
    fitted to the vectors afterwards. Vectors of no common lattice are returned as they are.

    Parameters
    ----------
    vectors
        Measured reciprocal vectors (x, y), shape (k, 2).
    amplitudes
        Of their waves, shape (k,): in white noise the error of a vector is inversely proportional.
    errors
        Standard errors of the vectors, or more, along x and y, shape (k, 2).
    """
    indices = _integer_indices(vectors, errors)
    if len(vectors) < 3 or indices is None:
        return vectors
    weighted = indices * amplitudes[:, None] ** 2
    return indices @ np.linalg.solve(weighted.T @ indices, weighted.T @ vectors)


def are_one_lattice(vectors: np.ndarray) -> bool:
    """Whether vectors (k, 2) are those of one lattice, as :func:`fit_one_lattice` makes them."""
    return len(vectors) < 3 or _integer_indices(vectors, np.zeros_like(vectors)) is not None


def _integer_indices(vectors: np.ndarray, errors: np.ndarray) -> np.ndarray | None:
    """Find indices (k, 2) of vectors in two of them over a whole number, if there are."""
    first, second = np.triu_indices(len(vectors), 1)
    determinant = vectors[first, 0] * vectors[second, 1] - vectors[first, 1] * vectors[second, 0]
    lengths = np.linalg.norm(vectors, axis=1)
    squared_sine = (determinant / (lengths[first] * lengths[second])) ** 2
    wide = np.flatnonzero(squared_sine > MINIMUM_SQUARED_SINE)
    for number in wide[np.argsort(np.abs(determinant[wide]), kind="stable")]:
        pair = [first[number], second[number]]
        inverse = np.linalg.inv(vectors[pair])
        coordinates = vectors @ inverse
        # Errors of a vector less those of the pair, as often as they make it up.
        variance = (errors**2 + coordinates**2 @ errors[pair] ** 2) @ inverse**2
        for divisor in DIVISORS:
            indices = np.round(divisor * coordinates)
            tolerance = np.clip(SIGNIFICANCE * divisor * np.sqrt(variance), WHOLE, MOST_UNCERTAIN)
            if (np.abs(divisor * coordinates - indices) < tolerance).all():
                return indices / divisor
    return None
