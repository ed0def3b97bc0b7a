"""Which spots of two lattices are the same, and how like the lattices are."""

from __future__ import annotations

import numpy as np
from numba import njit

# Two spots are the same if they differ by less than this share of their length plus this part
# of a cycle per tile, the error of a place in a single tile: 2 % of strain or 2 degrees of
# rotation either way pass, 5 degrees do not.
_SAME_SHARE = 0.035
_SAME_CYCLES = 0.12


@njit(cache=True, nogil=True)
def spot_distance(x: float, y: float, other_x: float, other_y: float) -> float:
    """Distance of two spots, up to their sign, over the one at which they are no more the same."""
    plus = (x - other_x) ** 2 + (y - other_y) ** 2
    minus = (x + other_x) ** 2 + (y + other_y) ** 2
    length = np.sqrt(other_x**2 + other_y**2)
    return float(np.sqrt(min(plus, minus)) / (_SAME_SHARE * length + _SAME_CYCLES))


@njit(cache=True, nogil=True)
def match_spots(
    frequency: np.ndarray, weight: np.ndarray, ratio: np.ndarray, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Look for the spots of a lattice in tiles.

    Parameters
    ----------
    frequency : numpy.ndarray
        Spots of n tiles in cycles per tile, shape (n, k, 2).
    weight : numpy.ndarray
        Their weights, 0 where there is none, shape (n, k).
    ratio : numpy.ndarray
        Their power over noise, shape (n, k).
    places : numpy.ndarray
        Spots of the lattice, shape (j, 2).

    Returns
    -------
    here : numpy.ndarray
        Weight found at each place, shape (n, j).
    height : numpy.ndarray
        Power over noise found there, shape (n, j).
    matched : numpy.ndarray
        Which spots of the tiles are at a place, boolean, shape (n, k).
    """
    here = np.zeros((weight.shape[0], places.shape[0]))
    height = np.zeros((weight.shape[0], places.shape[0]))
    matched = np.zeros(weight.shape, np.bool_)
    for tile in range(weight.shape[0]):
        for spot in range(weight.shape[1]):
            if weight[tile, spot] <= 0:
                continue
            for place in range(places.shape[0]):
                distance = spot_distance(
                    frequency[tile, spot, 0],
                    frequency[tile, spot, 1],
                    places[place, 0],
                    places[place, 1],
                )
                if distance < 1:
                    matched[tile, spot] = True
                    here[tile, place] = max(here[tile, place], weight[tile, spot])
                    height[tile, place] = max(height[tile, place], ratio[tile, spot])
    return here, height, matched


@njit(cache=True, nogil=True)
def pair_likeness(
    frequency: np.ndarray, weight: np.ndarray, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """Likeness (0 to 1) of pairs of spot lists: the cosine of their weights.

    Parameters
    ----------
    frequency : numpy.ndarray
        Spots of n lists in cycles per tile, shape (n, k, 2).
    weight : numpy.ndarray
        Their weights, 0 where there is none, shape (n, k).
    first, second : numpy.ndarray
        Lists to compare, shape (m,).

    Returns
    -------
    numpy.ndarray
        Shape (m,).
    """
    likeness = np.zeros(first.size)
    for pair in range(first.size):
        a, b = first[pair], second[pair]
        product, norm_a, norm_b = 0.0, 0.0, 0.0
        for i in range(weight.shape[1]):
            norm_a += weight[a, i] ** 2
            norm_b += weight[b, i] ** 2
            best = 0.0
            for j in range(weight.shape[1]):
                if weight[a, i] > 0 and weight[b, j] > best:
                    distance = spot_distance(
                        frequency[a, i, 0],
                        frequency[a, i, 1],
                        frequency[b, j, 0],
                        frequency[b, j, 1],
                    )
                    if distance < 1:
                        best = weight[b, j]
            product += weight[a, i] * best
        if norm_a > 0 and norm_b > 0:
            likeness[pair] = min(product / np.sqrt(norm_a * norm_b), 1.0)
    return likeness
