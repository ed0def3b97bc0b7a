from .bonds import find_bonds, longest_bonds, measure_bonds
from .neighbour_list import Neighbours, find_neighbours

__all__ = [
    "Neighbours",
    "find_bonds",
    "find_neighbours",
    "longest_bonds",
    "measure_bonds",
]
