from .keating import (
    BondedAtoms,
    KeatingCalculator,
    ValenceForceField,
    bond_atoms,
    choose_field,
    supported_elements,
)
from .tetrahedral import TetrahedralBonds, find_tetrahedral_bonds

__all__ = [
    "BondedAtoms",
    "KeatingCalculator",
    "TetrahedralBonds",
    "ValenceForceField",
    "bond_atoms",
    "choose_field",
    "find_tetrahedral_bonds",
    "supported_elements",
]
