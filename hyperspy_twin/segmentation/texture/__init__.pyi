from .lattice_period import find_longest_period
from .local_spectra import HIGHEST_FREQUENCY
from .texture_segmentation import SMALLEST_SIDE, segment_texture

__all__ = ["HIGHEST_FREQUENCY", "SMALLEST_SIDE", "find_longest_period", "segment_texture"]
