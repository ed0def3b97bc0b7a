"""Borders of filtered images, where a filter joined the lattice of opposite borders.

A filter that works on the Fourier transform takes the image as periodic. Where its kernel reaches
across a border, the lattice waves become the mean of those of opposite borders, which do not fit,
and their phases go over from the one to the mean of the two: strain that no crystal has. Such a
strip is as wide as the kernel, whatever the window of the analysis, and lies at both borders. Two
windows tell it from what any window does where the image ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hyperspy_twin.core import Grid, StrainField
from hyperspy_twin.strain.plan import Plan

# Root mean square of the strain in the strip over that of the interior: edges of unfiltered images
# reach 2.5, strips of a published filtered image 3.2 to 10.
SMALLEST_EXCESS = 3.0
# Least width in resolutions: within one, windows are cut and errors of a filtered image unknown.
SMALLEST_WIDTH = 1.5
# Strain that other reflections leave in cut windows at a resolution of one spacing, see
# ``StrainField``: what is below is no artefact.
LEAKAGE = 1e-3
# The second window over the first: far enough for what belongs to the window to change with it, and
# near enough for most images to hold both.
SECOND_WINDOW = 1.4
# Width of the bins of the profile across a border, in resolutions: half of what a window tells
# apart.
BIN = 0.5
# The interior lies farther than this fraction of the image from all borders, and profiles across a
# border go to there.
DEPTH = 0.25
# Samples per resolution: strain varies over one.
SAMPLES = 4.0


@dataclass(frozen=True)
class Wraparound:
    """Widths of the strips along the borders of an image in which a filter has mixed lattices.

    Attributes
    ----------
    left, right, top, bottom
        In the unit of the grid, 0 where there is none.
    """

    left: float
    right: float
    top: float
    bottom: float

    def mask(self, grid: Grid) -> np.ndarray:
        """Pixels in the strips, boolean, shape (rows, columns)."""
        inside = np.zeros(grid.shape, bool)
        (left, right), (top, bottom) = (
            [int(np.ceil(width / step)) for width in widths]
            for widths, step in zip(
                ((self.left, self.right), (self.top, self.bottom)), grid.scale, strict=True
            )
        )
        inside[top : grid.shape[0] - bottom, left : grid.shape[1] - right] = True
        return ~inside

    def leave_out(self, plan: Plan, grid: Grid) -> Plan:
        """Plan of an analysis that leaves the strips out."""
        outside = self.mask(grid)
        return replace(
            plan,
            labels=np.where(outside, 0, plan.labels),
            reference_mask=plan.reference_mask & ~outside,
        )

    def describe(self, unit: str) -> str:
        """Say what was left out, for the reader."""
        names = ("left", "right", "top", "bottom")
        strips = ", ".join(
            f"{width:.2g} {unit} at the {name}"
            for name in names
            if (width := getattr(self, name)) > 0.0
        )
        return (
            f"the filter joined the lattices of opposite borders of the image, whose strain in "
            f"strips along these borders is over {SMALLEST_EXCESS:.0f} times that of the interior: "
            f"there is no strain in {strips}"
        )


def find_wraparound(
    fields: Sequence[StrainField], labels: np.ndarray, grid: Grid
) -> Wraparound | None:
    """Find the strips along the borders of a filtered image that show the filter and not strain.

    In a strip the root mean square of the strain about the mean of its region, less what an edge
    adds to the noise, exceeds three times that of the interior and 1e-3, from the border up to more
    than 1.5 resolutions. It does so with all windows, and at two opposite borders.

    Parameters
    ----------
    fields
        Strain of the same image, measured with windows of different sizes, with the standard errors
        that its noise would give.
    labels
        Region of each pixel, shape (rows, columns), 0 where unassigned.
    grid
        Pixel grid.

    Returns
    -------
    Wraparound or None
        The widths by the first field; None where there is no such strip.

    Notes
    -----
    A strain that the crystal has at two opposite borders, in an image that was computed without
    noise, looks the same.
    """
    widths = np.array([_widths(one, labels, grid) for one in fields])
    found = (widths > SMALLEST_WIDTH * np.array([[one.resolution] for one in fields])).all(axis=0)
    # Left and right, top and bottom.
    both = np.repeat(found.reshape(2, 2).all(axis=1), 2)
    if not both.any():
        return None
    left, right, top, bottom = map(float, np.where(both, widths[0], 0.0))
    return Wraparound(left, right, top, bottom)


def find_border(
    analyse: Callable[..., StrainField], plan: Plan, field: StrainField, grid: Grid
) -> Wraparound | None:
    """Find the strips of an image that was analysed as planned, by a second, wider window.

    ``analyse`` takes a plan, and ``resolution`` and ``displacement`` by name. None also where the
    second window does not fit into the image, and where the strips would hold the whole reference.
    """
    try:
        wide = analyse(plan, resolution=SECOND_WINDOW * plan.resolution, displacement=False)
    except ValueError:  # the window does not fit
        return None
    border = find_wraparound([field, wide], plan.labels, grid)
    if border is None or not border.leave_out(plan, grid).reference_mask.any():
        return None
    return border


def _widths(field: StrainField, labels: np.ndarray, grid: Grid) -> list[float]:
    """Widths of the strips at the left, right, top and bottom."""
    every = tuple(
        slice(None, None, max(1, int(field.resolution / SAMPLES / step)))
        for step in grid.scale[::-1]
    )
    strain, error = (
        np.stack([np.asarray(getattr(field, name)[every], float) for name in names])
        for names in (
            ("e_xx", "e_yy", "e_xy", "rotation"),
            ("sigma_xx", "sigma_yy", "sigma_xy", "sigma_rotation"),
        )
    )
    strain[3], error[3] = np.radians(strain[3]), np.radians(error[3])
    part = labels[every]
    central = tuple(slice(int(DEPTH * size), size - int(DEPTH * size)) for size in part.shape)
    inner = np.zeros(part.shape, bool)
    inner[central] = True
    known = np.isfinite(strain).all(axis=0) & (part > 0)
    squares = np.full(part.shape, np.nan)
    for region in np.unique(part[known]):
        here = known & (part == region)
        mean_of = here & inner if (here & inner).any() else here
        deviation = strain[:, here] - strain[:, mean_of].mean(axis=1, keepdims=True)
        squares[here] = np.sum(deviation**2, axis=0)
    variance = np.where(known, np.sum(error**2, axis=0), np.nan)
    if not (known & inner).any():
        return [0.0] * 4
    level = float(np.nanmean(squares[inner]))
    ordinary = float(np.nanmean(variance[inner]))
    edge = variance * (level / ordinary) if ordinary > 0.0 else np.full_like(variance, level)
    limit = max(SMALLEST_EXCESS**2 * level, LEAKAGE**2)
    excess = squares - np.maximum(edge - level, 0.0)
    steps = [one.step * scale for one, scale in zip(every, grid.scale[::-1], strict=True)]
    found = []
    for axis in (1, 0):
        lines = np.moveaxis(excess, axis, 0)[:, central[1 - axis]]
        for ordered in (lines, lines[::-1]):
            found.append(_width(ordered, steps[axis], BIN * field.resolution, limit))
    return found


def _width(lines: np.ndarray, step: float, width: float, limit: float) -> float:
    """Distance from the first line up to which the mean over bins of this width is over a limit."""
    count = max(1, round(width / step))
    for first in range(0, int(DEPTH * len(lines)), count):
        values = lines[first : first + count]
        known = np.isfinite(values)
        if not known.any() or values[known].mean() <= limit:
            return first * step
    return int(DEPTH * len(lines)) * step
