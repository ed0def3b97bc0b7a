"""The lattice of a crystal, fitted to the peaks that it explains."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from hyperspy_twin.core import OrientedCrystal, Peaks
from hyperspy_twin.crystals.indexing import RegionPhase


def explained_peaks(
    records: Iterable[RegionPhase], peaks: Iterable[Peaks]
) -> dict[tuple[int, int], tuple[OrientedCrystal, np.ndarray, Peaks]]:
    """Each crystal, under its region and number in it, with the peaks it explains and their hkl."""
    measured = {one.region: one for one in peaks}
    found = {}
    for record in records:
        for number, one in enumerate(record.crystals, 1):
            if one.match is not None:
                used = np.flatnonzero(one.hkl.any(axis=1))
                own = measured[record.region].take(used)
                found[record.region, number] = one.match.oriented, one.hkl[used], own
    return found


def fit_lattice(
    oriented: OrientedCrystal, hkl: np.ndarray, peaks: Peaks
) -> tuple[np.ndarray, np.ndarray]:
    """Matrix that carries the reflections of an oriented crystal to the peaks of a region.

    By weighted least squares, peak = A @ (M @ g)[:2], from the Miller indices of the peaks, shape
    (n, 3), not all along one line. With A, shape (2, 2), comes the covariance of each of its rows,
    of the same shape, which counts the scatter about the fit where that exceeds the standard
    errors.
    """
    g = oriented.reciprocal_vectors(hkl)
    weight = 1 / np.maximum(np.mean(peaks.error**2, axis=1), 1e-30)
    covariance = np.linalg.inv((g * weight[:, None]).T @ g)
    affine = (peaks.position * weight[:, None]).T @ g @ covariance
    deviation = peaks.position - g @ affine.T
    freedom = 2 * len(g) - 4
    scatter = float((weight[:, None] * deviation**2).sum() / freedom) if freedom > 0 else 1.0
    return affine, covariance * max(1.0, scatter)


def square_root(matrix: np.ndarray) -> np.ndarray:
    """Symmetric square root of a positive definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values)) @ vectors.T
