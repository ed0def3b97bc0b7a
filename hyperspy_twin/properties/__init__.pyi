from .kp import (
    CONVENTIONS,
    EDGES,
    HoleParameters,
    LayerProfile,
    QuantumWell,
    beam_of,
    coupling_weights,
    edges_of_layers,
    hole_parameters,
    strain_splitting,
    strained_edges,
    subband_splitting,
)
from .tetrahedral import TetrahedralBonds, find_tetrahedral_bonds

__all__ = [
    "CONVENTIONS",
    "EDGES",
    "HoleParameters",
    "LayerProfile",
    "QuantumWell",
    "TetrahedralBonds",
    "beam_of",
    "coupling_weights",
    "edges_of_layers",
    "find_tetrahedral_bonds",
    "hole_parameters",
    "strain_splitting",
    "strained_edges",
    "subband_splitting",
]
