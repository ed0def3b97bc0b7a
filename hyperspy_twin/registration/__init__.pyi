from .beam_repeat import RepeatCell, count_repeats, find_beam_translation, find_repeat_cell
from .lattice_registration import IndexedPeaks, is_same_type, register_lattices
from .virtual_cell import reciprocal_vectors

__all__ = [
    "IndexedPeaks",
    "RepeatCell",
    "count_repeats",
    "find_beam_translation",
    "find_repeat_cell",
    "is_same_type",
    "reciprocal_vectors",
    "register_lattices",
]
