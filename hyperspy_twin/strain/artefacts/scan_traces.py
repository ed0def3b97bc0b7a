"""What a slow scan leaves in a strain map: fly-back in the first columns, and drift that changes.

The scan distorts positions in the image, whatever crystal lies there. Fly-back, after which the
beam settles at the start of each line, displaces the first columns alike in all lines: it changes
the derivatives of the displacement along x, as a function of x. Drift displaces whole lines, and
changes the derivatives along y, as a function of y.

A steady drift is a uniform strain and rotation of the whole image. Nothing in one image tells the
two apart: it is in the lattice of the reference as well, so that the strain against the reference
does not show it, and it is zero there by definition. Drift that changes while the image is taken
leaves a strain that changes with the line. A crystal can do that too, but seldom in all its regions
alike and only along y; it is told as what it would be if it were drift.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import Grid, StrainField
from hyperspy_twin.strain.artefacts.changing_drift import (
    SIGNIFICANCE,
    SMALLEST,
    measure_drift_change,
)
from hyperspy_twin.strain.artefacts.derivatives import Derivatives, sample_derivatives
from hyperspy_twin.strain.mechanics import Analysis

# Where fly-back begins, at the border, the map is also cut: what counts there is larger.
SMALLEST_AT_BORDER = 2e-3
# Part of the change at the left border that the right border, the derivatives along y, and half the
# way to the interior may show.
LARGEST_PART = 1.0 / 3.0
# Part by which bands of lines may differ, beside their errors.
LARGEST_SPREAD = 0.25
# Their mean squared difference over that of their errors, beside that: chance exceeds it once in
# 500 images with such a border.
LARGEST_RATIO = 3.0
# Bands of lines that are compared, each on its own.
BANDS = 5
# Length of a band in resolutions, at least: over less its lines see the same windows.
SHORTEST = 2.0
# Part of the image from the left at which the interior begins.
INTERIOR = 0.3
# Columns of one bin in resolutions.
BIN = 0.5
# Length over which a window averages noise along one axis, in resolutions.
PATCH = 2.0 * np.sqrt(np.pi)


@dataclass(frozen=True)
class ScanTraces:
    """Traces of the scan in a strain map.

    Attributes
    ----------
    fly_back
        Width of the columns at the left that fly-back displaces, in the unit of the grid; 0 where
        none is seen.
    fly_back_strain
        Derivative (du_x/dx, du_y/dx) at the left border, less that of the interior.
    drift
        Change from the first to the last line of the drift (x, y) from line to line, in lines; 0
        where none is seen.
    drift_error
        Standard error of the drift.
    """

    fly_back: float
    fly_back_strain: tuple[float, float]
    drift: tuple[float, float]
    drift_error: tuple[float, float]

    def describe(self, grid: Grid, unit: str) -> dict[str, str]:
        """Say what was seen, for the reader; empty where nothing was."""
        found = {}
        if self.fly_back > 0.0:
            x, y = (100.0 * one for one in self.fly_back_strain)
            found["fly_back"] = (
                f"the first {self.fly_back:.2g} {unit} ({round(self.fly_back / grid.scale[0])} "
                "columns) are distorted alike in all lines, as by the fly-back of the scan: at the "
                f"border du_x/dx is {x:+.2g} % and du_y/dx {y:+.2g} % off. Do not trust the strain "
                "there, unless a layer of another strain lies along the border"
            )
        if any(self.drift):
            parts = ", ".join(
                f"{100.0 * value:+.2g} ± {100.0 * error:.1g} % along {name} "
                f"({value * grid.scale[1]:+.2g} {unit} per line)"
                for name, value, error in zip("xy", self.drift, self.drift_error, strict=True)
                if value
            )
            found["drift"] = (
                "the distance of the lines changes alike in all regions, from the first line to "
                f"the last by {parts}, as by drift that changes while the image is taken; the part "
                "of drift that stays the same cannot be told from strain"
            )
        return found


def find_scan_traces(field: StrainField, labels: np.ndarray, grid: Grid) -> ScanTraces:
    """Find traces of the scan in a strain map.

    Fly-back: near the left border the derivatives along x differ from those of the interior of
    the same region, alike in all bands of lines, by five standard errors and 2e-3; they fall off to
    a third within half the way to the interior, and neither the derivatives along y nor the right
    border show a third of it. Drift: the derivatives along y change with the line by five standard
    errors and 5e-4, in all regions alike, and those along x do not.

    Parameters
    ----------
    field
        Strain with its standard errors; where they are NaN nothing is told.
    labels
        Region of each pixel, shape (rows, columns), 0 where unassigned.
    grid
        Pixel grid.
    """
    derivatives = sample_derivatives(field, labels, grid)
    width, strain = _fly_back(derivatives, labels[derivatives.every])
    drift = error = np.zeros(2)
    if field.noise is not None:
        # Changes of the strain are the same relative to any reference.
        analysis = Analysis(labels, grid, field.resolution, field.vectors, 0, field.noise)
        change = measure_drift_change(derivatives, analysis)
        drift, error = np.where(change.told, change.value, 0.0), change.error
    return ScanTraces(
        width * field.resolution,
        (float(strain[0]), float(strain[1])),
        (float(drift[0]), float(drift[1])),
        (float(error[0]), float(error[1])),
    )


def _fly_back(derivatives: Derivatives, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Width in resolutions and strain at the border of a fly-back."""
    nothing = 0.0, np.zeros(2)
    known, steps, error = derivatives.known, derivatives.steps, derivatives.error
    rows, columns = known.shape
    count = max(1, round(BIN / steps[1]))
    bins = int(INTERIOR * columns) // count
    if bins < 4 or rows * steps[0] < BANDS * SHORTEST:
        return nothing
    inner = slice(bins * count, int((1.0 - INTERIOR / 2) * columns))
    changes = np.full((4, rows, columns), np.nan)
    for region in np.unique(labels[known]):
        here = known & (labels == region)
        middle = here.copy()
        middle[:, : inner.start] = middle[:, inner.stop :] = False
        # A region at the border that does not reach the interior may be strained otherwise.
        if here[:, :count].any() and middle.any():
            for index, values in enumerate((*derivatives.along_x, *derivatives.along_y)):
                changes[index, here] = values[here] - values[middle].mean()
    bands = np.array_split(np.arange(rows), BANDS)
    means, deviations = np.full((2, 4, BANDS, bins + 1), np.nan)
    # The last bin is that at the right border.
    places = [slice(n * count, (n + 1) * count) for n in range(bins)] + [slice(-count, None)]
    for number, band in enumerate(bands):
        for place, across in enumerate(places):
            block = changes[:, band, across]
            counted = np.isfinite(block[0])
            if counted.mean() > 0.5:
                means[:, number, place] = block[:, counted].mean(axis=1)
                patches = max(1.0, counted.mean() * len(band) * steps[0] / PATCH)
                spread = np.sqrt(np.mean(error[:, band, across][:, counted] ** 2, axis=1) / patches)
                deviations[:, number, place] = np.tile(spread, 2)
    if not np.isfinite(means[:, :, :bins]).all():
        return nothing
    common = means.mean(axis=1)
    noise = np.sqrt(np.mean(deviations**2, axis=1) / BANDS)
    size, edge = np.linalg.norm(common[:2], axis=0), float(np.linalg.norm(common[:2, 0]))
    limit = np.maximum(SMALLEST, SIGNIFICANCE * np.linalg.norm(noise[:2], axis=0))
    if edge < max(SMALLEST_AT_BORDER, limit[0]):
        return nothing
    allowed = LARGEST_PART * edge + SIGNIFICANCE * noise.max(axis=0)
    others = np.abs(common[2:, 0]).max() > allowed[0]
    right = np.isfinite(size[-1]) and size[-1] > allowed[-1]
    slow = size[bins // 2] > allowed[bins // 2]
    apart = np.linalg.norm(means[:2, :, 0] - common[:2, None, 0], axis=0)
    spread = (LARGEST_SPREAD * edge) ** 2 + LARGEST_RATIO * np.mean(
        np.sum(deviations[:2, :, 0] ** 2, axis=0)
    )
    uneven = np.mean(apart**2) > spread
    if others or right or slow or uneven:
        return nothing
    ends = np.flatnonzero(size[:bins] < limit[:bins])
    return float((ends[0] if len(ends) else bins) * count * steps[1]), common[:2, 0]
