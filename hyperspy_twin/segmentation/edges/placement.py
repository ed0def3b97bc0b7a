"""Borders of regions placed on the full image, where the brightness is half-way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from hyperspy_twin.segmentation.edges.smoothing import refine, sample

# How far a border may move on the full image and from how far the mean brightness beside it comes,
# in smoothing lengths; and the same for an edge that was found inside a region.
_REACH = 1.0
_REACH_INSIDE = 4.0
# Reach of the local mean brightness and of the pull towards short borders, in smoothing lengths;
# weight of the latter; and rounds.
_MEAN_REACH = 1.5
_SHORT_REACH = 1.0
_SHORTNESS = 0.6
_ROUNDS = 8


def relax(regions: np.ndarray, working: np.ndarray, smoothing: float) -> np.ndarray:
    """Give each pixel to the region whose brightness nearby is nearest, with short borders.

    Threshold dynamics: alternately the local mean of each region is measured and each pixel goes
    to the region with the least sum of squared difference, in units of the local contrast, and
    of absence from the neighbourhood. A border that leaked through noise returns to its edge; one
    that is weaker than the noise stays where it is.

    Parameters
    ----------
    regions : numpy.ndarray
        Regions 0..n-1, shape (rows, columns).
    working : numpy.ndarray
        Smoothed image, same shape.
    smoothing : float
        Smoothing length in pixels.

    Returns
    -------
    numpy.ndarray
        Regions 0..n-1; some may be empty.

    References
    ----------
    Merriman, Bence & Osher, J. Comput. Phys. 112 (1994) 334.
    Chan & Vese, IEEE Trans. Image Process. 10 (2001) 266.
    """
    reach = _MEAN_REACH * smoothing
    average = ndimage.gaussian_filter(working, reach)
    contrast = ndimage.gaussian_filter(working**2, reach) - average**2
    contrast = 4 * np.maximum(contrast, 1e-6 * working.var())
    for _ in range(_ROUNDS):
        before = regions
        regions = _nearest_region(regions, working, contrast, smoothing)
        if (regions != before).mean() < 1e-4:
            break
    return regions


def _nearest_region(
    regions: np.ndarray, working: np.ndarray, contrast: np.ndarray, smoothing: float
) -> np.ndarray:
    reach = _MEAN_REACH * smoothing
    least = np.full(regions.shape, np.inf, np.float32)
    chosen = regions.copy()
    margin = int(2 * reach) + 1
    for region, place in enumerate(ndimage.find_objects(regions + 1)):
        if place is None:
            continue
        box = tuple(
            slice(max(side.start - margin, 0), min(side.stop + margin, size))
            for side, size in zip(place, regions.shape, strict=True)
        )
        own = (regions[box] == region).astype(np.float32)
        presence = ndimage.gaussian_filter(own, _SHORT_REACH * smoothing, mode="nearest")
        weight = ndimage.gaussian_filter(own, reach, mode="nearest", truncate=3)
        mean = ndimage.gaussian_filter(own * working[box], reach, mode="nearest", truncate=3)
        mean /= np.maximum(weight, np.float32(1e-6))
        cost = np.minimum((working[box] - mean) ** 2 / contrast[box], 1)
        cost += _SHORTNESS * (1 - presence)
        cost[presence < 1e-3] = np.inf
        better = cost < least[box]
        least[box][better] = cost[better]
        chosen[box][better] = region
    return chosen


@dataclass(frozen=True)
class FineGrid:
    """Positions of the rows and columns of a full image on a coarse grid, in its pixels."""

    row: np.ndarray
    column: np.ndarray


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
    return _settle(regions, working, shape, _REACH * smoothing)


def place_inside(
    children: np.ndarray,
    working: np.ndarray,
    inside: np.ndarray,
    place: FineGrid,
    smoothing: float,
) -> np.ndarray:
    """Borders between the children of one region carried to the full image.

    Parameters
    ----------
    children : numpy.ndarray
        Children 0..n-1 on the coarse grid, -1 outside the region.
    working : numpy.ndarray
        Smoothed image on the coarse grid, continued beyond the region.
    inside : numpy.ndarray
        The region on the full image (a box of it), bool.
    place : FineGrid
        Where the pixels of the box lie on the coarse grid.
    smoothing : float
        Smoothing length in coarse pixels.

    Returns
    -------
    numpy.ndarray
        Children 0..n-1, int32, shape of ``inside``; -1 outside.
    """
    core = _cores(children, _REACH_INSIDE * smoothing)
    middle, contrast = _half_way(children, core, working, _REACH_INSIDE * smoothing)
    positions = np.meshgrid(place.row, place.column, indexing="ij")
    closeness = ndimage.map_coordinates(
        np.abs(working - middle) / -contrast, positions, order=1, mode="nearest"
    )
    nearest = np.ix_(
        np.clip(np.round(place.row).astype(int), 0, core.shape[0] - 1),
        np.clip(np.round(place.column).astype(int), 0, core.shape[1] - 1),
    )
    seeds = np.where(inside, np.where(core, children + 1, 0)[nearest], 0)
    return watershed(closeness, seeds, mask=inside).astype(np.int32) - 1


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
    """Pixels so far inside their region that they cannot change it, and the spine of thin ones."""
    depth = depth_inside(regions)
    spine = (depth >= 0.8 * ndimage.maximum_filter(depth, size=2 * int(reach / 2) + 3)) & (
        depth >= 1.5
    )
    deepest = ndimage.maximum(depth, regions, np.arange(regions.max() + 1))
    deep = depth >= np.minimum(reach, 0.8 * deepest)[regions]
    return (deep | spine) & (regions >= 0)


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
    least = max(1e-3 * np.ptp(working), np.finfo(np.float32).tiny)
    return means.mean(axis=0), np.maximum(np.abs(means[0] - means[1]), least)
