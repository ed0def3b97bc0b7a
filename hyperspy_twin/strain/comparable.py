"""Which regions can be compared with the reference: those that show the same reflections."""

from __future__ import annotations

import numpy as np

# Reflections that differ by more than this share of their length are not the same planes strained
# or turned: it allows the 10 % misfit of InSb on InP, and a rotation of 7 degrees.
PARTNER_TOLERANCE = 0.12


def has_partners(vectors: np.ndarray, spots: np.ndarray) -> bool:
    """Whether each vector has a reflection near it, or opposite to it.

    Parameters
    ----------
    vectors
        Reciprocal vectors of the analysis, shape (k, 2).
    spots
        Reflections of a region, one or both of each pair, shape (n, 2).
    """
    both = np.concatenate([spots, -spots]).reshape(-1, 2)
    if not len(both):
        return False
    distance = np.linalg.norm(both[None] - vectors[:, None], axis=2).min(axis=1)
    return bool(np.all(distance <= PARTNER_TOLERANCE * np.linalg.norm(vectors, axis=1)))
