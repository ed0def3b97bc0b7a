from .bonds import LONGEST_STRETCH, find_bonds, longest_bonds, measure_bonds
from .deformation import compare_deformation, measure_deformation
from .neighbour_list import Neighbours, find_neighbours

__all__ = [
    "LONGEST_STRETCH",
    "Neighbours",
    "compare_deformation",
    "find_bonds",
    "find_neighbours",
    "longest_bonds",
    "measure_bonds",
    "measure_deformation",
]
