"""Smooth windows of regions of any shape."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.interpolate import CubicSpline

# Pixels across the grid on which a window is computed; it is smooth enough to be interpolated.
COARSE_SIZE = 200
# Fraction of the largest distance to the outline by which a region is shrunk.
SHRINKAGE = 0.5
# Shrinkage over the standard deviation of the blur, which leaves about one per cent on a straight
# outline: the tail of a Gaussian beyond 2.2 standard deviations is 1.4 %.
TAIL = 2.2


def region_window(mask: np.ndarray) -> np.ndarray:
    """Smooth window that is 1 deep inside a region and falls to 0 on its outline.

    The region is shrunk by half of its largest distance to the outline (or to the border of the
    image) and blurred by a Gaussian that leaves about one per cent on the outline, so that the
    transform of the window falls like a Gaussian and sharp or oblique outlines leave no streaks.

    Parameters
    ----------
    mask
        Boolean region, shape (rows, columns).

    Returns
    -------
    numpy.ndarray
        float32 window, shape (rows, columns).
    """
    step = max(1, min(mask.shape) // COARSE_SIZE)
    rows, columns = (np.arange(0, size + step - 1, step) for size in mask.shape)
    inside = np.minimum(rows, mask.shape[0] - 1), np.minimum(columns, mask.shape[1] - 1)
    distance = ndimage.distance_transform_edt(np.pad(mask[np.ix_(*inside)], 1))
    shrinkage = SHRINKAGE * distance.max()
    core = (distance > shrinkage).astype(np.float32)
    window = ndimage.gaussian_filter(core, shrinkage / TAIL)[1:-1, 1:-1]
    if step > 1:
        window = _spline(rows, mask.shape[0]) @ window @ _spline(columns, mask.shape[1]).T
    return window * mask


def _spline(nodes: np.ndarray, size: int) -> np.ndarray:
    """Matrix (size, len(nodes)) that interpolates values on nodes to all pixels."""
    return CubicSpline(nodes, np.eye(len(nodes)))(np.arange(size)).astype(np.float32)
