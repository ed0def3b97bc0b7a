from .kp import CONVENTIONS, EDGES, HoleParameters, LayerProfile, QuantumWell, beam_of, coupling_weights, edges_of_layers, hole_parameters, strain_splitting, strained_edges, subband_splitting
from .tetrahedral import TetrahedralBonds, find_tetrahedral_bonds
from .tight_binding import HamiltonianBlocks, SPIN_ORBITALS, TightBindingParameters, bands, hamiltonian_blocks, tight_binding_parameters

__all__ = [
    "CONVENTIONS",
    "EDGES",
    "HamiltonianBlocks",
    "HoleParameters",
    "LayerProfile",
    "QuantumWell",
    "SPIN_ORBITALS",
    "TetrahedralBonds",
    "TightBindingParameters",
    "bands",
    "beam_of",
    "coupling_weights",
    "edges_of_layers",
    "find_tetrahedral_bonds",
    "hamiltonian_blocks",
    "hole_parameters",
    "strain_splitting",
    "strained_edges",
    "subband_splitting",
    "tight_binding_parameters",
]
