"""Alloys of two compounds: families of crystals whose composition x may take any value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import Crystal
from hyperspy_twin.crystals.structures import catalogue

# Of the family where x is not known: no end is preferred.
HALF = 0.5
_AMOUNT = r"(?:\d+\.\d+|\d+|\.\d+)"
# Compositions in a name carry few digits, so that they add to 1 only to about one of them.
SUM_TOLERANCE = 0.006


@dataclass(frozen=True)
class AlloyFamily:
    """Alloys of two bundled crystals, in which one element takes the place of another.

    Attributes
    ----------
    name
        Name that results carry, such as ``"Si1-xGex"``.
    aliases
        Other names.
    ends
        Names of the bundled crystals of x = 0 and of x = 1.
    replaced, replacing
        The element that x = 0 holds, and the one that x = 1 holds in its place.
    bowing
        Of the lattice constant in Å: a(x) = (1 - x) a(0) + x a(1) - bowing x (1 - x).
    source
        Citation of the bowing.
    """

    name: str
    aliases: tuple[str, ...]
    ends: tuple[str, str]
    replaced: str
    replacing: str
    bowing: float
    source: str

    @property
    def elements(self) -> frozenset[str]:
        """Elements of both ends."""
        return frozenset(element for end in self.ends for element in catalogue.get(end).elements)

    def lattice_constant(self, x: float) -> float:
        """Lattice constant in Å of the relaxed alloy, by Vegard's law with bowing."""
        first, last = (catalogue.get(end).lattice[0] for end in self.ends)
        return float((1 - x) * first + x * last - self.bowing * x * (1 - x))

    def composition(self, lattice_constant: float) -> float:
        """Composition x of a lattice constant in Å; below 0 or above 1 beyond those of the ends."""
        first, last = (catalogue.get(end).lattice[0] for end in self.ends)
        linear = last - first - self.bowing
        missing = first - lattice_constant
        # The root that stays finite for a vanishing bowing; the law is monotonic from 0 to 1, and a
        # constant beyond what any x gives is that of the nearest extreme.
        discriminant = max(0.0, linear**2 - 4 * self.bowing * missing)
        return float(-2 * missing / (linear + np.sign(linear) * np.sqrt(discriminant)))

    def slope(self, x: float) -> float:
        """Change of the lattice constant with x, in Å."""
        first, last = (catalogue.get(end).lattice[0] for end in self.ends)
        return float(last - first - self.bowing * (1 - 2 * x))

    def crystal(self, x: float = HALF, name: str | None = None) -> Crystal:
        """Crystal of a composition, with both elements on the mixed sites.

        Raises
        ------
        ValueError
            If x is not from 0 to 1.
        """
        if not 0 <= x <= 1:
            raise ValueError(f"the composition x of {self.name} is from 0 to 1, not {x}")
        pure = catalogue.get(self.ends[0])
        sites = []
        for symbol, xyz in zip(pure.symbols, pure.fractional, strict=True):
            shares: tuple[tuple[str, float], ...] = ((symbol, 1.0),)
            if symbol == self.replaced:
                shares = ((self.replaced, 1 - x), (self.replacing, x))
            sites += [(element, xyz, share) for element, share in shares if share > 0]
        symbols, fractional, occupancy = zip(*sites, strict=True)
        # The alloy is disordered on both sublattices, so that the space group stays.
        return Crystal(
            name=name or self.name,
            lattice=(self.lattice_constant(x),) * 3 + (90.0,) * 3,
            symbols=symbols,
            fractional=fractional,
            occupancy=occupancy,
            space_group=pure.space_group,
            source=self.source,
        )


_VURGAFTMAN = "Vurgaftman, Meyer & Ram-Mohan, J. Appl. Phys. 89 (2001) 5815"
# Lattice constants of the III-V alloys follow Vegard's law without bowing: table XII ff. of the
# source. That of Si(1-x)Ge(x) is 5.431 + 0.20 x + 0.027 x**2 Å.
FAMILIES = (
    AlloyFamily(
        "Si1-xGex",
        ("SiGe", "SixGe1-x"),
        ("Si", "Ge"),
        "Si",
        "Ge",
        0.027,
        "Dismukes, Ekstrom & Paff, J. Phys. Chem. 68 (1964) 3021",
    ),
    AlloyFamily(
        "InxGa1-xAs", ("InGaAs", "Ga1-xInxAs"), ("GaAs", "InAs"), "Ga", "In", 0.0, _VURGAFTMAN
    ),
    AlloyFamily("InAs1-xSbx", ("InAsSb",), ("InAs", "InSb"), "As", "Sb", 0.0, _VURGAFTMAN),
    AlloyFamily(
        "AlxGa1-xAs", ("AlGaAs", "Ga1-xAlxAs"), ("GaAs", "AlAs"), "Ga", "Al", 0.0, _VURGAFTMAN
    ),
    AlloyFamily("GaAs1-xPx", ("GaAsP",), ("GaAs", "GaP"), "As", "P", 0.0, _VURGAFTMAN),
)


def names(*, aliases: bool = False) -> tuple[str, ...]:
    """Names of the families, with their other names if ``aliases``."""
    found = tuple(family.name for family in FAMILIES)
    if not aliases:
        return found
    return (*found, *(alias for family in FAMILIES for alias in family.aliases))


def family_of(crystal: Crystal | str) -> AlloyFamily | None:
    """Family of an alloy whose composition is open, by its name; None for any other crystal."""
    name = crystal if isinstance(crystal, str) else crystal.name
    return next((one for one in FAMILIES if name in (one.name, *one.aliases)), None)


def family_of_member(crystal: Crystal) -> AlloyFamily | None:
    """Family of an alloy, whether its composition is open or its name states it."""
    for family in FAMILIES:
        if crystal.name == family.name:
            return family
        if crystal.source == family.source and set(crystal.elements) == family.elements:
            return family
    return None


def find(name: str) -> Crystal | None:
    """Crystal of a family (``"Si1-xGex"``) or of a stated composition (``"Si0.3Ge0.7"``), or None.

    Raises
    ------
    ValueError
        If the amounts of a stated composition do not add to whole formula units.
    """
    family = family_of(name)
    if family is not None:
        return family.crystal()
    for family in FAMILIES:
        x = _stated_composition(family, name)
        if x is not None:
            return family.crystal(x, name)
    return None


def with_elements(elements: Iterable[str]) -> tuple[Crystal, ...]:
    """Families made of nothing but these elements, each as :func:`find` gives it."""
    allowed = set(elements)
    return tuple(family.crystal() for family in FAMILIES if family.elements <= allowed)


def _stated_composition(family: AlloyFamily, name: str) -> float | None:
    """Composition that a formula such as ``In0.53Ga0.47As`` states; None for another formula."""
    parts = re.findall(rf"([A-Z][a-z]?)({_AMOUNT})?", name)
    if "".join(symbol + amount for symbol, amount in parts) != name or not parts:
        return None
    amounts = {symbol: float(amount or 1) for symbol, amount in parts}
    if len(amounts) != len(parts) or set(amounts) != family.elements:
        return None
    if not any("." in amount for _, amount in parts):
        return None  # an ordered compound
    total = amounts[family.replaced] + amounts[family.replacing]
    others = [v for k, v in amounts.items() if k not in (family.replaced, family.replacing)]
    if abs(total - 1) > SUM_TOLERANCE or any(one != 1 for one in others):
        raise ValueError(
            f"'{name}': the amounts of {family.replaced} and {family.replacing} in "
            f"{family.name} add to 1, not to {total:.4g}"
        )
    return amounts[family.replacing] / total
