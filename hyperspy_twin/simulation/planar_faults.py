"""Crystals with planar faults."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hyperspy_twin.simulation.diamond import ORIENTATION_110


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


def fault_crystal(
    edge: float, sites: np.ndarray, cuts: Sequence[float], half: float, turn: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stack a cubic crystal along [110] with shifts by a/6 [1 -1 -2] at some (1 -1 1) planes.

    One cut is an intrinsic stacking fault, cuts at two successive planes are an extrinsic one, and
    cuts at all planes from one on make the twin of what lies before it.

    Parameters
    ----------
    edge
        Lattice constant in Å.
    sites
        Fractional coordinates of the atoms of a cell, shape (m, 3).
    cuts
        Heights of the cuts in periods of the planes from the origin, in rising order.
    half
        Half the side of the square that is filled, in Å.
    turn
        By how many degrees the crystal is turned about the beam, in the sense from x to y.

    Returns
    -------
    atoms : numpy.ndarray
        One repeat along the beam, z >= 0, around the origin, in Å, shape (n, 3).
    base : numpy.ndarray
        Lattice vectors of the side before the cuts as rows in Å, shape (3, 3).
    vector : numpy.ndarray
        Reciprocal vector of the planes in 1/Å, shape (3,).
    """
    cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    rotation = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    base = edge * (rotation @ ORIENTATION_110).T
    vector = np.linalg.inv(base) @ [1, -1, 1]
    shear = np.array([1, -1, -2]) / 6 @ base
    period = edge / np.sqrt(2)
    # Cuts of all planes shift what lies beyond by .71 of its distance, up to half a diagonal.
    far = 2 * half + 2 * edge
    count = int(np.ceil(far / edge * np.sqrt(2)))
    corners = np.array(np.meshgrid(*[np.arange(-count, count + 1)] * 3)).reshape(3, -1).T @ base
    corners = corners[(np.abs(corners) < [far, far, 2 * edge]).all(axis=1)]
    atoms = (corners[:, None] + sites @ base).reshape(-1, 3)
    atoms += np.searchsorted(cuts, atoms @ vector)[:, None] * shear
    inside = (np.abs(atoms[:, :2]) < half).all(axis=1)
    return atoms[inside & (np.abs(atoms[:, 2] - period / 2 + 1e-6) < period / 2)], base, vector
