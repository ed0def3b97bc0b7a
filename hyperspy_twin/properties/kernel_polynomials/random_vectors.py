"""Random vectors that any part of a computer can make again, from a number for each element."""

from __future__ import annotations

from typing import Any

import numpy as np

# Steps of the generator splitmix64: G. L. Steele et al., OOPSLA (2014), fig. 17.
GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)
FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
SECOND_FACTOR = np.uint64(0x94D049BB133111EB)
BITS = 64  # of one hash
ROWS_AT_ONCE = 1 << 18  # 2 MB for each array of hashes, which fits into the cache


def random_signs(rows: int, vectors: range, seed: int, dtype: Any = np.float64) -> np.ndarray:
    """Random vectors of -1 and +1, shape (rows, vectors).

    Each element depends on its row, the number of its vector and the seed alone. The mean of
    ``r r^T`` is one, and ``r^T r`` is exactly the number of rows.
    """
    return _drawn(np.array([1, -1], dtype), 1, rows, vectors, seed)


def random_phases(rows: int, vectors: range, seed: int, dtype: Any = np.complex128) -> np.ndarray:
    """Random vectors of 1, i, -1 and -i, shape (rows, vectors).

    As with phases from the whole circle the mean of ``r r^T`` is zero, which halves the variance
    for complex operators (T. Iitaka, T. Ebisuzaki, Phys. Rev. E 69 (2004) 057701), but these four
    have no rounding.
    """
    return _drawn(np.array([1, 1j, -1, -1j], dtype), 2, rows, vectors, seed)


def _drawn(values: np.ndarray, width: int, rows: int, vectors: range, seed: int) -> np.ndarray:
    """Random choice of ``2**width`` values, from as many bits of a hash for each element."""
    found = np.empty((rows, len(vectors)), values.dtype)
    mask = np.uint64((1 << width) - 1)
    key = _mixed(np.array([seed % (1 << BITS)], np.uint64))
    for first in range(0, rows, ROWS_AT_ONCE):
        last = min(first + ROWS_AT_ONCE, rows)
        counter = np.arange(first + 1, last + 1, dtype=np.uint64) * GOLDEN_GAMMA
        hashed, known = counter, -1
        for column, vector in enumerate(vectors):
            word, place = divmod(vector * width, BITS)
            if word != known:
                hashed, known = _mixed(_mixed(key + np.uint64(word)) + counter), word
            bits = (hashed >> np.uint64(place)) & mask
            found[first:last, column] = values[bits.astype(np.intp)]
    return found


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """Hash of whole numbers of 64 bits."""
    mixed = (numbers ^ (numbers >> np.uint64(30))) * FIRST_FACTOR
    mixed = (mixed ^ (mixed >> np.uint64(27))) * SECOND_FACTOR
    return mixed ^ (mixed >> np.uint64(31))
