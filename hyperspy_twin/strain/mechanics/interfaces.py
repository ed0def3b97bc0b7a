"""The outline that two regions share: where it is, and which way it runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import Grid

# Length of the mean normal of the edges of pixels, at least: a straight outline has 0.7 or more,
# half a circle 0.5, a closed one 0.
LEAST_NORMAL = 0.35


@dataclass(frozen=True)
class Interface:
    """Shared outline of two regions.

    Attributes
    ----------
    centre
        Its mean position (x, y), in the unit of the grid.
    normal
        Unit vector (x, y) across it, from the first region into the second.
    length
        Its extent across the normal.
    """

    centre: tuple[float, float]
    normal: tuple[float, float]
    length: float

    @property
    def angle(self) -> float:
        """Direction of the outline in degrees above x, counter-clockwise, from -90 to 90."""
        x, y = self.normal
        # The outline is a quarter of a turn from its normal; y points down.
        direction = (-y, x) if -y > 0 or (y == 0 and x < 0) else (y, -x)
        return float(np.degrees(np.arctan2(-direction[1], direction[0])))


def find_interface(labels: np.ndarray, grid: Grid, first: int, second: int) -> Interface:
    """Find the shared outline of two regions.

    Parameters
    ----------
    labels
        Region of each pixel, shape (rows, columns).
    grid
        Pixel grid.
    first, second
        Numbers of the regions.

    Raises
    ------
    ValueError
        If a region is absent, the two share no outline, or the outline turns back on itself.
    """
    present = np.unique(labels[labels > 0]).tolist()
    for label in (first, second):
        if label not in present:
            raise ValueError(f"there is no region {label}: the regions are {present}")
    points, normals = [], []
    for axis, step in ((1, (0.5, 0.0)), (0, (0.0, 0.5))):
        before, after = (np.moveaxis(labels, axis, 0)[part] for part in (slice(-1), slice(1, None)))
        for sign, pair in ((1.0, (first, second)), (-1.0, (second, first))):
            found = np.argwhere((before == pair[0]) & (after == pair[1]))
            row, column = (found[:, 1], found[:, 0]) if axis == 1 else (found[:, 0], found[:, 1])
            points.append(np.column_stack([column, row]) + step)
            # An edge of a pixel is as long as the pixel across it.
            length = grid.scale[0] if axis == 0 else grid.scale[1]
            normal = np.array(step) * 2.0 * sign * length
            normals.append(np.tile(normal, (len(found), 1)))
    edges, across = grid.to_units(np.concatenate(points)), np.concatenate(normals)
    if not len(edges) or first == second:
        raise ValueError(f"regions {first} and {second} share no outline: choose two neighbours")
    total, weights = across.sum(axis=0), np.linalg.norm(across, axis=1)
    size = float(np.linalg.norm(total))
    if size < LEAST_NORMAL * weights.sum():
        raise ValueError(
            f"the outline that regions {first} and {second} share turns back on itself: give a "
            "direction or a line"
        )
    normal = total / size
    along = edges @ np.array([-normal[1], normal[0]])
    centre = np.average(edges, axis=0, weights=weights)
    return Interface(
        centre=(float(centre[0]), float(centre[1])),
        normal=(float(normal[0]), float(normal[1])),
        length=float(np.ptp(along)),
    )
