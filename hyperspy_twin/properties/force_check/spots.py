"""Spots of force: areas in which the mean force is larger than noise makes it elsewhere."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt, find_objects, gaussian_filter, label

from hyperspy_twin.properties.force_check.scan_jumps import MeasuredNoise
from hyperspy_twin.properties.force_check.suspects import Suspect

# Å. Cells in which forces are added, about two layers.
CELL = 2.8
# Sizes of spots that are looked for, as standard deviations in resolutions.
SIZES = (1.0, 2.0, 4.0)
# Part of a window that needs atoms whose force is known.
COVERED = 0.5
# Distances from outlines, in resolutions, between which noise is taken to be alike: near them
# windows are cut, and it is larger.
DISTANCES = (0.0, 1.0, 2.0, 3.0, 4.5, 6.5)
# Nearer than the last of these, noise is not normal: 9 clean images of quantum wells reach up to
# 1.7 times what is the limit elsewhere.
LIMIT_AT_OUTLINES = 2.0
# eV/Å. Mean forces below are nothing: those of a model that relax() has finished.
SMALLEST_FORCE = 1e-5
# Of the standard deviation of a normal distribution over the median of its absolute values.
NORMAL_SPREAD = 1.4826


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
        of_row = weight.sum(axis=1, keepdims=True)
        # What a whole row shares is that of its scan line, which is looked at on its own.
        mean = np.divide(
            summed.sum(axis=1, keepdims=True), of_row, out=np.zeros_like(of_row), where=of_row > 0
        )
        parts.append(summed - mean * weight)
    area = np.count_nonzero(weight) * CELL**2
    tests = len(SIZES) * max(1.0, area / resolution**2)
    # Two components, squared and added, exceed s² by chance exp(-s²/2).
    limit = float(np.sqrt(2 * np.log(tests / chance)))
    zone = np.digitize(_distance(noise.region, cell, shape) / resolution, DISTANCES)
    smallest = SMALLEST_FORCE / float(np.median(error[usable]))
    best = np.zeros(shape)
    for size in SIZES:
        width = size * resolution / CELL
        cover = gaussian_filter(weight, width, mode="constant")
        inside = (cover > COVERED * usual) & (weight > 0)
        if not inside.any():
            continue
        squared = np.zeros(shape)
        for part in parts:
            mean = gaussian_filter(part, width, mode="constant") / np.maximum(cover, 1e-12)
            for number in np.unique(zone[inside]):
                here = inside & (zone == number)
                spread = NORMAL_SPREAD * np.median(np.abs(mean[here]))
                squared[here] += (mean[here] / max(spread, smallest)) ** 2
        best = np.maximum(best, np.sqrt(squared))
    best[zone < len(DISTANCES)] /= LIMIT_AT_OUTLINES
    labels, _ = label(best > limit, structure=np.ones((3, 3)))
    found = []
    for number, box in enumerate(find_objects(labels), 1):
        rows, columns = np.nonzero(labels == number)
        weights = best[rows, columns]
        x, y = (
            origin[axis] + CELL * (np.average(one, weights=weights) + 0.5)
            for axis, one in enumerate((columns, rows))
        )
        height, width = (CELL * (one.stop - one.start) for one in box)
        peak = float(weights.max())
        found.append(Suspect(x, y, width, height, peak, (np.nan, np.nan), False))
    return sorted(found, key=lambda one: -one.significance)


def _distance(region: np.ndarray, cell: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Distance in Å of each cell from the next outline of a region, or the border of the model."""
    labels = np.full(shape[0] * shape[1], -1)
    labels[cell] = region
    labels = np.pad(labels.reshape(shape), 1, constant_values=-1)
    inner = labels >= 0
    for axis in (0, 1):
        for step in (-1, 1):
            inner &= labels == np.roll(labels, step, axis)
    return CELL * distance_transform_edt(inner)[1:-1, 1:-1]
