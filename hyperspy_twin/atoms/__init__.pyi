from .filling import FilledAtoms
from .model import AlongBeam, build_model
from .neighbours import (
    Neighbours,
    compare_deformation,
    find_bonds,
    find_neighbours,
    longest_bonds,
    measure_bonds,
    measure_deformation,
)
from .passivation import find_hydrogen
from .selection import select_atoms
from .tables import COLUMNS, ERROR_COLUMNS, table_of

__all__ = [
    "AlongBeam",
    "COLUMNS",
    "ERROR_COLUMNS",
    "FilledAtoms",
    "Neighbours",
    "build_model",
    "compare_deformation",
    "find_bonds",
    "find_hydrogen",
    "find_neighbours",
    "longest_bonds",
    "measure_bonds",
    "measure_deformation",
    "select_atoms",
    "table_of",
]
