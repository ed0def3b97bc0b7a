"""Borders of a label image as arcs between two regions, and labels that follow a moved arc."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hyperspy_twin.core import Grid, Outlines, kernel, rasterise
from hyperspy_twin.segmentation.labels import adjacent_labels


@dataclass(frozen=True)
class Arc:
    """Border of two regions from one end to the other.

    Attributes
    ----------
    path : numpy.ndarray
        Pixel corners (row, column) along the border, shape (n, 2); pixel (i, j) spans the corners
        (i, j) to (i + 1, j + 1). A closed arc does not repeat its first corner.
    left, right : int
        Labels on either side, as seen when walking along the path with y down on the screen.
    closed : bool
        Whether the border is a loop.
    """

    path: np.ndarray
    left: int
    right: int
    closed: bool


def trace_arcs(labels: np.ndarray, shortest: int) -> list[Arc]:
    """Arcs that divide the regions, each once, but for those shorter than so many pixel edges.

    An arc ends where the image ends or a third region meets it.
    """
    cracks = int(adjacent_labels(labels)[1].sum())
    corners, start, sides, closed = follow_arcs(labels, cracks)
    paths = np.split(corners.astype(float), start[1:])[:-1]
    every = (Arc(*arc) for arc in zip(paths, *sides.T.tolist(), closed.tolist(), strict=True))
    return [arc for arc in every if len(arc.path) >= shortest]


# Walking right, down, left and up from a corner: the step, and the pixels ahead on either side.
_STEP = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])
_LEFT = np.array([[-1, 0], [0, 0], [0, -1], [-1, -1]])
_RIGHT = np.array([[0, 0], [0, -1], [-1, -1], [-1, 0]])


@kernel
def walk_border(
    labels: np.ndarray,
    start: tuple[int, int],
    heading: int,
    seen: np.ndarray,
    corners: np.ndarray,
    filled: int,
) -> tuple[int, bool]:
    """Write the corners of one border from a corner on; the next free row and if it closed.

    Where two regions meet like fields of a chessboard the larger label is the connected one, so
    that the walk is the same in both directions.
    """
    rows, columns = labels.shape
    row, column = start
    first = heading
    left = labels[row + _LEFT[heading, 0], column + _LEFT[heading, 1]]
    right = labels[row + _RIGHT[heading, 0], column + _RIGHT[heading, 1]]
    while True:
        corners[filled, 0], corners[filled, 1] = row, column
        filled += 1
        next_row, next_column = row + _STEP[heading, 0], column + _STEP[heading, 1]
        # A pixel edge is known by its upper left end and whether it runs down.
        seen[heading % 2, min(row, next_row), min(column, next_column)] = True
        row, column = next_row, next_column
        if row == 0 or column == 0 or row == rows or column == columns:
            break
        ahead_left = labels[row + _LEFT[heading, 0], column + _LEFT[heading, 1]]
        ahead_right = labels[row + _RIGHT[heading, 0], column + _RIGHT[heading, 1]]
        if (ahead_left != left and ahead_left != right) or (
            ahead_right != left and ahead_right != right
        ):
            break
        turn_left, turn_right = ahead_left == right, ahead_right == left
        if turn_left and turn_right:
            turn_left = right > left
        if turn_left:
            heading = (heading + 3) % 4
        elif turn_right:
            heading = (heading + 1) % 4
        if row == start[0] and column == start[1] and heading == first:
            return filled, True
    corners[filled, 0], corners[filled, 1] = row, column
    return filled + 1, False


@kernel
def follow_arcs(
    labels: np.ndarray, cracks: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Corners of all arcs, where each begins, its labels (left, right) and whether it is closed.

    ``cracks`` is the number of pixel edges between different labels.
    """
    rows, columns = labels.shape
    seen = np.zeros((2, rows + 1, columns + 1), np.bool_)
    corners = np.empty((2 * cracks + 2, 2), np.int32)
    start = np.zeros(cracks + 1, np.int64)
    sides = np.empty((cracks, 2), labels.dtype)
    closed = np.zeros(cracks, np.bool_)
    arcs, filled = 0, 0
    for row in range(rows):
        for column in range(columns):
            for heading in range(2):
                if heading == 0:
                    border = row > 0 and labels[row, column] != labels[row - 1, column]
                else:
                    border = column > 0 and labels[row, column] != labels[row, column - 1]
                if not border or seen[heading, row, column]:
                    continue
                begin = filled
                sides[arcs, 0] = labels[row + _LEFT[heading, 0], column + _LEFT[heading, 1]]
                sides[arcs, 1] = labels[row + _RIGHT[heading, 0], column + _RIGHT[heading, 1]]
                # Backwards to one end, turned round, and on from here to the other end.
                back = (row + _STEP[heading, 0], column + _STEP[heading, 1])
                filled, loop = walk_border(labels, back, heading + 2, seen, corners, filled)
                for low in range((filled - begin) // 2):
                    one, other = begin + low, filled - 1 - low
                    for axis in range(2):
                        kept = corners[one, axis]
                        corners[one, axis] = corners[other, axis]
                        corners[other, axis] = kept
                if not loop:
                    here = (row, column)
                    filled, _ = walk_border(labels, here, heading, seen, corners, filled - 2)
                closed[arcs] = loop
                arcs += 1
                start[arcs] = filled
    return corners[:filled].copy(), start[: arcs + 1].copy(), sides[:arcs].copy(), closed[:arcs]


def move_border(labels: np.ndarray, arc: Arc, path: np.ndarray) -> bool:
    """Exchange the two labels of an arc, in place, between its old path and a new one.

    The new path has corners (row, column) in the same sense, shape (m, 2). Pixels of other regions
    stay as they are. Nothing is done, and False returned, where a region would lose a part or fall
    into more of them.
    """
    rings = [arc.path, path] if arc.closed else [np.concatenate([arc.path, path[::-1]])]
    corners = np.concatenate(rings)
    extremes = zip(corners.min(axis=0), corners.max(axis=0), labels.shape, strict=True)
    rows, columns = (slice(max(int(a) - 2, 0), min(int(b) + 3, n)) for a, b, n in extremes)
    box = labels[rows, columns]
    middles = Grid(box.shape, (1.0, 1.0), (columns.start + 0.5, rows.start + 0.5))
    enclosed = Outlines.from_rings([ring[:, ::-1] for ring in rings], [1] * len(rings))
    between = rasterise(enclosed, middles) > 0
    own = [box == label for label in (arc.left, arc.right)]
    new = [(mine & ~between) | (other & between) for mine, other in (own, own[::-1])]
    if any(_parts(before) != _parts(after) for before, after in zip(own, new, strict=True)):
        return False
    for label, pixels in zip((arc.left, arc.right), new, strict=True):
        box[pixels] = label
    return True


def _parts(pixels: np.ndarray) -> int:
    """Count the parts whose pixels hang together by their sides."""
    return int(ndimage.label(pixels)[1])
