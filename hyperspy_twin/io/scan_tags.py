"""What the tags of a file say about the survey image on which a scan was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hyperspy_twin.core import Grid

if TYPE_CHECKING:
    from hyperspy.signal import BaseSignal

# An offset is that of a whole pixel within this fraction of one.
WHOLE = 1e-3


@dataclass(frozen=True)
class ScanTags:
    """Survey image of a scan, by the tags of DigitalMicrograph.

    Attributes
    ----------
    survey
        Unique number of the survey, of four parts: its own, or that of the survey on which the scan
        was chosen; None where the file does not say.
    rectangle
        Left, top, right and bottom edge of the scan in pixels of the survey, counted from the outer
        edge of its first pixel; None for the survey itself.
    shape
        Rows and columns of the data in the file; None where the file does not say.
    scan
        Rows and columns of the scan; None for the survey itself.
    origin
        Coordinate 0 of the file, in pixels (x, y).
    """

    survey: tuple[int, ...] | None
    rectangle: tuple[float, float, float, float] | None
    shape: tuple[int, int] | None
    scan: tuple[int, int] | None
    origin: tuple[float, float]


def read_scan_tags(signal: BaseSignal) -> ScanTags:
    """Read the tags of a survey image, or of what was recorded in a scan.

    Parameters
    ----------
    signal
        As it was loaded, or what was derived of it with its original metadata.
    """
    whole = signal.original_metadata.as_dictionary()
    image = _item(whole, "ImageList", "TagGroup0") or {}
    tags = _item(image, "ImageTags") or {}
    acquisition = _item(tags, "SI", "Acquisition") or {}
    own = _item(tags, "Survey Image", "UID")
    chosen = _item(acquisition, "Survey Image", "UID")
    edges = _item(acquisition, "Survey Image", "Spectrum Image Rect")
    rectangle = None
    if edges is not None and len(edges) == 4:
        top, left, bottom, right = map(float, edges)
        rectangle = (left, top, right, bottom)
    sampling = _item(acquisition, "Spatial Sampling") or {}
    sizes = _item(image, "ImageData", "Dimensions") or {}
    origins = [
        _item(image, "ImageData", "Calibrations", "Dimension", name, "Origin")
        for name in ("TagGroup0", "TagGroup1")
    ]
    return ScanTags(
        _identity(chosen if chosen is not None else own),
        rectangle,
        _pair(sizes, "Data1", "Data0"),
        _pair(sampling, "Height (pixels)", "Width (pixels)"),
        (float(origins[0] or 0.0), float(origins[1] or 0.0)),
    )


def whole_grid(grid: Grid, shape: tuple[int, int], origin: tuple[float, float]) -> Grid:
    """Grid of the image in the file, of which a signal is all or a part.

    Parameters
    ----------
    grid
        Of the signal.
    shape
        Rows and columns in the file.
    origin
        Coordinate 0 of the file, in pixels (x, y).

    Raises
    ------
    ValueError
        If the signal was binned or turned, so that its pixels are not those of the file.
    """
    first = [
        start / scale + zero
        for start, scale, zero in zip(grid.offset, grid.scale, origin, strict=True)
    ]
    begin = [round(one) for one in first]
    same = all(abs(one - number) < WHOLE for one, number in zip(first, begin, strict=True))
    inside = all(
        number >= 0 and number + size <= most
        for number, size, most in zip(begin, grid.shape[::-1], shape[::-1], strict=True)
    )
    if not (same and inside):
        raise ValueError(
            f"its {grid.shape[1]} x {grid.shape[0]} pixels are no part of the {shape[1]} x "
            f"{shape[0]} in the file: it was binned, turned or moved"
        )
    offset = tuple(
        start - number * scale
        for start, number, scale in zip(grid.offset, begin, grid.scale, strict=True)
    )
    return Grid(shape, grid.scale, (offset[0], offset[1]))


def _identity(parts: Any) -> tuple[int, ...] | None:
    if not isinstance(parts, Mapping) or not parts:
        return None
    found = tuple(int(parts[key]) for key in sorted(parts))
    return found if any(found) else None


def _pair(tags: Any, *names: str) -> tuple[int, int] | None:
    first, second = (tags.get(name) for name in names)
    return None if first is None or second is None else (int(first), int(second))


def _item(tags: Any, *names: str) -> Any:
    for name in names:
        # HyperSpy may have put an underscore for a blank.
        tags = (
            tags.get(name, tags.get(name.replace(" ", "_"))) if isinstance(tags, Mapping) else None
        )
    return tags
