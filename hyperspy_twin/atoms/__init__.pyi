from .filling import FilledAtoms
from .model import build_model
from .neighbours import (
    Neighbours,
    compare_deformation,
    find_bonds,
    find_neighbours,
    longest_bonds,
    measure_bonds,
    measure_deformation,
)
from .selection import select_atoms
from .tables import COLUMNS, table_of

__all__ = [
    "COLUMNS",
    "FilledAtoms",
    "Neighbours",
    "build_model",
    "compare_deformation",
    "find_bonds",
    "find_neighbours",
    "longest_bonds",
    "measure_bonds",
    "measure_deformation",
    "select_atoms",
    "table_of",
]
