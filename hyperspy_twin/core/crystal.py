"""Crystal structures: one frozen record of a unit cell with its atoms."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass
from functools import cached_property, reduce
from math import cos, gcd, radians, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import ase
    import diffpy.structure

_ELEMENT = re.compile(r"[A-Z][a-z]?")


@dataclass(frozen=True)
class Crystal:
    """One conventional unit cell with all its atoms.

    Attributes
    ----------
    name
        Name that results carry.
    lattice
        Cell lengths a, b, c in Å and angles alpha, beta, gamma in degrees.
    symbols
        Chemical symbol of each atom, length n.
    fractional
        Fractional coordinates in [0, 1) of each atom, n tuples of three.
    occupancy
        Site occupancy in (0, 1] of each atom, length n.
    space_group
        Short Hermann-Mauguin symbol; None where it is not known.
    source
        Citation or file that the structure comes from.

    Raises
    ------
    ValueError
        If the cell has no volume, holds no atom, or an entry is not physical.
    """

    name: str
    lattice: tuple[float, float, float, float, float, float]
    symbols: tuple[str, ...]
    fractional: tuple[tuple[float, float, float], ...]
    occupancy: tuple[float, ...]
    space_group: str | None = None
    source: str = ""

    def __post_init__(self) -> None:
        """Bring every field to plain hashable Python and check it."""
        fractional = np.asarray(self.fractional, float).reshape(-1, 3)
        if not len(fractional):
            raise ValueError(f"structure '{self.name}' is empty: it holds no atoms")
        if not np.isfinite(fractional).all():
            raise ValueError(f"structure '{self.name}': a coordinate is not a finite number")
        if not len(fractional) == len(self.symbols) == len(self.occupancy):
            raise ValueError(
                f"structure '{self.name}': {len(self.symbols)} symbols, {len(fractional)} "
                f"coordinates and {len(self.occupancy)} occupancies; they must be as many"
            )
        lattice = tuple(float(value) for value in self.lattice)
        _check_cell(self.name, lattice)
        if not all(0 < value <= 1 for value in self.occupancy):
            raise ValueError(f"structure '{self.name}': occupancies must lie in (0, 1]")
        wrapped = fractional - np.floor(fractional)
        wrapped[wrapped > 1 - 1e-9] = 0.0
        object.__setattr__(self, "lattice", lattice)
        object.__setattr__(self, "symbols", tuple(map(chemical_symbol, self.symbols)))
        object.__setattr__(self, "fractional", tuple(map(tuple, wrapped.tolist())))
        object.__setattr__(self, "occupancy", tuple(float(value) for value in self.occupancy))

    @cached_property
    def base(self) -> np.ndarray:
        """Rows a, b, c in Å, Cartesian, as in ``diffpy.structure.Lattice.base``; not writeable."""
        from diffpy.structure import Lattice

        base = Lattice(*self.lattice).base
        base.setflags(write=False)
        return base

    @cached_property
    def reciprocal_base(self) -> np.ndarray:
        """Rows a*, b*, c* in 1/Å, Cartesian, so that g = hkl @ these rows; not writeable."""
        reciprocal = np.linalg.inv(self.base)
        reciprocal.setflags(write=False)
        return reciprocal.T

    @property
    def numbers(self) -> np.ndarray:
        """Atomic number of each atom, int, shape (n,)."""
        from ase.data import atomic_numbers

        return np.array([atomic_numbers[symbol] for symbol in self.symbols])

    @property
    def elements(self) -> tuple[str, ...]:
        """Chemical elements, each once, in the order of the sites."""
        return tuple(dict.fromkeys(self.symbols))

    @property
    def formula(self) -> str:
        """Formula in the order of the sites, e.g. ``"SrTiO3"``."""
        amounts: Counter[str] = Counter()
        for symbol, occupancy in zip(self.symbols, self.occupancy, strict=True):
            amounts[symbol] += occupancy  # type: ignore[assignment]
        if all(abs(amount - round(amount)) < 1e-3 for amount in amounts.values()):
            divisor = reduce(gcd, (round(amount) for amount in amounts.values())) or 1
        else:
            divisor = 1
        parts = ((symbol, amount / divisor) for symbol, amount in amounts.items())
        return "".join(symbol + ("" if abs(n - 1) < 1e-3 else f"{n:.4g}") for symbol, n in parts)

    def to_json(self) -> str:
        """Whole record as one JSON string."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Crystal:
        """Record from the string that :meth:`to_json` gave."""
        return cls(**json.loads(text))

    def to_diffpy(self) -> diffpy.structure.Structure:
        """Give the same cell as ``diffpy.structure.Structure``."""
        from diffpy.structure import Atom, Lattice, Structure

        sites = zip(self.symbols, self.fractional, self.occupancy, strict=True)
        atoms = [Atom(symbol, list(xyz), occupancy=occ) for symbol, xyz, occ in sites]
        return Structure(atoms, lattice=Lattice(*self.lattice), title=self.name)

    def to_ase(self) -> ase.Atoms:
        """Give the same cell as periodic ``ase.Atoms``, with :attr:`base` as the cell.

        Raises
        ------
        ValueError
            If a site is partly occupied, which ``ase.Atoms`` cannot hold.
        """
        from ase import Atoms

        if min(self.occupancy) < 1:
            raise ValueError(
                f"'{self.name}' has partly occupied sites, which ase.Atoms cannot hold: "
                "choose an ordered structure"
            )
        return Atoms(self.symbols, scaled_positions=self.fractional, cell=self.base, pbc=True)


def _check_cell(name: str, lattice: tuple[float, ...]) -> None:
    if len(lattice) != 6 or not np.isfinite(lattice).all() or min(lattice) <= 0:
        raise ValueError(
            f"structure '{name}': the cell needs three positive lengths in Å and three positive "
            f"angles in degrees, not {lattice}"
        )
    alpha, beta, gamma = (cos(radians(angle)) for angle in lattice[3:])
    volume = 1 - alpha**2 - beta**2 - gamma**2 + 2 * alpha * beta * gamma
    if volume <= 1e-9 or max(lattice[3:]) >= 180 or sqrt(volume) < 1e-4:
        raise ValueError(f"structure '{name}': the angles {lattice[3:]} span no cell")


def chemical_symbol(label: str) -> str:
    """Chemical symbol of a label that may carry an oxidation state, e.g. ``Ti4+``."""
    from ase.data import atomic_numbers

    if label in ("D", "T"):
        return "H"
    found = _ELEMENT.match(label)
    if found and found.group() in atomic_numbers:
        return found.group()
    if found and found.group()[0] in atomic_numbers:
        return found.group()[0]
    raise ValueError(f"'{label}' names no chemical element")
