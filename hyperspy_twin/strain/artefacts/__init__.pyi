from .filtered_images import SMALLEST_NOISE, describe_holes, noise_level, without_errors
from .mask_transfer import divide_by_transfer
from .scan_traces import ScanTraces, find_scan_traces
from .structure_factors import (
    describe_disagreement,
    disagreeing_nodes,
    find_disagreement,
    phase_invariants,
)
from .wraparound import Wraparound, find_border, find_wraparound

__all__ = [
    "SMALLEST_NOISE",
    "ScanTraces",
    "Wraparound",
    "divide_by_transfer",
    "describe_disagreement",
    "describe_holes",
    "disagreeing_nodes",
    "find_border",
    "find_disagreement",
    "find_scan_traces",
    "find_wraparound",
    "noise_level",
    "phase_invariants",
    "without_errors",
]
