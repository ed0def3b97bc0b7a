from .keating import (
    BondedAtoms,
    KeatingCalculator,
    ValenceForceField,
    bond_atoms,
    choose_field,
    supported_elements,
)
from .phonons import ForceConstants, force_constants
from .tetrahedral import TetrahedralBonds, find_tetrahedral_bonds

__all__ = [
    "BondedAtoms",
    "ForceConstants",
    "KeatingCalculator",
    "TetrahedralBonds",
    "ValenceForceField",
    "bond_atoms",
    "choose_field",
    "find_tetrahedral_bonds",
    "force_constants",
    "supported_elements",
]
