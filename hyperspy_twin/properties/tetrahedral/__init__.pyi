from .morton_order import spatial_order
from .tetrahedral_bonds import (
    SHORTEST_BOND,
    TetrahedralBonds,
    find_tetrahedral_bonds,
)

__all__ = [
    "SHORTEST_BOND",
    "TetrahedralBonds",
    "find_tetrahedral_bonds",
    "spatial_order",
]
