"""Plane lattices: two vectors, their reduced basis, the lattices that hold them, and their fit.

Kernels take a vector as one complex number x + i y; Python takes bases as rows (x, y).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from hyperspy_twin.core.kernels import kernel

# Vectors that differ by less in their squared length are equally long: symmetry, not rounding,
# decides which of them comes first.
EQUAL_LENGTH = 1e-12
# A projection that exceeds half a vector by less than this fraction is half of it.
EQUAL_HALF = 1e-9
# Far more steps than the reduction of any measured basis takes: bounds it for non-numbers.
MOST_STEPS = 100
# Determinant over the product of the diagonal, below which points lie along one line.
COLLINEAR = 1e-9


@dataclass(frozen=True, eq=False)
class PlaneLattice:
    """A lattice in the plane, reciprocal or direct.

    Attributes
    ----------
    basis
        Two vectors (x, y) in rows, shape (2, 2), in 1/nm for a reciprocal lattice.
    """

    basis: np.ndarray

    @property
    def area(self) -> float:
        """Area of the cell of the basis."""
        return float(abs(np.linalg.det(self.basis)))

    def nearest_index(self, position: np.ndarray) -> np.ndarray:
        """Integer coordinates of the lattice points next to positions (n, 2), shape (n, 2)."""
        return np.rint(position @ np.linalg.inv(self.basis)).astype(int)


@kernel
def reduce_pair(first: complex, second: complex) -> tuple[complex, complex, np.ndarray]:
    """Shortest right-handed basis of a plane lattice, by the Gauss reduction [1]_.

    Parameters
    ----------
    first, second : complex
        Two independent vectors x + i y.

    Returns
    -------
    first, second : complex
        The shorter vector first.
    change : numpy.ndarray
        Integers as floats, shape (2, 2): the reduced basis is ``change @ basis``.

    References
    ----------
    .. [1] H. Cohen, A Course in Computational Algebraic Number Theory, Springer (1993), 1.3.14.
    """
    change = np.zeros((2, 2))
    change[0, 0] = change[1, 1] = 1.0
    for _ in range(MOST_STEPS):
        square = first.real**2 + first.imag**2
        other = second.real**2 + second.imag**2
        if square > other * (1 + EQUAL_LENGTH):
            first, second, square = second, first, other
            change[0, 0], change[1, 0] = change[1, 0], change[0, 0]
            change[0, 1], change[1, 1] = change[1, 1], change[0, 1]
        shift = np.rint((1 - EQUAL_HALF) * (first.conjugate() * second).real / square)
        if shift == 0:
            break
        second = second - shift * first
        change[1, 0] -= shift * change[0, 0]
        change[1, 1] -= shift * change[0, 1]
    if (first.conjugate() * second).imag < 0:
        second = -second
        change[1, 0], change[1, 1] = -change[1, 0], -change[1, 1]
    return first, second, change


@kernel
def reduce_basis(basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shortest right-handed basis in rows, and its integer change, as :func:`reduce_pair`."""
    first, second, change = reduce_pair(
        complex(basis[0, 0], basis[0, 1]), complex(basis[1, 0], basis[1, 1])
    )
    reduced = np.empty((2, 2))
    reduced[0, 0], reduced[0, 1] = first.real, first.imag
    reduced[1, 0], reduced[1, 1] = second.real, second.imag
    return reduced, change


def reduce_plane(vectors: np.ndarray, metric_base: np.ndarray) -> np.ndarray:
    """Shorten two integer vectors that span a plane of a lattice in space.

    Parameters
    ----------
    vectors
        Integer coordinates, shape (2, 3).
    metric_base
        Basis of the lattice in space, in rows, shape (3, 3).

    Returns
    -------
    numpy.ndarray
        Integers, shape (2, 3), of the same handedness.
    """
    triangle = np.asarray(np.linalg.qr((vectors @ metric_base).T, mode="r"))
    _, change = reduce_basis(np.ascontiguousarray(triangle.T))
    if np.linalg.det(change) < 0:
        change[1] *= -1
    return np.rint(change @ vectors).astype(int)


@lru_cache
def finer_lattices(smallest: int, largest: int) -> tuple[np.ndarray, np.ndarray]:
    """Enumerate the lattices that contain a lattice, by their index.

    Parameters
    ----------
    smallest, largest
        Numbers of points of the finer lattice for each of the lattice; 1 is the lattice itself.

    Returns
    -------
    index : numpy.ndarray
        That number for each finer lattice, shape (m,).
    numerator : numpy.ndarray
        Integers as floats, shape (m, 2, 2): ``numerator @ basis / index`` spans the
        finer lattice. They are the adjugates of the Hermite normal forms by columns, and their
        transposes give all lattices of these indices that the lattice contains.
    """
    found = []
    for index in range(smallest, largest + 1):
        for first in (d for d in range(1, index + 1) if index % d == 0):
            for shift in range(first):
                found.append((index, [[index // first, -shift % first], [0, first]]))
    return np.array([n for n, _ in found]), np.array([one for _, one in found], float)


@kernel
def finer_pair(
    first: complex, second: complex, index: int, numerator: np.ndarray
) -> tuple[complex, complex]:
    """Reduced basis of one of :func:`finer_lattices` of the lattice of two vectors."""
    fraction = (numerator[0, 0] * first + numerator[0, 1] * second) / index
    first, second, _ = reduce_pair(fraction, numerator[1, 1] * second / index)
    return first, second


@kernel
def normal_equations(index: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, float]:
    """Matrix (2, 2) for the basis of a lattice, and its determinant: 0 for points on one line."""
    normal = np.zeros((2, 2))
    for i in range(len(index)):
        for a in range(2):
            for b in range(2):
                normal[a, b] += weight[i] * index[i, a] * index[i, b]
    determinant = normal[0, 0] * normal[1, 1] - normal[0, 1] ** 2
    if determinant <= COLLINEAR * normal[0, 0] * normal[1, 1]:
        determinant = 0.0
    return normal, determinant


@kernel
def fit_basis(
    index: np.ndarray, position: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Fit the basis of a lattice to points of known coordinates, by least squares.

    Parameters
    ----------
    index : numpy.ndarray
        Integer coordinates, shape (n, 2).
    position : numpy.ndarray
        Points as complex numbers, or one component of them, shape (n,).
    weight : numpy.ndarray
        Inverse variance of each component, shape (n,).

    Returns
    -------
    basis : numpy.ndarray
        The two vectors, or that component of them, shape (2,).
    covariance : numpy.ndarray
        Of one component of the two vectors, shape (2, 2).
    determinant : float
        Of the normal equations; 0 for points along one line, which fix no basis.
    """
    normal, determinant = normal_equations(index, weight)
    right = np.zeros(2, position.dtype)
    covariance = np.full((2, 2), np.inf)
    if determinant == 0:
        return right, covariance, determinant
    for i in range(len(index)):
        for a in range(2):
            right[a] += weight[i] * index[i, a] * position[i]
    basis = np.empty(2, position.dtype)
    basis[0] = (normal[1, 1] * right[0] - normal[0, 1] * right[1]) / determinant
    basis[1] = (normal[0, 0] * right[1] - normal[0, 1] * right[0]) / determinant
    covariance[0, 0], covariance[1, 1] = normal[1, 1] / determinant, normal[0, 0] / determinant
    covariance[0, 1] = covariance[1, 0] = -normal[0, 1] / determinant
    return basis, covariance, determinant
