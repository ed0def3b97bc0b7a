"""Small regions that chance explains, joined to their surroundings."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hyperspy_twin.segmentation.edges.smoothing import sample

# Regions below this share of the image may be specks; a region is judged against the neighbour
# that has this share of its border.
_SMALL = 0.05
_LEAST_SHARE = 0.5
# Where the brightness around a region is read, and the lag at which the noise there is, in
# smoothing lengths; and the pixels that this needs.
_NEAR, _FAR = 1.8, 8.0
_LAG = 4.0
_LEAST_PIXELS = 12
# A Gaussian filter of one smoothing length leaves one independent value in 4 pi of its squares.
_INDEPENDENT = 4 * np.pi
# Standard errors by which a region must exceed the highest of all places of its size.
_STANDARD_ERRORS = 3.0


def join_specks(labels: np.ndarray, working: np.ndarray, smoothing: float) -> np.ndarray:
    """Join small regions that chance explains to the neighbour that surrounds them.

    A small region was chosen among all the places of its size in the image, so that its step has
    to be compared with the largest of as many independent means: about ``sqrt(2 ln m)`` standard
    errors for m places (Leadbetter et al. 1983), and three more. Standard errors come from what
    the brightness varies around it.

    Parameters
    ----------
    labels : numpy.ndarray
        Regions from 0, shape (rows, columns).
    working : numpy.ndarray
        Smoothed image on a coarser grid over the same field.
    smoothing : float
        Its smoothing length in its own pixels.

    Returns
    -------
    numpy.ndarray
        Labels of the same shape; those of joined regions are no longer used.

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
        neighbour = _explained_by(near, working[around], int(region), smoothing, coarse.size)
        if neighbour is not None:
            joined[joined == region] = neighbour
    return joined[labels] if (joined != np.arange(joined.size)).any() else labels


def _explained_by(
    near: np.ndarray, working: np.ndarray, region: int, smoothing: float, pixels: int
) -> int | None:
    """Neighbour whose noise explains a region, None if there is none."""
    own = near == region
    rim = near[ndimage.binary_dilation(own) & ~own]
    if not rim.size:
        return None
    neighbour = int(np.bincount(rim).argmax())
    if (rim == neighbour).mean() < _LEAST_SHARE:
        return None
    beside = ndimage.distance_transform_edt(np.pad(near == neighbour, 1, mode="edge"))[1:-1, 1:-1]
    calm = (beside > _NEAR * smoothing) & (ndimage.distance_transform_edt(~own) < _FAR * smoothing)
    noise = _noise(working, calm, max(int(round(_LAG * smoothing)), 1))
    if noise is None:
        return None
    independent = own.sum() / (_INDEPENDENT * smoothing**2)
    places = max(pixels / own.sum(), 1.0)
    step = abs(float(working[own].mean() - working[calm].mean()))
    least = (np.sqrt(2 * np.log(places)) + _STANDARD_ERRORS) * noise / np.sqrt(independent)
    return neighbour if step < least else None


def _noise(working: np.ndarray, calm: np.ndarray, lag: int) -> float | None:
    """Estimate the deviation of the brightness from differences at a lag; None if pixels lack."""
    found = []
    for values, kept in ((working, calm), (working.T, calm.T)):
        found.append((values[lag:] - values[:-lag])[kept[lag:] & kept[:-lag]])
    difference = np.concatenate(found)
    if difference.size < _LEAST_PIXELS:
        return None
    spread = np.median(np.abs(difference - np.median(difference)))
    return float(1.4826 * spread / np.sqrt(2))
