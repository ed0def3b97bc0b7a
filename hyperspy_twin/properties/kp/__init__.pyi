from .hole_wells import remote_mixing, strain_splitting, subband_splitting
from .parameters import HoleParameters, hole_parameters
from .spin_orbit import (
    BEAMS,
    CONVENTIONS,
    Beam,
    gradient_weights,
    inverse_length_factor,
)

__all__ = [
    "BEAMS",
    "CONVENTIONS",
    "Beam",
    "HoleParameters",
    "gradient_weights",
    "hole_parameters",
    "inverse_length_factor",
    "remote_mixing",
    "strain_splitting",
    "subband_splitting",
]
