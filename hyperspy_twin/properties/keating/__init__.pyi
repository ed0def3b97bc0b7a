from .bonded_atoms import BondedAtoms, bond_atoms
from .calculator import KeatingCalculator
from .field import FieldName, ValenceForceField, choose_field, supported_elements

__all__ = [
    "BondedAtoms",
    "FieldName",
    "KeatingCalculator",
    "ValenceForceField",
    "bond_atoms",
    "choose_field",
    "supported_elements",
]
