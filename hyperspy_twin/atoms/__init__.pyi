from .filling import FilledAtoms
from .model import build_model
from .neighbours import (
    Neighbours,
    find_bonds,
    find_neighbours,
    longest_bonds,
    measure_bonds,
)
from .selection import select_atoms
from .tables import COLUMNS, table_of

__all__ = [
    "COLUMNS",
    "FilledAtoms",
    "Neighbours",
    "build_model",
    "find_bonds",
    "find_neighbours",
    "longest_bonds",
    "measure_bonds",
    "select_atoms",
    "table_of",
]
