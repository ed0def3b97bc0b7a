"""Borders of twins: pieces of the outline between two regions that follow the plane of both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from hyperspy_twin.core import Grid

# Pixels over which the course of an outline is averaged: of several, but less than a plane.
SMOOTH = 3.0
# Degrees by which an outline may be turned against the plane, on this average.
STEEPEST = 45.0
# Fewer columns may coincide by chance.
FEWEST = 4


@dataclass(frozen=True)
class TwinPlane:
    """A plane in which the crystals of two regions mirror each other, seen edge on.

    Attributes
    ----------
    regions
        Numbers of the two regions.
    planes
        Miller indices of the plane in the lattice of each.
    """

    regions: tuple[int, int]
    planes: tuple[tuple[int, int, int], tuple[int, int, int]]


@dataclass(frozen=True, eq=False)
class Twins:
    """All twin planes of an image.

    Attributes
    ----------
    planes
        The planes.
    labels, grid
        Region of each pixel, shape (rows, columns), and the grid in nm.
    """

    planes: Sequence[TwinPlane]
    labels: np.ndarray
    grid: Grid


class Border(NamedTuple):
    """Pixels on both sides of a piece of a border as points (x, y) in nm, and where it faces.

    ``facing`` is 1 where the second region lies along the normal, and -1 where against it.
    """

    first: np.ndarray
    second: np.ndarray
    facing: int


def find_borders(twins: Twins, pair: tuple[int, int], normal: np.ndarray) -> Iterator[Border]:
    """Pieces of the border of two regions that face along a normal (x, y), or against it."""
    inside = [twins.labels == label for label in pair]
    grown = [ndimage.binary_dilation(one) for one in inside]
    sides = inside[0] & grown[1], inside[1] & grown[0]
    rows, columns = (slice(np.min(one), np.max(one) + 1) for one in np.nonzero(sides[0] | sides[1]))
    sides = sides[0][rows, columns], sides[1][rows, columns]
    # The two regions as 0 and 1, so that the slope points from one to the other.
    between = np.where(inside[0], 0.0, np.where(inside[1], 1.0, 0.5))[rows, columns]
    slopes = [ndimage.gaussian_filter1d(
        ndimage.gaussian_filter1d(between, SMOOTH, axis=1 - axis), SMOOTH, axis=axis, order=1
    ) for axis in (1, 0)]  # fmt: skip
    across = np.tensordot(normal, slopes, axes=1)
    for facing in (1, -1):
        steep = facing * across > np.cos(np.radians(STEEPEST)) * np.hypot(*slopes)
        pieces, count = ndimage.label((sides[0] | sides[1]) & steep, np.ones((3, 3)))
        for piece in range(1, count + 1):
            pixels = [np.nonzero(side & (pieces == piece)) for side in sides]
            first, second = (
                np.stack([twins.grid.x[columns][x], twins.grid.y[rows][y]], axis=1)
                for y, x in pixels
            )
            if min(len(first), len(second)) >= FEWEST:
                yield Border(first, second, facing)
