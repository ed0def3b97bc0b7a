"""Steps of the Chebyshev recursion of vibrations, with the sums of groups of atoms."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import kernel
from hyperspy_twin.properties.phonons.hessian import multiply_row


@kernel
def weigh_rows(
    first: int,
    last: int,
    blocks: np.ndarray,
    columns: np.ndarray,
    root: np.ndarray,
    found: np.ndarray,
) -> None:
    """Write the blocks times the factors of both of their atoms; they may be the same array."""
    for i in range(first, last):
        for column in range(columns.shape[1]):
            factor = root[i] * root[columns[i, column]]
            for d in range(3):
                for e in range(3):
                    found[i, column, d, e] = factor * blocks[i, column, d, e]


@kernel
def step_rows(
    first: int,
    last: int,
    size: int,
    blocks: np.ndarray,
    columns: np.ndarray,
    current: np.ndarray,
    previous: np.ndarray,
    numbers: np.ndarray,
    labels: np.ndarray,
    own: np.ndarray,
    cross: np.ndarray,
) -> None:
    """Make a step for some pieces of ``size`` rows each.

    ``previous`` becomes ``numbers[0] (H current - numbers[1] current) - numbers[2] previous``, and
    the squares of what it becomes, and its products with ``current``, are added to the sums of the
    piece and group. Arrays of vectors have the shape (n, 3, q), and sums (pieces, groups, q).
    """
    count = current.shape[2]
    scale, centre, keep = numbers[0], numbers[1], numbers[2]
    total = np.zeros((3, count), current.dtype)
    for piece in range(first, last):
        for i in range(piece * size, min(len(columns), (piece + 1) * size)):
            multiply_row(i, blocks, columns, current, total)
            group = labels[i]
            for d in range(3):
                for k in range(count):
                    here = current[i, d, k]
                    value = scale * (total[d, k] - centre * here) - keep * previous[i, d, k]
                    previous[i, d, k] = value
                    total[d, k] = value
            if group >= 0:
                for d in range(3):
                    for k in range(count):
                        value = total[d, k]
                        own[piece, group, k] += value * value
                        cross[piece, group, k] += value * current[i, d, k]
