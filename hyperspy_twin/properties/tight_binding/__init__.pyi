from .band_structure import bands
from .blocks import P_SPIN_ORBIT, SPIN_ORBITALS, HamiltonianBlocks, hamiltonian_blocks
from .slater_koster import ORBITAL_COUNT
from .parameters import TightBindingParameters, tight_binding_parameters

__all__ = [
    "ORBITAL_COUNT",
    "HamiltonianBlocks",
    "P_SPIN_ORBIT",
    "SPIN_ORBITALS",
    "TightBindingParameters",
    "bands",
    "hamiltonian_blocks",
    "tight_binding_parameters",
]
