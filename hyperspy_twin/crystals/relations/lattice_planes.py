"""Lattice planes: where they stand in an image, their spacings, and where two coincide."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from hyperspy_twin.core import ANGSTROM_PER_NM, Crystal, OrientedCrystal, Peaks
from hyperspy_twin.crystals.diffraction import centring_reflections, coprime_indices, leading_index
from hyperspy_twin.crystals.notation import four_plane_indices, has_four_indices
from hyperspy_twin.crystals.relations.lattice_fit import fit_lattice

LARGEST_INDEX = 3  # of the planes that are compared
LARGEST_MULTIPLE = 10  # of spacings that are compared
LARGEST_ORDER = 12  # of centring: no lattice translation is a smaller part of the cell
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

    @cached_property
    def edge_on(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Planes that hold the zone axis, and what tells them apart.

        Returns
        -------
        planes
            Miller indices, one of each (hkl) and its negative, shape (n, 3).
        cost
            Sum of their squared indices as they are written, shape (n,).
        normals
            Their reciprocal vectors (x, y) as the spectrum shows them, shape (n, 2).
        """
        planes, cost = _edge_on_planes(self.oriented.crystal, self.oriented.zone_axis)
        return planes, cost, self._normals(planes)

    def spacing(self, row: int) -> float:
        """Spacing in nm of the planes in a row of :attr:`edge_on`, by the structure."""
        h, k, l_ = self.edge_on[0][row].tolist()
        return plane_spacing(self.oriented.crystal, (h, k, l_))

    def stretch(self, row: int) -> float:
        """Length of a normal in :attr:`edge_on` in the spectrum over that by the structure."""
        plane = self.edge_on[0][row]
        true = np.linalg.norm(self.oriented.reciprocal_vectors(plane))
        return float(np.linalg.norm(self._normals(plane)) / true)

    def _normals(self, planes: np.ndarray) -> np.ndarray:
        return self.oriented.reciprocal_vectors(planes) @ self.affine.T


def fit_indexed_lattice(oriented: OrientedCrystal, hkl: np.ndarray, peaks: Peaks) -> IndexedLattice:
    """Lattice of a region by its peaks, given as for :func:`fit_lattice`."""
    affine, covariance = fit_lattice(oriented, hkl, peaks)
    variance = float(np.trace(covariance) / np.abs(np.linalg.det(affine)) / 2)
    return IndexedLattice(oriented, affine, variance)


@lru_cache(maxsize=256)
def _edge_on_planes(
    crystal: Crystal, zone_axis: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray]:
    hkl = coprime_indices(LARGEST_INDEX)
    hkl = hkl[hkl @ np.array(zone_axis) == 0]
    negative = (hkl < 0).sum(axis=1) - (hkl > 0).sum(axis=1)
    planes = hkl[(negative < 0) | ((negative == 0) & (leading_index(hkl) > 0))]
    written = planes
    if has_four_indices(crystal):
        written = np.array([four_plane_indices(plane) for plane in planes.tolist()])
    return planes, np.square(written).sum(axis=1)


@lru_cache(maxsize=256)
def centring_translations(crystal: Crystal) -> tuple[tuple[float, float, float], ...]:
    """Fractions of the cell by which the structure repeats itself, the whole cell left out."""
    fractional = np.array(crystal.fractional)
    same = np.array(crystal.symbols) == crystal.symbols[0]
    shifts = fractional[same] - fractional[0]
    shifts = shifts[np.abs(shifts).max(axis=1) > 1e-3]
    phase = shifts @ centring_reflections(crystal).T
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
    g = np.linalg.norm(hkl @ crystal.reciprocal_base) * ANGSTROM_PER_NM
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
