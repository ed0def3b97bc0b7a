"""Regions of one area at one smoothing length: watershed of the gradient, and merging."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hyperspy_twin.segmentation.basins import find_basins
from hyperspy_twin.segmentation.edges.region_adjacency import (
    Borders,
    find_borders,
    minimum_by_label,
)
from hyperspy_twin.segmentation.edges.region_merging import merge_small, merge_weak, prominence
from hyperspy_twin.segmentation.gradient_noise import estimate_gradient_noise
from hyperspy_twin.segmentation.labels import depth_inside, number_consecutively
from hyperspy_twin.segmentation.smoothing import THINNEST

# All but those with a reason of their own are set on the tuning half of benchmarks/segmentation.py.
# Thinnest region of those that stand out as layers do, in smoothing lengths.
_THINNEST_LAYER = 1.0
# Length over which the noise of the gradient is correlated, in smoothing lengths.
_COHERENCE = 3
# Fraction of its borders that must say that a region is brighter (or darker) than all around it.
_PROMINENT = 0.8
# Fraction of the slope inside that counts in such a region.
_PROMINENT_SLOPE = 0.5
# Distance from the end of the image, in smoothing lengths, within which no region is a layer.
_EDGE_OF_IMAGE = 3.0
# Quantile of the gradient that stands for the inside of a region.
_INNER_QUANTILE = 0.4
# Fraction of that gradient, beyond noise, that a border has to exceed.
_INNER_SLOPE = 0.5
# Lower quartile of the size of a normal variable in standard deviations: ndtri(5/8).
_NORMAL_QUARTILE = 0.3186
# Difference in mean of two basins, in gradient scales times the smoothing length: in white noise,
# and at most in texture that outlasts the smoothing.
_NOISE_STEP = 2.1
_MAX_NOISE_STEP = 4.0


def divide_area(
    working: np.ndarray,
    inside: np.ndarray,
    *,
    smoothing: float,
    span: float,
    smallest: float,
    slope: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Regions 0..n-1 of the pixels inside an area, -1 outside, and the noise of the gradient.

    ``working`` is the smoothed image, ``smoothing`` its length in pixels, ``span`` the brightness
    range of the whole image and ``smallest`` the area of the smallest region in pixels. ``slope``
    is the gradient magnitude before the surroundings of the area were taken off: with it, a strip
    on the flank of an edge that bounds the area is no region, and thin layers are not sought.
    """
    along_y, along_x = np.gradient(working)
    noise = estimate_gradient_noise(
        np.hypot(along_x, along_y), working, inside=inside, smoothing=smoothing, span=span
    )
    along_x /= noise
    along_y /= noise
    magnitude = np.hypot(along_x, along_y)
    leaves, count = _find_basins_inside(magnitude, inside)
    level = minimum_by_label(magnitude, leaves, count)
    borders = _with_steps(find_borders(leaves, along_x, along_y), leaves, working, noise, smoothing)
    region, borders = merge_weak(borders, level, _COHERENCE * smoothing)
    regions = _look_up(leaves, region)
    if not borders.first.size:
        return regions, noise
    inner = _slope_inside(magnitude, regions)
    if slope is None:
        inner[_is_layer(borders, regions, smoothing)] *= _PROMINENT_SLOPE
    else:
        inner = np.maximum(inner, _slope_inside(slope / noise, regions))
    region, borders = merge_weak(borders, inner, _COHERENCE * smoothing)
    regions = _look_up(regions, region)
    if not borders.first.size:
        return regions, noise
    area = np.bincount(regions[inside]).astype(float)
    deepest = -minimum_by_label(-depth_inside(regions), regions, area.size)
    thin = deepest < THINNEST / 2 * smoothing
    if slope is None:
        too_thin = deepest < _THINNEST_LAYER / 2 * smoothing
        thin &= too_thin | ~_is_layer(borders, regions, smoothing)
    area[thin] = 0
    region, _ = merge_small(borders, area, smallest)
    return _look_up(regions, region), noise


def _find_basins_inside(magnitude: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, int]:
    """Basins 0..n-1 of the pixels inside, -1 outside, and their number."""
    if inside.all():
        return find_basins(magnitude)
    leaves, _ = find_basins(np.where(inside, magnitude, np.float32(np.inf)))
    leaves = number_consecutively(np.where(inside, leaves + 1, 0)) - 1
    return leaves, int(leaves.max()) + 1


def _look_up(regions: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Look up the new region of each pixel; -1 stays."""
    return np.append(region, -1).astype(np.int32)[regions]


def remove_slope(working: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Take off the slope that most of the area shares: uneven illumination or thickness."""
    down, across = (np.median(component[inside]) for component in np.gradient(working))
    rows, columns = (np.arange(n, dtype=np.float32) for n in working.shape)
    return working - down * rows[:, None] - across * columns


def _with_steps(
    borders: Borders, leaves: np.ndarray, working: np.ndarray, noise: np.ndarray, smoothing: float
) -> Borders:
    """Let the difference in mean of the basins on either side count as much as the gradient.

    A gradient on the border alone sees half a smoothing length on either side; the basins see
    two. In white noise the difference is 2.1 gradient scales times the smoothing length, in
    texture that outlasts the smoothing more, which its lower quartile tells.
    """
    inside = leaves >= 0
    flat = leaves[inside]
    area = np.bincount(flat)
    mean = np.bincount(flat, working[inside]) / area
    scale = np.bincount(flat, noise[inside]) / area
    step = (mean[borders.second] - mean[borders.first]) / smoothing
    step /= (scale[borders.second] + scale[borders.first]) / 2
    if step.size:
        quartile = np.quantile(np.abs(step), 0.25) / _NORMAL_QUARTILE
        step /= np.clip(quartile, _NOISE_STEP, _MAX_NOISE_STEP)
    return replace(borders, flux=(borders.flux + step * borders.length) / 2)


def _is_layer(borders: Borders, regions: np.ndarray, smoothing: float) -> np.ndarray:
    """Whether each region stands out from all around it and does not hug the end of the image.

    Where the image ends, columns are cut, which makes the brightness uncertain.
    """
    margin = int(_EDGE_OF_IMAGE * smoothing) + 1
    end = np.ones(regions.shape)
    end[margin:-margin, margin:-margin] = 0
    at_end = np.bincount(regions.ravel(), end.ravel()) / np.bincount(regions.ravel())
    return (prominence(borders, at_end.size) > _PROMINENT) & (at_end < 0.5)


def _slope_inside(magnitude: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Fraction of a low quantile of the gradient in each region, beyond that of noise.

    It tells a strip on the flank of a broad interface, where the gradient is larger than on the
    strip's outer border, from a layer.
    """
    inside = regions >= 0
    count = np.bincount(regions[inside])
    small = regions[inside].astype(np.int16 if count.size < 2**15 else np.int32)
    sorted_by_region = magnitude[inside][np.argsort(small, kind="stable")]
    ranks = (_INNER_QUANTILE * count).astype(int)
    blocks = np.split(sorted_by_region, np.cumsum(count)[:-1])
    typical = np.array(
        [np.partition(block, rank)[rank] for block, rank in zip(blocks, ranks, strict=True)]
    )
    noise = np.sqrt(-2 * np.log(1 - _INNER_QUANTILE))  # of a Rayleigh distribution
    return _INNER_SLOPE * np.sqrt(np.maximum(typical**2 - noise**2, 0))
