from .filtered_images import SMALLEST_NOISE, describe_holes, noise_level, without_errors
from .wraparound import Wraparound, find_border, find_wraparound

__all__ = [
    "SMALLEST_NOISE",
    "Wraparound",
    "describe_holes",
    "find_border",
    "find_wraparound",
    "noise_level",
    "without_errors",
]
