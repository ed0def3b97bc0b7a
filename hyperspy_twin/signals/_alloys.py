"""Alloys by the names that users give, as the analysis of layers needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hyperspy_twin.core import Crystal
    from hyperspy_twin.crystals import AlloyFamily
    from hyperspy_twin.strain import CubicAlloy

# Composition in the middle of a family.
HALF = 0.5
# Compositions that are tabulated. Strain that leads beyond is far from any alloy.
COMPOSITIONS = np.linspace(-0.5, 1.5, 401)
# Relative difference of the edges of a cubic cell.
CUBIC = 1e-4


def cubic_alloy(system: str) -> tuple[AlloyFamily, CubicAlloy]:
    """Family of alloys by its name, and the lattice constants and stiffness of its members.

    Raises
    ------
    ValueError
        If no family has the name.
    """
    from hyperspy_twin.crystals import alloy_stiffness, alloys, family_of
    from hyperspy_twin.strain import CubicAlloy

    family = family_of(system)
    if family is None:
        known = ", ".join((one.aliases or (one.name,))[0] for one in alloys.FAMILIES)
        raise ValueError(f"there is no system {system!r}: choose one of {known}")
    constants = np.array([family.lattice_constant(x) for x in COMPOSITIONS])
    stiffness = alloy_stiffness(family, COMPOSITIONS)
    return family, CubicAlloy(family.name, COMPOSITIONS, constants, stiffness)


def substrate_constant(family: AlloyFamily, given: float | str) -> float:
    """Lattice constant in Å of a substrate that is named, or is a composition of the family.

    Raises
    ------
    ValueError
        If the composition is not from 0 to 1, or the crystal is not known or not cubic.
    """
    from hyperspy_twin.crystals import as_crystal

    if isinstance(given, str):
        return cubic_constant(as_crystal(given))
    return family.crystal(float(given)).lattice[0]


def cubic_constant(crystal: Crystal) -> float:
    """Lattice constant of a cubic crystal in Å.

    Raises
    ------
    ValueError
        If it is not cubic.
    """
    a, b, c, *angles = crystal.lattice
    if np.ptp([a, b, c]) > CUBIC * a or np.ptp([*angles, 90.0]) > CUBIC * 90.0:
        raise ValueError(f"{crystal.name} is not cubic: composition() is for cubic crystals")
    return float(a)
