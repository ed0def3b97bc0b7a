"""Spots of force: areas in which the mean force is larger than noise makes it elsewhere."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import (
    binary_closing,
    distance_transform_edt,
    find_objects,
    gaussian_filter,
    label,
)

from hyperspy_twin.core import DEVIATION_PER_MEDIAN
from hyperspy_twin.properties.force_check.rows import MeasuredNoise
from hyperspy_twin.properties.force_check.suspects import Suspect

# Å. Cells in which forces are added, about two layers.
CELL = 2.8
# Sizes of spots that are looked for, as standard deviations in resolutions.
SIZES = (1.0, 2.0, 4.0)
# Part of a window that needs atoms whose force is known.
COVERED = 0.5
# Distances from outlines, in resolutions, between which noise is taken to be alike: near them
# windows are cut, and it is larger. They are those of the smallest spots, and grow with the window.
DISTANCES = (0.0, 1.0, 2.0, 3.0, 4.5, 6.5)
# Area in which the noise of forces is one independent number, over the variance of the window: the
# integral of the squared autocorrelation of second derivatives of smoothed noise, whose power is
# k⁴ exp(-k² s²).
PATCH = 3 * np.pi / 4
# Efficiency of the median of absolute values as a measure of a spread: P.J. Rousseeuw, C. Croux,
# J. Am. Stat. Assoc. 88 (1993) 1273.
EFFICIENCY = 0.37
# Cells around which empty ones still lie between atoms: columns of a crystal are up to 4 Å apart.
BETWEEN = 2
# eV/Å. Mean forces below are nothing: those of a model that relax() has finished.
SMALLEST_FORCE = 1e-5


def find_spots(
    points: np.ndarray,
    force: np.ndarray,
    counted: np.ndarray,
    noise: MeasuredNoise,
    chance: float,
) -> list[Suspect]:
    """Find areas of large force, the most significant first.

    Parameters
    ----------
    points
        Atoms (x, y) in Å, shape (n, 2).
    force
        Forces along x and y, shape (n, 2).
    counted
        Atoms whose force counts.
    noise
        Errors of the positions: where they are larger, so are forces.
    chance
        Probability that one is found where there is none.
    """
    error, resolution = noise.error, noise.resolution
    origin = points.min(axis=0)
    column, row = ((points - origin) / CELL).astype(int).T
    shape = int(row.max()) + 1, int(column.max()) + 1
    cell = row * shape[1] + column

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(cell, values, minlength=shape[0] * shape[1]).reshape(shape)

    usable = counted & np.isfinite(error).all(axis=1) & (error > 0).all(axis=1)
    weight = total(usable.astype(float))
    if not usable.any():
        return []
    usual = np.median(weight[weight > 0])
    parts = []
    for axis in (0, 1):
        ratio = np.where(usable, force[:, axis] / np.where(usable, error[:, axis], 1.0), 0.0)
        summed = total(ratio)
        # What a whole row shares is that of its scan line, which is looked at on its own. A spot
        # does not move the median of its rows.
        shown = np.ma.masked_array(summed / np.maximum(weight, 1.0), weight == 0)
        of_row = np.ma.median(shown, axis=1).filled(0.0)
        parts.append(summed - of_row[:, None] * weight)
    labels = _labels(noise.region, cell, shape)
    # Cells of the model for each that holds atoms.
    between = np.count_nonzero(labels >= 0) / len(np.unique(cell))
    area = np.count_nonzero(labels >= 0) * CELL**2
    tests = len(SIZES) * max(1.0, area / resolution**2)
    # Two components, squared and added, exceed s² by chance exp(-s²/2).
    limit = float(np.sqrt(2 * np.log(tests / chance)))
    smallest = SMALLEST_FORCE / float(np.median(error[usable]))
    best = np.zeros(shape)
    for size in SIZES:
        cover = gaussian_filter(weight, size * resolution / CELL, mode="constant")
        inside = (cover > COVERED * usual) & (weight > 0)
        zone = _zones(labels, size, resolution)
        # Forces come from a displacement that is smooth over a resolution.
        patch = PATCH * (1 + size**2) * (resolution / CELL) ** 2
        seen = np.maximum(np.bincount(zone[inside], minlength=zone.max() + 1), 1)[zone]
        freedom = len(parts) * EFFICIENCY * between * seen / patch
        squared = np.zeros(shape)
        for part in parts:
            mean = gaussian_filter(part, size * resolution / CELL, mode="constant")
            mean /= np.maximum(cover, 1e-12)
            for number in np.unique(zone[inside]):
                here = inside & (zone == number)
                spread = DEVIATION_PER_MEDIAN * np.median(np.abs(mean[here]))
                squared[here] += (mean[here] / max(spread, smallest)) ** 2
        # Two components over a spread of so many degrees of freedom exceed s² by the chance
        # (1 + s²/f)^(-f/2): significance is what has that chance where the spread is known.
        best = np.maximum(best, np.sqrt(freedom * np.log1p(squared / freedom)))
    spots, _ = label(best > limit, structure=np.ones((3, 3)))
    found = []
    for number, box in enumerate(find_objects(spots), 1):
        rows, columns = np.nonzero(spots == number)
        weights = best[rows, columns]
        x, y = (
            origin[axis] + CELL * (np.average(one, weights=weights) + 0.5)
            for axis, one in enumerate((columns, rows))
        )
        height, width = (CELL * (one.stop - one.start) for one in box)
        peak = float(weights.max())
        found.append(Suspect(x, y, width, height, peak, (np.nan, np.nan), False))
    return sorted(found, key=lambda one: -one.significance)


def _labels(region: np.ndarray, cell: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Region of each cell, also of those between columns of atoms, and -1 outside the model."""
    labels = np.full(shape[0] * shape[1], -1)
    labels[cell] = region
    labels = np.pad(labels.reshape(shape), 2 * BETWEEN, constant_values=-1)
    filled = binary_closing(labels >= 0, np.ones((3, 3)), iterations=BETWEEN)
    nearest = distance_transform_edt(labels < 0, return_distances=False, return_indices=True)
    labels = np.where(filled, labels[tuple(nearest)], -1)
    return labels[2 * BETWEEN : -2 * BETWEEN, 2 * BETWEEN : -2 * BETWEEN]


def _zones(labels: np.ndarray, size: float, resolution: float) -> np.ndarray:
    """Divide regions by the distance from outlines; the number of the part that each cell is in."""
    grow = np.sqrt((1 + size**2) / (1 + SIZES[0] ** 2))
    ring = np.digitize(_distance(labels) / resolution, grow * np.array(DISTANCES))
    _, region = np.unique(labels, return_inverse=True)
    _, zone = np.unique(len(DISTANCES) * region.ravel() + ring.ravel() - 1, return_inverse=True)
    return zone.reshape(labels.shape)


def _distance(labels: np.ndarray) -> np.ndarray:
    """Distance in Å of each cell from the next outline of a region, or the border of the model."""
    labels = np.pad(labels, 1, constant_values=-1)
    inner = labels >= 0
    for axis in (0, 1):
        for step in (-1, 1):
            inner &= labels == np.roll(labels, step, axis)
    return CELL * distance_transform_edt(inner)[1:-1, 1:-1]
