from .block_rows import ForceConstants, force_constants
from .continued_fractions import continued_fractions, fraction_density
from .normal_modes import NormalModes, differentiate_forces, find_modes
from .occupation import displacement_factor, heat_factor
from .thermal import heat_capacities, mean_square_displacements
from .vibrations import VibrationOperator, Vibrations, find_vibrations, mass_weighted
from .wave_vectors import RepeatedCell, repeated_cell

__all__ = [
    "ForceConstants",
    "NormalModes",
    "RepeatedCell",
    "VibrationOperator",
    "Vibrations",
    "continued_fractions",
    "differentiate_forces",
    "displacement_factor",
    "find_modes",
    "find_vibrations",
    "force_constants",
    "fraction_density",
    "heat_capacities",
    "heat_factor",
    "mass_weighted",
    "mean_square_displacements",
    "repeated_cell",
]
