"""Distinct lattices among the tiles of an image, without a given number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hyperspy_twin.segmentation.texture.local_spectra import STRONG, TileSpots
from hyperspy_twin.segmentation.texture.peak_matching import match_spots, pair_likeness

# Likeness (0 to 1) of a tile to a lattice: that of a mixture of equal parts is 0.71.
_ALIKE = 0.6
_MEMBER = 0.45
# A tile of whose power two known lattices explain this much holds no new one.
_EXPLAINED = 0.7
# Neighbours half a tile away that must show the same lattice as a tile that founds a class.
_WITNESSES = 2
# Power over noise of its strongest spot: a lattice just above the noise is lost and found again
# from tile to tile, so that its outline would be arbitrary.
_FOUNDING = 1.7 * STRONG
_MOST_CLASSES = 64
# Mean power over noise at the places of a lattice that noise alone does not reach.
_PRESENT = 4.0
# Two classes are one if tiles of either are this like the other on average, or tiles across
# their border are.
_SAME_CRYSTAL = 0.55
_LEAST_PAIRS = 2


@dataclass(frozen=True)
class Lattice:
    """Spots of one lattice.

    Attributes
    ----------
    frequency : numpy.ndarray
        Shape (k, 2): (x, y) in cycles per tile.
    weight : numpy.ndarray
        Shape (k,): square root of the amplitude, so that weak spots have a say.
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
    members : list of list of Lattice
        Lattices of each class: more than one where a lattice is bent.
    """

    assigned: np.ndarray
    members: list[list[Lattice]]


def classify_lattices(spots: TileSpots) -> LatticeClasses:
    """Find the distinct lattices of an image and assign its tiles to them.

    The tile with the strongest lattice that no known one explains, and that its neighbours
    confirm, founds the next lattice; lattices are then averaged over their tiles and these
    assigned anew. Lattices that turn into each other without a jump make one class.

    Parameters
    ----------
    spots : TileSpots
        Spots of all tiles.

    Returns
    -------
    LatticeClasses
        The classes.
    """
    tiles = _Tiles(spots)
    lattices = _averaged_lattices(_founded(tiles), tiles)
    if not lattices:
        return LatticeClasses(np.full(tiles.shape, -1), [])
    likeness = np.array([tiles.compare(lattice)[0] for lattice in lattices])
    score = ndimage.uniform_filter(likeness, (0, *(3 if n > 1 else 1 for n in tiles.steps)))
    assigned = np.argmax(score, axis=0)
    assigned[score.max(axis=0) < _MEMBER] = -1
    group = _groups(assigned, likeness, tiles)
    members: list[list[Lattice]] = [[] for _ in range(int(group.max()) + 1)]
    for lattice, index in zip(lattices, group, strict=True):
        members[index].append(lattice)
    return LatticeClasses(np.where(assigned < 0, -1, group[assigned]), members)


class _Tiles:
    """Spots of tiles with their weights, and the tiles half a tile apart."""

    def __init__(self, spots: TileSpots) -> None:
        self.shape = spots.texture.shape
        self.spots = spots
        self.strong = spots.ratio > STRONG
        self.weight = np.sqrt(spots.amplitude)
        # Powers, because a tile across a border shows two lattices at half of their amplitude.
        self.power = np.where(self.strong, spots.amplitude**2, 0)
        self.steps = [
            max(int(round(spots.tile / 2 / np.diff(starts).max())), 1) if starts.size > 1 else 1
            for starts in (spots.rows, spots.columns)
        ]

    def compare(self, lattice: Lattice) -> tuple[np.ndarray, np.ndarray]:
        """Likeness of each tile to a lattice, and which of its spots belong to it.

        Cosine of the weights, where a spot of the tile counts if it stands by itself or lies at a
        place of the lattice.
        """
        count = self.strong.shape[-1]
        here, height, matched = match_spots(
            self.spots.frequency.reshape(-1, count, 2),
            self.weight.reshape(-1, count),
            self.spots.ratio.reshape(-1, count),
            lattice.frequency,
        )
        matched = matched.reshape(self.strong.shape)
        counted = np.where(self.strong | matched, self.weight**2, 0)
        norm = np.sqrt(counted.sum(axis=-1)).ravel() * np.linalg.norm(lattice.weight)
        likeness = np.divide(here @ lattice.weight, norm, out=np.zeros_like(norm), where=norm > 0)
        # Weak spots alone make no lattice: a few of 4 times the noise are always found.
        share = lattice.weight**2 / np.sum(lattice.weight**2)
        likeness[height @ share < _PRESENT] = 0
        return likeness.reshape(self.shape), matched

    def power_of(self, which: np.ndarray) -> np.ndarray:
        """Power of some of the spots of each tile."""
        return np.sum(np.where(which, self.power, 0), axis=-1)


def _founded(tiles: _Tiles) -> list[Lattice]:
    """Lattices founded by the strongest tiles that are not explained by others."""
    own = tiles.power.sum(axis=-1)
    best = np.zeros(tiles.strong.shape, bool)
    explained = np.zeros(own.shape)
    candidate = np.any(tiles.spots.ratio > _FOUNDING, axis=-1)
    lattices: list[Lattice] = []
    while len(lattices) < _MOST_CLASSES:
        free = candidate & (explained < _EXPLAINED * own)
        if not free.any():
            break
        row, column = np.unravel_index(np.argmax(np.where(free, own, -1)), own.shape)
        seed = (int(row), int(column))
        strong = tiles.strong[seed]
        lattice = Lattice(
            tiles.spots.frequency[seed][strong].astype(float), tiles.weight[seed][strong]
        )
        likeness, _ = tiles.compare(lattice)
        candidate[seed] = False
        if np.sum(_around(likeness, seed, tiles.steps) > _ALIKE) < _WITNESSES:
            continue
        lattice = _averaged(lattice, tiles, likeness > _ALIKE)
        matched = tiles.compare(lattice)[1]
        explained = np.maximum(explained, tiles.power_of(best | matched))
        better = tiles.power_of(matched) > tiles.power_of(best)
        best[better] = matched[better]
        lattices.append(lattice)
    return lattices


def _averaged_lattices(lattices: list[Lattice], tiles: _Tiles) -> list[Lattice]:
    """Average lattices over the tiles that are most like them; those without tiles go."""
    for _ in range(2):
        if not lattices:
            break
        likeness = np.array([tiles.compare(lattice)[0] for lattice in lattices])
        best = np.argmax(likeness, axis=0)
        best[likeness.max(axis=0) < _ALIKE] = -1
        lattices = [
            _averaged(lattice, tiles, best == index)
            for index, lattice in enumerate(lattices)
            if np.any(best == index)
        ]
    return lattices


def _averaged(lattice: Lattice, tiles: _Tiles, members: np.ndarray) -> Lattice:
    """Lattice with the mean places and weights of its spots over its tiles."""
    frequency, weight = tiles.spots.frequency[members], tiles.weight[members]
    places, weights = [], []
    for place in lattice.frequency:
        _, _, near = match_spots(frequency, weight, weight, place[None])
        if near.any():
            sign = np.where(np.sum(frequency[near] * place, axis=-1) < 0, -1, 1)[:, None]
            share = weight[near] / weight[near].sum()
            places.append(share @ (sign * frequency[near]))
            weights.append(weight[near].sum() / len(frequency))
    return Lattice(np.array(places), np.array(weights)) if places else lattice


def _around(values: np.ndarray, place: tuple[int, int], steps: list[int]) -> np.ndarray:
    """Values at the eight neighbours of a place that are a number of steps away."""
    row, column = place
    neighbours = [
        values[r, c]
        for r in (row - steps[0], row, row + steps[0])
        for c in (column - steps[1], column, column + steps[1])
        if (r, c) != place and 0 <= r < values.shape[0] and 0 <= c < values.shape[1]
    ]
    return np.array(neighbours)


def _groups(assigned: np.ndarray, likeness: np.ndarray, tiles: _Tiles) -> np.ndarray:
    """Group 0, 1, ... of each lattice: one for all that are the same crystal.

    Agglomeration with means over all tiles of a group (average linkage), so that the mixture in
    the tiles across a border does not join its two sides.
    """
    count = len(likeness)
    size = np.bincount(assigned[assigned >= 0].ravel(), minlength=count).astype(float)
    shared = np.zeros((count, count))
    for index in np.flatnonzero(size):
        shared[:, index] = likeness[:, assigned == index].sum(axis=1)
    shared *= size[:, None]
    across, number = _continuity(assigned, tiles, count)
    group = np.arange(count)
    while True:
        mean = shared / np.maximum(np.outer(size, size), 1)
        smooth = np.where(number >= _LEAST_PAIRS, across / np.maximum(number, 1), 0)
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


def _continuity(assigned: np.ndarray, tiles: _Tiles, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Sum the likeness of tiles across the border of each pair of lattices, and count them.

    The tiles are a whole tile apart, so that none of them sees across the border.
    """
    index = np.arange(assigned.size).reshape(assigned.shape)
    down, across = (2 * step for step in tiles.steps)
    pairs = [
        np.stack([index[down:].ravel(), index[:-down].ravel()]),
        np.stack([index[:, across:].ravel(), index[:, :-across].ravel()]),
    ]
    first, second = np.concatenate(pairs, axis=1)
    a, b = assigned.ravel()[first], assigned.ravel()[second]
    beside = (a >= 0) & (b >= 0) & (a != b)
    a, b = a[beside], b[beside]
    spots = tiles.strong.shape[-1]
    likeness = pair_likeness(
        tiles.spots.frequency.reshape(-1, spots, 2),
        np.where(tiles.strong, tiles.weight, 0).reshape(-1, spots),
        first[beside],
        second[beside],
    )
    total, number = np.zeros((count, count)), np.zeros((count, count))
    for one, other in ((a, b), (b, a)):
        np.add.at(total, (one, other), likeness)
        np.add.at(number, (one, other), 1)
    return total, number
