"""Kernels on polygon edges: crack following, scanline crossings, point location."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core.kernels import kernel


@kernel
def follow_cracks(padded: np.ndarray, capacity: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Follow the border of each region along pixel corners, the region to the right.

    A vertex stands where the border turns, and where a third region meets it, so that neighbours
    have the same vertices on the border that they share.

    Parameters
    ----------
    padded : numpy.ndarray
        Labels with a border of zeros one pixel wide, int32.
    capacity : int
        Largest possible number of vertices.

    Returns
    -------
    corners : numpy.ndarray
        Shape (n, 2): (column, row) of the corners without the border; corner (0, 0) is the outer
        corner of the first pixel.
    ring_start : numpy.ndarray
        Shape (r + 1,).
    ring_region : numpy.ndarray
        Shape (r,).
    """
    # Directions: 0 right, 1 down, 2 left, 3 up. A pixel's side is named after the direction in
    # which it is walked clockwise: 0 top, 1 right, 2 bottom, 3 left.
    step_row = (0, 1, 0, -1)
    step_column = (1, 0, -1, 0)
    end_row = (0, 1, 1, 0)
    end_column = (1, 1, 0, 0)
    corners = np.empty((capacity, 2), np.float64)
    ring_start = np.zeros(capacity // 4 + 2, np.int64)
    ring_region = np.zeros(capacity // 4 + 1, np.int32)
    seen = np.zeros(padded.shape, np.bool_)
    vertices = 0
    rings = 0
    for first_row in range(1, padded.shape[0] - 1):
        for first_column in range(1, padded.shape[1] - 1):
            label = padded[first_row, first_column]
            if label == 0 or seen[first_row, first_column]:
                continue
            if padded[first_row - 1, first_column] == label:
                continue
            # Every ring has a walk to the right, so that top sides are enough to find them all.
            row, column, side = first_row, first_column, 0
            while True:
                if side == 0:
                    seen[row, column] = True
                left = (side + 3) % 4
                ahead_row = row + step_row[side]
                ahead_column = column + step_column[side]
                left_row = ahead_row + step_row[left]
                left_column = ahead_column + step_column[left]
                corner_row = row - 1 + end_row[side]
                corner_column = column - 1 + end_column[side]
                marked = True
                if padded[ahead_row, ahead_column] != label:
                    side = (side + 1) % 4
                elif padded[left_row, left_column] != label:
                    # Straight on: a vertex only where the neighbour across the border changes.
                    across_row, across_column = row + step_row[left], column + step_column[left]
                    marked = padded[across_row, across_column] != padded[left_row, left_column]
                    row, column = ahead_row, ahead_column
                else:
                    row, column, side = left_row, left_column, left
                if marked:
                    corners[vertices, 0] = corner_column
                    corners[vertices, 1] = corner_row
                    vertices += 1
                if row == first_row and column == first_column and side == 0:
                    break
            ring_region[rings] = label
            rings += 1
            ring_start[rings] = vertices
    return corners[:vertices].copy(), ring_start[: rings + 1].copy(), ring_region[:rings].copy()


@kernel
def edge_crossings(
    edges: np.ndarray, levels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where edges cross horizontal lines.

    Parameters
    ----------
    edges : numpy.ndarray
        Rows (x0, y0, x1, y1) with y0 < y1, shape (n, 4).
    levels : numpy.ndarray
        Heights of the lines, ascending, shape (m,).

    Returns
    -------
    level, x, edge : numpy.ndarray
        Index of the line, position on it and index of the edge, shape (k,) each. An edge crosses
        the lines with y0 <= y < y1.
    """
    count, total = len(edges), 0
    reach = np.empty((count, 2), np.int64)
    for k in range(count):
        for end in range(2):
            low, high = 0, len(levels)
            while low < high:
                middle = (low + high) // 2
                if levels[middle] < edges[k, 1 + 2 * end]:
                    low = middle + 1
                else:
                    high = middle
            reach[k, end] = low
        total += max(reach[k, 1] - reach[k, 0], 0)
    level = np.empty(total, np.int64)
    position = np.empty(total, np.float64)
    edge = np.empty(total, np.int64)
    filled = 0
    for k in range(count):
        slope = (edges[k, 2] - edges[k, 0]) / (edges[k, 3] - edges[k, 1])
        for index in range(reach[k, 0], reach[k, 1]):
            level[filled] = index
            position[filled] = edges[k, 0] + slope * (levels[index] - edges[k, 1])
            edge[filled] = k
            filled += 1
    return level, position, edge


@kernel
def fill_spans(
    labels: np.ndarray, row: np.ndarray, position: np.ndarray, owner: np.ndarray
) -> None:
    """Write labels between pairs of crossings, which come sorted by owner, row and position."""
    columns = labels.shape[1]
    for k in range(0, len(row) - 1, 2):
        first = max(int(np.ceil(max(position[k], -1.0))), 0)
        last = min(int(np.ceil(min(position[k + 1], float(columns)))), columns)
        for column in range(first, last):
            labels[row[k], column] = owner[k]


@kernel
def bucket_edges(
    edges: np.ndarray, top: float, bottom: float, bands: int
) -> tuple[np.ndarray, np.ndarray]:
    """List the edges that reach into each of equal horizontal bands.

    Returns
    -------
    starts : numpy.ndarray
        Shape (bands + 1,): band ``b`` holds ``members[starts[b]:starts[b + 1]]``.
    members : numpy.ndarray
        Indices of edges, in ascending order within a band.
    """
    per_height = bands / (bottom - top)
    starts = np.zeros(bands + 1, np.int64)
    first = np.empty(len(edges), np.int64)
    last = np.empty(len(edges), np.int64)
    for k in range(len(edges)):
        first[k] = min(int((edges[k, 1] - top) * per_height), bands - 1)
        last[k] = min(int((edges[k, 3] - top) * per_height), bands - 1)
        for band in range(first[k], last[k] + 1):
            starts[band + 1] += 1
    for band in range(bands):
        starts[band + 1] += starts[band]
    members = np.empty(starts[bands], np.int64)
    filled = starts[:-1].copy()
    for k in range(len(edges)):
        for band in range(first[k], last[k] + 1):
            members[filled[band]] = k
            filled[band] += 1
    return starts, members


@kernel
def locate_points(
    points: np.ndarray,
    edges: np.ndarray,
    region: np.ndarray,
    top: float,
    bottom: float,
    starts: np.ndarray,
    members: np.ndarray,
) -> np.ndarray:
    """Largest region whose edges lie to the left of a point an odd number of times.

    Parameters
    ----------
    points : numpy.ndarray
        Positions (x, y), shape (n, 2).
    edges, region : numpy.ndarray
        Edges as in `edge_crossings` and their regions, sorted by region.
    top, bottom : float
        Heights that the bands cover.
    starts, members : numpy.ndarray
        The bands of `bucket_edges`.
    """
    bands = len(starts) - 1
    per_height = bands / (bottom - top)
    found = np.zeros(len(points), np.int32)
    for p in range(len(points)):
        x, y = points[p, 0], points[p, 1]
        if not (top <= y < bottom):
            continue
        band = min(int((y - top) * per_height), bands - 1)
        current = 0
        inside = False
        for m in range(starts[band], starts[band + 1]):
            k = members[m]
            if region[k] != current:
                if inside:
                    found[p] = current
                current = region[k]
                inside = False
            if edges[k, 1] <= y < edges[k, 3]:
                slope = (edges[k, 2] - edges[k, 0]) / (edges[k, 3] - edges[k, 1])
                if edges[k, 0] + slope * (y - edges[k, 1]) <= x:
                    inside = not inside
        if inside:
            found[p] = current
    return found
