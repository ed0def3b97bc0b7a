"""What the recursion needs of an operator, and the plain one of a sparse matrix."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import scipy.sparse

from hyperspy_twin.core import content_hash
from hyperspy_twin.properties.kernel_polynomials.energy_window import EnergyWindow
from hyperspy_twin.properties.kernel_polynomials.random_vectors import random_phases, random_signs


class ChebyshevOperator(Protocol):
    """A Hermitian operator that steps blocks of vectors.

    Blocks are arrays of any layout and library that the operator itself chooses, one for several
    vectors. All sums are made in a fixed order, so that results are the same for any number of
    threads.

    Attributes
    ----------
    rows
        Length of the vectors.
    weight
        Number of rows in each group, shape (groups,).
    identity
        Text that differs for other operators or groups, such as a hash of what they are made from.
    """

    @property
    def rows(self) -> int:
        """Length of the vectors."""

    @property
    def weight(self) -> np.ndarray:
        """Number of rows in each group."""

    @property
    def identity(self) -> str:
        """Text that differs for other operators."""

    def start(self, vectors: range, seed: int) -> Any:
        """Block of random vectors of these numbers."""

    def product(self, block: np.ndarray) -> np.ndarray:
        """Operator times a block that is a NumPy array, as a new one."""

    def step(
        self, current: Any, previous: Any, window: EnergyWindow, factor: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Next block of the recursion, which overwrites ``previous``.

        With x the operator mapped to the window and v the blocks, the next one is ``x v`` at the
        first step (factor 1), and ``2 x v - previous`` at others (factor 2). Returned are the real
        parts of the sums of ``conj(next) next`` and ``conj(next) current`` over the rows of each
        group, shape (groups, vectors), in 64 bits.
        """

    def to_array(self, block: Any) -> np.ndarray:
        """Block as a NumPy array that a file can hold, of any shape."""

    def from_array(self, array: np.ndarray) -> Any:
        """Block from what :meth:`to_array` gave."""


class SparseOperator:
    """A Hermitian matrix as :class:`ChebyshevOperator`; blocks have shape (rows, vectors).

    Parameters
    ----------
    matrix
        Hermitian, real or complex, shape (rows, rows).
    labels
        Group of each row from 0 on, or -1 for rows of none, shape (rows,).
    groups
        Number of groups; by default one more than the highest label.
    """

    def __init__(
        self, matrix: scipy.sparse.csr_array, labels: np.ndarray, groups: int | None = None
    ) -> None:
        labels = np.asarray(labels)
        if matrix.shape[0] != matrix.shape[1] or labels.shape != matrix.shape[:1]:
            raise ValueError(
                f"a matrix of shape {matrix.shape} needs a group for each row, not {labels.shape}"
            )
        self._matrix = scipy.sparse.csr_array(matrix)
        self.rows = len(labels)
        groups = int(labels.max()) + 1 if groups is None else groups
        inside = np.flatnonzero(labels >= 0)
        self._sums = scipy.sparse.csr_array(
            (np.ones(len(inside)), (labels[inside], inside)), (groups, self.rows)
        )
        self.weight = np.bincount(labels[inside], minlength=groups).astype(float)
        stored = self._matrix.data, self._matrix.indices, self._matrix.indptr
        self.identity = content_hash(*stored, labels)

    def start(self, vectors: range, seed: int) -> np.ndarray:
        """Signs for a real matrix, and phases for a complex one."""
        dtype = self._matrix.dtype
        make = random_phases if np.issubdtype(dtype, np.complexfloating) else random_signs
        return make(self.rows, vectors, seed, dtype)

    def product(self, block: np.ndarray) -> np.ndarray:
        """Matrix times a block."""
        return self._matrix @ block

    def step(
        self, current: np.ndarray, previous: np.ndarray, window: EnergyWindow, factor: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Next block in the place of the previous one, and its sums over the groups."""
        dtype = current.real.dtype.type
        following = self._matrix @ current
        following -= dtype(window.centre) * current
        following *= dtype(factor / window.half_width)
        following -= previous if factor == 2 else 0
        previous[...] = following
        own = following.real**2 + following.imag**2
        cross = following.real * current.real + following.imag * current.imag
        return self._sums @ own, self._sums @ cross

    def to_array(self, block: np.ndarray) -> np.ndarray:
        """Block itself."""
        return block

    def from_array(self, array: np.ndarray) -> np.ndarray:
        """Array itself."""
        return array
