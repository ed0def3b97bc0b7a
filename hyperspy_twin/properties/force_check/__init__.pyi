from .causes import Evidence, name_cause
from .force_check import CheckedAtoms, check_forces
from .force_maps import mean_per_column, mean_per_pixel
from .rows import MeasuredNoise
from .suspects import Suspect
from .virtual_crystal import site_fractions

__all__ = [
    "CheckedAtoms",
    "Evidence",
    "MeasuredNoise",
    "Suspect",
    "check_forces",
    "mean_per_column",
    "mean_per_pixel",
    "name_cause",
    "site_fractions",
]
