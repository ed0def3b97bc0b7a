from .axes import (
    calibrate_by_line,
    calibrate_signal,
    calibration_of_signal,
    check_axes,
    file_name,
    to_nanometres,
    with_pixel_values,
    write_calibration,
)
from .calibration import calibration_of
from .models import ModelContent
from .readers import load
from .recognition import Refusal, describe, why_no_micrograph
from .scan_tags import ScanTags, read_scan_tags, whole_grid
from .writers import write_model

__all__ = [
    "ModelContent",
    "Refusal",
    "ScanTags",
    "calibrate_by_line",
    "calibrate_signal",
    "calibration_of",
    "calibration_of_signal",
    "check_axes",
    "describe",
    "file_name",
    "load",
    "read_scan_tags",
    "to_nanometres",
    "whole_grid",
    "why_no_micrograph",
    "with_pixel_values",
    "write_calibration",
    "write_model",
]
