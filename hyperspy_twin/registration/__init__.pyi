from .beam_repeat import RepeatCell, count_repeats, find_beam_translation, find_repeat_cell
from .lattice_registration import IndexedPeaks, is_same_type, register_lattices

__all__ = [
    "IndexedPeaks",
    "RepeatCell",
    "count_repeats",
    "find_beam_translation",
    "find_repeat_cell",
    "is_same_type",
    "register_lattices",
]
