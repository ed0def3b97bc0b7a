"""Reader of TIFF files whose values are not simply grey: white as zero, palettes, transparency."""

from __future__ import annotations

from typing import Any

import numpy as np
from rsciio import tiff as rsciio_tiff
from tifffile import TiffFile

from hyperspy_twin.io.pixel_values import (
    UnreadColoursError,
    apply_palette,
    grey_of_colours,
    invert_white_is_zero,
    transparency_note,
)

# Values of the tag PhotometricInterpretation (TIFF 6.0, Adobe 1992).
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE = 0, 1, 2, 3


def file_reader(filename: str, lazy: bool = False, **options: Any) -> list[dict[str, Any]]:
    """Read a TIFF file, as a reader that :func:`hyperspy.api.load` takes as ``file_format``.

    Parameters
    ----------
    filename
        Path.
    lazy
        Whether to leave the data on the disk.
    **options
        Passed to rosettasciio, whose reader reads everything; the values are made intensities here.

    Raises
    ------
    UnreadColoursError
        If the image has channels that are neither red, green and blue nor grey.
    """
    try:
        found = rsciio_tiff.file_reader(filename, lazy=lazy, **options)
    except ValueError as error:
        with TiffFile(filename) as file:
            coloured = any(
                getattr(series.pages[0], "photometric", None) == RGB for series in file.series
            )
        if not coloured:
            raise
        raise UnreadColoursError(
            f"its colours are not read ({error}): red, green and blue have to stand together in "
            "each pixel, as integers of 8 or 16 bits; save it as a grey or such an RGB image"
        ) from error
    for image in found:
        _interpret(image)
    return found


def _interpret(image: dict[str, Any]) -> None:
    """Turn the values of an image into intensities, in place, and note what was done."""
    tags, data = image["original_metadata"], image["data"]
    photometric = int(tags.get("PhotometricInterpretation", BLACK_IS_ZERO))
    by_imagej = str(tags.get("ImageDescription", "")).startswith("ImageJ=")
    notes: list[str] = []
    if data.dtype.names is not None:
        data, notes = _grey_of_records(data)
    elif int(tags.get("SamplesPerPixel", 1)) > 1:
        data, notes = _first_sample(image, photometric)
    if photometric == WHITE_IS_ZERO:
        data = invert_white_is_zero(data, _bits(tags, data))
        notes.append("0 means white in this file: values inverted, so that bright is high")
    elif photometric == PALETTE and by_imagej:
        notes.append("colour table of ImageJ ignored: the values are its indices")
    elif photometric == PALETTE and "ColorMap" in tags:
        data, note = apply_palette(data, np.asarray(tags["ColorMap"]).reshape(3, -1))
        notes.append(note)
    elif by_imagej and _is_shown_inverted(tags):
        notes.append("ImageJ shows this image with an inverted table: the values are as stored")
    orientation = int(tags.get("Orientation", 1))
    if orientation not in (0, 1):
        notes.append(f"read as stored, not turned as its orientation tag ({orientation}) asks")
    image["data"] = data
    tags["pixel_values"] = "; ".join(filter(None, notes))


def _grey_of_records(data: Any) -> tuple[Any, list[str]]:
    """Intensity of records of red, green, blue and perhaps transparency."""
    grey, note = grey_of_colours([data[name] for name in "RGB"])
    hidden = ""
    if "A" in data.dtype.names:
        hidden = transparency_note(data["A"], np.iinfo(data["A"].dtype).max)
    return grey, [hidden, note]


def _first_sample(image: dict[str, Any], photometric: int) -> tuple[Any, list[str]]:
    """Grey channel of an image with grey and transparency in each pixel."""
    tags, data, axes = image["original_metadata"], image["data"], image["axes"]
    samples = int(tags["SamplesPerPixel"])
    if photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO) or samples != 2:
        raise UnreadColoursError(
            f"its pixels hold {samples} channels that are neither red, green and blue nor grey "
            f"(PhotometricInterpretation {photometric}): save it as a grey or RGB image"
        )
    at = next((n for n, axis in enumerate(axes) if axis["size"] == 2 and n == len(axes) - 1), 0)
    del axes[at]
    for axis in axes[-2:]:
        axis["navigate"] = False
    grey, second = (data[(slice(None),) * at + (sample,)] for sample in (0, 1))
    if "ExtraSamples" not in tags:
        return grey, ["second channel of each pixel ignored"]
    opaque = np.iinfo(data.dtype).max if data.dtype.kind in "ui" else 1.0
    return grey, [transparency_note(second, opaque)]


def _bits(tags: dict[str, Any], data: Any) -> int:
    bits = int(np.ravel(tags.get("BitsPerSample", 0))[0])
    return bits if 0 < bits <= 8 * data.dtype.itemsize else 8 * data.dtype.itemsize


def _is_shown_inverted(tags: dict[str, Any]) -> bool:
    """Whether the first table of ImageJ shows high values darker than low ones."""
    stored = tags.get("IJMetadata")
    tables = stored.get("LUTs", ()) if isinstance(stored, dict) else ()
    if not np.size(tables):
        return False
    table = np.asarray(tables, int).reshape(-1, 3, 256)[0].sum(axis=0)
    return bool(table[0] > table[-1])
