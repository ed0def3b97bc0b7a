"""Cuts: steps of a lattice across planar faults, sudden at the fault and smooth around its ends.

A cut is a line of the reference lattice with the step J that the side of its normal makes against
the other. The displacement is u(r) = s(r) + J a(r - s(r)), where s is continuous and a jumps
from -1/2 to 1/2 across the cut. Where the fault ends inside the crystal a is the angle under which
it is seen, in turns, which jumps nowhere else: the field of a screw dislocation has this form, and
what an edge has more is in s.
"""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import kernel

# A cut as a row of numbers: its normal (x, y), its distance from the origin along it and the ends
# along (normal_y, -normal_x), infinite where the fault leaves the crystal, all in nm; the step
# (x, y) in nm, and along the beam in Å.
CUT_NUMBERS = 8
NO_CUTS = np.empty((0, CUT_NUMBERS))
# Squared distance (nm²) from the end of a cut, below which the step has no slope.
AT_END = 1e-12


@kernel
def step_fraction(cut: np.ndarray, x: float, y: float) -> tuple[float, float, float]:
    """Part of the step of a cut at a point of the reference lattice, and its slopes along x, y."""
    across = cut[0] * x + cut[1] * y - cut[2]
    along = cut[1] * x - cut[0] * y
    half = 0.5 if across > 0.0 else -0.5
    value, slope_across, slope_along = -half, 0.0, 0.0
    for end in range(2):
        if np.isinf(cut[3 + end]):
            value += half
            continue
        sign = 1.0 if end == 1 else -1.0
        beyond = sign * (along - cut[3 + end])
        square = 2.0 * np.pi * max(beyond * beyond + across * across, AT_END)
        # Of the angle from the way beyond the end: half a turn on either side of the fault.
        angle = np.arctan2(abs(across), beyond) / np.pi
        value += half * angle
        slope_across += beyond / square
        slope_along -= sign * across / square
    slope_x = slope_across * cut[0] + slope_along * cut[1]
    slope_y = slope_across * cut[1] - slope_along * cut[0]
    return value, slope_x, slope_y


@kernel
def step_fractions(cut: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Parts of the step of a cut at points (n, 2) of the reference lattice, shape (n,)."""
    found = np.empty(points.shape[0])
    for point in range(points.shape[0]):
        found[point] = step_fraction(cut, points[point, 0], points[point, 1])[0]
    return found


def smallest_step(cuts: np.ndarray) -> float:
    """Length in nm of the smallest step in the image; infinite without cuts."""
    return float(np.linalg.norm(cuts[:, 5:7], axis=1).min()) if len(cuts) else np.inf


def sides(cut: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Side of a cut on which points (..., 2) of the reference lattice lie.

    1/2 on that of its normal, -1/2 on the other, and 0 beyond its ends.
    """
    across = points @ cut[:2] - cut[2]
    along = points @ np.array([cut[1], -cut[0]])
    return np.where((along > cut[3]) & (along < cut[4]), np.where(across > 0, 0.5, -0.5), 0.0)
