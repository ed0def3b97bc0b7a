"""Basins of a gradient image and their merging to regions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from skimage.measure import label

# A border must carry this many times the gradient found inside its basins: a ridge, not a slope.
_RIDGE = 1.6
# Mean gradient, in noise units, that a long border needs; and what a border as short as the
# correlation of the noise needs on top, because its place was chosen where the noise is high.
_LONG_BORDER = 2.8
_SHORT_BORDER = 5.6


@dataclass(frozen=True)
class Borders:
    """Borders between neighbouring basins, one row for each pair ``first < second``.

    Attributes
    ----------
    first, second : numpy.ndarray
        Basins on either side, shape (m,).
    flux : numpy.ndarray
        Sum of the gradient across the border, positive where the second basin is brighter; in
        units of the noise.
    length : numpy.ndarray
        Number of pixel edges.
    """

    first: np.ndarray
    second: np.ndarray
    flux: np.ndarray
    length: np.ndarray


@njit(cache=True, nogil=True)
def basins(height: np.ndarray) -> tuple[np.ndarray, int]:
    """Catchment basins: pixels from which the steepest way down ends at the same minimum.

    Ties fall to the pixel with the smaller index, so that flat ground drains too.

    Returns
    -------
    labels : numpy.ndarray
        Basins 0..n-1, shape of ``height``.
    count : int
        Number of basins.
    """
    rows, columns = height.shape
    flat = height.ravel()
    below = np.empty(flat.size, np.int64)
    for row in range(rows):
        for column in range(columns):
            best = row * columns + column
            for other_row in range(max(row - 1, 0), min(row + 2, rows)):
                for other_column in range(max(column - 1, 0), min(column + 2, columns)):
                    other = other_row * columns + other_column
                    if flat[other] < flat[best] or (flat[other] == flat[best] and other < best):
                        best = other
            below[row * columns + column] = best
    labels = np.full(flat.size, -1, np.int32)
    count = 0
    for start in range(flat.size):
        end = start
        while below[end] != end and labels[end] < 0:
            end = below[end]
        if labels[end] < 0:
            labels[end] = count
            count += 1
        label = labels[end]
        walk = start
        while labels[walk] < 0:
            labels[walk] = label
            walk = below[walk]
    return labels.reshape(rows, columns), count


def find_borders(labels: np.ndarray, along_x: np.ndarray, along_y: np.ndarray) -> Borders:
    """Borders between basins of a label image, shape (rows, columns); -1 belongs to none.

    ``along_x`` and ``along_y`` are the gradient components in units of their noise.
    """
    parts = []
    for a, b, gradient in (
        (labels[:, :-1], labels[:, 1:], (along_x[:, :-1] + along_x[:, 1:]) / 2),
        (labels[:-1], labels[1:], (along_y[:-1] + along_y[1:]) / 2),
    ):
        different = (a != b) & (a >= 0) & (b >= 0)
        parts.append((a[different], b[different], gradient[different]))
    first, second, flux = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return gather_borders(first, second, flux.astype(float), np.ones(flux.size))


def gather_borders(
    first: np.ndarray, second: np.ndarray, flux: np.ndarray, length: np.ndarray
) -> Borders:
    """Sum the rows that belong to the same pair; rows within one basin fall away."""
    keep = first != second
    first, second, flux, length = first[keep], second[keep], flux[keep], length[keep]
    flux = np.where(first < second, flux, -flux)
    low, high = np.minimum(first, second).astype(np.int64), np.maximum(first, second)
    span = int(high.max()) + 1 if high.size else 1
    key, position = np.unique(low * span + high, return_inverse=True)
    return Borders(
        key // span,
        key % span,
        np.bincount(position, flux, key.size),
        np.bincount(position, length, key.size),
    )


def excess(borders: Borders, level: np.ndarray) -> np.ndarray:
    """Mean gradient across each border above what its basins hold inside, in noise units."""
    inside = np.maximum(level[borders.first], level[borders.second])
    return np.abs(borders.flux) / borders.length - _RIDGE * inside


def needed_excess(length: np.ndarray, coherence: float) -> np.ndarray:
    """Excess that noise hardly reaches along a border of the given length."""
    return _LONG_BORDER + _SHORT_BORDER * np.sqrt(coherence / length)


def merge_weak(borders: Borders, level: np.ndarray, coherence: float) -> tuple[np.ndarray, Borders]:
    """Merge basins across borders that noise explains, weakest first.

    In each round every basin looks for its weakest border; pairs that choose each other merge.

    Parameters
    ----------
    borders : Borders
        Borders with the gradient in units of its noise.
    level : numpy.ndarray
        Gradient inside each basin, shape (n,), same unit.
    coherence : float
        Length in pixels over which the noise of the gradient is correlated.

    Returns
    -------
    region : numpy.ndarray
        Region 0..r-1 of each basin, shape (n,).
    borders : Borders
        Borders between regions.
    """
    region = np.arange(level.size)
    while borders.first.size:
        weakness = excess(borders, level) / needed_excess(borders.length, coherence)
        best = np.full(level.size, np.inf)
        np.minimum.at(best, borders.first, weakness)
        np.minimum.at(best, borders.second, weakness)
        mutual = (weakness == best[borders.first]) & (weakness == best[borders.second])
        chosen = mutual & (weakness < 1)
        if not chosen.any():
            break
        joined, borders = _join(borders, chosen, level.size)
        merged = np.full(int(joined.max()) + 1, np.inf)
        np.minimum.at(merged, joined, level)
        level, region = merged, joined[region]
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


def merge_small(borders: Borders, area: np.ndarray, least: float) -> tuple[np.ndarray, Borders]:
    """Merge regions below an area to the neighbour behind their weakest border.

    Parameters
    ----------
    borders : Borders
        Borders between regions.
    area : numpy.ndarray
        Pixels of each region, shape (n,).
    least : float
        Smallest area that stays.

    Returns
    -------
    region : numpy.ndarray
        New region 0..r-1 of each old one, shape (n,).
    borders : Borders
        Borders between the new regions.
    """
    region = np.arange(area.size)
    while borders.first.size:
        small = area < least
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


def whole_parts(regions: np.ndarray, least: float) -> np.ndarray:
    """Make every connected part a region; parts below an area join their longest neighbour.

    Parameters
    ----------
    regions : numpy.ndarray
        Regions, integers, shape (rows, columns).
    least : float
        Smallest area of a part in pixels.

    Returns
    -------
    numpy.ndarray
        Regions 0..n-1, int32.
    """
    parts = label(regions, background=-1, connectivity=1) - 1
    area = np.bincount(parts.ravel()).astype(float)
    nothing = np.zeros(parts.shape, np.float32)
    borders = find_borders(parts, nothing, nothing)
    contact = Borders(borders.first, borders.second, np.ones(borders.length.size), borders.length)
    joined, _ = merge_small(contact, area, least)
    return joined[parts].astype(np.int32)


def _join(borders: Borders, chosen: np.ndarray, count: int) -> tuple[np.ndarray, Borders]:
    """Merge across the chosen borders: the new label of each old one, and the new borders."""
    joined = _connected(borders.first[chosen], borders.second[chosen], count)
    first, second = joined[borders.first], joined[borders.second]
    return joined, gather_borders(first, second, borders.flux, borders.length)


@njit(cache=True, nogil=True)
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
