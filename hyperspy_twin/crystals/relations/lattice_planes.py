"""Lattice planes: where they stand in an image, their spacings, and where two coincide."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hyperspy_twin.core import ANGSTROM_PER_NM, Crystal, OrientedCrystal, Peaks
from hyperspy_twin.crystals.diffraction import find_reflections
from hyperspy_twin.crystals.relations.lattice_fit import fit_lattice

LARGEST_MULTIPLE = 10  # of spacings that are compared
LARGEST_ORDER = 12  # of centring: no lattice translation is a smaller part of the cell
# Radius, in units of the inverse cube root of the cell's volume, that holds reflections enough to
# show the centring of any cell.
CENTRING_RADIUS = 4.0
_WHOLE = 0.02  # largest difference of a phase from the whole number that it is taken for


@dataclass(frozen=True, eq=False)
class IndexedLattice:
    """Crystal of a region with its lattice as measured.

    Attributes
    ----------
    oriented
        Crystal and orientation.
    affine
        Matrix, shape (2, 2), that carries (M @ g)[:2] of the crystal to its position in the
        spectrum, in 1/nm.
    variance
        Relative variance of the length of a reflection in the spectrum.
    """

    oriented: OrientedCrystal
    affine: np.ndarray
    variance: float

    def normals(self, planes: np.ndarray) -> np.ndarray:
        """Reciprocal vectors (x, y) of planes (hkl) as the spectrum shows them, shape (n, 2)."""
        return self.oriented.reciprocal_vectors(planes) @ self.affine.T


def fit_indexed_lattice(oriented: OrientedCrystal, hkl: np.ndarray, peaks: Peaks) -> IndexedLattice:
    """Lattice of a region by its peaks.

    Parameters
    ----------
    oriented, hkl, peaks
        As for :func:`fit_lattice`.
    """
    affine, covariance = fit_lattice(oriented, hkl, peaks)
    variance = float(np.trace(covariance) / np.abs(np.linalg.det(affine)) / 2)
    return IndexedLattice(oriented, affine, variance)


@lru_cache(maxsize=256)
def centring_translations(crystal: Crystal) -> tuple[tuple[float, float, float], ...]:
    """Fractions of the cell by which the structure repeats itself, the whole cell left out."""
    radius = CENTRING_RADIUS * ANGSTROM_PER_NM / np.cbrt(np.linalg.det(crystal.base))
    hkl = find_reflections(crystal, radius).hkl
    fractional = np.array(crystal.fractional)
    same = np.array(crystal.symbols) == crystal.symbols[0]
    shifts = fractional[same] - fractional[0]
    shifts = shifts[np.abs(shifts).max(axis=1) > 1e-3]
    phase = shifts @ hkl.T
    repeats = (np.abs(phase - np.rint(phase)) < _WHOLE).all(axis=1)
    return tuple(map(tuple, shifts[repeats].tolist()))


@lru_cache(maxsize=4096)
def plane_spacing(crystal: Crystal, plane: tuple[int, int, int]) -> float:
    """Spacing in nm of the lattice planes (hkl), counting those of a centred lattice."""
    hkl = np.array(plane) // np.gcd.reduce(plane)
    shifts = np.array(centring_translations(crystal)).reshape(-1, 3)
    orders = np.arange(1, LARGEST_ORDER + 1)
    phase = orders[:, None] * (shifts @ hkl)
    allowed = (np.abs(phase - np.rint(phase)) < _WHOLE).all(axis=1)
    order = int(orders[np.argmax(allowed)])
    g = np.linalg.norm(hkl @ np.linalg.inv(crystal.base).T) * ANGSTROM_PER_NM
    return float(1 / (order * g))


@lru_cache
def find_coincidence(first: float, second: float) -> tuple[tuple[int, int], float]:
    """Whole numbers (n, m) with n first spacings nearest to m second ones, and the misfit left.

    Small numbers are preferred: those of each larger coincidence must leave less than half of
    the misfit of the smaller one.
    """
    best, left = (1, 1), second / first - 1
    for n, m in sorted(
        ((n, m) for n in range(1, LARGEST_MULTIPLE + 1) for m in range(1, LARGEST_MULTIPLE + 1)),
        key=sum,
    ):
        rest = m * second / (n * first) - 1
        if abs(rest) < 0.5 * abs(left):
            best, left = (n, m), rest
    return best, left
