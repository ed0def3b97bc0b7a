from .gpa import geometric_phase_analysis
from .mechanics import (
    LIMITS,
    Analysis,
    BulkCell,
    CubicAlloy,
    Layers,
    MeasuredStrain,
    RegionMeans,
    find_growth_direction,
    find_interface,
    line_across,
    line_between,
    map_composition,
    turn_displacement,
)
from .plan import Choices, Plan, RegionLattice, plan_analysis

__all__ = [
    "LIMITS",
    "Analysis",
    "BulkCell",
    "Choices",
    "CubicAlloy",
    "Layers",
    "MeasuredStrain",
    "Plan",
    "RegionLattice",
    "RegionMeans",
    "find_growth_direction",
    "find_interface",
    "geometric_phase_analysis",
    "line_across",
    "line_between",
    "map_composition",
    "plan_analysis",
    "turn_displacement",
]
