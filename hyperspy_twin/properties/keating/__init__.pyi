from .bonded_atoms import BondedAtoms, bond_atoms
from .field import ValenceForceField, choose_field, supported_elements

__all__ = ["BondedAtoms", "ValenceForceField", "bond_atoms", "choose_field", "supported_elements"]
