"""Crystals with a planar fault."""

from __future__ import annotations

import numpy as np


def shift_half(
    positions: np.ndarray, point: np.ndarray, normal: np.ndarray, shift: np.ndarray
) -> np.ndarray:
    """Shift the half of a crystal that lies beyond a plane.

    Parameters
    ----------
    positions
        Of atoms, shape (n, d).
    point, normal
        A point of the plane, and its normal into the half that is shifted, shape (d,).
    shift
        Shape (d,).
    """
    beyond = (positions - point) @ np.asarray(normal, float) > 0.0
    return positions + np.where(beyond[:, None], shift, 0.0)
