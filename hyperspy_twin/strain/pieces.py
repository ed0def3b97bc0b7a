"""The pieces of an image whose lattice is followed without crossing an outline."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.ndimage

from hyperspy_twin.core import Grid, kernel
from hyperspy_twin.strain.coarse_grid import Rows, run_on_strips

# A piece must hold at least this many squared resolutions to be analysed: about 4 pi, the area over
# which one Gaussian window averages noise.
MINIMUM_AREA = 12.0
# Pixels of which all weights are kept in memory, 16 MB; of more they are computed at each use.
MOST_KEPT = 1 << 22
# Half the support of three boxes, in their width.
REACH = 1.5
# Width of the boxes that smooth outlines in longest lattice spacings. At a resolution of one
# spacing harmonics leave up to 3.5e-4 of strain within one resolution with 1.0, and 1.3e-4 with
# 1.1, with which corners of the image have none; a weak second harmonic has 1.4e-3 with 0.8.
BOX_SPACINGS = 1.0
# Part of the largest distance to the outline by which a narrow piece is shrunk before its weights
# are smoothed, at most. With 0.6 and more no strain is left of a real layer of three atomic rows.
LARGEST_EROSION = 0.5


@dataclass(frozen=True)
class Piece:
    """One connected piece of the image.

    Attributes
    ----------
    box
        Bounding box as an index of the image.
    mask
        Pixels of the piece inside the bounding box.
    distance
        Distance of each pixel to the outline of the piece or of the image, in the unit of
        the pixel size, float32.
    """

    box: tuple[slice, slice]
    mask: np.ndarray
    distance: np.ndarray

    @cached_property
    def full(self) -> bool:
        """Whether the piece fills its bounding box."""
        return bool(self.mask.all())

    @property
    def inside(self) -> np.ndarray | bool:
        """Its mask, or True where it fills its bounding box."""
        return True if self.full else self.mask

    def weights(self, spacing: float, scale: tuple[float, float]) -> Rows:
        """Weights of the pixels that fall smoothly from 1 to 0 at the outline.

        They keep lattice waves apart: the transform of the three boxes that smooth the outline is
        near its zero of the third order at the distance of the next wave.

        Parameters
        ----------
        spacing
            Longest lattice spacing, in the unit of the grid. A narrow piece has a narrower rim.
        scale
            Pixel size (x, y).
        """
        eroded = min(REACH * BOX_SPACINGS * spacing, LARGEST_EROSION * float(self.distance.max()))
        rows = smooth_rows(self.distance, eroded, scale)
        if self.distance.size > MOST_KEPT:
            return rows
        every = rows(0, len(self.distance))
        return lambda start, stop: every[start:stop]


def smooth_rows(distance: np.ndarray, eroded: float, scale: tuple[float, float]) -> Rows:
    """Shrink a piece and smooth it, so that it ends at its outline as before.

    Three boxes of the same width along each axis smooth it, which have no sharp features, neither
    at corners nor at outlines in any direction.

    Parameters
    ----------
    distance
        Of pixels or nodes to the outline, 0 outside.
    eroded
        By how much the piece is shrunk, 1.5 times the width of a box.
    scale
        Distance (x, y) of the pixels or nodes.
    """
    along_x, along_y = (rise_of_boxes(eroded / REACH / step) for step in scale)
    taps = np.diff(along_y, prepend=np.float32(0.0))
    halo = len(taps) // 2
    # Along a diagonal the boxes reach farther by the square root of two.
    deep = eroded * (1.0 + np.sqrt(2.0)) + max(scale)

    def rows(start: int, stop: int) -> np.ndarray:
        first = max(start - halo, 0)
        near = distance[first : stop + halo]
        return smooth_inside(near, eroded, deep, along_x, taps, start - first, stop - first)

    return rows


def find_pieces(labels: np.ndarray | None, grid: Grid, resolution: float) -> list[Piece]:
    """Split labels into connected pieces that are large enough, the largest first.

    Without labels the whole image is one piece.
    """
    if labels is None:
        return [_whole(grid)]
    smallest = MINIMUM_AREA * resolution**2 / (grid.scale[0] * grid.scale[1])
    pieces = []
    for label, outer in enumerate(scipy.ndimage.find_objects(labels), start=1):
        if outer is None:
            continue
        whole = labels[outer] == label
        size = np.count_nonzero(whole)
        if size == whole.size and size >= smallest:
            pieces.append((size, outer, whole))
        if size == whole.size or size < smallest:
            continue
        numbered, _ = scipy.ndimage.label(whole)
        for number, box in enumerate(scipy.ndimage.find_objects(numbered), start=1):
            mask = numbered[box] == number
            size = np.count_nonzero(mask)
            if size >= smallest:
                inner = tuple(
                    slice(o.start + i.start, o.start + i.stop)
                    for o, i in zip(outer, box, strict=True)
                )
                pieces.append((size, inner, mask))
    return [
        _piece(box, mask, grid.scale) for _, box, mask in sorted(pieces, key=lambda one: -one[0])
    ]


def rise_of_boxes(width: float) -> np.ndarray:
    """Cumulative sum of three boxes that are smoothed with each other, float32.

    ``width`` is that of a box in pixels. The values are those at the borders behind the pixels
    around the middle one, from the first that is above 0 to 1.
    """
    half = int(np.ceil(REACH * width + 0.5))
    place = (np.arange(-half, half + 1) + 0.5) / width + REACH
    terms = [1.0, -3.0, 3.0, -1.0]
    found = sum(sign * np.maximum(place - k, 0.0) ** 3 for k, sign in enumerate(terms)) / 6.0
    return np.clip(found, 0.0, 1.0).astype(np.float32)


@kernel
def smooth_inside(
    distance: np.ndarray,
    eroded: float,
    deep: float,
    rise: np.ndarray,
    taps: np.ndarray,
    start: int,
    stop: int,
) -> np.ndarray:
    """Smooth the pixels that are far from an outline.

    Parameters
    ----------
    distance
        To the outline, of rows and those around them that the kernel reaches; 0 outside.
    eroded
        Distance from which on pixels are 1 before they are smoothed.
    deep
        Distance from which on they are 1 thereafter.
    rise
        As of :func:`rise_of_boxes`, along x.
    taps
        Of the kernel along y.
    start, stop
        First row that is wanted, and that after the last.

    Returns
    -------
    ndarray
        Float32, shape (stop - start, columns).
    """
    rows, columns = distance.shape
    half, half_y = len(rise) // 2, len(taps) // 2
    along_x = np.zeros((rows, columns), np.float32)
    for row in range(rows):
        end = 0
        while end < columns:
            first = end
            while first < columns and distance[row, first] < eroded:
                first += 1
            end = first
            while end < columns and distance[row, end] >= eroded:
                end += 1
            for border, sign in ((first, np.float32(1.0)), (end, np.float32(-1.0))):
                if first < end:
                    for column in range(max(border - half, 0), min(border + half + 1, columns)):
                        along_x[row, column] += sign * rise[column - border + half]
                    for column in range(border + half + 1, columns):
                        along_x[row, column] += sign
    result = np.zeros((stop - start, columns), np.float32)
    for row in range(start, stop):
        target = result[row - start]
        lowest, highest = max(row - half_y, 0), min(row + half_y + 1, rows)
        end = 0
        while end < columns:
            first = end
            while first < columns and not 0.0 < distance[row, first] < deep:
                if distance[row, first] >= deep:
                    target[first] = np.float32(1.0)
                first += 1
            end = first
            while end < columns and 0.0 < distance[row, end] < deep:
                end += 1
            for other in range(lowest, highest):
                tap, source = taps[other - row + half_y], along_x[other]
                for column in range(first, end):
                    target[column] += tap * source[column]
    return result


def _whole(grid: Grid) -> Piece:
    """Return the whole image as one piece."""
    near = [
        ((np.minimum(np.arange(size), np.arange(size)[::-1]) + 0.5) * step).astype(np.float32)
        for size, step in zip(grid.shape, grid.scale[::-1], strict=True)
    ]
    distance = np.minimum.outer(*near)
    box = slice(0, grid.shape[0]), slice(0, grid.shape[1])
    return Piece(box, np.ones(grid.shape, bool), distance)


def _piece(box: tuple[slice, slice], mask: np.ndarray, scale: tuple[float, float]) -> Piece:
    """Return one piece with the distance to its outline."""
    if mask.all():
        near = [
            (np.minimum(np.arange(size), np.arange(size)[::-1]) + 1) * step - 0.5 * min(scale)
            for size, step in zip(mask.shape, scale[::-1], strict=True)
        ]
        return Piece(box, mask, np.minimum.outer(*near).astype(np.float32))
    distance = np.empty(mask.shape, np.float32)
    above = distance_along_y(mask)
    run_on_strips(
        lambda start, stop: distance_to_outline(
            above[start:stop], float(scale[0]), float(scale[1]), distance[start:stop]
        ),
        len(mask),
    )
    distance -= np.float32(0.5 * min(scale))
    return Piece(box, mask, np.where(mask, distance, np.float32(0.0)))


@kernel
def distance_along_y(mask: np.ndarray) -> np.ndarray:
    """Rows from each pixel of a mask to the nearest one outside, which its surroundings are too."""
    rows, columns = mask.shape
    result = np.zeros((rows, columns), np.int32)
    for row in range(rows):
        for column in range(columns):
            if mask[row, column]:
                result[row, column] = 1 + (result[row - 1, column] if row > 0 else 0)
    for row in range(rows - 1, -1, -1):
        for column in range(columns):
            below = 1 + (result[row + 1, column] if row < rows - 1 else 0)
            result[row, column] = min(result[row, column], below)
    return result


@kernel
def distance_to_outline(
    along_y: np.ndarray, step_x: float, step_y: float, result: np.ndarray
) -> None:
    """Distance of each pixel to the nearest outside a mask, in linear time [1]_.

    Parameters
    ----------
    along_y
        As of :func:`distance_along_y`, for some rows.
    step_x, step_y
        Pixel size.
    result
        Where to write, float32, of the same shape.

    References
    ----------
    .. [1] P. F. Felzenszwalb, D. P. Huttenlocher, Theory of Computing 8 (2012) 415-428.
    """
    rows, columns = along_y.shape
    # Parabolas of the squared distance, one of each pixel of the row and of those beside it.
    height = np.zeros(columns + 2)
    vertex = np.empty(columns + 2, np.int64)
    border = np.empty(columns + 3)
    squared = step_x * step_x
    for row in range(rows):
        for column in range(columns):
            height[column + 1] = (step_y * along_y[row, column]) ** 2 / squared
        lowest = 0
        vertex[0] = 0
        border[0], border[1] = -np.inf, np.inf
        for q in range(1, columns + 2):
            while True:
                p = vertex[lowest]
                meet = 0.5 * ((height[q] - height[p]) / (q - p) + (q + p))
                if meet > border[lowest]:
                    break
                lowest -= 1
            lowest += 1
            vertex[lowest] = q
            border[lowest], border[lowest + 1] = meet, np.inf
        lowest = 0
        for column in range(columns):
            q = column + 1
            while border[lowest + 1] < q:
                lowest += 1
            p = vertex[lowest]
            result[row, column] = np.sqrt(squared * ((q - p) ** 2 + height[p]))
