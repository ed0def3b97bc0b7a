from .band_structure import bands
from .blocks import P_SPIN_ORBIT, SPIN_ORBITALS, HamiltonianBlocks, hamiltonian_blocks
from .parameters import TightBindingParameters, tight_binding_parameters
from .recursion_step import Scaling, apply_hamiltonian, from_lanes, step_recursion, to_lanes
from .slater_koster import ORBITAL_COUNT

__all__ = [
    "ORBITAL_COUNT",
    "HamiltonianBlocks",
    "P_SPIN_ORBIT",
    "SPIN_ORBITALS",
    "Scaling",
    "TightBindingParameters",
    "apply_hamiltonian",
    "bands",
    "from_lanes",
    "hamiltonian_blocks",
    "step_recursion",
    "tight_binding_parameters",
    "to_lanes",
]
