from .lattice_period import find_longest_period
from .local_spectra import HIGHEST
from .texture_segmentation import SMALLEST_SIDE, segment_texture

__all__ = [
    "HIGHEST",
    "SMALLEST_SIDE",
    "find_longest_period",
    "segment_texture",
]
