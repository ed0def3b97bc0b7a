"""Amorphous matter by random sequential packing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import UNITS_PER_CUBIC_ANGSTROM, place_apart


@dataclass(frozen=True)
class Glass:
    """An amorphous material.

    Attributes
    ----------
    numbers
        Atomic numbers of one formula unit.
    molar_mass
        Of the formula unit, in g/mol.
    density
        In g/cm³.
    closest
        Smallest distance between two atoms, in Angstrom.
    """

    numbers: tuple[int, ...]
    molar_mass: float
    density: float
    closest: float

    @property
    def atoms_per_volume(self) -> float:
        """Atoms per cubic Angstrom."""
        return self.density / self.molar_mass * len(self.numbers) * UNITS_PER_CUBIC_ANGSTROM


# Densities are typical of evaporated carbon, vitreous silica and amorphous germanium films;
# the smallest distances are the shortest bonds, a little less in germanium.
GLASSES = {
    "C": Glass((6,), 12.011, 2.0, 1.42),
    "SiO2": Glass((14, 8, 8), 60.084, 2.20, 1.60),
    "Ge": Glass((32,), 72.630, 5.1, 2.30),
}


def fill_glass(
    low: tuple[float, float, float],
    high: tuple[float, float, float],
    *,
    glass: Glass,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Fill a box with an amorphous material at its density.

    Random sequential packing: density, composition and smallest distance are right, bond angles
    and the network are not, which a projection through many atoms hardly shows.

    Parameters
    ----------
    low, high
        Corners of the box, Angstrom.
    glass
        The material.
    random
        Random numbers.

    Returns
    -------
    positions : numpy.ndarray
        Shape (n, 3), Angstrom.
    numbers : numpy.ndarray
        Atomic numbers, shape (n,).

    References
    ----------
    B. Widom, J. Chem. Phys. 44 (1966) 3888.
    """
    size = np.subtract(high, low)
    placed = np.empty((round(float(np.prod(size)) * glass.atoms_per_volume), 3))
    edge = np.full(3, glass.closest / np.sqrt(3))
    cells = np.full(np.ceil(size / edge).astype(int) + 1, -1, np.int32)
    count = 0
    while count < len(placed):
        trials = random.random((len(placed), 3)) * size
        count = place_apart(trials, placed, cells, edge, count, glass.closest, False)
    numbers = random.permutation(np.resize(glass.numbers, len(placed)))
    return placed + low, numbers
