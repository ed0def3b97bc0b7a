from .calculated_atoms import AnyAtoms, calculated_atoms
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
from .relaxation import (
    Mode,
    Relaxation,
    elastic_constants,
    relax_atoms,
    summarise_displacements,
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
    "AnyAtoms",
    "BondedAtoms",
    "DensitySettings",
    "ElectronicDensity",
    "ForceConstants",
    "HamiltonianBlocks",
    "KeatingCalculator",
    "Mode",
    "ModelHamiltonian",
    "Relaxation",
    "SPIN_ORBITALS",
    "TetrahedralBonds",
    "TightBindingParameters",
    "ValenceForceField",
    "bands",
    "bond_atoms",
    "calculated_atoms",
    "choose_field",
    "elastic_constants",
    "electronic_density",
    "find_tetrahedral_bonds",
    "force_constants",
    "hamiltonian_blocks",
    "model_hamiltonian",
    "relax_atoms",
    "summarise_displacements",
    "supported_elements",
    "tight_binding_parameters",
]
