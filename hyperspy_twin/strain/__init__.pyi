from .gpa import geometric_phase_analysis
from .plan import Plan, RegionLattice, plan_analysis

__all__ = ["Plan", "RegionLattice", "geometric_phase_analysis", "plan_analysis"]
