"""Steps of the Chebyshev recursion of vibrations, with the sums of groups of atoms."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import kernel


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
    width, count = columns.shape[1], current.shape[2]
    scale, centre, keep = numbers[0], numbers[1], numbers[2]
    total = np.zeros((3, count), current.dtype)
    for piece in range(first, last):
        for i in range(piece * size, min(len(columns), (piece + 1) * size)):
            for k in range(count):
                total[0, k], total[1, k], total[2, k] = 0, 0, 0
            for column in range(width):
                j = columns[i, column]
                b = blocks[i, column]
                xx, xy, xz = b[0, 0], b[0, 1], b[0, 2]
                yx, yy, yz = b[1, 0], b[1, 1], b[1, 2]
                zx, zy, zz = b[2, 0], b[2, 1], b[2, 2]
                for k in range(count):
                    x, y, z = current[j, 0, k], current[j, 1, k], current[j, 2, k]
                    total[0, k] += xx * x + xy * y + xz * z
                    total[1, k] += yx * x + yy * y + yz * z
                    total[2, k] += zx * x + zy * y + zz * z
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
