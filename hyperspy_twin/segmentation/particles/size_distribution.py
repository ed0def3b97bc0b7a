"""Sizes and shapes of particles, and their distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from hyperspy_twin.core import Grid


@dataclass(frozen=True)
class ParticleSizes:
    """Size and shape of particles, one entry for each, in the order of their labels.

    Attributes
    ----------
    particle : numpy.ndarray
        Labels, shape (n,).
    x, y : numpy.ndarray
        Centroids in the unit of the grid, shape (n,).
    area : numpy.ndarray
        In squared units of the grid, shape (n,).
    equivalent_diameter : numpy.ndarray
        Diameter of the disc of the same area, shape (n,).
    largest_feret, smallest_feret : numpy.ndarray
        Largest and smallest distance of parallel tangents, shape (n,).
    circularity : numpy.ndarray
        4 pi area / perimeter^2, 1 for a disc, shape (n,).
    touches_border : numpy.ndarray
        Whether the image cuts the particle, boolean, shape (n,).
    """

    particle: np.ndarray
    x: np.ndarray
    y: np.ndarray
    area: np.ndarray
    equivalent_diameter: np.ndarray
    largest_feret: np.ndarray
    smallest_feret: np.ndarray
    circularity: np.ndarray
    touches_border: np.ndarray


@dataclass(frozen=True)
class SizeDistribution:
    """Distribution of the equivalent diameters of whole particles.

    Attributes
    ----------
    count : int
        Particles that the image does not cut.
    mean, standard_deviation : float
        Of the diameter, in the unit of the grid; the deviation is that of a sample.
    standard_error : float
        Of the mean.
    median : float
        Of the diameter; exp of the mean logarithm, as a lognormal distribution has it.
    spread : float
        Standard deviation of the logarithm of the diameter (lognormal sigma), of a sample.
    """

    count: int
    mean: float
    standard_deviation: float
    standard_error: float
    median: float
    spread: float


def measure_particles(labels: np.ndarray, grid: Grid) -> ParticleSizes:
    """Measure the particles of a label image.

    Parameters
    ----------
    labels : numpy.ndarray
        Particles 1, 2, ..., 0 is background, shape (rows, columns).
    grid : Grid
        Its grid.

    Returns
    -------
    ParticleSizes
        One entry for each label that is present.

    Raises
    ------
    ValueError
        If the labels do not fit the grid or are no integers from 0.

    References
    ----------
    ISO 9276-6 (2008): equivalent diameter, Feret diameters, form factor.
    Serra, Image Analysis and Mathematical Morphology (1982), chapter 5: perimeter by Crofton.
    """
    labels = np.asarray(labels)
    if labels.shape != tuple(grid.shape) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"labels must be integers on the grid {tuple(grid.shape)}, not {labels.dtype} of "
            f"shape {labels.shape}"
        )
    if labels.size and labels.min() < 0:
        raise ValueError("labels must not be negative: 0 is background")
    boxes = ndimage.find_objects(labels)
    particle = np.array([n + 1 for n, box in enumerate(boxes) if box is not None], int)
    frame = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    measured = [_measure_one(labels[boxes[n - 1]] == n, boxes[n - 1], grid) for n in particle]
    x, y, area, largest, smallest, perimeter = np.array(measured, float).reshape(-1, 6).T
    diameter, circularity = 2 * np.sqrt(area / np.pi), 4 * np.pi * area / perimeter**2
    cut = np.isin(particle, frame)
    return ParticleSizes(particle, x, y, area, diameter, largest, smallest, circularity, cut)


def fit_size_distribution(sizes: ParticleSizes) -> SizeDistribution:
    """Mean, spread and lognormal parameters of the diameters of whole particles.

    Particles that the border of the image cuts are left out. The lognormal parameters are those
    of maximum likelihood, but for the sample's n - 1.

    Raises
    ------
    ValueError
        If fewer than two particles are whole.
    """
    diameter = sizes.equivalent_diameter[~sizes.touches_border]
    if diameter.size < 2:
        raise ValueError(
            f"{diameter.size} particles are whole, but a distribution needs two: take a larger "
            "image"
        )
    mean, deviation = float(diameter.mean()), float(diameter.std(ddof=1))
    error = deviation / float(np.sqrt(diameter.size))
    logarithm = np.log(diameter)
    median, spread = float(np.exp(logarithm.mean())), float(logarithm.std(ddof=1))
    return SizeDistribution(int(diameter.size), mean, deviation, error, median, spread)


def _measure_one(mask: np.ndarray, box: tuple[slice, slice], grid: Grid) -> tuple[float, ...]:
    """Centroid, area, largest and smallest Feret diameter and perimeter of one particle."""
    rows, columns = np.nonzero(mask)
    x, y = grid.x[box[1]][columns], grid.y[box[0]][rows]
    area = rows.size * grid.scale[0] * grid.scale[1]
    smallest, largest = _measure_feret(mask, grid.scale)
    return x.mean(), y.mean(), area, largest, smallest, _measure_perimeter(mask, grid.scale)


def _measure_feret(mask: np.ndarray, scale: tuple[float, float]) -> tuple[float, float]:
    """Smallest and largest width of the convex hull around the edges of the pixels."""
    rim = mask & ~ndimage.binary_erosion(mask)
    row, column = np.nonzero(rim)
    shifts = np.array([(0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)])
    points = np.concatenate([np.column_stack([column, row]) + shift for shift in shifts]) * scale
    hull = ConvexHull(points)
    corners = points[hull.vertices]
    # The smallest width is taken between a side of the hull and the corner farthest from it.
    heights = hull.equations[:, :2] @ corners.T
    return float(np.ptp(heights, axis=1).min()), float(pdist(corners).max())


def _measure_perimeter(mask: np.ndarray, scale: tuple[float, float]) -> float:
    """Length of the outline from its crossings with lines in four directions (Crofton)."""
    padded = np.pad(mask, 1)
    wide, high = scale
    diagonal = np.hypot(wide, high)
    angle = np.arctan2(high, wide)
    # Crossings times distance of the lines, weighted with the angle that a direction stands for.
    terms = (
        (padded[:, 1:] != padded[:, :-1], high, angle),
        (padded[1:] != padded[:-1], wide, np.pi / 2 - angle),
        (padded[1:, 1:] != padded[:-1, :-1], wide * high / diagonal, np.pi / 4),
        (padded[1:, :-1] != padded[:-1, 1:], wide * high / diagonal, np.pi / 4),
    )
    return float(sum(np.count_nonzero(c) * distance * angle for c, distance, angle in terms) / 2)
