"""Energy, forces and stress of atoms in a valence force field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hyperspy_twin.atoms import LONGEST_STRETCH
from hyperspy_twin.core import run_in_parts
from hyperspy_twin.properties.keating.field import FieldName, ValenceForceField, choose_field
from hyperspy_twin.properties.keating.kernels import (
    add_modified_gradients,
    find_partners,
    keating_gradients,
    mark_broken,
    sum_forces,
    sum_virials,
)
from hyperspy_twin.properties.tetrahedral import SHORTEST_BOND, TetrahedralBonds

# Cosine of the largest angle between bonds that count as opposite: half way, in the cosine, from
# the staggered bonds of diamond (1) to the nearest ones of eclipsed tetrahedra, as in wurtzite and
# at twins (5/9).
OPPOSITE = 7 / 9


@dataclass(frozen=True, eq=False)
class BondedAtoms:
    """Atoms whose bonds are known and stay the same while they move.

    Attributes
    ----------
    field
        The force field.
    bonds
        The bonds.
    species
        Row of each atom in the tables of the field, int8, shape (n,).
    partner
        In the modified force field, for bond s of an atom and its bond t, the bond of the neighbour
        along s that is opposite to t, or -1, int8, shape (n, 4, 4); otherwise empty.
    """

    field: ValenceForceField
    bonds: TetrahedralBonds
    species: np.ndarray
    partner: np.ndarray

    def __len__(self) -> int:
        """Give the number of atoms."""
        return len(self.species)

    def forces(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energy of each atom and forces.

        Parameters
        ----------
        positions
            Positions in Å, shape (n, 3).

        Returns
        -------
        energy, force : numpy.ndarray
            In eV, shape (n,), and in eV/Å, shape (n, 3). An atom has half the energy of each of its
            bonds, and that of the angles at it. The same for any number of threads.
        """
        energy = self._gradients(positions)
        force = np.empty((len(self), 3))
        bonds = self.bonds
        run_in_parts(
            lambda a, b: sum_forces(a, b, bonds.index, bonds.reverse, self._gradient, force),
            len(self),
        )
        return energy, force

    def total(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy of all atoms in eV, and forces in eV/Å, shape (n, 3)."""
        energy, force = self.forces(positions)
        return float(energy.sum()), force

    def virials(self, positions: np.ndarray) -> np.ndarray:
        """Differentiate each atom's energy by a uniform strain: in eV, shape (n, 3, 3).

        Their sum over the volume is the stress, positive under tension.
        """
        self._gradients(positions)
        vectors, virial = self.bonds.vectors(positions), np.empty((len(self), 3, 3))
        run_in_parts(lambda a, b: sum_virials(a, b, vectors, self._gradient, virial), len(self))
        return 0.5 * (virial + virial.transpose(0, 2, 1))

    def broken(self, positions: np.ndarray) -> np.ndarray:
        """Mark atoms with a bond of a length at which none is found, shape (n,)."""
        broken, bonds = np.empty(len(self), bool), self.bonds
        positions = np.ascontiguousarray(positions, float)
        run_in_parts(
            lambda a, b: mark_broken(
                a,
                b,
                bonds.index,
                bonds.shift,
                bonds.cell,
                self.species,
                self._tables,
                (SHORTEST_BOND, LONGEST_STRETCH),
                positions,
                broken,
            ),
            len(self),
        )
        return broken

    def in_box(self, cell: np.ndarray) -> BondedAtoms:
        """Return the same bonds in a box that has changed its shape, shape (3, 3) in Å."""
        if np.array_equal(cell, self.bonds.cell):
            return self
        return replace(self, bonds=replace(self.bonds, cell=np.array(cell, float)))

    def _gradients(self, positions: np.ndarray) -> np.ndarray:
        """Energy of each atom; the derivatives by its bonds go to the scratch array."""
        positions = np.ascontiguousarray(positions, float)
        if positions.shape != (len(self), 3):
            raise ValueError(f"positions have the shape ({len(self)}, 3), not {positions.shape}")
        energy, bonds, gradient = np.empty(len(self)), self.bonds, self._gradient
        run_in_parts(
            lambda a, b: keating_gradients(
                a,
                b,
                bonds.index,
                bonds.shift,
                bonds.cell,
                self.species,
                self._tables,
                positions,
                energy,
                gradient,
            ),
            len(self),
        )
        if len(self.partner):
            vectors = bonds.vectors(positions)
            run_in_parts(
                lambda a, b: add_modified_gradients(
                    a,
                    b,
                    bonds.index,
                    self.partner,
                    self.species,
                    self._modified_tables,
                    vectors,
                    energy,
                    gradient,
                ),
                len(self),
            )
        return energy

    @cached_property
    def _gradient(self) -> np.ndarray:
        """Scratch: derivatives of each atom's energy by the vectors of its bonds."""
        return np.empty((len(self), 4, 3))

    @cached_property
    def _tables(self) -> np.ndarray:
        """Length, and factors of bonds and, as a product of two, of angles; shape (k, k, 3)."""
        field = self.field
        length = np.nan_to_num(field.length, nan=1.0)
        stretch = 3 * field.stretch / (8 * length**2)
        return np.stack([length, stretch, np.sqrt(3 / 8 * field.bend) / length], axis=-1)

    @cached_property
    def _modified_tables(self) -> np.ndarray:
        """Length, and factors of stretched pairs and of angles in a plane; shape (k, k, 3)."""
        field = self.field
        length = np.nan_to_num(field.length, nan=1.0)
        parts = [np.sqrt(3 / 8 * one) / length for one in (field.cross_stretch, field.coplanar)]
        return np.stack([length, *parts], axis=-1)


def bond_atoms(
    positions: np.ndarray,
    numbers: np.ndarray,
    cell: np.ndarray,
    pbc: Sequence[bool],
    name: FieldName = "keating",
) -> BondedAtoms:
    """Find the bonds of atoms, and the force field of their elements.

    Parameters
    ----------
    positions, numbers
        Positions in Å, shape (n, 3), and atomic numbers, shape (n,).
    cell, pbc
        Box vectors as rows in Å, shape (3, 3), and whether the box repeats along each of them.
    name
        ``"keating"``, or ``"modified"`` for spectra.

    Raises
    ------
    ValueError
        If an element has no constants, atoms overlap or have no bond, two atoms that are as near as
        a bond have no constants together, a bond meets its own atom's image, or a position is not
        finite.
    """
    field = choose_field(numbers, name)
    bonds = field.bonds(positions, numbers, cell, pbc)
    partner = np.empty((0, 4, 4), np.int8)
    if field.is_modified:
        partner = np.empty((len(bonds), 4, 4), np.int8)
        vectors = bonds.vectors(positions)
        run_in_parts(
            lambda a, b: find_partners(
                a, b, bonds.index, bonds.reverse, vectors, OPPOSITE, partner
            ),
            len(bonds),
        )
    return BondedAtoms(field, bonds, field.species(numbers), partner)
