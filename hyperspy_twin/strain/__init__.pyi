from .bragg_filter import filter_reflections, local_amplitude
from .bragg_groups import FilterGroup, Reflections, plan_groups
from .filtered_images import describe_holes, without_errors
from .gpa import geometric_phase_analysis
from .plan import Plan, RegionLattice, plan_analysis

__all__ = [
    "FilterGroup",
    "Plan",
    "Reflections",
    "RegionLattice",
    "describe_holes",
    "filter_reflections",
    "geometric_phase_analysis",
    "local_amplitude",
    "plan_analysis",
    "plan_groups",
    "without_errors",
]
