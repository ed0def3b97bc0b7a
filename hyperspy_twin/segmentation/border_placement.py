"""Borders of regions placed on the full image, where the brightness is half-way."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from hyperspy_twin.segmentation.labels import depth_inside, grow_box
from hyperspy_twin.segmentation.resampling import nearest_pixels, refine, sample

# All set on the tuning half of benchmarks/segmentation.py.
# How far a border may move on the full image, and from how far the mean brightness next to it
# comes, in smoothing lengths.
_REACH = 1.0
# The same for an edge that was found inside a region.
_REACH_INSIDE = 4.0
# Depth of a core, as a fraction of the largest one in its region, that makes it a core in any case.
_CORE = 0.8
# Least difference of brightness across a border, as a fraction of the range.
_MIN_CONTRAST = 1e-3


def place_borders(
    regions: np.ndarray, working: np.ndarray, shape: tuple[int, ...], smoothing: float
) -> np.ndarray:
    """Regions 0..n-1 of a coarse image carried to the full image of the given shape.

    The border of two regions runs where the smoothed image crosses the middle between their mean
    brightness nearby, which is the inflection of a blurred interface and is known far better than
    the steepest position. A watershed over the distance from that middle keeps regions whole.
    ``working`` is the smoothed image on the coarse grid, ``smoothing`` its length in coarse pixels.
    """
    if regions.max() == 0:
        return np.zeros(shape, np.int32)
    reach = _REACH * smoothing
    core = _find_cores(regions, reach)
    middle, contrast = _find_half_way(regions, core, working, reach)
    closeness = np.abs(refine(working, shape) - refine(middle, shape))
    closeness /= -sample(contrast, shape)
    placed = sample(np.where(core, regions + 1, 0).astype(np.int32), shape)
    # Deep inside a region nothing is open: only a rim of each core starts the flood.
    open_ = sample(ndimage.binary_dilation(~core, iterations=2), shape)
    flooded = watershed(closeness, np.where(open_, placed, 0), mask=open_)
    return np.where(open_, flooded, placed).astype(np.int32) - 1


def place_inside(
    children: np.ndarray,
    working: np.ndarray,
    inside: np.ndarray,
    fine: list[np.ndarray],
    smoothing: float,
) -> np.ndarray:
    """Borders between the children of one region, -1 outside it, carried to the full image.

    As for :func:`place_borders`, but for ``inside``, the region on a box of the full image, and
    ``fine``, where the rows and columns of that box lie on the coarse grid, in its pixels.
    """
    reach = _REACH_INSIDE * smoothing
    core = _find_cores(children, reach)
    middle, contrast = _find_half_way(children, core, working, reach)
    positions = np.meshgrid(*fine, indexing="ij")
    closeness = ndimage.map_coordinates(
        np.abs(working - middle) / -contrast, positions, order=1, mode="nearest"
    )
    nearest = nearest_pixels(fine, core.shape)
    seeds = np.where(inside, np.where(core, children + 1, 0)[nearest], 0)
    return watershed(closeness, seeds, mask=inside).astype(np.int32) - 1


def _find_cores(regions: np.ndarray, reach: float) -> np.ndarray:
    """Pixels so far inside their region that they cannot change it, and the spine of thin ones."""
    depth = depth_inside(regions)
    spine = (depth >= _CORE * ndimage.maximum_filter(depth, size=2 * int(reach / 2) + 3)) & (
        depth >= 1.5
    )
    deepest = ndimage.maximum(depth, regions, np.arange(regions.max() + 1))
    deep = depth >= np.minimum(reach, _CORE * deepest)[regions]
    return (deep | spine) & (regions >= 0)


def _find_half_way(
    regions: np.ndarray, core: np.ndarray, working: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """Middle and difference of the local means of the two regions nearest to each pixel."""
    weights = np.zeros((2, *regions.shape), np.float32)
    means = np.zeros((2, *regions.shape), np.float32)
    margin = int(4 * reach) + 1
    for region, tight in enumerate(ndimage.find_objects(regions + 1)):
        box = grow_box(tight, margin, regions.shape)
        own = (core[box] & (regions[box] == region)).astype(np.float32)
        weight = ndimage.gaussian_filter(own, reach, mode="constant")
        mean = ndimage.gaussian_filter(own * working[box], reach, mode="constant")
        mean /= np.maximum(weight, np.float32(1e-12))
        first, second = weights[0][box], weights[1][box]
        nearest, next_nearest = weight > first, (weight > second) & (weight <= first)
        for old, new in ((weights, weight), (means, mean)):
            old[1][box][nearest] = old[0][box][nearest]
            old[0][box][nearest] = new[nearest]
            old[1][box][next_nearest] = new[next_nearest]
    alone = weights[1] < 1e-6
    means[1][alone] = means[0][alone]
    minimum = max(_MIN_CONTRAST * np.ptp(working), np.finfo(np.float32).tiny)
    return means.mean(axis=0), np.maximum(np.abs(means[0] - means[1]), minimum)
