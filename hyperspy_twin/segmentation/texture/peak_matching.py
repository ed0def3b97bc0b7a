"""Which peaks of two lattices are the same, and how similar the lattices are."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import kernel

# Two peaks are the same if they differ by less than this fraction of their length: 2 % of strain or
# 2 degrees of rotation (0.035 radians) either way pass, 5 degrees do not.
_SAME_FRACTION = 0.035
# Added to it, in cycles per tile: the error of a position in a single tile.
_SAME_CYCLES = 0.12


@kernel
def peak_distance(x: float, y: float, other_x: float, other_y: float) -> float:
    """Distance of two peaks, up to their sign, over the one at which they are no more the same."""
    plus = (x - other_x) ** 2 + (y - other_y) ** 2
    minus = (x + other_x) ** 2 + (y + other_y) ** 2
    length = np.sqrt(other_x**2 + other_y**2)
    return float(np.sqrt(min(plus, minus)) / (_SAME_FRACTION * length + _SAME_CYCLES))


@kernel
def match_peaks(
    frequency: np.ndarray, weight: np.ndarray, ratio: np.ndarray, positions: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Look for the peaks of a lattice in tiles.

    Parameters
    ----------
    frequency, weight, ratio : numpy.ndarray
        Peaks of n tiles in cycles per tile, shape (n, k, 2), their weights, 0 where there is none,
        and their power over noise, shape (n, k).
    positions : numpy.ndarray
        Peaks of the lattice, shape (j, 2).

    Returns
    -------
    here, height : numpy.ndarray
        Weight, and power over noise, found at each position, shape (n, j).
    matched : numpy.ndarray
        Which peaks of the tiles are at a position, boolean, shape (n, k).
    """
    here = np.zeros((weight.shape[0], positions.shape[0]))
    height = np.zeros((weight.shape[0], positions.shape[0]))
    matched = np.zeros(weight.shape, np.bool_)
    for tile in range(weight.shape[0]):
        for peak in range(weight.shape[1]):
            if weight[tile, peak] <= 0:
                continue
            x, y = frequency[tile, peak, 0], frequency[tile, peak, 1]
            for index in range(positions.shape[0]):
                if peak_distance(x, y, positions[index, 0], positions[index, 1]) < 1:
                    matched[tile, peak] = True
                    here[tile, index] = max(here[tile, index], weight[tile, peak])
                    height[tile, index] = max(height[tile, index], ratio[tile, peak])
    return here, height, matched


@kernel
def compare_pairs(
    frequency: np.ndarray, weight: np.ndarray, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """Similarity (0 to 1) of pairs of peak lists: the cosine of their weights; shape (m,).

    Peaks and weights of n lists as for :func:`match_peaks`; the m pairs are ``first`` and
    ``second``, shape (m,).
    """
    similarity = np.zeros(first.size)
    for pair in range(first.size):
        a, b = first[pair], second[pair]
        product, norm_a, norm_b = 0.0, 0.0, 0.0
        for i in range(weight.shape[1]):
            norm_a += weight[a, i] ** 2
            norm_b += weight[b, i] ** 2
            x, y, best = frequency[a, i, 0], frequency[a, i, 1], 0.0
            for j in range(weight.shape[1]):
                if weight[a, i] > 0 and weight[b, j] > best:
                    if peak_distance(x, y, frequency[b, j, 0], frequency[b, j, 1]) < 1:
                        best = weight[b, j]
            product += weight[a, i] * best
        if norm_a > 0 and norm_b > 0:
            similarity[pair] = min(product / np.sqrt(norm_a * norm_b), 1.0)
    return similarity
