"""What every method of segmentation returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Segmentation:
    """Regions of an image.

    Attributes
    ----------
    labels : numpy.ndarray
        Regions 1..n, int32, shape (rows, columns), ordered by the row of their centroid (top to
        bottom), then by its column; every pixel that holds data has one, others have 0.
    smoothing : float
        Smoothing length used (standard deviation of the Gaussian) in the unit of the grid (nm).
    thresholds : tuple of float
        Smallest and largest gradient (image units per unit of length) that counted as noise
        anywhere in the image.
    """

    labels: np.ndarray
    smoothing: float
    thresholds: tuple[float, float]
