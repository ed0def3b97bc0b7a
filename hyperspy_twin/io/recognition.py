"""Which loaded data are micrographs, why others are not, and how to call them."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from hyperspy.signals import BaseSignal, LazySignal2D, Signal2D

from hyperspy_twin.io.axes import axes_problem, file_name
from hyperspy_twin.io.calibration import is_length, is_print

SIGNAL_TYPE = "twin_micrograph"
_OTHER_TYPES = ("diffraction", "hologram")
# Reciprocal lengths, angles, energies, times: what instruments write for other data than images.
_OTHER_UNITS = re.compile(
    r"1\s*/.*|.*(?:\^?\(?[-−⁻][1¹]\)?|rad|deg|degrees?|°|ev|hz|\bs|sec)", re.IGNORECASE
)


class Refusal(NamedTuple):
    """Why data are no micrograph, and whether a person may have expected one."""

    reason: str
    surprising: bool


def why_no_micrograph(signal: BaseSignal) -> Refusal | None:
    """Why loaded data are not taken as a micrograph; None where they are."""
    declared = str(signal.metadata.get_item("Signal.signal_type", "")).lower()
    plain = type(signal) in (Signal2D, LazySignal2D) or declared == SIGNAL_TYPE
    if (
        not plain
        or signal.axes_manager.navigation_dimension > 1
        or signal.data.dtype.kind not in "buif"
    ):
        return Refusal(f"{type(signal).__name__} of {_size_of(signal)}: no real image", False)
    if any(name in declared for name in _OTHER_TYPES):
        return Refusal(f"declared as {declared}", False)
    for name, axis in zip("xy", signal.axes_manager.signal_axes, strict=True):
        if not axis.is_uniform:
            return Refusal(f"the {name} axis is not uniform", True)
        unit = str(axis.units)
        if is_length(unit) or is_print(unit):
            continue
        if _OTHER_UNITS.fullmatch(unit.strip()):
            return Refusal(f"the unit {unit!r} of the {name} axis is no length", False)
        return Refusal(f"the unit {unit!r} of the {name} axis is not understood", True)
    problem = axes_problem(signal)
    return Refusal(problem, True) if problem else None


def describe(signal: BaseSignal) -> str:
    """Title, or the name of the file where there is none, with size and type of the data."""
    title = str(signal.metadata.get_item("General.title", "") or file_name(signal))
    colours = signal.original_metadata.get_item("PhotometricInterpretation", None) == 2
    kind = f"{signal.data.dtype}{' of colours' if colours else ''}"
    return f"{os.path.basename(title)}, {_size_of(signal)}, {kind}"


def _size_of(signal: BaseSignal) -> str:
    shape = signal.axes_manager.signal_shape
    frames = signal.axes_manager.navigation_shape
    text = " x ".join(map(str, shape))
    return f"{' x '.join(map(str, frames))} of {text}" if frames else text
