"""Exact integer arithmetic on lattices: bases of generated lattices and their completion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np


def integer_row_basis(vectors: Iterable[Sequence[int]]) -> np.ndarray:
    """Return a basis of the lattice that integer vectors generate.

    Parameters
    ----------
    vectors
        Integer generators, each of length d.

    Returns
    -------
    numpy.ndarray
        Row echelon basis with positive pivots, integer, shape (rank, d).

    References
    ----------
    H. Cohen, A Course in Computational Algebraic Number Theory, Springer (1993), section 2.4:
    Hermite normal form.
    """
    rows = [[int(value) for value in vector] for vector in vectors]
    dimension = len(rows[0]) if rows else 0
    basis = []
    for column in range(dimension):
        rows = [row for row in rows if any(row)]
        active = [row for row in rows if row[column]]
        rest = [row for row in rows if not row[column]]
        while len(active) > 1:
            pivot = min(active, key=lambda row: abs(row[column]))
            reduced = [
                _combine(row, pivot, -(row[column] // pivot[column]))
                for row in active
                if row is not pivot
            ]
            rest += [row for row in reduced if not row[column]]
            active = [pivot] + [row for row in reduced if row[column]]
        if active:
            sign = 1 if active[0][column] > 0 else -1
            basis.append([sign * value for value in active[0]])
        rows = rest
    return np.array(basis, dtype=np.int64).reshape(len(basis), dimension)


def complete_basis(vector: Sequence[int]) -> np.ndarray:
    """Return an integer matrix of determinant +-1 whose last row is a given vector.

    Parameters
    ----------
    vector
        Integers without a common divisor, shape (d,).

    Returns
    -------
    numpy.ndarray
        Unimodular integer matrix, shape (d, d).

    Raises
    ------
    ValueError
        If the entries have a common divisor, or are all zero.
    """
    entries = [int(value) for value in vector]
    dimension = len(entries)
    # Euclid's algorithm on the entries; each column operation is undone on the rows of `matrix`,
    # so that entries @ matrix stays equal to the given vector.
    matrix = [[int(i == j) for j in range(dimension)] for i in range(dimension)]
    while sum(1 for value in entries if value) > 1:
        pivot = min((i for i in range(dimension) if entries[i]), key=lambda i: abs(entries[i]))
        for i in range(dimension):
            if i != pivot and entries[i]:
                factor = entries[i] // entries[pivot]
                entries[i] -= factor * entries[pivot]
                matrix[pivot] = _combine(matrix[pivot], matrix[i], factor)
    if sorted(abs(value) for value in entries) != [0] * (dimension - 1) + [1]:
        raise ValueError(f"{tuple(vector)} has a common divisor: divide by it first")
    last = next(i for i in range(dimension) if entries[i])
    row = [entries[last] * value for value in matrix[last]]
    return np.array([matrix[i] for i in range(dimension) if i != last] + [row], dtype=np.int64)


def _combine(row: list[int], other: list[int], factor: int) -> list[int]:
    return [a + factor * b for a, b in zip(row, other, strict=True)]
