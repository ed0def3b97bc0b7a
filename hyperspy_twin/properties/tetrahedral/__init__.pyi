from .morton_order import spatial_order
from .tetrahedral_bonds import (
    LONGEST_STRETCH,
    SHORTEST_BOND,
    TetrahedralBonds,
    find_tetrahedral_bonds,
)

__all__ = [
    "LONGEST_STRETCH",
    "SHORTEST_BOND",
    "TetrahedralBonds",
    "find_tetrahedral_bonds",
    "spatial_order",
]
