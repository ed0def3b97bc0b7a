"""Straight walls across a lattice, along which its waves are weaker than on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage

from hyperspy_twin.strain.lattice_waves import LatticeWaves
from hyperspy_twin.strain.noise import Noise

# Part of a window that has to lie inside the block, as for windings.
MINIMUM_MASS = 0.6
# Amplitude of a wave over that of its noise in one window, above which a valley is no accident: a
# dip by a fifth is then two standard deviations.
AMPLITUDE_TO_NOISE = 6.0
# Radius, in resolutions, of the disc that fills valleys: at two resolutions from a wall that shifts
# a wave by a third of a turn its amplitude is back at .97.
FILLED = 2.0
# Amplitude over that of both sides below which there is a valley: a shift by a quarter of a turn
# leaves .71 in the middle, one by a third .50.
VALLEY = 0.8
# Shortest wall in resolutions: four times as long as the hole that a dislocation makes.
SHORTEST = 8.0
# Nodes up to so many resolutions from a line belong to it, and a gap of that length ends it.
HALF_WIDTH, GAP = 0.8, 3.0
# Directions in which lines are looked for before they are fitted: over the shortest wall half a
# step is a tenth of a resolution.
DIRECTIONS = 90
# Fits of a line to the nodes beside it.
FITS = 3


@dataclass(frozen=True, eq=False)
class Wall:
    """A straight wall; positions (x, y) are relative to the first pixel of the image."""

    start: np.ndarray
    end: np.ndarray

    @property
    def length(self) -> float:
        """From one end to the other."""
        return float(np.linalg.norm(self.end - self.start))

    @property
    def direction(self) -> np.ndarray:
        """Unit vector from start to end."""
        return (self.end - self.start) / self.length

    @property
    def normal(self) -> np.ndarray:
        """Unit vector to the right of the way from start to end, as seen on the screen."""
        return np.array([-self.direction[1], self.direction[0]])


def find_valleys(region: LatticeWaves, noise: Noise) -> np.ndarray:
    """Find depths below both sides of the wave that is weakened most at each node, from 0 to 1."""
    coarse, mass = region.coarse, region.window.mass
    inside = mass > MINIMUM_MASS
    x, y = coarse.node_positions()
    radius = FILLED * coarse.resolution
    rows, columns = (int(radius / (axis[1] - axis[0])) for axis in (y, x))
    offset_y, offset_x = np.mgrid[-rows : rows + 1, -columns : columns + 1]
    disc = np.hypot(offset_x * (x[1] - x[0]), offset_y * (y[1] - y[0])) <= radius
    depth = np.zeros(mass.shape)
    for wave, white in zip(region.waves, noise.white, strict=True):
        amplitude = np.where(inside, np.abs(wave.amplitude), 0.0)
        filled = scipy.ndimage.grey_closing(amplitude, footprint=disc, mode="nearest")
        deviation = np.sqrt(white * region.window.amplitude_noise)
        seen = inside & (filled > AMPLITUDE_TO_NOISE * deviation)
        depth = np.maximum(depth, np.where(seen, 1.0 - amplitude / np.where(seen, filled, 1.0), 0))
    return depth


def find_walls(region: LatticeWaves, depth: np.ndarray) -> list[Wall]:
    """Find straight lines of valleys, the most marked first."""
    x, y = region.coarse.node_positions()
    resolution = region.coarse.resolution
    row, column = np.nonzero(depth > 1.0 - VALLEY)
    points, weights = np.column_stack([x[column], y[row]]), depth[row, column]
    spacing = max(x[1] - x[0], y[1] - y[0])
    fewest = SHORTEST * resolution / spacing
    walls = []
    while len(points) >= fewest:
        near = _most_marked_line(points, weights, resolution)
        if near.sum() < fewest:
            break
        wall, own = _fit_line(points, weights, near, resolution)
        if wall is not None and wall.length >= SHORTEST * resolution:
            walls.append(Wall(wall.start + region.origin, wall.end + region.origin))
        points, weights = points[~own], weights[~own]
    return walls


def _most_marked_line(points: np.ndarray, weights: np.ndarray, resolution: float) -> np.ndarray:
    """Points near the line that holds most weight, boolean of shape (n,)."""
    best, chosen = -1.0, np.zeros(len(points), bool)
    for angle in np.arange(DIRECTIONS) * np.pi / DIRECTIONS:
        offset = points @ [-np.sin(angle), np.cos(angle)] / (HALF_WIDTH * resolution)
        offset -= offset.min()
        counts = np.bincount(offset.astype(int), weights, minlength=2)
        pairs = counts[:-1] + counts[1:]
        if pairs.max() > best:
            best, first = pairs.max(), pairs.argmax()
            chosen = (offset >= first) & (offset < first + 2)
    return chosen


def _fit_line(
    points: np.ndarray, weights: np.ndarray, near: np.ndarray, resolution: float
) -> tuple[Wall | None, np.ndarray]:
    """Line through some points, and all points that belong to it."""
    own = near
    for _ in range(FITS):
        centre = np.average(points[own], axis=0, weights=weights[own])
        spread = np.cov((points[own] - centre).T, aweights=weights[own])
        along = np.linalg.eigh(spread)[1][:, 1]
        along = along * np.sign(along @ [1.0, 1e-6])
        position, offset = (points - centre) @ along, (points - centre) @ [-along[1], along[0]]
        close = np.abs(offset) <= HALF_WIDTH * resolution
        order = np.flatnonzero(close)[np.argsort(position[close])]
        if len(order) < 2:
            return None, near
        run = np.cumsum(np.diff(position[order], prepend=position[order[0]]) > GAP * resolution)
        longest = np.bincount(run, weights[order]).argmax()
        own = np.zeros(len(points), bool)
        own[order[run == longest]] = True
        if own.sum() < 3:
            return None, near | own
    start, end = position[own].min(), position[own].max()
    if end <= start:
        return None, near | own
    beside = (np.abs(offset) <= 2.0 * HALF_WIDTH * resolution) & (position >= start)
    beside &= position <= end
    return Wall(centre + start * along, centre + end * along), own | beside
