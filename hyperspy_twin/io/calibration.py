"""Pixel size of an image: what a file says about it, and what a person says instead."""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from hyperspy_twin.core import SHORTEST_SPACING, Calibration

Pair = tuple[float, float]

_SPELLINGS: dict[float, tuple[str, ...]] = {
    1e-3: ("pm", "p_m", "picometer", "picometre"),
    1e-1: ("Å", "A", "AA", "ang", "angstrom", "angstroem", "ångström", "ångstrom"),
    1.0: ("nm", "n_m", "nanometer", "nanometre"),
    1e3: ("um", "μm", "u_m", "μ", "mum", "micron", "micrometer", "micrometre"),
    1e6: ("mm", "m_m", "millimeter", "millimetre"),
    1e7: ("cm", "centimeter", "centimetre"),
    1e9: ("m", "meter", "metre"),
}
_NANOMETRES = {
    unicodedata.normalize("NFKC", name + plural): factor
    for factor, names in _SPELLINGS.items()
    for name in names
    for plural in (("", "s") if len(name) > 3 else ("",))
}
_FOLDED = {name.casefold(): factor for name, factor in _NANOMETRES.items()}
_PIXELS = ("px", "pix", "pixel", "pixels", "pxl", "pxls")
_MISSING = ("", *_PIXELS, "undefined", "none", "null", "nan", "n/a", "unknown", "uncalibrated", "?")
_PRINTS = ("inch", "inches", "in", "dpi", "ppi", "dpcm", "dots per inch", "pixels per inch")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")
_PER_PIXEL = re.compile(r"(?:\s*/\s*|\s+per\s+)(?:px|pix|pixel)s?$", re.IGNORECASE)

# nm. Larger than a pixel of a scanning electron microscope at its lowest magnification: what is
# stored then is the resolution of the printer or the pixel of the camera.
LARGEST_PIXEL = 1e4
# nm: 1 m. Larger than a pixel of any print or camera; reciprocal lengths stored as m are 1e6 to
# 1e10, because the pixels of diffraction patterns are 0.001 to 10 1/nm.
IMPOSSIBLE_PIXEL = 1e9
# nm. 500 pixels over the shortest spacing that is resolved: no scan is so fine.
SMALLEST_PIXEL = SHORTEST_SPACING / 500


def nanometres_per_unit(unit: str) -> float:
    """Length in nm of one unit, spelt as instruments write it, such as ``"µm"`` or ``"n_m"``.

    Escapes of Python and HTML, brackets and a trailing ``"/px"`` are understood, and
    capitals (``"NM"``, ``"Micron"``), but not ``"nM"``, which is a concentration.

    Raises
    ------
    ValueError
        If ``unit`` is not a unit of length.
    """
    name = _spelled(unit)
    if name in _NANOMETRES:
        return _NANOMETRES[name]
    if (len(name) > 2 or name[:1].isupper()) and name.casefold() in _FOLDED:
        return _FOLDED[name.casefold()]
    raise ValueError(
        f"{unit!r} is not a unit of length: give one of pm, Å, nm, µm, mm, m; or set the "
        "pixel size with s.calibrate(...)"
    )


def is_length(unit: str) -> bool:
    """Whether a unit of an axis is a length, or at least may be one because it is missing."""
    try:
        nanometres_per_unit(unit)
    except ValueError:
        return is_missing(unit)
    return True


def is_missing(unit: str) -> bool:
    """Whether a unit of an axis is empty, undefined or the pixel."""
    return _spelled(unit).casefold() in _MISSING


def is_print(unit: str) -> bool:
    """Whether a unit is that of a printed picture, which tells nothing about the specimen."""
    return _spelled(unit).casefold() in _PRINTS


def _spelled(unit: str) -> str:
    """Rid a unit of the traces of the ways that it came: escapes, encodings, brackets."""
    text = _ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), html.unescape(unit))
    with suppress(UnicodeError):  # UTF-8 that was read as Latin-1
        text = text.encode("latin-1").decode("utf-8")
    text = unicodedata.normalize("NFKC", text).strip(" \t\r\n\0[](){}<>'\"")
    return _PER_PIXEL.sub("", text) if text.casefold() not in _MISSING else text


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
    What cannot be the pixel of a microscope, as the resolution of a print, is not used.

    Raises
    ------
    ValueError
        If a unit is neither a length nor missing, or a pixel is so long that it is none.
    """
    if any(is_print(unit) for unit in units):
        unit = next(unit for unit in units if is_print(unit))
        note = f"{scale[0]:.4g} {unit} per pixel is a print resolution: not used"
        return Calibration(None, source, note=note)
    missing = [is_missing(unit) for unit in units]
    if all(missing):
        if scale == (1.0, 1.0) or any(_spelled(unit).casefold() in _PIXELS for unit in units):
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
    if max(x, y) > IMPOSSIBLE_PIXEL:
        raise ValueError(
            f"{scale[0]:.4g} {units[0]} per pixel is no length in an image but a reciprocal one "
            "(1/m?), as of a diffraction pattern"
        )
    if min(x, y) < SMALLEST_PIXEL:
        note = f"{min(x, y):.4g} nm per pixel is finer than any microscope scans: not used"
        return Calibration(None, source, note=note)
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
