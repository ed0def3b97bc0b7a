"""The lattice of a crystal, fixed in the image."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hyperspy_twin.core.crystal import Crystal
from hyperspy_twin.core.oriented_crystal import OrientedCrystal


@dataclass(frozen=True, eq=False)
class RegisteredLattice:
    """The lattice of a region, fitted to its reflections and fixed in the image.

    Attributes
    ----------
    region
        Number of the region.
    crystal
        The crystal whose sites the cell holds.
    base
        Lattice vectors a, b, c as rows in the image frame, as fitted, in Å, shape (3, 3).
    zone_axis
        Lattice direction along +z, into the screen.
    origin
        Position (x, y) of the cell's origin in nm.
    merit
        Correlation of the bright maxima of the image with the projected columns, at most 1.
    displaced
        Whether the atoms follow the measured displacement from the reference lattice.
    origin_error
        Standard error of the origin along x and y in nm, by the noise of the image; NaN where it
        is not known.
    cell_error
        Standard errors of the lattice: of position i by distance along j, shape (2, 2).
    offset
        Of the atoms of this region (x, y) in nm against the lattice that it shares with others,
        whose structure factors have other phases.
    """

    region: int
    crystal: Crystal
    base: np.ndarray
    zone_axis: tuple[int, int, int]
    origin: tuple[float, float]
    merit: float
    displaced: bool
    origin_error: tuple[float, float] = (np.nan, np.nan)
    cell_error: np.ndarray = field(default_factory=lambda: np.full((2, 2), np.nan))
    offset: tuple[float, float] = (0.0, 0.0)

    @property
    def scale(self) -> float:
        """Length in the image over that of the crystal, the cube root of the ratio of volumes."""
        return float(np.cbrt(np.linalg.det(self.base) / np.linalg.det(self.crystal.base)))

    @property
    def oriented(self) -> OrientedCrystal:
        """The crystal as it stands in the image, without the strain of the fit."""
        from scipy.linalg import polar

        # Rows of base are vectors M @ (rows of crystal.base), strained a little.
        rotation, _ = polar((np.linalg.inv(self.crystal.base) @ self.base).T)
        return OrientedCrystal(self.crystal, self.zone_axis, rotation)
