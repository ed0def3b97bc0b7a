"""Plane nets as pairs of complex numbers: their reduced basis, and finer nets that hold them."""

from __future__ import annotations

import numpy as np
from numba import njit

# Finer nets: (m first + n second) / order with one of the two; the net itself, then all of twice
# and three times as many points.
FINER = np.array(
    [[1, 0, 1], [1, 0, 2], [0, 1, 2], [1, 1, 2], [1, 0, 3], [0, 1, 3], [1, 1, 3], [1, 2, 3]]
)


@njit(cache=True, nogil=True)
def reduced(first: complex, second: complex) -> tuple[complex, complex]:
    """Shortest right-handed basis of a net, by Gauss's reduction."""
    while True:
        if abs(first) > abs(second):
            first, second = second, first
        shift = np.rint((1 - 1e-9) * (first.conjugate() * second).real / abs(first) ** 2)
        if shift == 0:
            break
        second = second - shift * first
    if (first.conjugate() * second).imag < 0:
        second = -second
    return first, second


@njit(cache=True, nogil=True)
def finer_net(first: complex, second: complex, which: np.ndarray) -> tuple[complex, complex]:
    """Reduced basis of a net that holds the given one.

    Parameters
    ----------
    first, second
        Basis of the given net.
    which
        Row of :data:`FINER`.

    Returns
    -------
    tuple of complex
        Right-handed.
    """
    between = (which[0] * first + which[1] * second) / which[2]
    return reduced(between, first if which[0] == 0 else second)
