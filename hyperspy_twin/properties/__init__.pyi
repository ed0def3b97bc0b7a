from .keating import (
    BondedAtoms,
    KeatingCalculator,
    ValenceForceField,
    bond_atoms,
    choose_field,
    supported_elements,
)
from .phonons import (
    ForceConstants,
    force_constants,
)
from .tetrahedral import (
    TetrahedralBonds,
    find_tetrahedral_bonds,
)
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
    "ForceConstants",
    "HamiltonianBlocks",
    "KeatingCalculator",
    "SPIN_ORBITALS",
    "TetrahedralBonds",
    "TightBindingParameters",
    "ValenceForceField",
    "bands",
    "bond_atoms",
    "choose_field",
    "find_tetrahedral_bonds",
    "force_constants",
    "hamiltonian_blocks",
    "supported_elements",
    "tight_binding_parameters",
]
