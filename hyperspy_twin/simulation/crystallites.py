"""Faceted metal crystallites, and how they are turned."""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.spatial.transform import Rotation

# Distance of the {100} facets over that of the {111} facets: surface energies of gold in Wulff's
# construction; Marks, Rep. Prog. Phys. 57, 603 (1994).
FACET_RATIO = 1.15
# Radians. Root-mean-square lean of a crystallite out of its zone axis along either direction.
LEAN = 3e-3


def cut_octahedron(lattice: float, radius: float) -> np.ndarray:
    """Cut a truncated octahedron with {111} and {100} facets from a face-centred cubic crystal.

    The {100} facets are 1.15 times as far out as the {111} facets.

    Parameters
    ----------
    lattice
        Lattice parameter, Angstrom.
    radius
        Distance of the {100} facets from the centre, Angstrom.

    Returns
    -------
    numpy.ndarray
        Positions in the crystal's axes about the centre, shape (n, 3), Angstrom.

    References
    ----------
    L.D. Marks, Rep. Prog. Phys. 57 (1994) 603.
    """
    reach = int(np.ceil(radius / lattice)) + 1
    cells = np.array(list(product(range(-reach, reach + 1), repeat=3)))
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    points = np.abs(lattice * (cells[:, None] + basis).reshape(-1, 3))
    inside = (points.max(axis=1) <= radius) & (
        points.sum(axis=1) <= np.sqrt(3) * radius / FACET_RATIO
    )
    return lattice * (cells[:, None] + basis).reshape(-1, 3)[inside]


def turn_along_beam(direction: tuple[float, ...], random: np.random.Generator) -> np.ndarray:
    """Draw a rotation that sends a crystal direction along the beam, up to a few mrad.

    Parameters
    ----------
    direction
        In the crystal's axes.
    random
        For the in-plane angle and the lean out of the beam, 3 mrad along each axis.

    Returns
    -------
    numpy.ndarray
        Shape (3, 3), image vector = matrix @ crystal vector.
    """
    beam = np.asarray(direction, float) / np.linalg.norm(direction)
    across = np.cross(beam, np.eye(3)[np.argmin(np.abs(beam))])
    across /= np.linalg.norm(across)
    aligned = np.array([across, np.cross(beam, across), beam])
    angles = [*(LEAN * random.standard_normal(2)), random.uniform(0, 2 * np.pi)]
    return Rotation.from_euler("xyz", angles).as_matrix() @ aligned
