from .bonded_atoms import BondedAtoms, bond_atoms
from .calculator import KeatingCalculator
from .field import ValenceForceField, choose_field, supported_elements

__all__ = [
    "BondedAtoms",
    "KeatingCalculator",
    "ValenceForceField",
    "bond_atoms",
    "choose_field",
    "supported_elements",
]
