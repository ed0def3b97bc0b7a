from .absolute import BulkCell
from .coherent_layers import LIMITS, CubicAlloy, Layers, find_growth_direction, map_composition
from .displacement_errors import find_displacement_errors
from .gradient_errors import Analysis
from .interfaces import Interface, find_interface
from .means import Kernel, RegionMeans, join_means, sum_kernel
from .measured_strain import MeasuredStrain, turn_displacement
from .misfits import Misfit
from .profiles import Line, Profile, line_across, line_between
from .strain_gradients import LocalSlopes, Smoothing, StrainGradients, find_rim

__all__ = [
    "LIMITS",
    "Analysis",
    "BulkCell",
    "CubicAlloy",
    "Interface",
    "Kernel",
    "Layers",
    "Line",
    "MeasuredStrain",
    "Misfit",
    "Profile",
    "LocalSlopes",
    "RegionMeans",
    "Smoothing",
    "StrainGradients",
    "find_displacement_errors",
    "find_growth_direction",
    "find_interface",
    "find_rim",
    "join_means",
    "line_across",
    "line_between",
    "map_composition",
    "sum_kernel",
    "turn_displacement",
]
