from .fit import PeakLattices, distortion_variance, find_lattices
from .superlattices import FALSE_LATTICES

__all__ = ["FALSE_LATTICES", "PeakLattices", "distortion_variance", "find_lattices"]
