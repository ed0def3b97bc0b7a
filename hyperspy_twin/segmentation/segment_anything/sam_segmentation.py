"""Regions of an image from the foundation model Segment Anything."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.segmentation.checks import centred_image
from hyperspy_twin.segmentation.edges.edge_segmentation import Segmentation
from hyperspy_twin.segmentation.edges.gradient_noise import brightness_range, gradient_noise
from hyperspy_twin.segmentation.edges.partition import Resolution, join_unsupported, order_regions
from hyperspy_twin.segmentation.edges.placement import place_borders
from hyperspy_twin.segmentation.edges.smoothing import (
    choose_smoothing,
    cosine_spectrum,
    lattice_period,
    radial_spectrum,
    refine,
    resample,
    suppress_lattice,
)
from hyperspy_twin.segmentation.segment_anything.checkpoints import find_checkpoint
from hyperspy_twin.segmentation.segment_anything.mask_proposals import (
    SIDE,
    prompt_points,
    propose_masks,
    separate_cores,
    stack_masks,
)

_SMALLEST_SIDE = 16
# Working pixel, smallest region (edge of a square) and thinnest layer in smoothing lengths, as
# for the edges.
_WORKING_PIXEL = 0.6
_SMALLEST_REGION = 4.5
_THINNEST = 2.4
# Share of the picture's brightness range over which a cell counts as flat.
_FLAT = 0.1
# Thinnest core of a region in pixels of a mask: masks that should meet miss each other by one.
_CORE_DEPTH = 0.75
# A second look pays where it magnifies by this factor; margin around the objects in image sides.
_LEAST_MAGNIFICATION = 1.2
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
    from hyperspy_twin.segmentation.segment_anything.networks import load_network, require_torch

    image = centred_image(
        image,
        grid,
        _SMALLEST_SIDE,
        "regions need",
        "it has no contrast, so that no region can be found",
    )
    if min_area is not None and not 0 < min_area < np.inf:
        raise ValueError(f"min_area must be a positive number, not {min_area}")
    if not 4 <= points_per_side <= 64:
        raise ValueError(f"points_per_side must be 4 to 64, not {points_per_side}")
    torch = require_torch()
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    network = load_network(model, find_checkpoint(model, checkpoint), device)

    view = _view(image)
    pixel = float(np.sqrt(grid.scale[0] * grid.scale[1])) * view.step
    least = (_SMALLEST_REGION * view.smoothing) ** 2 if min_area is None else min_area / pixel**2
    window = (slice(0, view.working.shape[0]), slice(0, view.working.shape[1]))
    look = _look_at(window, view, network, points_per_side)
    regions = _regions(look, view, least)
    window = _window_of_objects(regions)
    if max(regions.shape) > _LEAST_MAGNIFICATION * max(s.stop - s.start for s in window):
        closer = _look_at(window, view, network, points_per_side)
        both = _Look(
            np.concatenate([look.masks, closer.masks]),
            np.concatenate([look.scores, closer.scores]),
            closer.pixel,
        )
        regions = _regions(both, view, least)
    labels = place_borders(regions, view.working, image.shape, view.smoothing)
    return Segmentation(
        order_regions(labels),
        view.smoothing * pixel,
        (float(view.noise.min()) / pixel, float(view.noise.max()) / pixel),
    )


def _view(image: np.ndarray) -> _View:
    spectrum = cosine_spectrum(image)
    rings = radial_spectrum(spectrum)
    period = lattice_period(rings, max(image.shape))
    if period is not None:
        spectrum = suppress_lattice(spectrum, rings, period)
    smoothing = choose_smoothing(spectrum, rings, period)
    shape = tuple(int(np.ceil(n / max(_WORKING_PIXEL * smoothing, 1))) for n in image.shape)
    working = resample(spectrum, shape, smoothing)
    step = float(np.sqrt(image.size / working.size))
    down, across = np.gradient(working)
    noise = gradient_noise(
        np.hypot(across, down),
        working,
        np.ones(shape, bool),
        smoothing / step,
        brightness_range(working),
    )
    return _View(working, smoothing / step, noise, step)


def _look_at(window: tuple[slice, slice], view: _View, network: Any, points_per_side: int) -> _Look:
    """Masks on the working grid from one look at a window."""
    picture = _picture(view.working[window])
    points = prompt_points(picture, points_per_side, _FLAT * 255)
    proposals = propose_masks(network, picture, points)
    size = tuple(side.stop - side.start for side in window)
    down, across = (
        _interpolation(n, m, count)
        for n, m, count in zip(size, picture.shape, proposals.logits.shape[1:], strict=True)
    )
    inside = down @ proposals.logits @ across.T > 0
    open_sides = [
        inside[:, 0] if window[0].start > 0 else None,
        inside[:, -1] if window[0].stop < view.working.shape[0] else None,
        inside[:, :, 0] if window[1].start > 0 else None,
        inside[:, :, -1] if window[1].stop < view.working.shape[1] else None,
    ]
    # What the window cuts is seen whole in the other look.
    cut = np.zeros(len(inside), bool)
    for side in open_sides:
        if side is not None:
            cut |= side.any(axis=1)
    masks = np.zeros((np.count_nonzero(~cut), *view.working.shape), bool)
    masks[(slice(None), *window)] = inside[~cut]
    return _Look(masks, proposals.score[~cut], 4 * max(size) / max(picture.shape))


def _picture(part: np.ndarray) -> np.ndarray:
    """Part of the smoothed image as the network wants it: 1024 pixels long, 0 to 255."""
    enlargement = SIDE / max(part.shape)
    shape = tuple(max(round(n * enlargement), 1) for n in part.shape)
    common = tuple(min(n, m) for n, m in zip(shape, part.shape, strict=True))
    picture = refine(resample(cosine_spectrum(part), common, 0.0), shape)
    low, high = np.quantile(picture, [0.005, 0.995])
    return np.clip((picture - low) * (255 / max(high - low, 1e-30)), 0, 255)


def _interpolation(count: int, picture: int, masks: int) -> np.ndarray:
    """Matrix that takes values every four picture pixels to ``count`` ones over the picture."""
    position = (np.arange(count) + 0.5) * (picture / count) / 4 - 0.5
    position = np.clip(position, 0, masks - 1)
    return np.maximum(1 - np.abs(position[:, None] - np.arange(masks)), 0).astype(np.float32)


def _regions(look: _Look, view: _View, least: float) -> np.ndarray:
    parts = separate_cores(stack_masks(look.masks), max(_CORE_DEPTH * look.pixel, 1.0), least)
    resolution = Resolution(
        view.smoothing, look.pixel, least, max(_THINNEST / 2 * view.smoothing, look.pixel)
    )
    return join_unsupported(parts, view.working, look.masks, look.scores, resolution)


def _window_of_objects(regions: np.ndarray) -> tuple[slice, slice]:
    """Box around all but the largest region, with a margin."""
    others = regions != np.argmax(np.bincount(regions.ravel()))
    if not others.any():
        return slice(0, regions.shape[0]), slice(0, regions.shape[1])
    (box,) = ndimage.find_objects(others.astype(np.uint8))
    margin = round(_MARGIN * max(regions.shape))
    rows, columns = (
        slice(max(side.start - margin, 0), min(side.stop + margin, n))
        for side, n in zip(box, regions.shape, strict=True)
    )
    return rows, columns
