from .tetrahedral import TetrahedralBonds, find_tetrahedral_bonds

__all__ = ["TetrahedralBonds", "find_tetrahedral_bonds"]
