from .filling import FilledAtoms
from .model import build_model
from .neighbours import (
    BondLengths,
    Neighbours,
    find_bonds,
    find_neighbours,
    longest_bonds,
    measure_bonds,
)

__all__ = [
    "BondLengths",
    "FilledAtoms",
    "Neighbours",
    "build_model",
    "find_bonds",
    "find_neighbours",
    "longest_bonds",
    "measure_bonds",
]
