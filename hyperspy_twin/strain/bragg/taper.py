"""Weights that fall to zero at the border of a filtered area."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import kernel


def taper(distance: np.ndarray, width: float) -> np.ndarray:
    """Weights that rise from 0 at the outline to 1 at ``width`` as a cubed sine."""
    flat = np.ascontiguousarray(distance, np.float32).ravel()
    return rising(flat, width).reshape(distance.shape)


@kernel
def rising(distance: np.ndarray, width: float) -> np.ndarray:
    """Compute :func:`taper`, shape (n,)."""
    result = np.ones(distance.shape, np.float32)
    factor = np.float32(0.5 * np.pi / width)
    for i in range(len(distance)):
        if distance[i] < width:
            result[i] = np.sin(factor * distance[i]) ** 3
    return result
