"""The pieces of an image whose lattice is followed without crossing an outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage

from hyperspy_twin.core import Grid

# A piece must hold at least this many squared resolutions to be analysed: about 4 pi, the area over
# which one Gaussian window averages noise.
MINIMUM_AREA = 12.0


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


def find_pieces(labels: np.ndarray | None, grid: Grid, resolution: float) -> list[Piece]:
    """Split labels into connected pieces that are large enough, the largest first.

    Without labels the whole image is one piece.
    """
    if labels is None:
        return [_whole(grid)]
    smallest = MINIMUM_AREA * resolution**2 / (grid.scale[0] * grid.scale[1])
    pieces = []
    for label in np.unique(labels[labels > 0]):
        numbered, _ = scipy.ndimage.label(labels == label)
        for number, box in enumerate(scipy.ndimage.find_objects(numbered), start=1):
            mask = numbered[box] == number
            if np.count_nonzero(mask) >= smallest:
                pieces.append(_piece(box, mask, grid.scale))
    return sorted(pieces, key=lambda piece: -np.count_nonzero(piece.mask))


def taper(distance: np.ndarray, width: float) -> np.ndarray:
    """Weights that rise from 0 at the outline to 1 at ``width`` as a cubed sine."""
    weights = np.ones(distance.shape, np.float32)
    near = distance < width
    weights[near] = np.sin(np.float32(0.5 * np.pi / width) * distance[near]) ** 3
    return weights


def _whole(grid: Grid) -> Piece:
    """Return the whole image as one piece."""
    near = [
        (np.minimum(np.arange(size), np.arange(size)[::-1]) + 0.5) * step
        for size, step in zip(grid.shape, grid.scale[::-1], strict=True)
    ]
    distance = np.minimum.outer(*near).astype(np.float32)
    box = slice(0, grid.shape[0]), slice(0, grid.shape[1])
    return Piece(box, np.ones(grid.shape, bool), distance)


def _piece(box: tuple[slice, slice], mask: np.ndarray, scale: tuple[float, float]) -> Piece:
    """Return one piece with the distance to its outline."""
    if mask.all():
        near = [
            np.minimum(np.arange(size), np.arange(size)[::-1]) * step + step - 0.5 * min(scale)
            for size, step in zip(mask.shape, scale[::-1], strict=True)
        ]
        return Piece(box, mask, np.minimum.outer(*near).astype(np.float32))
    distance = scipy.ndimage.distance_transform_edt(np.pad(mask, 1), sampling=scale[::-1])
    half_pixel = 0.5 * min(scale)
    inner = np.where(mask, distance[1:-1, 1:-1] - half_pixel, 0.0)
    return Piece(box, mask, inner.astype(np.float32))
