"""Layers of atoms: planes along which the composition changes least."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

# Atoms in the middle of a model, and columns among them, that show the rows of its lattice.
MOST_ATOMS = 200_000
SAMPLE = 2000
# Distance in Å within which the rows of common crystals repeat.
REACH = 8.0
# Largest angle in degrees between layers and the rows of atoms that they follow: rows of low
# indices are farther apart, and interfaces are inclined to them by a few degrees.
LARGEST_TILT = 10.0
# A vector belongs to the lattice if it starts from this part of the columns.
FREQUENT = 0.5
# Distance in Å within which vectors are one: more than strain changes them, less than a bond.
SAME_VECTOR = 0.4
# Gap in Å between the heights of the atoms of neighbouring planes. Strain and noise spread the
# heights within a plane by less than 0.1 Å; low-index planes that hold atoms are at least 0.6 Å
# apart ({004} of silicon 1.36 Å, {004} of an oxide 0.98 Å).
SMALLEST_GAP = 0.3
# Thickness in Å of the slabs into which a stack without gaps is cut: a bond of a semiconductor.
SLAB = 2.4


def layer_normal(positions: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """Find the normal of the layers along which a composition changes least.

    Layers are rows of atoms, where some run nearly across the gradient of the composition.

    Parameters
    ----------
    positions
        Positions (x, y) of atoms in Å, shape (n, 2).
    fraction
        Fraction of one element on the site of each, shape (n,).

    Returns
    -------
    numpy.ndarray
        Unit vector (x, y), shape (2,); (0, 1), or what is nearest to it among the rows, where the
        composition does not depend on position.
    """
    bins, *edges = _binned(positions, fraction)
    along_y, along_x = np.gradient(bins, *(np.diff(edge)[0] for edge in edges[::-1]))
    known = np.isfinite(along_x) & np.isfinite(along_y)
    gradients = np.stack([along_x[known], along_y[known]])
    tensor = gradients @ gradients.T
    values, vectors = np.linalg.eigh(tensor)
    steepest = vectors[:, 1] if values[1] > 1e-12 else np.array([0.0, 1.0])
    normal = _across_rows(positions, steepest)
    return normal * (-1 if normal[1] < 0 or (normal[1] == 0 and normal[0] < 0) else 1)


def _across_rows(positions: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Turn a normal by a few degrees to that of the shortest rows of atoms."""
    extent = np.ptp(positions, axis=0) * np.sqrt(MOST_ATOMS / len(positions)) / 2
    inner = np.all(np.abs(positions - np.median(positions, axis=0)) <= extent, axis=1)
    positions = positions[inner] if np.count_nonzero(inner) > SAMPLE else positions
    across, down = np.rint(positions / SAME_VECTOR).astype(np.int64).T
    columns = np.unique(down * (np.ptp(across) + 1) + across, return_index=True)[1]
    columns = positions[np.sort(columns)]
    sample = columns[:: max(1, len(columns) // SAMPLE)]
    pairs = cKDTree(sample).sparse_distance_matrix(cKDTree(columns), REACH, output_type="ndarray")
    steps = columns[pairs["j"]] - sample[pairs["i"]]
    along, across = steps @ np.array([normal[1], -normal[0]]), steps @ normal
    rows = steps[
        (along > SAME_VECTOR) & (np.abs(across) < np.tan(np.deg2rad(LARGEST_TILT)) * along)
    ]
    rows = rows[np.argsort(np.linalg.norm(rows, axis=1), kind="stable")]
    while len(rows):
        same = np.linalg.norm(rows - rows[0], axis=1) < SAME_VECTOR
        if np.count_nonzero(same) >= FREQUENT * len(sample):
            step = rows[same].mean(axis=0)
            return np.array([-step[1], step[0]]) / np.linalg.norm(step)
        rows = rows[~same]
    return normal


def find_strata(positions: np.ndarray, normal: np.ndarray, block: float) -> np.ndarray:
    """Divide atoms into pieces of layers, numbered along each layer and layer by layer.

    Parameters
    ----------
    positions
        Positions (x, y) of atoms in Å, shape (n, 2).
    normal
        Unit vector (x, y) across the layers, shape (2,).
    block
        Length of a piece in Å: that of a pixel of the composition map. What varies within it is
        left to chance, as in an alloy.

    Returns
    -------
    numpy.ndarray
        Number of the piece of each atom, int64, shape (n,).
    """
    layers = find_layers(positions @ normal)
    along = positions @ np.array([normal[1], -normal[0]])
    pieces = ((along - along.min()) // block).astype(np.int64)
    return np.unique(layers * (pieces.max() + 1) + pieces, return_inverse=True)[1]


def find_layers(heights: np.ndarray) -> np.ndarray:
    """Find the layer of each atom, numbered in the order of their heights.

    Where planes are apart, each is a layer. Where they overlap, because they are bent or seen at
    an angle, layers are slabs one bond thick.

    Parameters
    ----------
    heights
        Coordinate of each atom along the normal of the layers in Å, shape (n,).

    Returns
    -------
    numpy.ndarray
        Number of the layer of each atom, int64, shape (n,).
    """
    order = np.argsort(heights, kind="stable")
    rising = heights[order]
    stack = np.concatenate([[0], np.cumsum(np.diff(rising) > SMALLEST_GAP)])
    first = rising[np.searchsorted(stack, np.arange(stack[-1] + 1))]
    last = np.append(rising[np.searchsorted(stack, np.arange(1, stack[-1] + 1)) - 1], rising[-1])
    slabs = np.maximum(1, np.ceil((last - first) / SLAB)).astype(np.int64)
    thickness = np.where(last > first, (last - first) / slabs, 1.0)
    within = np.minimum((rising - first[stack]) // thickness[stack], slabs[stack] - 1)
    layers = np.empty(len(heights), np.int64)
    layers[order] = (np.cumsum(slabs) - slabs)[stack] + within.astype(np.int64)
    return layers


def _binned(
    positions: np.ndarray, fraction: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean fraction in squares of 1 nm, NaN where there is no atom, and the edges in x and y."""
    low, high = positions.min(axis=0), positions.max(axis=0)
    counts = np.maximum(2, np.ceil((high - low) / 10).astype(int))
    edges = [
        np.linspace(a, max(b, a + 1e-6), n + 1) for a, b, n in zip(low, high, counts, strict=True)
    ]
    total, *_ = np.histogram2d(positions[:, 1], positions[:, 0], bins=edges[::-1])
    weighted, *_ = np.histogram2d(
        positions[:, 1], positions[:, 0], bins=edges[::-1], weights=fraction
    )
    with np.errstate(invalid="ignore"):
        return weighted / np.where(total > 0, total, np.nan), edges[0], edges[1]
