"""Label images: their order, depth and adjacency, and what fills their gaps."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def order_regions(regions: np.ndarray) -> np.ndarray:
    """Labels 1..n, int32, of regions from 0, by the centroid's row, then column."""
    rows, columns = regions.shape
    compact = number_consecutively(regions)
    flat = compact.ravel()
    area = np.bincount(flat)
    row = np.bincount(flat, np.repeat(np.arange(rows), columns)) / area
    column = np.bincount(flat, np.tile(np.arange(columns), rows)) / area
    rank = np.empty(area.size, np.int32)
    rank[np.lexsort((column, row))] = np.arange(1, area.size + 1)
    return rank[compact]


def number_consecutively(labels: np.ndarray) -> np.ndarray:
    """Labels 0..n-1, int32, in the order of the given ones, which are integers from 0."""
    present = np.bincount(labels.ravel()) > 0
    return (np.cumsum(present) - 1).astype(np.int32)[labels]


def depth_inside(labels: np.ndarray) -> np.ndarray:
    """Distance of each pixel from the border of its label, in pixels; 0.5 next to the border."""
    # Twenty times as fast as find_boundaries of scikit-image, which gives the same.
    edge = np.zeros(labels.shape, bool)
    across, down = labels[:, 1:] != labels[:, :-1], labels[1:] != labels[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    if not edge.any():
        return np.full(labels.shape, np.inf)
    return ndimage.distance_transform_edt(~edge) + 0.5


def adjacent_labels(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of labels that share pixel edges, and the number of these edges; shape (m, 2) each.

    The pairs are in rising order, the smaller label first. The first column of the edges counts
    those that run along y, between horizontal neighbours, the second those along x.
    """
    sides = ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:]))
    both = [np.sort(np.stack([a[a != b], b[a != b]], axis=1), axis=1) for a, b in sides]
    pairs, position = np.unique(np.concatenate(both), axis=0, return_inverse=True)
    split = np.split(position.ravel(), [len(both[0])])
    return pairs, np.stack([np.bincount(part, minlength=len(pairs)) for part in split], axis=1)


def fill_from_nearest(labels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Labels in which each pixel that is not known has the label of the nearest known one."""
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    return labels[tuple(nearest)]


def surrounding_label(near: np.ndarray, own: np.ndarray, fraction: float) -> int | None:
    """Label that holds at least a fraction of the rim around some pixels, None if none does."""
    rim = near[ndimage.binary_dilation(own) & ~own]
    if not rim.size:
        return None
    label = int(np.bincount(rim).argmax())
    return label if (rim == label).mean() >= fraction else None


def grow_box(box: tuple[slice, ...], margin: int, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Box with a margin around it, as far as an image of this shape reaches."""
    return tuple(
        slice(max(side.start - margin, 0), min(side.stop + margin, size))
        for side, size in zip(box, shape, strict=True)
    )
