from .band_structure import bands
from .blocks import P_SPIN_ORBIT, SPIN_ORBITALS, HamiltonianBlocks, hamiltonian_blocks
from .parameters import TightBindingParameters, tight_binding_parameters

__all__ = [
    "HamiltonianBlocks",
    "P_SPIN_ORBIT",
    "SPIN_ORBITALS",
    "TightBindingParameters",
    "bands",
    "hamiltonian_blocks",
    "tight_binding_parameters",
]
