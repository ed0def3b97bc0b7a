"""Distinct lattices among the tiles of an image, without a given number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hyperspy_twin.segmentation.texture.local_spectra import STRONG, WEAK, TilePeaks
from hyperspy_twin.segmentation.texture.peak_matching import compare_pairs, match_peaks

# Those without another reason are set on the tuning half of benchmarks/segmentation.py.
# Similarity (0 to 1) of a tile to a lattice that it shows; a mixture of equal parts has 0.71.
_SIMILAR = 0.6
# Similarity of a tile and those around it to the lattice that it is assigned to.
_MEMBER = 0.45
# Fraction of the power of a tile that two known lattices explain if it holds no new one.
_EXPLAINED = 0.7
# Neighbours at half a tile that must show the same lattice as a tile that founds a class.
_WITNESSES = 2
# Power over noise of its strongest peak: a lattice just above the noise is lost and found again
# from tile to tile, so that its outline would be arbitrary.
_FOUNDING = 1.7 * STRONG
_MOST_CLASSES = 64
# Mean power over noise at the peaks of a lattice that is present.
_PRESENT = WEAK
# Mean similarity of the tiles of two classes to the other one, or of tiles across their border,
# that makes them one.
_SAME_CRYSTAL = 0.55
# Pairs of tiles across the border that this needs.
_FEWEST_PAIRS = 2


@dataclass(frozen=True)
class PeakPattern:
    """Peaks of one lattice.

    Attributes
    ----------
    frequency : numpy.ndarray
        Shape (k, 2): (x, y) in cycles per tile.
    weight : numpy.ndarray
        Shape (k,): square root of the amplitude, so that weak peaks have a say.
    """

    frequency: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class LatticeClasses:
    """Classes of tiles with one lattice each.

    Attributes
    ----------
    assigned : numpy.ndarray
        Class 0, 1, ... of each tile, -1 where there is no lattice, shape (m, n).
    members : list of list of PeakPattern
        Lattices of each class: more than one where a lattice is bent.
    """

    assigned: np.ndarray
    members: list[list[PeakPattern]]


def classify_lattices(peaks: TilePeaks) -> LatticeClasses:
    """Find the distinct lattices of an image and assign its tiles to them.

    The tile with the strongest lattice that no known one explains, and that its neighbours
    confirm, founds the next lattice; lattices are then averaged over their tiles and these
    assigned anew. Lattices that turn into each other without a jump make one class.
    """
    tiles = _Tiles(peaks)
    lattices = _average_lattices(_found_lattices(tiles), tiles)
    if not lattices:
        return LatticeClasses(np.full(tiles.shape, -1), [])
    similarity = np.array([tiles.compare(lattice)[0] for lattice in lattices])
    score = ndimage.uniform_filter(similarity, (0, *(3 if n > 1 else 1 for n in tiles.steps)))
    assigned = np.argmax(score, axis=0)
    assigned[score.max(axis=0) < _MEMBER] = -1
    group = _group_lattices(assigned, similarity, tiles)
    members: list[list[PeakPattern]] = [[] for _ in range(int(group.max()) + 1)]
    for lattice, index in zip(lattices, group, strict=True):
        members[index].append(lattice)
    return LatticeClasses(np.where(assigned < 0, -1, group[assigned]), members)


class _Tiles:
    """Peaks of tiles with their weights, and the tiles half a tile apart."""

    def __init__(self, peaks: TilePeaks) -> None:
        self.shape = peaks.texture.shape
        self.peaks = peaks
        self.strong = peaks.ratio > STRONG
        self.weight = np.sqrt(peaks.amplitude)
        # Powers, because a tile across a border shows two lattices at half of their amplitude.
        self.power = np.where(self.strong, peaks.amplitude**2, 0)
        self.steps = [
            max(int(round(peaks.tile / 2 / np.diff(starts).max())), 1) if starts.size > 1 else 1
            for starts in (peaks.rows, peaks.columns)
        ]

    def compare(self, lattice: PeakPattern) -> tuple[np.ndarray, np.ndarray]:
        """Similarity of each tile to a lattice, and which of its peaks belong to it.

        Cosine of the weights, where a peak of the tile counts if it stands by itself or lies at a
        peak of the lattice.
        """
        count = self.strong.shape[-1]
        weight, ratio = (v.reshape(-1, count) for v in (self.weight, self.peaks.ratio))
        frequency = self.peaks.frequency.reshape(-1, count, 2)
        here, height, matched = match_peaks(frequency, weight, ratio, lattice.frequency)
        matched = matched.reshape(self.strong.shape)
        counted = np.where(self.strong | matched, self.weight**2, 0)
        norm = np.sqrt(counted.sum(axis=-1)).ravel() * np.linalg.norm(lattice.weight)
        similarity = np.divide(here @ lattice.weight, norm, out=np.zeros_like(norm), where=norm > 0)
        # Weak peaks alone make no lattice: a few of 4 times the noise are always found.
        fraction = lattice.weight**2 / np.sum(lattice.weight**2)
        similarity[height @ fraction < _PRESENT] = 0
        return similarity.reshape(self.shape), matched

    def power_of(self, which: np.ndarray) -> np.ndarray:
        """Power of some of the peaks of each tile."""
        return np.sum(np.where(which, self.power, 0), axis=-1)


def _found_lattices(tiles: _Tiles) -> list[PeakPattern]:
    """Lattices founded by the strongest tiles that are not explained by others."""
    own = tiles.power.sum(axis=-1)
    best = np.zeros(tiles.strong.shape, bool)
    explained = np.zeros(own.shape)
    candidate = np.any(tiles.peaks.ratio > _FOUNDING, axis=-1)
    lattices: list[PeakPattern] = []
    while len(lattices) < _MOST_CLASSES:
        free = candidate & (explained < _EXPLAINED * own)
        if not free.any():
            break
        row, column = np.unravel_index(np.argmax(np.where(free, own, -1)), own.shape)
        seed = (int(row), int(column))
        strong = tiles.strong[seed]
        lattice = PeakPattern(
            tiles.peaks.frequency[seed][strong].astype(float), tiles.weight[seed][strong]
        )
        similarity, _ = tiles.compare(lattice)
        candidate[seed] = False
        if np.sum(_around(similarity, seed, tiles.steps) > _SIMILAR) < _WITNESSES:
            continue
        lattice = _average(lattice, tiles, similarity > _SIMILAR)
        matched = tiles.compare(lattice)[1]
        explained = np.maximum(explained, tiles.power_of(best | matched))
        better = tiles.power_of(matched) > tiles.power_of(best)
        best[better] = matched[better]
        lattices.append(lattice)
    return lattices


def _average_lattices(lattices: list[PeakPattern], tiles: _Tiles) -> list[PeakPattern]:
    """Average lattices over the tiles that are most similar to them; those without tiles go."""
    for _ in range(2):
        if not lattices:
            break
        similarity = np.array([tiles.compare(lattice)[0] for lattice in lattices])
        best = np.argmax(similarity, axis=0)
        best[similarity.max(axis=0) < _SIMILAR] = -1
        lattices = [
            _average(lattice, tiles, best == index)
            for index, lattice in enumerate(lattices)
            if np.any(best == index)
        ]
    return lattices


def _average(lattice: PeakPattern, tiles: _Tiles, members: np.ndarray) -> PeakPattern:
    """Lattice with the mean positions and weights of its peaks over its tiles."""
    frequency, weight = tiles.peaks.frequency[members], tiles.weight[members]
    means, weights = [], []
    for peak in lattice.frequency:
        _, _, near = match_peaks(frequency, weight, weight, peak[None])
        if near.any():
            sign = np.where(np.sum(frequency[near] * peak, axis=-1) < 0, -1, 1)[:, None]
            fraction = weight[near] / weight[near].sum()
            means.append(fraction @ (sign * frequency[near]))
            weights.append(weight[near].sum() / len(frequency))
    return PeakPattern(np.array(means), np.array(weights)) if means else lattice


def _around(values: np.ndarray, position: tuple[int, int], steps: list[int]) -> np.ndarray:
    """Values at the eight neighbours of a position at a number of steps."""
    row, column = position
    neighbours = [
        values[r, c]
        for r in (row - steps[0], row, row + steps[0])
        for c in (column - steps[1], column, column + steps[1])
        if (r, c) != position and 0 <= r < values.shape[0] and 0 <= c < values.shape[1]
    ]
    return np.array(neighbours)


def _group_lattices(assigned: np.ndarray, similarity: np.ndarray, tiles: _Tiles) -> np.ndarray:
    """Group 0, 1, ... of each lattice: one for all that are the same crystal.

    Agglomeration with means over all tiles of a group (average linkage), so that the mixture in
    the tiles across a border does not join its two sides.
    """
    count = len(similarity)
    size = np.bincount(assigned[assigned >= 0].ravel(), minlength=count).astype(float)
    shared = np.zeros((count, count))
    for index in np.flatnonzero(size):
        shared[:, index] = similarity[:, assigned == index].sum(axis=1)
    shared *= size[:, None]
    across, number = _compare_across(assigned, tiles, count)
    group = np.arange(count)
    while True:
        mean = shared / np.maximum(np.outer(size, size), 1)
        smooth = np.where(number >= _FEWEST_PAIRS, across / np.maximum(number, 1), 0)
        same = np.maximum(np.minimum(mean, mean.T), smooth)
        np.fill_diagonal(same, 0)
        first, second = np.unravel_index(np.argmax(same), same.shape)
        if same[first, second] < _SAME_CRYSTAL:
            return np.unique(group, return_inverse=True)[1]
        group[group == second] = first
        size[first] += size[second]
        size[second] = 0
        for sums in (shared, across, number):
            sums[first] += sums[second]
            sums[:, first] += sums[:, second]
            sums[second] = 0
            sums[:, second] = 0


def _compare_across(
    assigned: np.ndarray, tiles: _Tiles, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sum the similarity of tiles across the border of each pair of lattices, and count them.

    The tiles are a whole tile apart, so that none of them sees across the border.
    """
    index = np.arange(assigned.size).reshape(assigned.shape)
    down, across = (2 * step for step in tiles.steps)
    first = np.concatenate([index[down:].ravel(), index[:, across:].ravel()])
    second = np.concatenate([index[:-down].ravel(), index[:, :-across].ravel()])
    a, b = assigned.ravel()[first], assigned.ravel()[second]
    adjacent = (a >= 0) & (b >= 0) & (a != b)
    a, b = a[adjacent], b[adjacent]
    peaks = tiles.strong.shape[-1]
    frequency = tiles.peaks.frequency.reshape(-1, peaks, 2)
    weight = np.where(tiles.strong, tiles.weight, 0).reshape(-1, peaks)
    similarity = compare_pairs(frequency, weight, first[adjacent], second[adjacent])
    total, number = np.zeros((count, count)), np.zeros((count, count))
    for one, other in ((a, b), (b, a)):
        np.add.at(total, (one, other), similarity)
        np.add.at(number, (one, other), 1)
    return total, number
