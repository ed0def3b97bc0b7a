"""The methods of segmentation behind one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import ndimage

from hyperspy_twin.core import Grid, begin_step
from hyperspy_twin.pixels import (
    bounds_of_valid,
    continue_inwards,
    fill_bad_pixels,
    find_empty_areas,
)
from hyperspy_twin.segmentation.auto import segment_auto
from hyperspy_twin.segmentation.edges import segment_edges
from hyperspy_twin.segmentation.labels import depth_inside, fill_from_nearest, order_regions
from hyperspy_twin.segmentation.result import Segmentation
from hyperspy_twin.segmentation.segment_anything import segment_sam
from hyperspy_twin.segmentation.texture import segment_texture

# Options that each method takes.
OPTIONS = {
    "auto": ("min_area",),
    "edges": ("smoothing", "min_area"),
    "texture": ("smoothing", "min_area"),
    "sam": ("min_area", "model", "checkpoint", "points_per_side"),
}

# Smoothing lengths that a region beside an empty area must be deep, as a grain must (auto.py).
_DEPTH = 1.5
# Tiles across the image in which empty areas are continued: large against a lattice period.
_TILES = 8


def check_options(method: str, options: dict[str, Any]) -> None:
    """Check that a method is known and takes the options.

    Parameters
    ----------
    method
        ``"auto"``, ``"edges"``, ``"texture"`` or ``"sam"``.
    options
        Its options.

    Raises
    ------
    ValueError
        If it is not, or does not.
    """
    if method not in OPTIONS:
        raise ValueError(f"there is no method {method!r}: choose one of {', '.join(OPTIONS)}")
    for name in options:
        if name not in OPTIONS[method]:
            owners = [other for other, names in OPTIONS.items() if name in names]
            raise ValueError(
                f"the method {method!r} takes no {name}; "
                + (f"it belongs to {' and '.join(owners)}" if owners else "it is no option")
            )


def segment_image(
    image: np.ndarray,
    grid: Grid,
    *,
    method: str,
    options: dict[str, Any],
    bad: np.ndarray | None = None,
) -> tuple[Segmentation, dict[str, Any]]:
    """Segment an image by one of the methods.

    Parameters
    ----------
    image
        Image, finite where pixels are good, shape (rows, columns).
    grid
        Its grid.
    method
        ``"auto"``, ``"edges"``, ``"texture"`` or ``"sam"``.
    options
        Options of the method.
    bad
        Pixels without a measured value, boolean, shape (rows, columns). Single ones and narrow
        lines are filled in from their neighbours; empty areas belong to no region.

    Returns
    -------
    segmentation : Segmentation
        The regions, 0 in empty areas.
    outcome : dict
        Method that was chosen, why (for ``"auto"``), and the smoothing length.

    Raises
    ------
    ValueError
        If the method or an option is unknown, or the image cannot be segmented.
    ImportError
        If the method needs a package that is not installed.
    """
    check_options(method, options)
    if bad is None or not bad.any():
        return _segment(image, grid, method, options)
    empty = find_empty_areas(bad)
    if empty.all():
        raise ValueError("the whole image is empty: set s.bad_pixels to the pixels that are bad")
    box = bounds_of_valid(empty)
    part = Grid(
        (box[0].stop - box[0].start, box[1].stop - box[1].start),
        grid.scale,
        (grid.x[box[1].start], grid.y[box[0].start]),
    )
    tile = max(min(part.shape) // _TILES, 1)
    filled = continue_inwards(fill_bad_pixels(image, bad)[box], empty[box], tile)
    found, outcome = _segment(filled, part, method, options)
    labels = np.zeros(image.shape, np.int32)
    labels[box] = _leave_out(found.labels, empty[box], _DEPTH * found.smoothing / grid.pixel_size)
    return replace(found, labels=labels), outcome


def _leave_out(labels: np.ndarray, empty: np.ndarray, depth: float) -> np.ndarray:
    """Labels without empty areas, what is too thin beside these given to its neighbours."""
    if not empty.any():
        return labels
    kept = np.where(empty, 0, labels)
    beside = np.setdiff1d(labels[ndimage.binary_dilation(empty)], 0)
    deepest = np.asarray(ndimage.maximum(depth_inside(np.pad(kept, 1))[1:-1, 1:-1], kept, beside))
    thin = beside[deepest < depth]
    others = (kept > 0) & ~np.isin(kept, thin)
    if thin.size and others.any():
        kept = np.where(empty, 0, fill_from_nearest(kept, others))
    ordered = order_regions(kept)
    nothing = ordered[empty][0]
    return np.where(empty, 0, ordered - (ordered > nothing)).astype(np.int32)


def _segment(
    image: np.ndarray, grid: Grid, method: str, options: dict[str, Any]
) -> tuple[Segmentation, dict[str, Any]]:
    others: dict[str, Callable[..., Segmentation]]
    others = {"edges": segment_edges, "texture": segment_texture, "sam": segment_sam}
    if method in others:
        begin_step(method)
        found, outcome = others[method](image, grid, **options), {"method": method}
    else:
        found, report = segment_auto(image, grid, **options)
        outcome = {"method": report.method, "reason": report.reason}
    return found, {**outcome, "smoothing": float(found.smoothing)}
