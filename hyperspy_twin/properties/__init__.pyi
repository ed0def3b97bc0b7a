from .keating import BondedAtoms, ValenceForceField, bond_atoms, choose_field, supported_elements
from .tetrahedral import TetrahedralBonds, find_tetrahedral_bonds

__all__ = [
    "BondedAtoms",
    "TetrahedralBonds",
    "ValenceForceField",
    "bond_atoms",
    "choose_field",
    "find_tetrahedral_bonds",
    "supported_elements",
]
