"""Diamond-type crystals seen along [110], built one (001) plane at a time."""

from __future__ import annotations

import numpy as np

# Angstrom, at room temperature; Dismukes, Ekstrom & Paff, J. Phys. Chem. 68, 3021 (1964).
SILICON_LATTICE = 5.431

# Offset of the four (001) planes of one cell along [1-10] and [110], in units of a / sqrt(2).
PLANE_OFFSETS = np.array([[0.0, 0.0], [0.0, 0.5], [0.5, 0.5], [0.5, 0.0]])

# Image x = [1-10], image y (down) = [00-1], depth = [110]: right-handed, growth upwards.
ORIENTATION_110 = np.array(
    [[np.sqrt(0.5), -np.sqrt(0.5), 0.0], [0.0, 0.0, -1.0], [np.sqrt(0.5), np.sqrt(0.5), 0.0]]
)


def stack_diamond_planes(
    heights: np.ndarray,
    indices: np.ndarray,
    *,
    period: float,
    x_range: tuple[float, float],
    thickness: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Place the atoms of a stack of (001) planes of the diamond structure.

    A column of plane 0 is at x = 0.

    Parameters
    ----------
    heights
        Image y of each plane, shape (n,), Angstrom.
    indices
        Number of each plane counted along the growth direction, shape (n,); it fixes the
        stacking.
    period
        Repeat a / sqrt(2) along [1-10] and [110], Angstrom.
    x_range
        Lowest and highest x, Angstrom.
    thickness
        Extent along the beam, Angstrom, filled from depth 0.

    Returns
    -------
    positions : numpy.ndarray
        Shape (m, 3), Angstrom, image frame.
    plane : numpy.ndarray
        Index of the plane of each atom, shape (m,).
    """
    offsets = PLANE_OFFSETS[np.asarray(indices) % 4]
    first, last = np.array(x_range) / period
    columns = np.arange(np.floor(first) - 1, np.ceil(last) + 1)
    layers = np.arange(np.ceil(thickness / period))
    count = (len(offsets), len(columns), len(layers))
    positions = np.empty((*count, 3))
    positions[..., 0] = period * (columns + offsets[:, :1])[:, :, None]
    positions[..., 1] = np.asarray(heights)[:, None, None]
    positions[..., 2] = period * (layers + offsets[:, 1:])[:, None, :]
    plane = np.broadcast_to(np.asarray(indices)[:, None, None], count)
    inside = (positions[..., 0] >= x_range[0]) & (positions[..., 0] <= x_range[1])
    inside &= positions[..., 2] < thickness
    return positions[inside], plane[inside]
