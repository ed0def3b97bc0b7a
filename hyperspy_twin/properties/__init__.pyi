from .density_of_states import (
    DensitySettings,
    ElectronicDensity,
    ModelHamiltonian,
    electronic_density,
    model_hamiltonian,
)
from .keating import (
    BondedAtoms,
    KeatingCalculator,
    ValenceForceField,
    bond_atoms,
    choose_field,
    supported_elements,
)
from .phonons import ForceConstants, force_constants
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
    "BondedAtoms",
    "DensitySettings",
    "ElectronicDensity",
    "ForceConstants",
    "HamiltonianBlocks",
    "KeatingCalculator",
    "ModelHamiltonian",
    "SPIN_ORBITALS",
    "TetrahedralBonds",
    "TightBindingParameters",
    "ValenceForceField",
    "bands",
    "bond_atoms",
    "choose_field",
    "electronic_density",
    "find_tetrahedral_bonds",
    "force_constants",
    "hamiltonian_blocks",
    "model_hamiltonian",
    "supported_elements",
    "tight_binding_parameters",
]
