"""Fainter and more blurred edges inside the regions between clear ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hyperspy_twin.segmentation.border_placement import place_inside
from hyperspy_twin.segmentation.edges.watershed import divide_area, remove_slope
from hyperspy_twin.segmentation.labels import depth_inside
from hyperspy_twin.segmentation.resampling import coarsen, continue_beyond, sample
from hyperspy_twin.segmentation.smoothing import THINNEST, minimum_area

# Pixels this near to a border, in smoothing lengths, hold brightness from beyond it; set on the
# tuning half of benchmarks/segmentation.py.
_EDGE_FOOT = 1.8


@dataclass(frozen=True)
class Field:
    """Smoothed image on its working grid; ``step`` is its pixel in pixels of the image."""

    working: np.ndarray
    smoothing: float
    span: float
    step: float


@dataclass(frozen=True)
class Layout:
    """Regions on the working grid, the depth of each pixel, and boxes around the regions."""

    coarse: np.ndarray
    depth: np.ndarray
    boxes: list[tuple[slice, ...]]
    coarse_boxes: list[tuple[slice, ...]]


def lay_out(labels: np.ndarray, shape: tuple[int, ...]) -> Layout:
    """Where the regions 0..n-1 of the full image lie on a working grid of the given shape."""
    coarse = sample(labels, shape)
    boxes, coarse_boxes = (ndimage.find_objects(regions + 1) for regions in (labels, coarse))
    return Layout(coarse, depth_inside(coarse), boxes, coarse_boxes)


def split_at_faint_edges(
    labels: np.ndarray, field: Field, layout: Layout, *, doubling: int, area: float | None
) -> bool:
    """Split regions along edges that show only inside them: fainter or more blurred ones.

    ``labels`` is changed in place; the result tells whether it was.

    Each region is smoothed further without what lies outside it (normalised convolution, Knutsson
    & Westin 1993), so that the strong edges around it neither hide a faint one nor set its noise.
    """
    coarse, depth = layout.coarse, layout.depth
    factor = 2**doubling
    smoothing = field.smoothing * factor
    further = float(np.sqrt(smoothing**2 - field.smoothing**2))
    smallest = minimum_area(smoothing, None if area is None else area / field.step**2)
    size = np.bincount(coarse.ravel(), minlength=int(labels.max()) + 1)
    changed = False
    for region in np.flatnonzero(size > 2 * smallest):
        near = _whole_blocks(layout.coarse_boxes[region], factor, coarse.shape)
        own = coarse[near] == region
        certain = own & (depth[near] > _EDGE_FOOT * field.smoothing)
        if depth[near][own].max() < THINNEST / 2 * smoothing or not certain.any():
            continue
        value, inside = continue_beyond(field.working[near], certain, own, factor, further)
        value = remove_slope(value, inside)
        slope = np.hypot(*np.gradient(coarsen(field.working[near], factor, further)))
        scale, least = smoothing / factor, smallest / factor**2
        children, _ = divide_area(
            value, inside, smoothing=scale, span=field.span, smallest=least, slope=slope
        )
        if children.max() < 1:
            continue
        box = layout.boxes[region]
        fine = [
            ((np.arange(s.start, s.stop) + 0.5) * m / n - start.start) / factor - 0.5
            for s, start, m, n in zip(box, near, coarse.shape, labels.shape, strict=True)
        ]
        target = labels[box]
        placed = place_inside(children, value, target == region, fine, scale)
        target[placed > 0] = placed[placed > 0] + labels.max()
        changed = True
    return changed


def _whole_blocks(box: tuple[slice, ...], factor: int, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Return the box grown to whole blocks, within the image."""
    return tuple(
        slice(side.start // factor * factor, min(-(-side.stop // factor) * factor, size))
        for side, size in zip(box, shape, strict=True)
    )
