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

    def weights(self, width: float) -> Rows:
        """Weights of the pixels of some rows as of :func:`taper`."""
        if self.distance.size <= MOST_KEPT:
            every = taper(self.distance, width)
            return lambda start, stop: every[start:stop]
        return lambda start, stop: taper(self.distance[start:stop], width)


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


def taper(distance: np.ndarray, width: float) -> np.ndarray:
    """Weights that rise from 0 at the outline to 1 at ``width`` as a cubed sine."""
    flat = np.ascontiguousarray(distance, np.float32).ravel()
    return rising(flat, width).reshape(distance.shape)


@kernel
def rising(distance: np.ndarray, width: float) -> np.ndarray:
    """Compute :func:`taper`, shape (n,)."""
    result = np.ones(distance.shape, np.float32)
    factor = np.float32(0.5 * np.pi / width)
    for i in range(len(distance)):
        if distance[i] < width:
            result[i] = np.sin(factor * distance[i]) ** 3
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
