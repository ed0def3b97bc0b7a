from .axes import (
    calibrate_by_line,
    calibrate_signal,
    calibration_of_signal,
    to_nanometres,
    write_calibration,
)
from .calibration import calibration_of
from .readers import load
from .writers import write_atoms

__all__ = [
    "calibrate_by_line",
    "calibrate_signal",
    "calibration_of",
    "calibration_of_signal",
    "load",
    "to_nanometres",
    "write_atoms",
    "write_calibration",
]
