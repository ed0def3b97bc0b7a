from .blocks import Block, analyse_other_blocks
from .series import SeriesAnalysis, analyse_frame, prepare_series

__all__ = [
    "Block",
    "SeriesAnalysis",
    "analyse_frame",
    "analyse_other_blocks",
    "prepare_series",
]
