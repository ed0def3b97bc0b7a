from .calculated_atoms import AnyAtoms, calculated_atoms
from .density_of_states import (
    DensitySettings,
    ElectronicDensity,
    ModelHamiltonian,
    electronic_density,
    model_hamiltonian,
)
from .force_check import (
    CheckedAtoms,
    Evidence,
    MeasuredNoise,
    Suspect,
    check_forces,
    mean_per_column,
    mean_per_pixel,
    name_cause,
    site_fractions,
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
    "CheckedAtoms",
    "DensitySettings",
    "ElectronicDensity",
    "Evidence",
    "ForceConstants",
    "HamiltonianBlocks",
    "KeatingCalculator",
    "MeasuredNoise",
    "Mode",
    "ModelHamiltonian",
    "Relaxation",
    "SPIN_ORBITALS",
    "Suspect",
    "TetrahedralBonds",
    "TightBindingParameters",
    "ValenceForceField",
    "bands",
    "bond_atoms",
    "calculated_atoms",
    "check_forces",
    "choose_field",
    "elastic_constants",
    "electronic_density",
    "find_tetrahedral_bonds",
    "force_constants",
    "hamiltonian_blocks",
    "mean_per_column",
    "mean_per_pixel",
    "model_hamiltonian",
    "name_cause",
    "relax_atoms",
    "site_fractions",
    "summarise_displacements",
    "supported_elements",
    "tight_binding_parameters",
]
