"""Where a region of a model ends at a plane of its lattice instead of its outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class StraightBorder:
    """A straight piece of an outline: its middle, normal, half its length and its reach, in nm."""

    point: np.ndarray
    normal: np.ndarray
    half: float
    reach: float

    def coordinates(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates of points (..., 2) along and across the line."""
        away = points - self.point
        return away @ np.array([self.normal[1], -self.normal[0]]), away @ self.normal

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Whether points lie within reach of the line."""
        along, across = self.coordinates(points)
        return (np.abs(along) < self.half + self.reach) & (np.abs(across) < self.reach)


@dataclass(frozen=True, eq=False)
class Edge:
    """Where a region ends at a plane that it shares with another.

    Attributes
    ----------
    regions
        Number of the region, and of the other.
    vector
        Reciprocal vector (x, y) of the plane in 1/nm, out of the region.
    limit
        Height between two layers, see :meth:`LatticeColumns.layers`.
    line
        Where it counts.
    """

    regions: tuple[int, int]
    vector: np.ndarray
    limit: float
    line: StraightBorder

    def assign(self, points: np.ndarray, layers: np.ndarray, region: np.ndarray) -> np.ndarray:
        """Give columns near the plane, with their heights, to the right one of both regions."""
        own, other = self.regions
        near = self.line.holds(points) & ((region == own) | (region == other))
        return np.where(near, np.where(layers < self.limit, own, other), region)
