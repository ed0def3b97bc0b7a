"""What is really in a sample micrograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Truth:
    """The truth of a sample micrograph.

    The maps are sampled where each pixel looked, drift included; the atoms are those of the
    sample at rest, before tilt, drift and jitter, and reach a little beyond the field of view.

    Attributes
    ----------
    labels
        Region of each pixel, shape (rows, columns); 0 is vacuum or unassigned.
    phases
        Phase of each label; ``"amorphous"`` where there is no crystal.
    zone_axes
        Lattice direction along the beam of each label; absent where there is no crystal, and
        where the crystal is near no low-index zone axis.
    orientations
        Matrix (3, 3) of each crystalline label: image vector = matrix @ crystal vector.
    strain
        Maps ``e_xx``, ``e_yy``, ``e_xy`` (Lagrangian) and ``rotation`` (degrees, positive
        counter-clockwise on the screen), shape (rows, columns), relative to the ``reference``
        region's unstrained lattice; NaN where there is no crystal.
    positions
        Atoms (x right, y down, z depth), shape (n, 3), Angstrom from the first pixel's centre.
    numbers
        Atomic numbers, shape (n,).
    reference
        Label that the strain is relative to.
    """

    labels: np.ndarray
    phases: dict[int, str]
    zone_axes: dict[int, tuple[int, int, int]]
    orientations: dict[int, np.ndarray]
    strain: dict[str, np.ndarray]
    positions: np.ndarray
    numbers: np.ndarray
    reference: int

    def __post_init__(self) -> None:
        """Protect the arrays: one truth is shared by all who ask for it."""
        arrays = [self.labels, self.positions, self.numbers]
        for array in [*arrays, *self.strain.values(), *self.orientations.values()]:
            array.setflags(write=False)
