from .detection import describe_bad_pixels, detect_bad_pixels
from .empty_areas import bounds_of_valid, continue_inwards, find_empty_areas
from .filling import fill_bad_pixels

__all__ = [
    "bounds_of_valid",
    "continue_inwards",
    "describe_bad_pixels",
    "detect_bad_pixels",
    "fill_bad_pixels",
    "find_empty_areas",
]
