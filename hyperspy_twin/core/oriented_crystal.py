"""A crystal as it stands in the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core.constants import ANGSTROM_PER_NM
from hyperspy_twin.core.crystal import Crystal


@dataclass(frozen=True, eq=False)
class OrientedCrystal:
    """A crystal with its zone axis and its orientation in the image.

    Attributes
    ----------
    crystal
        The crystal.
    zone_axis
        Lattice direction [uvw] along +z, into the screen.
    orientation
        Proper rotation M, shape (3, 3): image vector (x right, y down, z into the screen) = M @
        vector in the Cartesian frame of ``crystal.base``. A zeroth-order Laue zone repeats after
        half a turn, so that M and M turned by 180 degrees about z cannot be told apart.
    """

    crystal: Crystal
    zone_axis: tuple[int, int, int]
    orientation: np.ndarray

    def reciprocal_vectors(self, hkl: np.ndarray) -> np.ndarray:
        """In-plane components (x, y) of reflections, shape (n, 3), in 1/nm, shape (n, 2)."""
        g = hkl @ self.crystal.reciprocal_base * ANGSTROM_PER_NM
        return (g @ self.orientation.T)[..., :2]
