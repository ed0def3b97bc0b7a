"""Pairs of a micrograph and a scanned map of known place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates, spline_filter, uniform_filter

from hyperspy_twin.core import Grid

# nm per sample of the made scene, and correlation length of its texture.
FINE, GRAIN = 0.25, 6.0
# Points per side over which a pixel of the map is averaged.
POINTS = 9
# Layers: from and to in nm from the middle of the field, and fraction of Ge.
WELL = ((-12.0, 12.0, 0.6), (40.0, 46.0, 0.3))


@dataclass(frozen=True)
class Pair:
    """A micrograph, the image of a map, and where each of its pixels truly lies."""

    image: np.ndarray
    image_grid: Grid
    map_image: np.ndarray
    map_grid: Grid
    matrix: np.ndarray
    row_shifts: np.ndarray
    along: np.ndarray

    def error(self, placement):
        """Root-mean-square error along and across the layers, in pixels of the map."""
        true = positions(self.matrix, self.row_shifts, self.map_grid)
        found = positions(placement.matrix, placement.row_shifts, self.map_grid)
        difference = (found - true).reshape(-1, 2) / self.map_grid.scale[0]
        across = np.array([-self.along[1], self.along[0]])
        return np.sqrt(np.mean(np.square(difference @ np.stack([self.along, across]).T), axis=0))


def positions(matrix, row_shifts, grid):
    """Position (x, y) of each pixel of a map in the micrograph, shape (rows, columns, 2)."""
    x, y = np.meshgrid(grid.x, grid.y)
    return np.stack([x, y, np.ones_like(x)], axis=-1) @ matrix.T + row_shifts[:, None]


@cache
def make_pair(
    seed=0,
    *,
    shape=(60, 30),
    step=3.0,
    angle=4.0,
    scale=1.02,
    texture=0.03,
    drift=(0.0, 0.0),
    walk=0.0,
    noise=0.004,
    slope=10.0,
    field=260.0,
    pixel=0.75,
    position=None,
    layers=WELL,
):
    """Scan a Si/Ge well with a coarse beam, beside a fine micrograph of it.

    Angles in degrees, layers and lengths in nm, drift over the scan and walk per row in pixels of
    the map, noise of a pixel of either image relative to its mean.
    """
    random = np.random.default_rng([seed, 15])
    size = int(field / FINE)
    y, x = np.mgrid[:size, :size] * FINE
    normal = np.array([-np.sin(np.radians(slope)), np.cos(np.radians(slope))])
    depth = (x - field / 2) * normal[0] + (y - field / 2) * normal[1]
    well = sum(
        top * (np.tanh((depth - low) / 1.5) - np.tanh((depth - high) / 1.5)) / 2
        for low, high, top in layers
    )
    grains = gaussian_filter(random.standard_normal((size, size)), GRAIN / FINE, mode="wrap")
    scene = (1 + 1.5 * well) * (1 + texture * grains / grains.std())
    middle = np.full(2, field / 2) if position is None else np.asarray(position)
    turn = np.radians(angle)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    grid = Grid(shape, (step, step))
    centre = np.array([grid.x.mean(), grid.y.mean()])
    matrix = np.column_stack([linear, middle - linear @ centre])
    time = np.linspace(-0.5, 0.5, shape[0])
    steps = walk * random.standard_normal((shape[0], 2))
    shifts = step * (np.outer(time, drift) + np.cumsum(steps, axis=0) - steps.sum(axis=0) / 2)
    offsets = ((np.arange(POINTS) + 0.5) / POINTS - 0.5) * step
    coefficients = spline_filter(scene, mode="nearest")
    mean = np.zeros(shape)
    for row in offsets:
        for column in offsets:
            moved = Grid(shape, (step, step), (column, row))
            points = positions(matrix, shifts, moved) / FINE
            mean += map_coordinates(
                coefficients, points.transpose(2, 0, 1)[::-1], prefilter=False, mode="nearest"
            )
    mean /= POINTS**2
    # Pixels of the micrograph are a whole, odd number of samples, so that centres are kept.
    every = round(pixel / FINE / 2) * 2 + 1
    start = every // 2
    image = uniform_filter(scene, every)[start:-start:every, start:-start:every]
    image = image * (1 + noise * random.standard_normal(image.shape))
    mean = mean * (1 + noise * random.standard_normal(shape))
    image_grid = Grid(image.shape, (every * FINE,) * 2, (start * FINE,) * 2)
    return Pair(image, image_grid, mean, grid, matrix, shifts, np.array([normal[1], -normal[0]]))


@pytest.fixture(scope="session")
def pair():
    """Make a pair of a micrograph and a map."""
    return make_pair
