"""Displacement of single straight dislocations along the beam in an anisotropic crystal."""

from __future__ import annotations

from itertools import product

import numpy as np

# Pairs of indices in the order of Voigt: xx, yy, zz, yz, xz, xy.
VOIGT = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])
# Of a normalised eigenvector: smaller ones belong to a degenerate, such as an isotropic, medium.
SMALLEST_NORM = 1e-6


def cubic_stiffness(
    constants: tuple[float, float, float], orientation: np.ndarray | None = None
) -> np.ndarray:
    """Stiffness of a cubic crystal in the image frame, shape (3, 3, 3, 3).

    Parameters
    ----------
    constants
        C11, C12 and C44, in any unit.
    orientation
        Image vector = matrix @ crystal vector, shape (3, 3); by default as the crystal's axes.
    """
    c11, c12, c44 = constants
    voigt = np.diag([c11 - c12] * 3 + [c44] * 3)
    voigt[:3, :3] += c12
    stiffness = np.empty((3, 3, 3, 3))
    for i, j, k, m in product(range(3), repeat=4):
        stiffness[i, j, k, m] = voigt[VOIGT[i, j], VOIGT[k, m]]
    return stiffness if orientation is None else turn_stiffness(stiffness, orientation)


def turn_stiffness(stiffness: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Stiffness in a frame whose vectors are ``rotation`` (3, 3) @ those of the old one."""
    return np.einsum("ai,bj,ck,dm,ijkm->abcd", *[rotation] * 4, stiffness, optimize=True)


def volterra_displacement(
    points: np.ndarray, burgers: np.ndarray, stiffness: np.ndarray
) -> np.ndarray:
    """Displacement by a straight dislocation along z through the origin, by Stroh's formalism.

    The displacement grows by the Burgers vector on a circuit from x to y, which is right-handed
    about z. It jumps back on the half plane behind the origin, opposite to the Burgers vector:
    a glide plane, across which a crystal stays whole.

    Parameters
    ----------
    points
        x and y, shape (n, 2).
    burgers
        Burgers vector (x, y, z), in the unit of the points.
    stiffness
        Elastic stiffness in the frame of the points, shape (3, 3, 3, 3).

    Returns
    -------
    numpy.ndarray
        u_x, u_y and u_z, shape (n, 3).

    Raises
    ------
    ValueError
        If the medium is degenerate, such as an isotropic one.

    References
    ----------
    A.N. Stroh, Phil. Mag. 3 (1958) 625.
    J.P. Hirth, J. Lothe, Theory of Dislocations, Wiley (1982), chapter 13.
    """
    angle = np.arctan2(burgers[1], burgers[0])
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    vectors, forces, roots = _stroh_eigenvectors(turn_stiffness(stiffness, turn))
    strengths = forces.T @ (turn @ burgers)
    x, y = turn[:2, :2] @ np.asarray(points, float).T
    # +0.0: on the cut itself all roots take the same side.
    logarithms = np.log(x[:, None] + roots * (y + 0.0)[:, None])
    return (logarithms * strengths @ vectors.T).imag / np.pi @ turn


def dislocate_crystal(
    positions: np.ndarray, cores: np.ndarray, burgers: np.ndarray, stiffness: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Displace atoms by several dislocations along z, whose fields add.

    Parameters
    ----------
    positions
        Of atoms, shape (n, 3).
    cores
        x and y of the dislocations before they displace each other, shape (m, 2).
    burgers
        Burgers vectors, lattice vectors of the crystal, shape (m, 3).
    stiffness
        As for :func:`volterra_displacement`.

    Returns
    -------
    positions : numpy.ndarray
        Of the displaced atoms, shape (n, 3).
    cores : numpy.ndarray
        Of the displaced dislocations, shape (m, 2).
    """
    moved, moved_cores = np.array(positions, float), np.array(cores, float)
    for number, (core, vector) in enumerate(zip(cores, burgers, strict=True)):
        moved += volterra_displacement(positions[:, :2] - core, vector, stiffness)
        others = np.arange(len(cores)) != number
        field = volterra_displacement(cores[others] - core, vector, stiffness)
        moved_cores[others] += field[:, :2]
    return moved, moved_cores


def _stroh_eigenvectors(stiffness: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Displacements and forces as columns, and roots of positive imaginary part."""
    q, r, t = stiffness[:, 0, :, 0], stiffness[:, 0, :, 1], stiffness[:, 1, :, 1]
    inverse = np.linalg.inv(t)
    matrix = np.block([[-inverse @ r.T, inverse], [r @ inverse @ r.T - q, -r @ inverse]])
    roots, found = np.linalg.eig(matrix)
    upper = roots.imag > 0
    roots, vectors, forces = roots[upper], found[:3, upper], found[3:, upper]
    norm = 2.0 * np.sum(vectors * forces, axis=0)
    size = np.linalg.norm(vectors, axis=0) * np.linalg.norm(forces, axis=0)
    if len(roots) != 3 or (np.abs(norm) < SMALLEST_NORM * size).any():
        raise ValueError("the medium is degenerate: give one that is not isotropic")
    return vectors / np.sqrt(norm), forces / np.sqrt(norm), roots
