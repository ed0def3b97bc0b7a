"""Basins of a gradient merged to regions across the borders that noise explains."""

from __future__ import annotations

import numpy as np
from skimage.measure import label

from hyperspy_twin.core import kernel
from hyperspy_twin.segmentation.edges.region_adjacency import (
    Borders,
    gather_borders,
    minimum_by_label,
)
from hyperspy_twin.segmentation.labels import adjacent_labels

# All set on the tuning half of benchmarks/segmentation.py.
# Gradient across a border in units of that inside its basins: a ridge, not a slope.
_RIDGE = 1.6
# Mean gradient, in noise units, that a long border needs.
_LONG_BORDER = 2.8
# What a border as short as the correlation of the noise needs on top, because its position was
# chosen where the noise is high.
_SHORT_BORDER = 5.6


@kernel
def _to_merge(
    first: np.ndarray,
    second: np.ndarray,
    flux: np.ndarray,
    length: np.ndarray,
    level: np.ndarray,
    coherence: float,
) -> np.ndarray:
    """Borders that noise explains and that both of their basins have as their weakest."""
    weakness = np.empty(first.size)
    weakest = np.full(level.size, np.inf)
    for k in range(first.size):
        a, b = first[k], second[k]
        excess = abs(flux[k]) / length[k] - _RIDGE * max(level[a], level[b])
        weakness[k] = excess / (_LONG_BORDER + _SHORT_BORDER * np.sqrt(coherence / length[k]))
        weakest[a] = min(weakest[a], weakness[k])
        weakest[b] = min(weakest[b], weakness[k])
    chosen = np.zeros(first.size, np.bool_)
    for k in range(first.size):
        mutual = weakness[k] == weakest[first[k]] and weakness[k] == weakest[second[k]]
        chosen[k] = mutual and weakness[k] < 1
    return chosen


def merge_weak(borders: Borders, level: np.ndarray, coherence: float) -> tuple[np.ndarray, Borders]:
    """Merge basins across borders that noise explains, weakest first.

    In each round every basin looks for its weakest border, by the mean gradient across it above
    what the basins hold inside, over what noise hardly reaches along a border of that length.
    Pairs that choose each other merge. ``level`` is the gradient inside each basin in units of its
    noise, shape (n,), and ``coherence`` the length in pixels over which that noise is correlated.
    Returns the region 0..r-1 of each basin, shape (n,), and the borders between regions.
    """
    region = np.arange(level.size)
    while borders.first.size:
        chosen = _to_merge(
            borders.first, borders.second, borders.flux, borders.length, level, coherence
        )
        if not chosen.any():
            break
        joined, borders = _join(borders, chosen, level.size)
        level, region = minimum_by_label(level, joined, int(joined.max()) + 1), joined[region]
    return region, borders


def prominence(borders: Borders, count: int) -> np.ndarray:
    """How far each region is brighter (or darker) than all its neighbours.

    One for a thin layer, whose borders all lead the same way; about zero for a strip on the flank
    of an edge, which lies between its neighbours.
    """
    both = np.concatenate([borders.first, borders.second])
    inward = np.concatenate([-borders.flux, borders.flux])
    total = np.bincount(both, np.abs(inward), count)
    return np.abs(np.bincount(both, inward, count)) / np.maximum(total, 1e-12)


def merge_small(borders: Borders, area: np.ndarray, smallest: float) -> tuple[np.ndarray, Borders]:
    """Merge regions below an area, in pixels, to the neighbour behind their weakest border.

    Returns the new region 0..r-1 of each old one, shape (n,), and the borders between the new ones.
    """
    region = np.arange(area.size)
    while borders.first.size:
        small = area < smallest
        strength = np.abs(borders.flux) / borders.length
        best = np.full(area.size, np.inf)
        np.minimum.at(best, borders.first, strength)
        np.minimum.at(best, borders.second, strength)
        # A large region takes in all the small ones that choose it; two small ones must agree.
        first = ~small[borders.first] | (strength == best[borders.first])
        second = ~small[borders.second] | (strength == best[borders.second])
        chosen = first & second & (small[borders.first] | small[borders.second])
        if not chosen.any():
            break
        joined, borders = _join(borders, chosen, area.size)
        area, region = np.bincount(joined, area), joined[region]
    return region, borders


def separate_parts(regions: np.ndarray, smallest: float) -> np.ndarray:
    """Make every connected part a region 0..n-1, int32.

    Parts below an area, in pixels, join their longest neighbour.
    """
    parts = label(regions, background=-1, connectivity=1) - 1
    area = np.bincount(parts.ravel()).astype(float)
    if area.min() >= smallest:
        return parts.astype(np.int32)
    pairs, edges = adjacent_labels(parts)
    contact = Borders(pairs[:, 0], pairs[:, 1], np.ones(len(pairs)), edges.sum(axis=1))
    joined, _ = merge_small(contact, area, smallest)
    return joined[parts].astype(np.int32)


def _join(borders: Borders, chosen: np.ndarray, count: int) -> tuple[np.ndarray, Borders]:
    """Merge across the chosen borders: the new label of each old one, and the new borders."""
    joined = _connected(borders.first[chosen], borders.second[chosen], count)
    first, second = joined[borders.first], joined[borders.second]
    return joined, gather_borders(first, second, borders.flux, borders.length)


@kernel
def _connected(first: np.ndarray, second: np.ndarray, count: int) -> np.ndarray:
    """Find the connected part, 0..m-1, of each of ``count`` nodes by union and find."""
    parent = np.arange(count)
    for link in range(first.size):
        a, b = first[link], second[link]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        parent[max(a, b)] = min(a, b)
    found = 0
    number = np.empty(count, np.int64)
    for node in range(count):
        if parent[node] == node:
            number[node] = found
            found += 1
        else:
            number[node] = number[parent[node]]
    return number
