"""Pixel size of an image: what a file says about it, and what a person says instead."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hyperspy_twin.core import Calibration

Pair = tuple[float, float]

_SPELLINGS: dict[float, tuple[str, ...]] = {
    1e-3: ("pm", "picometer", "picometers", "picometre", "picometres"),
    1e-1: ("Å", "Å", "A", "angstrom", "angstroms", "Angstrom", "Angstroms", "ångström"),
    1.0: ("nm", "n_m", "nanometer", "nanometers", "nanometre", "nanometres"),
    1e3: ("um", "µm", "μm", "\\u00B5m", "u_m", "micron", "microns", "micrometer", "micrometers"),
    1e6: ("mm", "m_m", "millimeter", "millimeters", "millimetre", "millimetres"),
    1e7: ("cm", "centimeter", "centimeters", "centimetre", "centimetres"),
    1e9: ("m", "meter", "meters", "metre", "metres"),
}
_NANOMETRES = {name: factor for factor, names in _SPELLINGS.items() for name in names}
_PIXELS = ("", "<undefined>", "px", "pixel", "pixels")

# Larger than a pixel of a scanning electron microscope at its lowest magnification: what is
# stored then is the resolution of the printer or the pixel of the camera.
LARGEST_PIXEL = 1e4


def nanometres_per_unit(unit: str) -> float:
    """Length in nm of one unit, spelt as instruments write it, such as ``"µm"`` or ``"n_m"``.

    Raises
    ------
    ValueError
        If ``unit`` is not a unit of length.
    """
    try:
        return _NANOMETRES[unit.strip()]
    except KeyError:
        raise ValueError(
            f"{unit!r} is not a unit of length: give one of pm, Å, nm, µm, mm, m"
        ) from None


def is_length(unit: str) -> bool:
    """Whether a unit of an axis is a length, or at least may be one because it is missing."""
    return unit.strip() in _NANOMETRES or is_missing(unit)


def is_missing(unit: str) -> bool:
    """Whether a unit of an axis is empty, undefined or the pixel."""
    return unit.strip() in _PIXELS


def calibration_of(pixel_size: Pair, source: str, note: str = "") -> Calibration:
    """Report on a known pixel size.

    Parameters
    ----------
    pixel_size
        Pixel size (x, y) in nm.
    source
        Where it comes from.
    note
        What a reader should know about it.

    Raises
    ------
    ValueError
        If a pixel size is not a positive number.
    """
    x, y = (_positive(value, "pixel size") for value in pixel_size)
    return Calibration.known((x, y), source, note=note)


def read_calibration(
    scale: Pair, units: tuple[str, str], source: str = "axes", assumed_unit: str | None = None
) -> Calibration:
    """Report on the pixel size that the axes of an image hold.

    A missing unit leaves the image without a scale, because files are seen in the wild whose
    number without a unit is a ratio, or a length whose unit the reader dropped. Where both are
    missing and the scale is not 1, ``assumed_unit`` is taken, and the source of the report says so.

    Raises
    ------
    ValueError
        If a unit is neither a length nor missing.
    """
    missing = [is_missing(unit) for unit in units]
    if all(missing):
        if scale == (1.0, 1.0) or "px" in units:
            return Calibration(None, source, note="no pixel size in the file")
        if assumed_unit is None:
            note = f"scale {scale[0]:.6g} x {scale[1]:.6g} has no unit: not used"
            return Calibration(None, source, note=note)
        units = (assumed_unit, assumed_unit)
        source = f"{source}, unit missing: {assumed_unit} assumed"
    elif any(missing):
        known = units[missing.index(False)]
        units = (known, known)
        source = f"{source}, unit of {'xy'[missing.index(True)]} missing: {known} assumed"
    factors = [nanometres_per_unit(unit) for unit in units]
    x, y = (value * factor for value, factor in zip(scale, factors, strict=True))
    if not all(math.isfinite(value) and value > 0 for value in (x, y)):
        return Calibration(None, source, note=f"scale {scale[0]} x {scale[1]} is not a length")
    if max(x, y) > LARGEST_PIXEL:
        note = f"{max(x, y) / 1e3:.4g} µm per pixel is a print or camera resolution: not used"
        return Calibration(None, source, note=note)
    return calibration_of((x, y), source)


def pixel_size_from_value(value: float | Sequence[float]) -> Pair:
    """Pixel size (x, y) of a stated one, a number or (x, y).

    Raises
    ------
    ValueError
        If a value is not a positive number.
    """
    sizes = np.ravel(np.asarray(value, dtype=object))
    if np.ndim(value) == 0:
        sizes = np.repeat(sizes, 2)
    if len(sizes) != 2:
        raise ValueError(f"pixel size must be one number or (x, y), not {value!r}")
    return _positive(sizes[0], "pixel size"), _positive(sizes[1], "pixel size")


def pixel_size_from_scale_bar(length: float, pixels: float) -> Pair:
    """Pixel size (x, y) of a bar of some pixels that stands for a length.

    Raises
    ------
    ValueError
        If a length is not a positive number.
    """
    size = _positive(length, "scale bar length")
    size /= _positive(pixels, "scale bar length in pixels")
    return size, size


def pixel_size_from_known_spacing(
    measured: float, true: float, pixel_size: Pair = (1.0, 1.0)
) -> Pair:
    """Pixel size (x, y) in nm that brings a measured lattice spacing to its true value in nm.

    Both axes are scaled alike, since one spacing says nothing about their ratio. It is measured
    in pixels, or in nm of the present ``pixel_size`` (x, y).

    Raises
    ------
    ValueError
        If a spacing or pixel size is not a positive number.
    """
    factor = _positive(true, "true spacing") / _positive(measured, "measured spacing")
    x, y = (_positive(value, "pixel size") for value in pixel_size)
    return x * factor, y * factor


def _positive(value: float, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number, not {value!r}") from None
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{name} must be a positive number, not {value!r}")
    return number
