"""Misfit and tilt of the lattices on either side of an interface.

With the mean deformation gradients F of two regions near the outline that they share, the lattice
of the first becomes that of the second by G = F_2 F_1^-1 = R U: a stretch U in the axes of the
first, and then a rotation R. Misfit along t and across n is t.U.t - 1 and n.U.n - 1, and the tilt
is the angle of R. The lattice of the reference, with its error, cancels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt

from hyperspy_twin.core import Grid, adjacent_regions
from hyperspy_twin.strain.mechanics.deformation import frame_axes
from hyperspy_twin.strain.mechanics.gradient_errors import Analysis
from hyperspy_twin.strain.mechanics.interfaces import find_interface
from hyperspy_twin.strain.mechanics.means import mean_covariance

# Resolutions that the lattices keep from outlines, which are off by up to a spacing, or 0.7
# resolutions.
NEAREST = 1.0
# Resolutions from the interface up to which they are taken: what lies farther than one window, of
# two resolutions on either side, need not be the lattice at the interface.
FARTHEST = 5.0
# Shorter outlines, in resolutions, are corners: less than the length of one window.
SHORTEST = 4.0


@dataclass(frozen=True, eq=False)
class Misfit:
    """How the lattice changes from one region to the next.

    Attributes
    ----------
    first, second
        Numbers of the regions.
    length
        Extent of the outline that they share; NaN where it turns back on itself.
    angle
        Its direction in degrees above x, counter-clockwise, from -90 to 90.
    values
        Spacing of the second lattice over that of the first less 1, along the interface and across
        it, and the rotation of the second against the first in degrees, counter-clockwise.
    errors
        Standard errors of the values from the noise of the image; NaN where that is not known.
    """

    first: int
    second: int
    length: float
    angle: float
    values: tuple[float, float, float]
    errors: tuple[float, float, float]


def measure_misfits(
    gradients: np.ndarray,
    labels: np.ndarray,
    grid: Grid,
    resolution: float,
    analysis: Analysis | None = None,
) -> list[Misfit]:
    """Misfit and tilt at each interface between regions whose strain is known.

    The lattices are the means of each region up to five resolutions from the outline, but for one
    resolution at the outlines, or less where the region is thin. Outlines shorter than four
    resolutions are left out. Of an outline that turns back on itself, as around a particle, only
    the tilt is given.

    Parameters
    ----------
    gradients
        Deformation relative to the reference, shape (2, 2, rows, columns), NaN where there is no
        lattice.
    labels
        Region of each pixel, shape (rows, columns), 0 where unassigned.
    grid
        Pixel grid.
    resolution
        Standard deviation of the window.
    analysis
        How the strain was measured, for the errors; None where that is not known.
    """
    known = np.isfinite(gradients).all(axis=(0, 1))
    present = np.where(known, labels, 0)
    windows = [] if analysis is None else analysis.windows()
    able = {label for label, _, _ in windows}
    found = []
    for first, second in adjacent_regions(labels):
        if not ((present == first).any() and (present == second).any()):
            continue
        length, angle = _outline(labels, grid, first, second)
        if length < SHORTEST * resolution:
            continue
        bands = _bands(labels, present, grid, (first, second), resolution)
        if not all(one.any() for one in bands):
            continue
        before, after = (gradients[..., one].mean(axis=-1) for one in bands)
        covariances = None
        if analysis is not None and {first, second} <= able:
            covariances = [
                mean_covariance(analysis, windows, label, band)
                for label, band in zip((first, second), bands, strict=True)
            ]
        values, errors = compare_lattices(before, after, angle, covariances)
        found.append(Misfit(first, second, length, angle, values, errors))
    return found


def compare_lattices(
    before: np.ndarray,
    after: np.ndarray,
    angle: float,
    covariances: list[np.ndarray] | None = None,
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Misfits along and across a direction, and tilt in degrees, each with its standard error.

    Parameters
    ----------
    before, after
        Deformation gradients of the two lattices, shape (2, 2).
    angle
        Of the direction in degrees above x; NaN where there is none.
    covariances
        Of the gradient of the displacement in the image, of both, shape (2, 2, 2, 2) each.
    """
    change = after @ np.linalg.inv(before)
    (a, b), (c, d) = change
    trace, skew = a + d, b - c
    tilt = np.arctan2(skew, trace)
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    quarter = np.array([[0.0, 1.0], [-1.0, 0.0]])
    stretch = turn.T @ change
    # The rotation changes by d(tilt), and the stretch by turn^T dG - quarter stretch d(tilt).
    slope = (trace * quarter - skew * np.eye(2)) / (trace**2 + skew**2)
    axes = frame_axes(angle)
    values = [*(v @ stretch @ v - 1.0 for v in axes), np.degrees(tilt)]
    slopes = [np.outer(turn @ v, v) - (v @ quarter @ stretch @ v) * slope for v in axes]
    slopes.append(np.degrees(slope))
    errors = [np.nan] * 3
    if covariances is not None:
        # dG = F_2 dS_2 G - F_2 dS_1, with the gradients S in the image.
        total = sum(
            np.einsum("ip,qj,pqrs,ar,sb->ijab", after, right, one, after, right)
            for right, one in zip((np.eye(2), change), covariances, strict=True)
        )
        variances = [np.einsum("ij,ijab,ab", one, total, one) for one in slopes]
        errors = np.sqrt(np.maximum(variances, 0.0)).tolist()
    along, across, turned = map(float, values)
    return (along, across, turned), (errors[0], errors[1], errors[2])


def _outline(labels: np.ndarray, grid: Grid, first: int, second: int) -> tuple[float, float]:
    """Length and angle of a shared outline; NaN where it turns back on itself."""
    try:
        interface = find_interface(labels, grid, first, second)
    except ValueError:
        return np.nan, np.nan
    return interface.length, interface.angle


def _bands(
    labels: np.ndarray, present: np.ndarray, grid: Grid, pair: tuple[int, int], resolution: float
) -> list[np.ndarray]:
    """Pixels of each of two regions near their shared outline, boolean, shape (rows, columns)."""
    shared = np.zeros(labels.shape, bool)
    for axis in (0, 1):
        lines, marked = np.moveaxis(labels, axis, 0), np.moveaxis(shared, axis, 0)
        edge = np.isin(lines[:-1], pair) & np.isin(lines[1:], pair) & (lines[:-1] != lines[1:])
        marked[:-1] |= edge
        marked[1:] |= edge
    reach = [int(np.ceil(FARTHEST * resolution / step)) + 1 for step in grid.scale[::-1]]
    box = tuple(
        slice(max(0, lines[0] - margin), lines[-1] + margin + 1)
        for lines, margin in zip(
            (np.flatnonzero(shared.any(axis=1)), np.flatnonzero(shared.any(axis=0))),
            reach,
            strict=True,
        )
    )
    distance = distance_transform_edt(~shared[box], sampling=grid.scale[::-1])
    found = []
    for region in pair:
        near = (present[box] == region) & (distance <= FARTHEST * resolution)
        inner = distance_transform_edt(labels[box] == region, sampling=grid.scale[::-1])
        margin = min(NEAREST * resolution, inner.max(initial=0.0, where=near) / 2)
        band = np.zeros(labels.shape, bool)
        band[box] = near & (inner >= margin)
        found.append(band)
    return found
