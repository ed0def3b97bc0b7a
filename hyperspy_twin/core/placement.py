"""Where a map lies on a micrograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a map lies on a micrograph, and how well that is known.

    Lengths are in the unit of each one's axes: nm, or px without a calibration.

    Attributes
    ----------
    matrix
        Takes (x, y, 1) of the map to (x, y) of the micrograph, shape (2, 3).
    row_shifts
        Shift (x, y) on the micrograph that is added to each row of the map, shape (rows, 2); zeros
        where no drift was tracked.
    covariance
        Covariance of a position on the micrograph, shape (2, 2); infinite along a direction that
        is not determined.
    method
        How it was found: "same grid", "tags", "tags and drift", "image" or "given".
    probability
        That the placement is right.
    """

    matrix: np.ndarray
    row_shifts: np.ndarray
    covariance: np.ndarray
    method: str
    probability: float
