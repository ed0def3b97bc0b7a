from .force_check import CheckedAtoms, check_forces
from .scan_jumps import MeasuredNoise
from .suspects import Suspect

__all__ = ["CheckedAtoms", "MeasuredNoise", "Suspect", "check_forces"]
