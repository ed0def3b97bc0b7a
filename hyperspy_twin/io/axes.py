"""Pixel size of a signal: its axes in nm, and the report in its metadata."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hyperspy_twin.core import Calibration
from hyperspy_twin.io.calibration import (
    Pair,
    calibration_of,
    pixel_size_from_known_spacing,
    pixel_size_from_scale_bar,
    pixel_size_from_value,
    read_calibration,
)

if TYPE_CHECKING:
    from hyperspy.signals import BaseSignal, Signal2D

_logger = logging.getLogger(__name__)

RECORD = "Twin.calibration"
_HYPERSPY_FORMATS = {"rsciio.hspy", "rsciio.zspy"}
_BACKWARDS = {
    "x": "the x axis runs backwards (mirrored image): positions along x change their sign",
    "y": "the y axis runs backwards (mirrored image): positions along y change their sign",
}
_TRANSPOSED = "the axes are exchanged (transposed image): x counts to the right, y down, as shown"


def calibration_of_signal(signal: Signal2D) -> Calibration:
    """Report on the pixel size of an image, which is left as it is.

    The report in the metadata, unless there is none or the axes were changed since, by
    binning for instance; then what the axes say.

    Parameters
    ----------
    signal
        Image with axes in any unit of length, or none.

    Raises
    ------
    ValueError
        If the unit of an axis is no length.
    """
    recorded = _recorded(signal)
    turned = _turned(signal)
    if recorded is None:
        present = _read_axes(signal, *_origin(signal))
        return replace(present, note=_joined(present.note, *turned))
    present = _read_axes(signal, f"axes, changed after {recorded.source}", None)
    found = recorded if _same_size(recorded, present) else present
    # Mirrored twice is not mirrored.
    before = [text for text in (*_BACKWARDS.values(), _TRANSPOSED) if text in recorded.note]
    note = found.note
    for text in before:
        note = "; ".join(part for part in note.split("; ") if part != text)
    now = [text for text in (*before, *turned) if (text in before) != (text in turned)]
    values = recorded.pixel_values
    return replace(found, note=_joined(note, *now), pixel_values=values)


def check_axes(signal: Signal2D) -> None:
    """Check that the signal axes of an image are uniform, with a scale and an offset.

    Raises
    ------
    ValueError
        If the scale of an axis is zero or not finite, or its offset is not finite.
    """
    for name, axis in _uniform_axes(signal):
        if not _is_scale(axis.scale):
            raise ValueError(
                f"the scale of the {name} axis is {axis.scale}, which is no pixel size: set it "
                "with s.calibrate(...), or in s.axes_manager"
            )
        if not math.isfinite(axis.offset):
            raise ValueError(
                f"the offset of the {name} axis is {axis.offset}: set it in s.axes_manager"
            )


def axes_problem(signal: Signal2D) -> str:
    """Say why the axes of an image hold nothing that may be a length; empty where they may."""
    try:
        _read_axes(signal, "", None)
    except ValueError as error:
        return str(error)
    return ""


def to_nanometres(signal: Signal2D, pixel_values: str = "") -> Calibration:
    """Name the signal axes x and y, bring them to nm in place, and record what was done.

    The pixels stay where they are. An axis that runs backwards, as that of a mirrored image, gets a
    positive scale, and its positions change their sign, so that each pixel keeps its own.

    Parameters
    ----------
    signal
        Image with axes in any unit of length. Where the unit is missing, the axes count
        pixels afterwards.
    pixel_values
        What was changed or assumed about the values of the pixels, for the report.

    Returns
    -------
    Calibration
        The report that is kept in the metadata.

    Raises
    ------
    ValueError
        If the unit of an axis is no length.
    """
    recorded = _recorded(signal)
    calibration = calibration_of_signal(signal)
    if pixel_values:
        calibration = replace(calibration, pixel_values=pixel_values)
    if _is_worth_saying(calibration) and (
        recorded is None
        or (recorded.note, recorded.pixel_values) != (calibration.note, calibration.pixel_values)
    ):
        _logger.warning("%s: %s", file_name(signal) or "pixel size", calibration)
    write_calibration(signal, calibration)
    return calibration


def calibrate_signal(
    signal: Signal2D,
    *,
    pixel_size: float | Pair | None = None,
    scale_bar: Pair | None = None,
    spacing: Pair | None = None,
) -> None:
    """Set the pixel size of an image in place, in one of three ways.

    Parameters
    ----------
    signal
        Image.
    pixel_size
        Pixel size in nm, or a pair (x, y).
    scale_bar
        Length of a scale bar in nm and its length in pixels.
    spacing
        A lattice spacing as measured with the present axes, and its true value in nm.

    Raises
    ------
    ValueError
        If not exactly one way is given, or a value is not a positive number.
    """
    if [pixel_size, scale_bar, spacing].count(None) != 2:
        raise ValueError("give exactly one of pixel_size, scale_bar and spacing")
    if pixel_size is not None:
        size, source = pixel_size_from_value(pixel_size), "the value given"
    elif scale_bar is not None:
        length, pixels = _pair(scale_bar, "scale_bar", "length in nm, length in pixels")
        size = pixel_size_from_scale_bar(length, pixels)
        source = f"a scale bar of {length:.6g} nm over {pixels:.6g} pixels"
    else:
        measured, true = _pair(spacing, "spacing", "measured, true in nm")
        x, y = signal.axes_manager.signal_axes
        size = pixel_size_from_known_spacing(measured, true, (abs(x.scale), abs(y.scale)))
        source = f"a spacing of {true:.6g} nm measured as {measured:.6g}"
    write_calibration(signal, calibration_of(size, source, _joined(*_turned(signal))))


def calibrate_by_line(
    signal: Signal2D, calibrate: Callable[..., None], *arguments: Any, **options: Any
) -> None:
    """Set the pixel size of an image in place by HyperSpy's two points and the length between.

    Parameters
    ----------
    signal
        Image.
    calibrate
        HyperSpy's method of the image.
    *arguments, **options
        Its arguments. A line that is drawn by hand sets the axes later, when it is applied;
        :func:`calibration_of_signal` says then that they were changed.

    Raises
    ------
    ValueError
        If a point or the length is missing, or the unit is no length.
    """
    axes = signal.axes_manager.signal_axes
    before = [(axis.scale, axis.units) for axis in axes]
    calibrate(*arguments, **options)
    if [(axis.scale, axis.units) for axis in axes] != before:
        check_axes(signal)
        write_calibration(signal, _read_axes(signal, "a line of known length", None))


def write_calibration(signal: Signal2D, calibration: Calibration) -> None:
    """Set the signal axes of an image to a pixel size, and keep the report in its metadata.

    The offset is scaled with the pixel size, so that it stays at the same pixel. What the report
    before said about the values of the pixels is kept.

    Parameters
    ----------
    signal
        Image, changed in place.
    calibration
        Pixel size to set; without one, the axes count pixels.
    """
    scales = calibration.pixel_size or (1.0, 1.0)
    unit = "px" if calibration.pixel_size is None else "nm"
    for axis in signal.axes_manager.navigation_axes:
        if axis.name in ("x", "y"):
            axis.name = f"position_{axis.name}"
    for axis, name, scale in zip(signal.axes_manager.signal_axes, "xy", scales, strict=True):
        offset = axis.offset / axis.scale * scale if _is_scale(axis.scale) else 0.0
        offset = offset if math.isfinite(offset) else 0.0
        axis.name, axis.scale, axis.offset, axis.units = name, scale, offset, unit
    signal.metadata.set_item(RECORD, with_pixel_values(signal, calibration).to_json())


def with_pixel_values(signal: BaseSignal, calibration: Calibration) -> Calibration:
    """Report on another pixel size, with what is known about the values of the pixels."""
    recorded = _recorded(signal)
    if recorded is None or calibration.pixel_values:
        return calibration
    return replace(calibration, pixel_values=recorded.pixel_values)


def file_name(signal: BaseSignal) -> str:
    """Name of the file that a signal was loaded from; empty when it was not."""
    parameters = signal.tmp_parameters
    name = parameters.get_item("original_filename", "")
    extension = str(parameters.get_item("original_extension", "")).lstrip(".")
    return f"{name}.{extension}".rstrip(".")


def _origin(signal: Signal2D) -> tuple[str, str | None]:
    """Source of the axes, and the unit to assume where they have a scale but no unit.

    Only HyperSpy's own files get one: a person typed their scale, in nm as HyperSpy's
    microscopy formats have it. Readers of other formats give numbers whose unit they dropped.
    """
    history = signal.metadata.get_item("General.FileIO")
    records = history.as_dictionary().values() if history else []
    plugins = {record.get("io_plugin") for record in records}
    units = [str(axis.units) for axis in signal.axes_manager.signal_axes]
    by_hyperspy = bool(plugins) and plugins <= _HYPERSPY_FORMATS and "" not in units
    name = file_name(signal)
    return f"file {name}" if name else "axes", "nm" if by_hyperspy else None


def _recorded(signal: BaseSignal) -> Calibration | None:
    text = signal.metadata.get_item(RECORD)
    return Calibration.from_json(text) if text else None


def _read_axes(signal: Signal2D, source: str, unit: str | None) -> Calibration:
    for name, axis in _uniform_axes(signal):
        if not _is_scale(axis.scale):
            note = f"the scale of the {name} axis is {axis.scale}: not used"
            return Calibration(None, source, note=note)
    x, y = signal.axes_manager.signal_axes
    scale, units = (abs(float(x.scale)), abs(float(y.scale))), (str(x.units), str(y.units))
    return read_calibration(scale, units, source, unit)


def _uniform_axes(signal: Signal2D) -> Iterator[tuple[str, Any]]:
    """Name and axis of x and y; a ValueError tells if one has no scale."""
    for name, axis in zip("xy", signal.axes_manager.signal_axes, strict=True):
        if not axis.is_uniform:
            raise ValueError(f"the {name} axis is not uniform: interpolate the image first")
        yield name, axis


def _is_scale(value: float) -> bool:
    return math.isfinite(value) and value != 0


def _turned(signal: Signal2D) -> list[str]:
    """Say which axes run backwards or were exchanged."""
    x, y = signal.axes_manager.signal_axes
    notes = [_BACKWARDS[name] for name, axis in (("x", x), ("y", y)) if axis.scale < 0]
    return [*notes, _TRANSPOSED] if (x.name, y.name) == ("y", "x") else notes


def _is_worth_saying(calibration: Calibration) -> bool:
    said = (*_BACKWARDS.values(), _TRANSPOSED, "not used")
    return (
        bool(calibration.pixel_values)
        or "assumed" in calibration.source
        or any(text in calibration.note for text in said)
    )


def _joined(*notes: str) -> str:
    return "; ".join(filter(None, notes))


def _same_size(first: Calibration, second: Calibration) -> bool:
    if first.pixel_size is None or second.pixel_size is None:
        return first.pixel_size is second.pixel_size
    pairs = zip(first.pixel_size, second.pixel_size, strict=True)
    return all(math.isclose(a, b, rel_tol=1e-9) for a, b in pairs)


def _pair(value: Pair | None, name: str, meaning: str) -> Pair:
    try:
        first, second = value  # type: ignore[misc]
        return float(first), float(second)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be two numbers ({meaning}), not {value!r}") from None
