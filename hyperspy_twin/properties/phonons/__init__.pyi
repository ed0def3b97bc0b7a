from .block_rows import ForceConstants, force_constants
from .haydock import continued_fractions, fraction_density
from .model_phonons import (
    PhononDensity,
    PhononSettings,
    ThermalDisplacements,
    cell_of,
    energy_loss,
    heat_capacity,
    phonon_density,
    thermal_displacements,
)
from .normal_modes import NormalModes, differentiate_forces, find_modes
from .vibrations import VibrationOperator, Vibrations, find_vibrations, mass_weighted
from .wave_vectors import RepeatedCell, repeated_cell

__all__ = [
    "ForceConstants",
    "NormalModes",
    "PhononDensity",
    "PhononSettings",
    "RepeatedCell",
    "ThermalDisplacements",
    "VibrationOperator",
    "Vibrations",
    "cell_of",
    "continued_fractions",
    "differentiate_forces",
    "energy_loss",
    "find_modes",
    "find_vibrations",
    "force_constants",
    "fraction_density",
    "heat_capacity",
    "mass_weighted",
    "phonon_density",
    "repeated_cell",
    "thermal_displacements",
]
