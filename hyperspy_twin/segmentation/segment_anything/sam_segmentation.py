"""Regions of an image from the foundation model Segment Anything."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from hyperspy_twin.core import Grid
from hyperspy_twin.segmentation.border_placement import place_borders
from hyperspy_twin.segmentation.checks import centred_image, check_positive
from hyperspy_twin.segmentation.gradient_noise import brightness_range, estimate_gradient_noise
from hyperspy_twin.segmentation.labels import grow_box, order_regions
from hyperspy_twin.segmentation.resampling import (
    cosine_spectrum,
    linear_weights,
    refine,
    resample,
    working_shape,
)
from hyperspy_twin.segmentation.result import Segmentation
from hyperspy_twin.segmentation.segment_anything.checkpoints import find_checkpoint
from hyperspy_twin.segmentation.segment_anything.mask_proposals import (
    SIDE,
    place_prompts,
    propose_masks,
    separate_cores,
    stack_masks,
)
from hyperspy_twin.segmentation.segment_anything.networks import load_network, require_torch
from hyperspy_twin.segmentation.segment_anything.part_merging import Resolution, join_unsupported
from hyperspy_twin.segmentation.smoothing import (
    THINNEST,
    choose_smoothing,
    minimum_area,
    remove_lattice,
)

# Pixels on each side that the network needs.
_SMALLEST_SIDE = 16
# Fewest points along the longer side.
_FEWEST_POINTS = 4
_MOST_POINTS = 64
# Range of brightness, as a fraction of the picture's, below which a cell is flat; set, like those
# without another reason, on the tuning half of benchmarks/segmentation.py.
_FLAT = 0.1
# Largest value of a picture.
_WHITE = 255
# Quantiles of the brightness that are shown as black and white.
_SHOWN = [0.005, 0.995]
# Thinnest core of a region in pixels of a mask: masks that should meet miss each other by one.
_CORE_DEPTH = 0.75
# Magnification from which on a second look pays.
_MIN_MAGNIFICATION = 1.2
# Margin around the objects in image sides.
_MARGIN = 0.04


@dataclass(frozen=True)
class _View:
    """Smoothed image on a coarser grid, with what is needed to look at it."""

    working: np.ndarray
    smoothing: float
    noise: np.ndarray
    step: float


@dataclass(frozen=True)
class _Look:
    """Masks on the working grid, how far each is trusted, and the size of their pixels there."""

    masks: np.ndarray
    scores: np.ndarray
    pixel: float


def segment_sam(
    image: np.ndarray,
    grid: Grid,
    *,
    model: str = "mobile_sam",
    checkpoint: str | os.PathLike | None = None,
    min_area: float | None = None,
    points_per_side: int = 16,
    device: str | None = None,
) -> Segmentation:
    """Regions that Segment Anything sees in an image.

    The image is smoothed until lattice and noise are gone, because the network was trained on
    photographs and takes atomic columns for objects; its full contrast between the 0.5 and 99.5
    percentiles is shown to the network. Points on a grid, four times fewer where the picture is
    flat, ask for masks; objects that fill less than the frame are looked at a second time at higher
    magnification. The overlapping masks become a partition: smaller ones lie on larger ones, what
    no mask covers stays together, and borders that the image does not support
    vanish. Borders are then placed on the full image where the brightness is half-way between the
    two sides.

    Parameters
    ----------
    image : numpy.ndarray
        Image of any number type, shape (rows, columns), at least 16 pixels each.
    grid : Grid
        Its calibrated grid.
    model : {"mobile_sam", "vit_b", "vit_l", "vit_h"}
        MobileSAM takes seconds on a processor, the three official models are larger.
    checkpoint : path-like, optional
        File with the weights; see `find_checkpoint` for where they are found without it.
    min_area : float, optional
        Regions below this area (unit of the grid squared) join the neighbour behind their weakest
        border. By default the square of 4.5 smoothing lengths.
    points_per_side : int
        Points along the longer side, 4 to 64.
    device : str, optional
        Device of torch; by default a GPU where torch finds one.

    Returns
    -------
    Segmentation
        One region that covers all if nothing stands out.

    Raises
    ------
    ImportError
        If torch, segment-anything or (for a download) pooch is not installed.
    ValueError
        If the image is not a finite two-dimensional array on the grid, is smaller than 16 pixels
        on a side or has no contrast, an option is out of range, or the weights are not those of
        the model.
    FileNotFoundError, ConnectionError
        If the weights are not found.

    References
    ----------
    Kirillov et al., "Segment Anything", arXiv:2304.02643 (2023).
    Zhang et al., "Faster Segment Anything", arXiv:2306.14289 (2023).
    """
    constant = "it has no contrast, so that no region can be found"
    image = centred_image(image, grid, _SMALLEST_SIDE, "regions need", constant)
    check_positive(min_area=min_area)
    if not _FEWEST_POINTS <= points_per_side <= _MOST_POINTS:
        raise ValueError(
            f"points_per_side must be {_FEWEST_POINTS} to {_MOST_POINTS}, not {points_per_side}"
        )
    torch = require_torch()
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    network = load_network(model, find_checkpoint(model, checkpoint), device)

    view = _prepare_view(image)
    pixel = grid.pixel_size * view.step
    smallest = minimum_area(view.smoothing, None if min_area is None else min_area / pixel**2)
    window = (slice(0, view.working.shape[0]), slice(0, view.working.shape[1]))
    look = _look_at(window, view, network, points_per_side)
    regions = _find_regions(look, view, smallest)
    window = _window_of_objects(regions)
    if max(regions.shape) > _MIN_MAGNIFICATION * max(s.stop - s.start for s in window):
        closer = _look_at(window, view, network, points_per_side)
        masks = np.concatenate([look.masks, closer.masks])
        scores = np.concatenate([look.scores, closer.scores])
        regions = _find_regions(_Look(masks, scores, closer.pixel), view, smallest)
    labels = place_borders(regions, view.working, image.shape, view.smoothing)
    thresholds = float(view.noise.min()) / pixel, float(view.noise.max()) / pixel
    return Segmentation(order_regions(labels), view.smoothing * pixel, thresholds)


def _prepare_view(image: np.ndarray) -> _View:
    flat = remove_lattice(image)
    smoothing = choose_smoothing(flat)
    shape = working_shape(image.shape, smoothing)
    working = resample(flat.spectrum, shape, smoothing)
    step = float(np.sqrt(image.size / working.size))
    down, across = np.gradient(working)
    everywhere, length, span = np.ones(shape, bool), smoothing / step, brightness_range(working)
    noise = estimate_gradient_noise(
        np.hypot(across, down), working, inside=everywhere, smoothing=length, span=span
    )
    return _View(working, length, noise, step)


def _look_at(window: tuple[slice, slice], view: _View, network: Any, points_per_side: int) -> _Look:
    """Masks on the working grid from one look at a window."""
    picture = _draw_picture(view.working[window])
    points = place_prompts(picture, per_side=points_per_side, flat=_FLAT * _WHITE)
    proposals = propose_masks(network, picture, points)
    size = tuple(side.stop - side.start for side in window)
    down, across = (
        _interpolate(n, m, count)
        for n, m, count in zip(size, picture.shape, proposals.logits.shape[1:], strict=True)
    )
    inside = down @ proposals.logits @ across.T > 0
    # What the window cuts is seen whole in the other look.
    rows, columns = view.working.shape
    cut = (window[0].start > 0) & inside[:, 0].any(axis=1)
    cut |= (window[0].stop < rows) & inside[:, -1].any(axis=1)
    cut |= (window[1].start > 0) & inside[:, :, 0].any(axis=1)
    cut |= (window[1].stop < columns) & inside[:, :, -1].any(axis=1)
    masks = np.zeros((np.count_nonzero(~cut), *view.working.shape), bool)
    masks[(slice(None), *window)] = inside[~cut]
    return _Look(masks, proposals.score[~cut], 4 * max(size) / max(picture.shape))


def _draw_picture(part: np.ndarray) -> np.ndarray:
    """Part of the smoothed image as the network wants it: 1024 pixels long, 0 to 255."""
    enlargement = SIDE / max(part.shape)
    shape = tuple(max(round(n * enlargement), 1) for n in part.shape)
    common = tuple(min(n, m) for n, m in zip(shape, part.shape, strict=True))
    picture = refine(resample(cosine_spectrum(part), common, 0.0), shape)
    low, high = np.quantile(picture, _SHOWN)
    return np.clip((picture - low) * (_WHITE / max(high - low, 1e-30)), 0, _WHITE)


def _interpolate(count: int, picture: int, masks: int) -> np.ndarray:
    """Matrix that takes values every four picture pixels to ``count`` ones over the picture."""
    position = (np.arange(count) + 0.5) * (picture / count) / 4 - 0.5
    return linear_weights(position, masks).astype(np.float32)


def _find_regions(look: _Look, view: _View, smallest: float) -> np.ndarray:
    parts = separate_cores(stack_masks(look.masks), max(_CORE_DEPTH * look.pixel, 1.0), smallest)
    thinnest = max(THINNEST / 2 * view.smoothing, look.pixel)
    resolution = Resolution(view.smoothing, look.pixel, smallest, thinnest)
    return join_unsupported(parts, view.working, look.masks, look.scores, resolution)


def _window_of_objects(regions: np.ndarray) -> tuple[slice, slice]:
    """Box around all but the largest region, with a margin."""
    others = regions != np.argmax(np.bincount(regions.ravel()))
    if not others.any():
        return slice(0, regions.shape[0]), slice(0, regions.shape[1])
    (box,) = ndimage.find_objects(others.astype(np.uint8))
    margin = round(_MARGIN * max(regions.shape))
    rows, columns = grow_box(box, margin, regions.shape)
    return rows, columns
