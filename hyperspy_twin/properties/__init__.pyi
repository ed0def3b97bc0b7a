from .kp import (
    CONVENTIONS,
    HoleParameters,
    QuantumWell,
    beam_of,
    coupling_weights,
    hole_parameters,
    strain_splitting,
    subband_splitting,
)
from .tetrahedral import TetrahedralBonds, find_tetrahedral_bonds

__all__ = [
    "CONVENTIONS",
    "HoleParameters",
    "QuantumWell",
    "TetrahedralBonds",
    "beam_of",
    "coupling_weights",
    "find_tetrahedral_bonds",
    "hole_parameters",
    "strain_splitting",
    "subband_splitting",
]
