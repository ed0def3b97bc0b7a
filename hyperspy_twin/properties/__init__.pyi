from .density_of_states import (
    DensitySettings,
    ElectronicDensity,
    ModelHamiltonian,
    electronic_density,
    model_hamiltonian,
)
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
    "DensitySettings",
    "ElectronicDensity",
    "HamiltonianBlocks",
    "ModelHamiltonian",
    "SPIN_ORBITALS",
    "TetrahedralBonds",
    "TightBindingParameters",
    "bands",
    "electronic_density",
    "find_tetrahedral_bonds",
    "hamiltonian_blocks",
    "model_hamiltonian",
    "tight_binding_parameters",
]
