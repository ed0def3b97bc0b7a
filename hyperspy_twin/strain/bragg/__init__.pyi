from .filter import filter_reflections, local_amplitude
from .groups import FilterGroup, Reflections, plan_groups

__all__ = ["FilterGroup", "Reflections", "filter_reflections", "local_amplitude", "plan_groups"]
