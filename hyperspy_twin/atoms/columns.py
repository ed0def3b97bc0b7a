"""All atom columns of a displaced lattice inside a rectangle."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.spatial import cKDTree

from hyperspy_twin.atoms.cuts import NO_CUTS, smallest_step
from hyperspy_twin.atoms.displacement import LARGEST_GRADIENT, displace, solve_point
from hyperspy_twin.core import Grid, kernel

# Squares times sites that are searched at once: bounds the memory to some 20 MB.
SEEDS_PER_CHUNK = 400_000
# A square of this side holds at most the sites nearest to its centre's lattice position, for any
# reduced plane cell (inscribed radius 0.43 of the shortest vector) and gradients up to 0.3.
SQUARE_SIDE = 0.4
# Fraction of a square by which the first one begins before the rectangle: the golden section, far
# from all simple fractions, keeps lattice rows off the borders between squares.
START = 0.3819660113
# Of the smallest step of a cut along one axis at least: that of its length is 0.7 at 45 degrees.
STEP_SEEN = 0.5


def find_columns(
    plane: np.ndarray,
    offsets: np.ndarray,
    bounds: tuple[float, float, float, float],
    field: np.ndarray,
    grid: Grid,
    cuts: np.ndarray = NO_CUTS,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Find every solution of r = R + u(r) in a rectangle, for all sites R of a plane lattice.

    The rectangle is tiled with squares much smaller than the plane cell. The centre r of a square
    says through R = r - u(r) which site can lie in it; that site's equation is solved from there
    and its solution kept if it falls into the same square. So each solution is found once, sites
    are never searched outside the rectangle however large u grows, and where u jumps by a lattice
    vector (next to a dislocation) a site that appears on both sides is found on both.

    Parameters
    ----------
    plane, offsets
        Two reduced lattice vectors as rows in nm, shape (2, 2), and positions (x, y) of the columns
        of one cell in nm, shape (m, 2).
    bounds
        Rectangle (x_min, y_min, x_max, y_max) in nm.
    field, grid
        Displacement in nm without gaps (``prepare_field``), shape (2, rows, columns), and its grid.
    cuts
        Steps of the displacement beside that, shape (m, CUT_NUMBERS).

    Yields
    ------
    points, site, index : numpy.ndarray
        Columns (x, y) in nm, shape (n, 2), the index of each into ``offsets``, shape (n,), and its
        lattice indices along the two vectors of ``plane``, shape (n, 2).
    """
    x_min, y_min, x_max, y_max = bounds
    if not (np.all(np.isfinite(bounds)) and x_max > x_min and y_max > y_min):
        raise ValueError(f"bounds must be (x_min, y_min, x_max, y_max) in nm, not {bounds}")
    plane = np.ascontiguousarray(plane, float)
    side = SQUARE_SIDE * np.min(np.linalg.norm(plane, axis=1))
    start = np.array([x_min, y_min]) - START * side
    columns = int(np.ceil((x_max - start[0]) / side))
    rows = int(np.ceil((y_max - start[1]) / side))
    rows_per_chunk = max(1, SEEDS_PER_CHUNK // (columns * len(offsets)))
    for first in range(0, rows, rows_per_chunk):
        count = min(rows_per_chunk, rows - first)
        yield _find_in_squares(
            start + (0.0, first * side),
            count,
            columns,
            side,
            plane,
            np.linalg.inv(plane),
            np.ascontiguousarray(offsets, float),
            field,
            np.ascontiguousarray(cuts, float),
            min(LARGEST_GRADIENT * side, STEP_SEEN * smallest_step(cuts)),
            np.array(grid.offset, float),
            np.array(grid.scale, float),
        )


def has_jumps(field: np.ndarray, grid: Grid) -> bool:
    """Tell whether a displacement field jumps between neighbouring pixels."""
    limit = LARGEST_GRADIENT * min(grid.scale)
    return any(np.abs(np.diff(field, axis=axis)).max() > limit for axis in (1, 2))


def separate_columns(
    points: np.ndarray, height: np.ndarray, length: float, minimum_distance: float
) -> np.ndarray:
    """Mark the columns to keep where a displacement that jumps has pushed some together.

    The columns (x, y), the height of one atom of each, the repeat along the beam and the smallest
    distance between atoms are in one unit. Of two columns that are too close the later goes.
    """
    keep = np.ones(len(points), bool)
    pairs = cKDTree(points).query_pairs(minimum_distance, output_type="ndarray")
    along = height[pairs[:, 0]] - height[pairs[:, 1]]
    along -= length * np.rint(along / length)
    across = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    pairs = np.sort(pairs[np.hypot(across, along) < minimum_distance], axis=1)
    for first, second in pairs[np.lexsort(pairs.T)]:
        if keep[first]:
            keep[second] = False
    return keep


@kernel
def _find_in_squares(
    start: np.ndarray,
    rows: int,
    columns: int,
    side: float,
    plane: np.ndarray,
    inverse: np.ndarray,
    offsets: np.ndarray,
    field: np.ndarray,
    cuts: np.ndarray,
    notable: float,
    grid_offset: np.ndarray,
    grid_scale: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    sites = len(offsets)
    capacity = 2 * rows * columns * sites + 16
    points = np.empty((capacity, 2))
    site = np.empty(capacity, np.int32)
    index = np.empty((capacity, 2), np.int32)
    found = 0
    for row in range(rows):
        for column in range(columns):
            centre_x = start[0] + (column + 0.5) * side
            centre_y = start[1] + (row + 0.5) * side
            u_x, u_y = displace(field, cuts, grid_offset, grid_scale, centre_x, centre_y)[:2]
            before = found
            for corner in range(5):
                x, y, v_x, v_y = centre_x, centre_y, u_x, u_y
                if corner > 0:
                    x += side * (0.49 if corner % 2 else -0.49)
                    y += side * (0.49 if corner > 2 else -0.49)
                    v_x, v_y = displace(field, cuts, grid_offset, grid_scale, x, y)[:2]
                    if max(abs(v_x - u_x), abs(v_y - u_y)) < notable:
                        continue
                for s in range(sites):
                    if found == capacity:
                        break
                    offset_x = x - v_x - offsets[s, 0]
                    offset_y = y - v_y - offsets[s, 1]
                    i = round(offset_x * inverse[0, 0] + offset_y * inverse[1, 0])
                    j = round(offset_x * inverse[0, 1] + offset_y * inverse[1, 1])
                    to_x = i * plane[0, 0] + j * plane[1, 0] - offset_x
                    to_y = i * plane[0, 1] + j * plane[1, 1] - offset_y
                    reach = side if corner == 0 else 2 * side
                    if abs(to_x) > reach or abs(to_y) > reach:
                        continue
                    known = False
                    for other in range(before, found):
                        known = known or (
                            site[other] == s and index[other, 0] == i and index[other, 1] == j
                        )
                    if known:
                        continue
                    new_x, new_y, solved = solve_point(
                        field,
                        cuts,
                        grid_offset,
                        grid_scale,
                        x - v_x + to_x,
                        y - v_y + to_y,
                        x + to_x,
                        y + to_y,
                    )
                    half = side / 2
                    if not (
                        solved
                        and -half <= new_x - centre_x < half
                        and -half <= new_y - centre_y < half
                    ):
                        continue
                    points[found, 0], points[found, 1] = new_x, new_y
                    site[found] = s
                    index[found, 0], index[found, 1] = i, j
                    found += 1
    return points[:found].copy(), site[:found].copy(), index[:found].copy()
