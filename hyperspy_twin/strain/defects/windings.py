"""Windings of the phases of lattice waves around the cells of the coarse grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage

from hyperspy_twin.strain.lattice_waves import LatticeWaves
from hyperspy_twin.strain.noise import Noise

# Distance in resolutions within which the windings of all waves belong to one core: the zeros of
# one wave that winds twice lie up to a resolution apart.
LINKAGE = 1.5
# Standard deviation, in resolutions, of the window in which a wave has to be present: the zero in
# a core itself is as wide as one.
NEIGHBOURHOOD = 1.0
# A wave is present where its root mean square amplitude exceeds that of its noise by this factor:
# noise alone makes phases wind below 3.
AMPLITUDE_TO_NOISE = 4.0
# The same over its median: a quarter of the lattice is more than what a window sees of it from
# two resolutions beyond an outline.
FRACTION_OF_MEDIAN = 0.25
# Part of the window that has to lie inside the block: a window whose centre is on a straight
# outline has half.
MINIMUM_MASS = 0.6
# Inner and outer radius, in resolutions, of the ring around a core in which its lattice has to be.
SURROUNDING = 1.5, 3.0
# Percentile of the amplitudes in that disc that stands for the whole lattice.
FULL = 90
# Fraction of it below which the lattice is absent: waves of an amorphous layer reach a third.
FRACTION_OF_FULL = 0.4
# Part of the ring that has to show the lattice. It is .94-1 around dislocations, pairs of them four
# resolutions apart included, and .29-.47 where phases wind at the edge of an amorphous layer.
MINIMUM_SURROUNDED = 0.75


@dataclass(frozen=True, eq=False)
class Winding:
    """Phases that wind around one place.

    Attributes
    ----------
    position
        Mean position (x, y) relative to the first pixel of the image.
    turns
        Whole turns of each wave on a circuit from x to y, shape (k,); NaN where it is absent.
    amplitude_to_noise
        Of each wave around it, shape (k,).
    """

    position: np.ndarray
    turns: np.ndarray
    amplitude_to_noise: np.ndarray

    @property
    def weights(self) -> np.ndarray:
        """What the winding of each wave says, shape (k,): none where it is barely present."""
        return np.maximum(self.amplitude_to_noise**2 - AMPLITUDE_TO_NOISE**2, 0.0)


def find_windings(region: LatticeWaves, noise: Noise) -> list[Winding]:
    """Find the places around which phases wind, those of one core taken together."""
    coarse = region.coarse
    x, y = coarse.node_positions()
    strength = np.array([_strength(region, noise, index) for index in range(len(region))])
    medians = np.array([np.median(one[one > 0.0]) if (one > 0.0).any() else 0 for one in strength])
    limits = np.maximum(AMPLITUDE_TO_NOISE, FRACTION_OF_MEDIAN * medians)
    present = _cells(strength) > limits[:, None, None]
    turns = np.array([winding_number(wave.field) for wave in region.waves])
    beam, row, column = np.nonzero((turns != 0) & present)
    if not len(beam):
        return []
    step = np.array([x[1] - x[0], y[1] - y[0]])
    points = (np.column_stack([column, row]) + 0.5) * step
    cluster = _linked(points, LINKAGE * coarse.resolution)
    found = []
    for number in range(cluster.max() + 1):
        own = np.flatnonzero(cluster == number)
        centre = points[own].mean(axis=0)
        at = tuple(np.clip((centre / step).astype(int), 0, np.array(turns.shape[:0:-1]) - 1)[::-1])
        total = np.zeros(len(region))
        np.add.at(total, beam[own], turns[beam[own], row[own], column[own]])
        total[~present[:, at[0], at[1]]] = np.nan
        found.append(Winding(centre + region.origin, total, strength[:, at[0], at[1]]))
    return found


def is_surrounded(region: LatticeWaves, winding: Winding) -> bool:
    """Whether the two strongest waves go on all around a winding, as they do around a core."""
    x, y = region.coarse.node_positions()
    centre = winding.position - region.origin
    distance = np.hypot((x - centre[0])[None, :], (y - centre[1])[:, None])
    inner, outer = (radius * region.coarse.resolution for radius in SURROUNDING)
    mass = region.window.mass
    disc = (distance <= outer) & (mass > MINIMUM_MASS)
    ring = disc & (distance >= inner)
    if not ring.any():
        return False
    for index in np.argsort(-winding.amplitude_to_noise)[:2]:
        field = np.abs(region.waves[index].field)
        full = np.percentile(field[disc] / mass[disc], FULL)
        if np.mean(field[ring] / mass[ring] > FRACTION_OF_FULL * full) < MINIMUM_SURROUNDED:
            return False
    return True


def chance_of_noise(region: LatticeWaves, winding: Winding) -> float:
    """Expect so many places in a region at which noise alone makes the phases wind so.

    The noise of a wave exceeds its amplitude A in one window with exp(-(A / noise)^2).
    """
    spacing = np.array([axis[1] - axis[0] for axis in region.coarse.node_positions()])
    area = np.count_nonzero(region.window.mass) * float(np.prod(spacing))
    windows = area / (4.0 * np.pi * region.coarse.resolution**2)
    winds = np.nan_to_num(winding.turns) != 0
    return float(windows * np.exp(-np.sum(winding.amplitude_to_noise[winds] ** 2)))


def winding_number(field: np.ndarray) -> np.ndarray:
    """Count the turns of the phase of a complex field around each cell, from x to y."""
    right = _step(field[:, :-1], field[:, 1:])
    down = _step(field[:-1], field[1:])
    total = right[:-1] + down[:, 1:] - right[1:] - down[:, :-1]
    return np.rint(total / (2.0 * np.pi)).astype(np.int8)


def _step(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.angle(second * first.conj())


def _strength(region: LatticeWaves, noise: Noise, index: int) -> np.ndarray:
    """Root mean square amplitude of a wave around each node over that of its noise."""
    coarse, mass = region.coarse, region.window.mass
    x, y = coarse.node_positions()
    width = NEIGHBOURHOOD * coarse.resolution / np.array([y[1] - y[0], x[1] - x[0]])
    power = np.abs(region.waves[index].field) ** 2
    around = scipy.ndimage.gaussian_filter(power, width, mode="nearest")
    inside = scipy.ndimage.gaussian_filter(mass**2, width, mode="nearest")
    deviation = noise.white[index] * region.window.amplitude_noise
    good = (mass > MINIMUM_MASS) & (inside > 0.0) & (deviation > 0.0)
    variance = np.where(good, deviation * inside, 1.0)
    return np.sqrt(np.where(good, around / variance, 0.0))


def _cells(field: np.ndarray) -> np.ndarray:
    """Smallest value at the corners of each cell, along the last two axes."""
    rows = np.minimum(field[..., :-1, :], field[..., 1:, :])
    return np.minimum(rows[..., :-1], rows[..., 1:])


def _linked(points: np.ndarray, distance: float) -> np.ndarray:
    """Cluster of each point, by single linkage."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    pairs = cKDTree(points).query_pairs(distance, output_type="ndarray")
    shape = (len(points), len(points))
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape)
    return connected_components(graph, directed=False)[1]
