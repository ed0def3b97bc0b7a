"""Regions relaxed to short borders by threshold dynamics."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hyperspy_twin.segmentation.labels import grow_box

# Reaches, weight and rounds are set on the tuning half of benchmarks/segmentation.py.
# Reach of the local mean brightness in smoothing lengths.
_MEAN_REACH = 1.5
# Reach of the pull towards short borders in smoothing lengths.
_SHORT_REACH = 1.0
# Weight of that pull.
_SHORTNESS = 0.6
_ROUNDS = 8
# Fraction of the pixels that change region below which the rounds end.
_SETTLED = 1e-4
# Least local variance, as a fraction of that of the image.
_MIN_VARIANCE = 1e-6
# Presence of a region in the neighbourhood below which it is out of reach.
_ABSENT = 1e-3


def relax_borders(regions: np.ndarray, working: np.ndarray, smoothing: float) -> np.ndarray:
    """Give each pixel to the region whose brightness nearby is nearest, with short borders.

    Threshold dynamics: alternately the local mean of each region is measured and each pixel goes
    to the region with the smallest sum of squared difference, in units of the local contrast, and
    of absence from the neighbourhood. A border that leaked through noise returns to its edge; one
    that is weaker than the noise stays where it is. ``working`` is smoothed by ``smoothing``
    pixels. Some of the regions 0..n-1 may be empty afterwards.

    References
    ----------
    Merriman, Bence & Osher, J. Comput. Phys. 112 (1994) 334.
    Chan & Vese, IEEE Trans. Image Process. 10 (2001) 266.
    """
    reach = _MEAN_REACH * smoothing
    average = ndimage.gaussian_filter(working, reach)
    contrast = ndimage.gaussian_filter(working**2, reach) - average**2
    contrast = 4 * np.maximum(contrast, _MIN_VARIANCE * working.var())
    for _ in range(_ROUNDS):
        before = regions
        regions = _assign_pixels(regions, working, contrast, smoothing)
        if (regions != before).mean() < _SETTLED:
            break
    return regions


def _assign_pixels(
    regions: np.ndarray, working: np.ndarray, contrast: np.ndarray, smoothing: float
) -> np.ndarray:
    reach = _MEAN_REACH * smoothing
    lowest = np.full(regions.shape, np.inf, np.float32)
    chosen = regions.copy()
    margin = int(2 * reach) + 1
    for region, tight in enumerate(ndimage.find_objects(regions + 1)):
        if tight is None:
            continue
        box = grow_box(tight, margin, regions.shape)
        own = (regions[box] == region).astype(np.float32)
        presence = ndimage.gaussian_filter(own, _SHORT_REACH * smoothing, mode="nearest")
        weight = ndimage.gaussian_filter(own, reach, mode="nearest", truncate=3)
        mean = ndimage.gaussian_filter(own * working[box], reach, mode="nearest", truncate=3)
        mean /= np.maximum(weight, np.float32(1e-6))
        cost = np.minimum((working[box] - mean) ** 2 / contrast[box], 1)
        cost += _SHORTNESS * (1 - presence)
        cost[presence < _ABSENT] = np.inf
        better = cost < lowest[box]
        lowest[box][better] = cost[better]
        chosen[box][better] = region
    return chosen
