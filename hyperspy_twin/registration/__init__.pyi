from .lattice_registration import IndexedPeaks, register_lattices
from .periodicity import RepeatCell, count_repeats, find_beam_translation, find_repeat_cell

__all__ = [
    "IndexedPeaks",
    "RepeatCell",
    "count_repeats",
    "find_beam_translation",
    "find_repeat_cell",
    "register_lattices",
]
