from .tetrahedral import TetrahedralBonds, find_tetrahedral_bonds
from .tight_binding import (
    SPIN_ORBITALS,
    HamiltonianBlocks,
    TightBindingParameters,
    bands,
    hamiltonian_blocks,
    tight_binding_parameters,
)

__all__ = [
    "HamiltonianBlocks",
    "SPIN_ORBITALS",
    "TetrahedralBonds",
    "TightBindingParameters",
    "bands",
    "find_tetrahedral_bonds",
    "hamiltonian_blocks",
    "tight_binding_parameters",
]
