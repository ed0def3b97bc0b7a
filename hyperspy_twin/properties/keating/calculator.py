"""The valence force field as a calculator of ASE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from hyperspy_twin.properties.keating.bonded_atoms import BondedAtoms, bond_atoms
from hyperspy_twin.properties.keating.field import FieldName

if TYPE_CHECKING:
    from ase import Atoms


class KeatingCalculator(Calculator):
    """Keating's valence force field for ASE.

    For atoms with four bonds in their crystal: Si, Ge, Sn and their alloys, diamond, III-V
    compounds and their alloys, CdTe, and hydrogen at the ends of bonds of Si and Ge; see
    :func:`~hyperspy_twin.properties.supported_elements`. Atoms at surfaces and in cores have the
    bonds that there are. Bonds are found at the first calculation, and again when an atom has left
    one of them or the atoms are others.

    Parameters
    ----------
    field
        ``"keating"`` for forces and elasticity, or ``"modified"``, which has the phonons of Si and
        Ge within about 2 % but C12 50 % too high.
    **options
        Passed to :class:`ase.calculators.calculator.Calculator`.

    References
    ----------
    P. N. Keating, Phys. Rev. 145 (1966) 637; R. M. Martin, Phys. Rev. B 1 (1970) 4005; Z. Sui, I.
    P. Herman, Phys. Rev. B 48 (1993) 17938; A. Paul, M. Luisier, G. Klimeck, J. Comput. Electron. 9
    (2010) 160.
    """

    implemented_properties = ["energy", "energies", "free_energy", "forces", "stress", "stresses"]
    default_parameters: dict[str, Any] = {}
    nolabel = True

    def __init__(self, field: FieldName = "keating", **options: Any) -> None:
        super().__init__(**options)
        self._field: FieldName = field
        self._bonded: tuple[np.ndarray, np.ndarray, BondedAtoms] | None = None

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Calculate energies in eV, forces in eV/Å and, where wanted, stresses in eV/Å³.

        Parameters
        ----------
        atoms, properties, system_changes
            As ASE gives them.

        Raises
        ------
        ValueError
            As :func:`~hyperspy_twin.properties.bond_atoms`.
        ase.calculators.calculator.PropertyNotImplementedError
            If the stress of atoms without a cell is wanted.
        """
        super().calculate(atoms, properties, system_changes)
        bonded = self._bond(self.atoms)
        positions = self.atoms.positions
        energy, force = bonded.forces(positions)
        self.results["energy"] = self.results["free_energy"] = float(energy.sum())
        self.results["energies"], self.results["forces"] = energy, force
        if "stress" in properties or "stresses" in properties:
            if self.atoms.cell.rank < 3:
                raise PropertyNotImplementedError("a stress needs a cell of three vectors")
            virial = full_3x3_to_voigt_6_stress(bonded.virials(positions))
            self.results["stresses"] = virial / self.atoms.get_volume()
            self.results["stress"] = self.results["stresses"].sum(axis=0)

    def _bond(self, atoms: Atoms) -> BondedAtoms:
        """Bonds of the atoms: the known ones, where these atoms still have them."""
        if self._bonded is not None:
            numbers, pbc, bonded = self._bonded
            if np.array_equal(numbers, atoms.numbers) and np.array_equal(pbc, atoms.pbc):
                bonded = bonded.in_box(atoms.cell.array)
                if not bonded.broken(atoms.positions).any():
                    self._bonded = numbers, pbc, bonded
                    return bonded
        self._bonded = None
        bonded = bond_atoms(
            atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc, self._field
        )
        self._bonded = atoms.numbers.copy(), atoms.pbc.copy(), bonded
        return bonded
