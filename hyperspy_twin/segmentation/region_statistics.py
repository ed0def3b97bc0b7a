"""Statistics of the regions of a segmented image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import Grid


@dataclass(frozen=True)
class RegionStatistics:
    """One entry per region, in the order of the labels.

    Attributes
    ----------
    region
        (n,) labels.
    area
        (n,) areas in squared units of the grid.
    equivalent_diameter
        (n,) diameters of the discs of the same area.
    x, y
        (n,) centroids.
    mean, standard_deviation
        (n,) of the intensity inside the region.
    """

    region: np.ndarray
    area: np.ndarray
    equivalent_diameter: np.ndarray
    x: np.ndarray
    y: np.ndarray
    mean: np.ndarray
    standard_deviation: np.ndarray


def describe_regions(image: np.ndarray, labels: np.ndarray, grid: Grid) -> RegionStatistics:
    """Area, centroid and intensity of every region but 0.

    Parameters
    ----------
    image, labels
        Shape (rows, columns); label 0 is unassigned.
    grid
        Grid of both.
    """
    flat = labels.ravel()
    count = np.bincount(flat)
    region = np.flatnonzero(count)
    region = region[region > 0]

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(flat, np.broadcast_to(values, labels.shape).ravel())[region]

    pixels = count[region]
    mean = total(image) / pixels
    squares = np.bincount(flat, np.square(image, dtype=float).ravel())[region] / pixels
    area = pixels * grid.scale[0] * grid.scale[1]
    return RegionStatistics(
        region,
        area,
        2 * np.sqrt(area / np.pi),
        total(grid.x[None, :]) / pixels,
        total(grid.y[:, None]) / pixels,
        mean,
        np.sqrt(np.maximum(squares - mean**2, 0)),
    )
