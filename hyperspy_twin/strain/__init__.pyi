from .gpa import geometric_phase_analysis
from .plan import Choices, Plan, RegionLattice, plan_analysis

__all__ = ["Choices", "Plan", "RegionLattice", "geometric_phase_analysis", "plan_analysis"]
