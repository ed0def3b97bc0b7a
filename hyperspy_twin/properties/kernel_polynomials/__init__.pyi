from .checkpoints import CheckpointFile, RecursionState
from .contributing_states import SmoothedStates, gaussian_moments, smoothed_states
from .damping import (
    Damping,
    damping_factors,
    jackson_factors,
    kernel_width,
    lorentz_factors,
    moments_for_resolution,
)
from .densities import density, states_below, states_between
from .energy_window import EnergyWindow, energy_points, find_energy_window
from .memory import free_memory, require_memory
from .operators import ChebyshevOperator, SparseOperator
from .random_vectors import random_phases, random_signs
from .recursion import RecursionSettings, chebyshev_moments, duration

__all__ = [
    "ChebyshevOperator",
    "CheckpointFile",
    "Damping",
    "EnergyWindow",
    "RecursionSettings",
    "RecursionState",
    "SmoothedStates",
    "SparseOperator",
    "chebyshev_moments",
    "damping_factors",
    "density",
    "duration",
    "energy_points",
    "find_energy_window",
    "free_memory",
    "gaussian_moments",
    "jackson_factors",
    "kernel_width",
    "lorentz_factors",
    "moments_for_resolution",
    "random_phases",
    "random_signs",
    "require_memory",
    "smoothed_states",
    "states_below",
    "states_between",
]
