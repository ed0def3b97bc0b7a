"""An order of atoms in which those near to each other follow soon."""

from __future__ import annotations

import numpy as np

# Å. Atoms within a cube of a few bonds keep the order that they have.
CUBE = 6.0
# Bits of a coordinate, three of which make one number of 64 bits; with these cubes 1.2 mm.
COORDINATE_BITS = 21
# How far the bits of a coordinate are moved apart, and which are kept then, so that two others
# fit in between.
SPREADING = (
    (32, 0x1F00000000FFFF),
    (16, 0x1F0000FF0000FF),
    (8, 0x100F00F00F00F00F),
    (4, 0x10C30C30C30C30C3),
    (2, 0x1249249249249249),
)


def spatial_order(positions: np.ndarray) -> np.ndarray:
    """Order atoms along the curve of Morton, which enters each part of space once at each scale.

    What belongs to an atom is read again for each of its neighbours: along this curve it still is
    in the cache.

    Parameters
    ----------
    positions
        In Å, shape (n, 3).

    Returns
    -------
    numpy.ndarray
        Numbers of the atoms, int32, shape (n,).
    """
    cubes = np.floor((positions - positions.min(axis=0)) / CUBE)
    code = np.zeros(len(positions), np.uint64)
    for axis in range(3):
        bits = np.minimum(cubes[:, axis], 2**COORDINATE_BITS - 1).astype(np.uint64)
        for shift, kept in SPREADING:
            bits = (bits | (bits << np.uint64(shift))) & np.uint64(kept)
        code |= bits << np.uint64(axis)
    return np.argsort(code, kind="stable").astype(np.int32)
