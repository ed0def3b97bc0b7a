from .bragg_filter import filter_reflections, local_amplitude
from .bragg_groups import FilterGroup, Reflections, plan_groups
from .comparison import (
    Block,
    SeriesAnalysis,
    analyse_frame,
    analyse_other_blocks,
    prepare_series,
)
from .defects import Dislocations, Translations, find_block, find_dislocations
from .filtered_images import describe_holes, without_errors
from .gpa import geometric_phase_analysis
from .mechanics import (
    LIMITS,
    Analysis,
    BulkCell,
    CubicAlloy,
    Layers,
    MeasuredStrain,
    Misfit,
    RegionMeans,
    find_growth_direction,
    find_interface,
    join_means,
    line_across,
    line_between,
    map_composition,
    turn_displacement,
)
from .plan import Choices, Plan, RegionLattice, plan_analysis

__all__ = [
    "Dislocations",
    "Translations",
    "find_block",
    "find_dislocations",
    "LIMITS",
    "Analysis",
    "Block",
    "BulkCell",
    "Choices",
    "CubicAlloy",
    "FilterGroup",
    "Layers",
    "MeasuredStrain",
    "Misfit",
    "Plan",
    "Reflections",
    "RegionLattice",
    "RegionMeans",
    "SeriesAnalysis",
    "analyse_frame",
    "analyse_other_blocks",
    "describe_holes",
    "filter_reflections",
    "find_growth_direction",
    "find_interface",
    "geometric_phase_analysis",
    "join_means",
    "line_across",
    "line_between",
    "local_amplitude",
    "map_composition",
    "plan_analysis",
    "plan_groups",
    "prepare_series",
    "turn_displacement",
    "without_errors",
]
