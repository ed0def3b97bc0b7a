"""Lattice planes: where they stand in an image, their spacings, and where two coincide."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hyperspy_twin.core.crystal import Crystal
from hyperspy_twin.crystals.diffraction.reflections import ANGSTROM_PER_NM, reflections
from hyperspy_twin.crystals.indexing.matches import Match
from hyperspy_twin.crystals.relations.calibration import fit_lattice

LARGEST_MULTIPLE = 10
LARGEST_ORDER = 12  # of centring: no lattice translation is a smaller part of the cell


@dataclass(frozen=True, eq=False)
class IndexedLattice:
    """Crystal of a region with its lattice as measured.

    Attributes
    ----------
    match
        Crystal and orientation.
    affine
        Matrix, shape (2, 2), that carries (M @ g)[:2] of the crystal to its place in the
        spectrum, in 1/nm.
    variance
        Relative variance of the length of a reflection in the spectrum.
    """

    match: Match
    affine: np.ndarray
    variance: float


def indexed_lattice(
    match: Match, hkl: np.ndarray, position: np.ndarray, error: np.ndarray
) -> IndexedLattice:
    """Lattice of a region by its spots.

    Parameters
    ----------
    match, hkl, position, error
        As for :func:`~hyperspy_twin.crystals.relations.calibration.fit_lattice`.
    """
    affine, covariance = fit_lattice(match, hkl, position, error)
    return IndexedLattice(
        match, affine, float(np.trace(covariance) / np.abs(np.linalg.det(affine)) / 2)
    )


def true_normals(planes: np.ndarray, lattice: IndexedLattice) -> np.ndarray:
    """Reciprocal vectors of planes (hkl) that stand edge-on, in the image frame, shape (n, 2)."""
    match = lattice.match
    g = planes @ np.linalg.inv(match.crystal.base).T * ANGSTROM_PER_NM
    return (g @ match.orientation.T)[..., :2]


def normals_in_image(planes: np.ndarray, lattice: IndexedLattice) -> np.ndarray:
    """Give the same vectors as the spectrum shows them, with its scale and distortion."""
    return true_normals(planes, lattice) @ lattice.affine.T


@lru_cache(maxsize=256)
def centring_translations(crystal: Crystal) -> tuple[tuple[float, float, float], ...]:
    """Fractions of the cell by which the structure repeats itself, the whole cell left out."""
    radius = 4.0 * ANGSTROM_PER_NM / np.cbrt(np.linalg.det(crystal.base))
    hkl = reflections(crystal, radius).hkl
    fractional = np.array(crystal.fractional)
    same = np.array(crystal.symbols) == crystal.symbols[0]
    shifts = fractional[same] - fractional[0]
    shifts = shifts[np.abs(shifts).max(axis=1) > 1e-3]
    phase = shifts @ hkl.T
    repeats = (np.abs(phase - np.rint(phase)) < 0.02).all(axis=1)
    return tuple(map(tuple, shifts[repeats].tolist()))


def plane_spacing(crystal: Crystal, hkl: np.ndarray) -> float:
    """Spacing in nm of the lattice planes along (hkl), counting those of a centred lattice."""
    hkl = np.asarray(hkl, int) // np.gcd.reduce(np.asarray(hkl, int))
    shifts = np.array(centring_translations(crystal)).reshape(-1, 3)
    orders = np.arange(1, LARGEST_ORDER + 1)
    phase = orders[:, None] * (shifts @ hkl)
    allowed = (np.abs(phase - np.rint(phase)) < 0.02).all(axis=1)
    order = int(orders[np.argmax(allowed)])
    g = np.linalg.norm(hkl @ np.linalg.inv(crystal.base).T) * ANGSTROM_PER_NM
    return float(1 / (order * g))


def coincidence(first: float, second: float) -> tuple[tuple[int, int], float]:
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
