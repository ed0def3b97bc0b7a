from .density_of_states import DensitySettings, ElectronicDensity, ModelHamiltonian, electronic_density, model_hamiltonian
from .kp import CONVENTIONS, EDGES, HoleParameters, LayerProfile, QuantumWell, beam_of, coupling_weights, edges_of_layers, hole_parameters, strain_splitting, strained_edges, subband_splitting
from .states import FoundStates, Search, participation_ratio, states_of_model
from .tetrahedral import TetrahedralBonds, find_tetrahedral_bonds
from .tight_binding import HamiltonianBlocks, SPIN_ORBITALS, TightBindingParameters, bands, hamiltonian_blocks, tight_binding_parameters

__all__ = [
    "CONVENTIONS",
    "DensitySettings",
    "EDGES",
    "ElectronicDensity",
    "FoundStates",
    "HamiltonianBlocks",
    "HoleParameters",
    "LayerProfile",
    "ModelHamiltonian",
    "QuantumWell",
    "SPIN_ORBITALS",
    "Search",
    "TetrahedralBonds",
    "TightBindingParameters",
    "bands",
    "beam_of",
    "coupling_weights",
    "edges_of_layers",
    "electronic_density",
    "find_tetrahedral_bonds",
    "hamiltonian_blocks",
    "hole_parameters",
    "model_hamiltonian",
    "participation_ratio",
    "states_of_model",
    "strain_splitting",
    "strained_edges",
    "subband_splitting",
    "tight_binding_parameters",
]
