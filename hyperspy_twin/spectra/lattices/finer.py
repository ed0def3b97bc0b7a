"""Lattices that hold a plane lattice with more points: superstructures."""

from __future__ import annotations

import numpy as np
from numba import njit

from hyperspy_twin.core import reduce_basis
from hyperspy_twin.spectra.lattices.search import log_likelihood_ratio, nearest_point


@njit(cache=True, nogil=True)
def finer_evidence(
    position: np.ndarray,
    variance: np.ndarray,
    basis: np.ndarray,
    index: np.ndarray,
    numerator: np.ndarray,
    shortest: float,
    share: float,
) -> np.ndarray:
    """Evidence of finer lattices from the spots that a lattice leaves.

    Parameters
    ----------
    position, variance : numpy.ndarray
        Spots off the lattice, and their squared errors with those of the lattice there, (n, 2).
    basis : numpy.ndarray
        Basis of the lattice, shape (2, 2).
    index, numerator : numpy.ndarray
        As of :func:`~hyperspy_twin.core.finer_lattices`.
    shortest : float
        Length below which a lattice vector is not resolved.
    share : float
        Share of the spots that are on the finer lattice, a priori.

    Returns
    -------
    numpy.ndarray
        Shape (m,); -inf where the lattice is not resolved.
    """
    evidence = np.full(len(index), -np.inf)
    for m in range(len(index)):
        finer, _ = reduce_basis(numerator[m] @ basis / index[m])
        if np.sqrt(np.sum(finer[0] ** 2)) < shortest:
            continue
        area = finer[0, 0] * finer[1, 1] - finer[0, 1] * finer[1, 0]
        # The points of the lattice itself are taken already.
        left = abs(area) * index[m] / (index[m] - 1)
        total = 0.0
        for s in range(len(position)):
            h, k = nearest_point(position[s, 0], position[s, 1], finer, area)
            ratio = 0.0
            if h != 0 or k != 0:
                logarithm = log_likelihood_ratio(
                    position[s, 0] - h * finer[0, 0] - k * finer[1, 0],
                    position[s, 1] - h * finer[0, 1] - k * finer[1, 1],
                    variance[s, 0],
                    variance[s, 1],
                    left,
                )
                ratio = np.exp(min(logarithm, 50.0))
            total += np.log(1 - share + share * ratio)
        evidence[m] = total
    return evidence
