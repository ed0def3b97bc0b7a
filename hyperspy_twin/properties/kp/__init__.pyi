from .band_edges import EDGES, LayerProfile, edges_of_layers, strained_edges
from .hole_wells import QuantumWell, remote_mixing, strain_splitting, subband_splitting
from .parameters import HoleParameters, hole_parameters
from .spin_orbit import (
    BEAMS,
    CONVENTIONS,
    Beam,
    beam_of,
    coupling_weights,
    gradient_weights,
    inverse_length_factor,
)

__all__ = [
    "BEAMS",
    "CONVENTIONS",
    "EDGES",
    "Beam",
    "HoleParameters",
    "LayerProfile",
    "QuantumWell",
    "beam_of",
    "coupling_weights",
    "edges_of_layers",
    "gradient_weights",
    "hole_parameters",
    "inverse_length_factor",
    "remote_mixing",
    "strain_splitting",
    "strained_edges",
    "subband_splitting",
]
