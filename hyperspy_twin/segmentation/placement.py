"""Borders of regions placed on the full image, where the brightness is half-way."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from hyperspy_twin.segmentation.scales import refine, sample

# How far a border may move and from how far the mean brightness beside it comes, in smoothing
# lengths: first on the coarse grid, where a blurred interface may be found beside its middle,
# then on the full one.
_FIRST_REACH = 6.0
_LAST_REACH = 3.0


def place_borders(
    regions: np.ndarray, working: np.ndarray, shape: tuple[int, ...], smoothing: float
) -> np.ndarray:
    """Regions of a coarse image carried to the full image.

    The border of two regions runs where the smoothed image crosses the middle between their mean
    brightness nearby, which is the inflection of a blurred interface and is known far better than
    the steepest place. A watershed over the distance from that middle keeps regions whole.

    Parameters
    ----------
    regions : numpy.ndarray
        Regions 0..n-1 on the coarse grid.
    working : numpy.ndarray
        Smoothed image on the coarse grid.
    shape : tuple of int
        Rows and columns of the full image.
    smoothing : float
        Smoothing length in coarse pixels.

    Returns
    -------
    numpy.ndarray
        Regions 0..n-1, int32, of the given shape.
    """
    if regions.max() == 0:
        return np.zeros(shape, np.int32)
    regions = _settle(regions, working, working.shape, _FIRST_REACH * smoothing)
    return _settle(regions, working, shape, _LAST_REACH * smoothing)


def _settle(
    regions: np.ndarray, working: np.ndarray, shape: tuple[int, ...], reach: float
) -> np.ndarray:
    """Regions on a grid of the given shape after one flood from their cores."""
    core = _cores(regions, reach)
    middle, contrast = _half_way(regions, core, working, reach)
    closeness = np.abs(refine(working, shape) - refine(middle, shape))
    closeness /= -sample(contrast, shape)
    placed = sample(np.where(core, regions + 1, 0).astype(np.int32), shape)
    # Deep inside a region nothing is open: only a rim of each core starts the flood.
    open_ = sample(ndimage.binary_dilation(~core, iterations=2), shape)
    flooded = watershed(closeness, np.where(open_, placed, 0), mask=open_)
    return np.where(open_, flooded, placed).astype(np.int32) - 1


def depth_inside(labels: np.ndarray) -> np.ndarray:
    """Distance of each pixel from the border of its label, in pixels; 0.5 beside the border."""
    edge = np.zeros(labels.shape, bool)
    across, down = labels[:, 1:] != labels[:, :-1], labels[1:] != labels[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    if not edge.any():
        return np.full(labels.shape, np.inf)
    return ndimage.distance_transform_edt(~edge) + 0.5


def _cores(regions: np.ndarray, reach: float) -> np.ndarray:
    """Pixels so far inside their region that they cannot change it; some in every region."""
    depth = depth_inside(regions)
    deepest = ndimage.maximum(depth, regions, np.arange(regions.max() + 1))
    return depth >= np.minimum(reach, 0.6 * deepest)[regions]


def _half_way(
    regions: np.ndarray, core: np.ndarray, working: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """Middle and difference of the local means of the two regions nearest to each pixel."""
    weights = np.zeros((2, *regions.shape), np.float32)
    means = np.zeros((2, *regions.shape), np.float32)
    margin = int(4 * reach) + 1
    for region, place in enumerate(ndimage.find_objects(regions + 1)):
        box = tuple(
            slice(max(side.start - margin, 0), min(side.stop + margin, size))
            for side, size in zip(place, regions.shape, strict=True)
        )
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
    least = 1e-3 * np.ptp(working)
    return means.mean(axis=0), np.maximum(np.abs(means[0] - means[1]), least)
