from .band_structure import bands
from .blocks import SPIN_ORBITALS, HamiltonianBlocks, hamiltonian_blocks
from .parameters import TightBindingParameters, tight_binding_parameters

__all__ = [
    "HamiltonianBlocks",
    "SPIN_ORBITALS",
    "TightBindingParameters",
    "bands",
    "hamiltonian_blocks",
    "tight_binding_parameters",
]
