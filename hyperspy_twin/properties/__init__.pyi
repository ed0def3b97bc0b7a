from .phonons import ForceConstants, force_constants
from .tetrahedral import TetrahedralBonds, find_tetrahedral_bonds

__all__ = ["ForceConstants", "TetrahedralBonds", "find_tetrahedral_bonds", "force_constants"]
