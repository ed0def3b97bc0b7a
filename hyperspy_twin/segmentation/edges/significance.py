"""Significance of small regions and protrusions: those that chance explains join what is around."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hyperspy_twin.core import DEVIATION_PER_MEDIAN
from hyperspy_twin.segmentation.labels import grow_box, surrounding_label
from hyperspy_twin.segmentation.resampling import sample
from hyperspy_twin.segmentation.smoothing import INDEPENDENT_AREA

# All set on the tuning half of benchmarks/segmentation.py.
# Fraction of the image below which a region is small.
_SMALL = 0.05
# Fraction of its border that the neighbour has against which a region is judged.
_MIN_BORDER = 0.5
# Distance from a border, in smoothing lengths, from which on brightness comes from one side alone.
# A part of a region that is nowhere so deep is a protrusion.
_NEAR = 1.8
# Distance from the region, in smoothing lengths, up to which the brightness around it is read.
_FAR = 8.0
# Lag at which the noise there is read, in smoothing lengths.
_LAG = 4.0
# Pairs of pixels that tell the noise.
_FEWEST_PIXELS = 12
# Standard errors by which a region must exceed the highest of all means over areas of its size.
_STANDARD_ERRORS = 3.0


def join_chance_regions(labels: np.ndarray, working: np.ndarray, smoothing: float) -> np.ndarray:
    """Join small regions that chance explains to the neighbour that surrounds them.

    A small region was chosen among all the areas of its size in the image, so that its step has
    to be compared with the largest of as many independent means: about ``sqrt(2 ln m)`` standard
    errors for m areas (Leadbetter et al. 1983), and three more. Standard errors come from what
    the brightness varies around it.

    ``labels`` are regions from 0, ``working`` the smoothed image on a coarser grid over the same
    field, ``smoothing`` its length in its own pixels. Labels of joined regions are no longer used.

    References
    ----------
    Leadbetter, Lindgren & Rootzen, Extremes and Related Properties of Random Sequences and
    Processes, Springer (1983), chapter 1.
    """
    coarse = sample(labels, working.shape)
    area = np.bincount(coarse.ravel())
    joined = np.arange(max(area.size, int(labels.max()) + 1), dtype=labels.dtype)
    boxes = ndimage.find_objects(coarse + 1)
    small = np.flatnonzero((area > 0) & (area < _SMALL * coarse.size))
    for region in small[np.argsort(area[small], kind="stable")]:
        around = tuple(
            slice(max(side.start - int(_FAR * smoothing) - 1, 0), side.stop + int(_FAR * smoothing))
            for side in boxes[region]
        )
        near = joined[coarse[around]]
        neighbour = _find_explanation(near, working[around], int(region), smoothing, coarse.size)
        if neighbour is not None:
            joined[joined == region] = neighbour
    return joined[labels] if (joined != np.arange(joined.size)).any() else labels


def join_chance_protrusions(
    regions: np.ndarray, working: np.ndarray, smoothing: float
) -> np.ndarray:
    """Give protrusions of regions that chance explains to the neighbour that surrounds them.

    Where a basin of noise merges with the wrong one of two regions, the border has a hook. What
    hangs on a region by less than twice the blur of its border is judged like a small region.
    ``regions`` are labels from 0 of the pixels of ``working``, which is smoothed by ``smoothing``
    pixels.
    """
    depth, joined = _NEAR * smoothing, regions.copy()
    least = INDEPENDENT_AREA * smoothing**2
    for region, tight in enumerate(ndimage.find_objects(regions + 1)):
        if tight is None:
            continue
        box = grow_box(tight, int((_FAR + _NEAR) * smoothing) + 1, regions.shape)
        parts, count = ndimage.label(_protrusions(joined[box] == region, depth))
        area = np.bincount(parts.ravel())
        for part in 1 + np.flatnonzero((area[1:] >= least) & (area[1:] < _SMALL * regions.size)):
            own = parts == part
            near = np.where(own, -1, joined[box])
            neighbour = _find_explanation(near, working[box], -1, smoothing, regions.size)
            if neighbour not in (None, region):
                joined[box][own] = neighbour
    return joined


def _protrusions(own: np.ndarray, depth: float) -> np.ndarray:
    """Pixels of a region that no path deeper than a depth joins to the most of it."""
    padded = np.pad(own, 1, mode="edge")
    cores, count = ndimage.label(ndimage.distance_transform_edt(padded) > depth)
    if not count:
        return np.zeros(own.shape, bool)
    largest = cores == 1 + np.argmax(np.bincount(cores.ravel())[1:])
    return own & (ndimage.distance_transform_edt(~largest) > depth)[1:-1, 1:-1]


def _find_explanation(
    near: np.ndarray, working: np.ndarray, region: int, smoothing: float, pixels: int
) -> int | None:
    """Neighbour whose noise explains a region, None if there is none."""
    own = near == region
    neighbour = surrounding_label(near, own, _MIN_BORDER)
    if neighbour is None:
        return None
    inside = ndimage.distance_transform_edt(np.pad(near == neighbour, 1, mode="edge"))[1:-1, 1:-1]
    calm = (inside > _NEAR * smoothing) & (ndimage.distance_transform_edt(~own) < _FAR * smoothing)
    noise = _estimate_noise(working, calm, max(int(round(_LAG * smoothing)), 1))
    if noise is None:
        return None
    independent = own.sum() / (INDEPENDENT_AREA * smoothing**2)
    areas = max(pixels / own.sum(), 1.0)
    step = abs(float(working[own].mean() - working[calm].mean()))
    needed = (np.sqrt(2 * np.log(areas)) + _STANDARD_ERRORS) * noise / np.sqrt(independent)
    return neighbour if step < needed else None


def _estimate_noise(working: np.ndarray, calm: np.ndarray, lag: int) -> float | None:
    """Estimate the deviation of the brightness from differences at a lag; None if pixels lack."""
    both_axes = ((working, calm), (working.T, calm.T))
    difference = np.concatenate(
        [(v[lag:] - v[:-lag])[kept[lag:] & kept[:-lag]] for v, kept in both_axes]
    )
    if difference.size < _FEWEST_PIXELS:
        return None
    spread = np.median(np.abs(difference - np.median(difference)))
    return float(DEVIATION_PER_MEDIAN * spread / np.sqrt(2))
