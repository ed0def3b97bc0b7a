"""What was recorded with a map, and the micrograph as its pixels see it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hyperspy_twin.composition.placement.scenes import Scene, average_blocks, sample_area
from hyperspy_twin.core import Grid

# Rows and columns of a map that are fitted each by itself, and pixels of its image: a fit holds a
# table of pixels times twice the rows, here of 80 MB.
LARGEST_SIDE = 128
MOST_PIXELS = 40_000


@dataclass(frozen=True, eq=False)
class MapImage:
    """What was recorded with a map, and the grid of the map.

    Attributes
    ----------
    values
        Image, shape (rows, columns); not a number where it has no value.
    grid
        Of the image, in the axes of the map.
    map_grid
        Of the map.
    """

    values: np.ndarray
    grid: Grid
    map_grid: Grid

    @property
    def points(self) -> np.ndarray:
        """Centres (x, y) of the pixels in the axes of the map, shape (pixels, 2)."""
        x, y = np.meshgrid(self.grid.x, self.grid.y)
        return np.column_stack([x.ravel(), y.ravel()])

    @property
    def rows(self) -> np.ndarray:
        """Row of the map in which each row of the image lies, shape (rows,)."""
        number = (self.grid.y - self.map_grid.offset[1]) / self.map_grid.scale[1]
        return np.clip(np.rint(number), 0, self.map_grid.shape[0] - 1).astype(np.intp)

    @property
    def map_rows(self) -> np.ndarray:
        """Row of the map in which each pixel lies, shape (pixels,)."""
        return np.repeat(self.rows, self.grid.shape[1])

    @property
    def steps(self) -> np.ndarray:
        """Pixels of the image per pixel of the map along x and y."""
        return np.array(self.map_grid.scale) / self.grid.scale


def image_of_map(values: np.ndarray, map_grid: Grid, matrix: np.ndarray, pixel: float) -> MapImage:
    """Image that covers the same area as a map, reduced to what the micrograph resolves.

    Parameters
    ----------
    values
        Shape (rows, columns), a whole multiple of that of the map.
    map_grid
        Of the map.
    matrix
        From the map to the micrograph, shape (2, 3) or its linear part alone.
    pixel
        Pixel size of the micrograph.

    Raises
    ------
    ValueError
        If the pixels of the map do not hold a whole number of pixels of the image.
    """
    parts = [size / whole for size, whole in zip(values.shape, map_grid.shape, strict=True)]
    if any(part != int(part) or part < 1 for part in parts):
        raise ValueError(
            f"the image has {values.shape[1]} x {values.shape[0]} pixels and the map "
            f"{map_grid.shape[1]} x {map_grid.shape[0]}: an image that was recorded with the map "
            "covers the same area, with a whole number of its pixels in each pixel of the map"
        )
    # Centres of first pixels differ; edges are those of the same area.
    scale = tuple(whole / part for whole, part in zip(map_grid.scale, reversed(parts), strict=True))
    offset = tuple(
        start - whole / 2 + one / 2
        for start, whole, one in zip(map_grid.offset, map_grid.scale, scale, strict=True)
    )
    fine = Grid(values.shape, scale, offset)
    lengths = np.linalg.norm(matrix[:, :2], axis=0) * scale
    blocks = [
        max(n for n in range(1, int(part) + 1) if part % n == 0 and (n == 1 or n * one <= pixel))
        for part, one in zip(parts, reversed(lengths), strict=True)
    ]
    reduced, grid = average_blocks(values, fine, blocks)
    return MapImage(reduced, grid, map_grid)


def reduce_map(values: np.ndarray, map_grid: Grid, matrix: np.ndarray, pixel: float) -> MapImage:
    """Image of a map, with pixels added up where a fit of all of them would take gigabytes.

    Rows of the map that are added up have one shift. What remains beyond whole blocks is left out.

    Parameters
    ----------
    values, map_grid, matrix, pixel
        See :func:`image_of_map`.
    """
    group = math.ceil(max(map_grid.shape) / LARGEST_SIDE)
    if group > 1:
        parts = [size // whole for size, whole in zip(values.shape, map_grid.shape, strict=True)]
        image_of_map(values, map_grid, matrix, pixel)  # refuses another area
        _, map_grid = average_blocks(np.zeros(map_grid.shape), map_grid, [group, group])
        rows, columns = (n * group * k for n, k in zip(map_grid.shape, parts, strict=True))
        values = values[:rows, :columns]
    recorded = image_of_map(values, map_grid, matrix, pixel)
    while recorded.values.size > MOST_PIXELS and min(recorded.steps) > 1:
        pixel *= 2
        recorded = image_of_map(values, map_grid, matrix, pixel)
    return recorded


def look_under(
    scene: Scene, recorded: MapImage, matrix: np.ndarray, row_shifts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Value and slope of the micrograph in the pixels of a map, and where it has them.

    Parameters
    ----------
    scene
        The micrograph.
    recorded
        What was recorded with the map.
    matrix, row_shifts
        Where the map is, see :class:`~hyperspy_twin.core.Placement`.
    """
    centres = recorded.points @ matrix[:, :2].T + matrix[:, 2] + row_shifts[recorded.map_rows]
    area = sample_area(matrix[:, :2], recorded.grid.scale, scene.grid.pixel_size)
    return scene.look(centres, area)
