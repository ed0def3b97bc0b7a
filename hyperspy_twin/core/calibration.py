"""The pixel size of an image, where it comes from, and how well it is known."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from hyperspy_twin.core.table import with_error

# Relative: pixel sizes along x and y that agree to this are called square.
SQUARE_TOLERANCE = 1e-4
# Relative: an error up to this stands for none; crystals.indexing.compositions.EXACT is one.
NEGLIGIBLE = 1.001e-6


@dataclass(frozen=True, repr=False)
class Calibration:
    """Report on the pixel size of an image.

    Attributes
    ----------
    pixel_size
        Pixel size (x, y); None for an image without a scale.
    source
        Where the pixel size comes from, with the assumption made, if any.
    note
        What a reader should know about it; empty when there is nothing to say.
    unit
        Unit of the pixel size.
    pixel_size_error
        Standard errors of the pixel size (x, y); 0 where it is exact, None where nobody says.
    scale, scale_error
        True over nominal length, mean of x and y, with its standard error. This and what follows
        is measured by crystals of known lattice constants, and NaN or empty where it was not.
    anisotropy, anisotropy_error
        By how much the pixel is longer along x than its nominal size, less that along y, in %.
    shear, shear_error
        By how much the angle between +x and +y of the scan is below 90 degrees, in degrees.
    regions
        Numbers of the regions behind it.
    distortion
        Symmetric matrix D of trace 2, shape (2, 2): nominal peak = scale * D @ (M @ g)[:2].
    pixel_values
        What was changed, dropped or assumed about the values of the pixels; empty when nothing.
    """

    pixel_size: tuple[float, float] | None
    source: str
    note: str = ""
    unit: str = "nm"
    pixel_size_error: tuple[float, float] | None = None
    scale: float = math.nan
    scale_error: float = math.nan
    anisotropy: float = math.nan
    anisotropy_error: float = math.nan
    shear: float = math.nan
    shear_error: float = math.nan
    regions: tuple[int, ...] = ()
    distortion: np.ndarray | None = field(default=None, compare=False)
    pixel_values: str = ""

    def __eq__(self, other: object) -> bool:
        # As tuples, in which one NaN is the same as itself: from Python 3.13 on a dataclass
        # compares its fields one by one.
        return type(self) is type(other) and _compared(self) == _compared(other)

    @classmethod
    def known(
        cls, pixel_size: tuple[float, float], source: str, *, note: str = "", **measured: Any
    ) -> Calibration:
        """Report on a known pixel size, with a note where the pixels are not square.

        Parameters
        ----------
        pixel_size, source, note, **measured
            As the attributes.
        """
        x, y = pixel_size
        if not math.isclose(x, y, rel_tol=SQUARE_TOLERANCE):
            note = "; ".join(filter(None, [note, f"pixels are not square: y/x = {y / x:.4f}"]))
        return cls((x, y), source, note, **measured)

    @property
    def square(self) -> bool:
        """Whether both pixel sizes agree within one part in 10 000."""
        return self.pixel_size is None or math.isclose(*self.pixel_size, rel_tol=SQUARE_TOLERANCE)

    @property
    def exact(self) -> bool:
        """Whether the pixel size has no error to speak of, as that of a simulated image."""
        return self.relative_error is not None and self.relative_error <= NEGLIGIBLE

    @property
    def relative_error(self) -> float | None:
        """Larger relative standard error of both pixel sizes; None where it is not known."""
        if self.pixel_size is None or self.pixel_size_error is None:
            return None
        return max(e / s for e, s in zip(self.pixel_size_error, self.pixel_size, strict=True))

    def __repr__(self) -> str:
        return f"<Calibration: {self}>"

    def __str__(self) -> str:
        """All that is known, in one line, with two significant digits of each error."""
        if self.pixel_size is None:
            size = "not calibrated"
        elif self.pixel_size_error is not None and not self.exact:
            pairs = zip("xy", self.pixel_size, self.pixel_size_error, strict=True)
            size = ", ".join(f"{name} {with_error(value, error)}" for name, value, error in pairs)
            size += f" {self.unit} per pixel"
        else:
            x, y = (f"{value:.6g} {self.unit}" for value in self.pixel_size)
            size = f"{x if self.square else f'{x} x {y}'} per pixel"
            said = [
                text for text, so in (("not square", not self.square), ("exact", self.exact)) if so
            ]
            size += f" ({', '.join(said)})" if said else ""
        measured = ""
        if self.regions:
            measured = (
                f"; scale {with_error(self.scale, self.scale_error)}, anisotropy "
                f"{with_error(self.anisotropy, self.anisotropy_error, sign=True)} %, "
                f"shear {with_error(self.shear, self.shear_error, sign=True)}°"
            )
        note = "".join(f"; {text}" for text in (self.note, self.pixel_values) if text)
        return f"{size}, from {self.source}{measured}{note}"

    def to_json(self) -> str:
        """Text form, as kept in the metadata of a signal: pixel size, source and notes.

        The error is kept where it is that of the image, and not measured by its crystals.
        """
        names = ("pixel_size", "source", "square", "note", "pixel_values")
        record = {name: getattr(self, name) for name in names}
        if self.pixel_size_error is not None and not self.regions:
            record["pixel_size_error"] = self.pixel_size_error
        return json.dumps(record)

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """Report of the text that :meth:`to_json` gives.

        Raises
        ------
        ValueError
            If ``text`` is not such a text.
        """
        try:
            record = json.loads(text)
            size = record["pixel_size"]
            pixel_size = None if size is None else (float(size[0]), float(size[1]))
            values = str(record.get("pixel_values", ""))
            error = record.get("pixel_size_error")
            return cls(
                pixel_size,
                str(record["source"]),
                str(record["note"]),
                pixel_values=values,
                pixel_size_error=None if error is None else (float(error[0]), float(error[1])),
            )
        except (KeyError, TypeError, IndexError, ValueError) as error:
            raise ValueError(f"not a calibration record: {text!r}") from error


def _compared(report: Any) -> tuple:
    return tuple(getattr(report, one.name) for one in fields(report) if one.compare)
