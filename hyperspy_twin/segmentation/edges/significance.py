"""Significance of small regions: those that chance explains join their surroundings."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hyperspy_twin.segmentation.labels import surrounding_label
from hyperspy_twin.segmentation.resampling import sample
from hyperspy_twin.segmentation.smoothing import DEVIATION_PER_MEDIAN, INDEPENDENT_AREA

# All set on the tuning half of benchmarks/segmentation.py.
# Fraction of the image below which a region is small.
_SMALL = 0.05
# Fraction of its border that the neighbour has against which a region is judged.
_MIN_BORDER = 0.5
# Distance from a border, in smoothing lengths, from which on brightness comes from one side alone.
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
