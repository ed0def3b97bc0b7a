"""The valence force field of some elements: its tables by the kinds of both atoms of a bond."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from ase.data import atomic_numbers, chemical_symbols

from hyperspy_twin.properties.keating.parameters import (
    HYDROGEN,
    HYDROGEN_MOLECULE,
    KEATING,
    MIXED,
    MODIFIED,
    PER_NEWTON_PER_METRE,
    ForceConstants,
)
from hyperspy_twin.properties.tetrahedral import TetrahedralBonds, find_tetrahedral_bonds

FieldName = Literal["keating", "modified"]
TABLES: Mapping[FieldName, Mapping[tuple[str, str], ForceConstants]] = {
    "keating": KEATING,
    "modified": MODIFIED,
}


@dataclass(frozen=True, eq=False)
class ValenceForceField:
    """Keating's valence force field, or the modified one, for some elements.

    With r the vectors of bonds and d their lengths without strain, and beta of an angle the
    geometric mean of those of its two bonds, the energy is

    sum over bonds 3 alpha (r² - d²)² / (8 d²) + sum over angles 3 beta A² / (8 d d'), where
    A = r.r' + d d' / 3; and in the modified one also, with means of the same kind,
    sum over angles 3 delta (r² - d²) (r'² - d'²) / (8 d d') + sum over pairs of angles in one plane
    that share a bond 3 nu A A' / (8 sqrt(d d' d' d'')).

    The geometric mean is exact for one compound, and gives each angle of an alloy what its two
    bonds have in their own. The other means are those of ``MIXED`` of the parameters.

    Attributes
    ----------
    numbers
        Atomic number of each kind of atom, rising, shape (k,).
    length
        Lengths of bonds without strain in Å, NaN where there are no constants, shape (k, k).
    stretch, bend, cross_stretch, coplanar
        alpha, beta, delta and nu of bonds in eV/Å², 0 where there are none, shape (k, k).
    """

    numbers: np.ndarray
    length: np.ndarray
    stretch: np.ndarray
    bend: np.ndarray
    cross_stretch: np.ndarray
    coplanar: np.ndarray

    @property
    def is_modified(self) -> bool:
        """Whether there are terms beside those of Keating."""
        return bool(self.cross_stretch.any() or self.coplanar.any())

    def species(self, numbers: np.ndarray) -> np.ndarray:
        """Row of each atom in the tables, int8, shape (n,), by the atomic numbers."""
        return np.searchsorted(self.numbers, numbers).astype(np.int8)

    def bonds(
        self, positions: np.ndarray, numbers: np.ndarray, cell: np.ndarray, pbc: Sequence[bool]
    ) -> TetrahedralBonds:
        """Find the bonds of atoms, see :func:`find_tetrahedral_bonds`.

        Raises
        ------
        ValueError
            As there; or if hydrogen has more than one bond.
        """
        bonds = find_tetrahedral_bonds(
            positions,
            cell,
            pbc,
            species=self.species(numbers),
            lengths=self.length,
            names=[chemical_symbols[one] for one in self.numbers],
        )
        shared = (np.asarray(numbers) == 1) & (bonds.count > 1)
        if shared.any():
            raise ValueError(
                f"atom {np.argmax(shared)} (H) has more than one bond ({shared.sum()} such atoms): "
                "hydrogen ends one bond"
            )
        return bonds


def choose_field(numbers: np.ndarray, name: FieldName = "keating") -> ValenceForceField:
    """Tables of the force field for the elements of a model.

    Parameters
    ----------
    numbers
        Atomic numbers, each as often as it comes, shape (n,).
    name
        ``"keating"`` for forces and elasticity, or ``"modified"`` for spectra.

    Raises
    ------
    ValueError
        If the name is unknown, or an element has no constants.
    """
    if name not in TABLES:
        raise ValueError(f"the force field is 'keating' or 'modified', not {name!r}")
    table = _with_mixed({**TABLES[name], **HYDROGEN})
    present = np.flatnonzero(np.bincount(np.asarray(numbers, int)))
    symbols = [chemical_symbols[one] for one in present]
    known = {one for pair in table for one in pair}
    unknown = [one for one in symbols if one not in known]
    if unknown:
        raise ValueError(
            f"the force field '{name}' has no constants of {', '.join(unknown)}: give an ASE "
            "calculator, as in calculator=matscipy.calculators.manybody.Manybody(...), or select "
            "the other elements"
        )
    return _tables(present, table)


def supported_elements(name: FieldName = "keating") -> tuple[str, ...]:
    """Elements that the force field has constants of, by their atomic numbers."""
    found = {one for pair in {**TABLES[name], **HYDROGEN} for one in pair}
    return tuple(sorted(found, key=lambda one: atomic_numbers[one]))


def _with_mixed(
    table: Mapping[tuple[str, str], ForceConstants],
) -> dict[tuple[str, str], ForceConstants]:
    """Table with the bonds between elements that mix, as the means of those of either."""
    found = dict(table)
    for one, other in combinations(MIXED, 2):
        if (one, one) in table and (other, other) in table:
            pair = table[one, one], table[other, other]
            found[one, other] = ForceConstants(*np.mean(pair, axis=0).tolist())
    return found


def _tables(
    numbers: np.ndarray, table: Mapping[tuple[str, str], ForceConstants]
) -> ValenceForceField:
    """Symmetric tables by the kinds of both atoms, in eV and Å."""
    row = {chemical_symbols[one]: place for place, one in enumerate(numbers)}
    length = np.full((len(numbers),) * 2, np.nan)
    constants = np.zeros((4, *length.shape))
    for (one, other), values in table.items():
        if one in row and other in row:
            for pair in ((row[one], row[other]), (row[other], row[one])):
                length[pair] = values.length
                constants[(slice(None), *pair)] = values[1:]
    if "H" in row:
        length[row["H"], row["H"]] = HYDROGEN_MOLECULE
    return ValenceForceField(numbers, length, *(PER_NEWTON_PER_METRE * constants))
