"""Which way a map is placed on a micrograph: by what both files say, before what both show."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.data import atomic_numbers
from hyperspy.api import roi as rois

from hyperspy_twin.composition.placement import (
    GIVE,
    UnsureError,
    place_by_image,
    place_by_tags,
    place_given,
    place_on_area,
    place_same_area,
    undetermined_direction,
)
from hyperspy_twin.core import HAADF_EXPONENT, Grid, Placement
from hyperspy_twin.io import ScanTags, read_scan_tags, whole_grid
from hyperspy_twin.pixels import fill_bad_pixels, find_empty_areas
from hyperspy_twin.signals._images import check_single
from hyperspy_twin.signals._pixels import stored_masks

if TYPE_CHECKING:
    from hyperspy_twin.signals._signal import TwinSignal

_logger = logging.getLogger(__name__)

# Axes are the same within this fraction of a pixel.
SAME = 1e-3
# Sizes of one area by two pixel sizes of one file are equal within this fraction.
SAME_EXTENT = 0.01


def place_map(
    maps: Any,
    image: TwinSignal,
    given: Any,
    simultaneous: Any,
    *,
    angle: float,
    scale: float,
) -> Placement:
    """Place a map on a micrograph; see ``CompositionMap.register``."""
    check_micrograph(image, "image")
    if given is not None:
        return _as_given(maps, image, given)
    tags, own = read_scan_tags(image), read_scan_tags(maps)
    if _is_same_area(maps, image, tags, own):
        return place_same_area(maps._grid, image._grid)
    values = None if simultaneous is None else _recorded_values(maps, simultaneous, own)
    if own.rectangle is not None and own.survey is not None and own.survey == tags.survey:
        return _by_tags(maps, image, tags, own, own.rectangle, values)
    missing = [
        name
        for name, unit in (("maps", maps._unit), ("micrograph", unit_of(image)))
        if unit != "nm"
    ]
    if missing:
        raise UnsureError(
            f"the pixel size of {' and '.join(missing)} is missing, and no tags of the files say "
            f"where the maps lie: calibrate both, or {GIVE}"
        )
    if values is None:
        values = _expected_brightness(maps)
    found = place_by_image(
        _values_of(image), image._grid, maps._grid, values, angle=angle, scale=scale
    )
    free = undetermined_direction(found, maps._grid.pixel_size)
    if free is not None:
        _logger.warning(
            "the position of the map along the direction (%.2f, %.2f) is not determined: "
            "micrograph and map show nothing that changes along it, such as layers alone",
            *free,
        )
    return found


def placement_of_rows(placement: Placement, known: np.ndarray, y: np.ndarray) -> Placement:
    """Placement of some rows of a map, or of rows that were added up.

    Parameters
    ----------
    placement
        Of the whole map.
    known, y
        Positions of the rows of the whole map, and of those that are left.
    """
    shifts = [np.interp(y, known, one) for one in placement.row_shifts.T]
    return replace(placement, row_shifts=np.column_stack(shifts))


def check_micrograph(image: Any, name: str) -> None:
    """Check that a signal is one calibrated or uncalibrated micrograph.

    Raises
    ------
    TypeError
        If it is another type.
    ValueError
        If it is a stack.
    """
    if getattr(image, "_signal_type", "") != "twin_micrograph":
        raise TypeError(
            f"{name} has to be a Micrograph, not {type(image).__name__}: load it with ht.load, or "
            "call s.set_signal_type('Micrograph')"
        )
    check_single(image)


def unit_of(image: TwinSignal) -> str:
    """Read the unit of the axes of a micrograph: nm, or px without a calibration."""
    return str(image.axes_manager.signal_axes[0].units)


def _as_given(maps: Any, image: TwinSignal, given: Any) -> Placement:
    grids = maps._grid, image._grid
    if isinstance(given, Placement):
        placed = place_given(*grids, given.matrix, given.row_shifts)
        covariance = np.asarray(given.covariance, float)
        return Placement(placed.matrix, placed.row_shifts, covariance, "given", given.probability)
    if isinstance(given, rois.RectangularROI):
        edges = given.left, given.top, given.right, given.bottom
        return place_given(*grids, place_on_area(maps._grid, edges))
    try:
        matrix = np.asarray(given, float)
    except (TypeError, ValueError):
        raise ValueError(f"this is no placement: {given!r}. {GIVE}") from None
    return place_given(*grids, matrix)


def _is_same_area(maps: Any, image: TwinSignal, tags: ScanTags, own: ScanTags) -> bool:
    """Whether an image was recorded pixel by pixel with the map."""
    if own.rectangle is not None and own.survey is not None:
        same_scan = (own.survey, own.rectangle) == (tags.survey, tags.rectangle)
        return same_scan and _is_whole(maps, own) and _is_whole(image, tags)
    names = [one.metadata.get_item("General.original_filename") for one in (maps, image)]
    same_file = bool(names[0]) and names[0] == names[1]
    same_unit = maps._unit == unit_of(image)
    return same_file and same_unit and _same_axes(maps._grid, image._grid)


def _is_whole(signal: Any, tags: ScanTags) -> bool:
    return signal._grid.shape in (tags.shape, tags.scan)


def _same_axes(one: Grid, other: Grid) -> bool:
    pairs = zip((*one.scale, *one.offset), (*other.scale, *other.offset), strict=True)
    near = SAME * one.pixel_size
    ends = all(abs(a - b) < near for a, b in pairs)
    return one.shape == other.shape and ends and np.allclose(one.extent, other.extent, atol=near)


def _by_tags(
    maps: Any,
    image: TwinSignal,
    tags: ScanTags,
    own: ScanTags,
    rectangle: tuple[float, float, float, float],
    values: Any,
) -> Placement:
    survey, scanned = image._grid, maps._grid
    try:
        if tags.shape is not None:
            survey = whole_grid(survey, tags.shape, tags.origin)
        if own.scan is not None:
            scanned = whole_grid(scanned, own.scan, own.origin)
    except ValueError as error:
        raise ValueError(
            f"the tags tell where the map lies on the survey as it was recorded, and {error}. "
            f"Register maps and survey as they were loaded, or {GIVE}"
        ) from None
    # Tags count from the outer edge of the first pixel.
    corner = np.array(survey.offset) - np.array(survey.scale) / 2
    edges = np.array(rectangle).reshape(2, 2) * survey.scale + corner
    matrix = place_on_area(scanned, (*edges[0], *edges[1]))
    found, reason = place_by_tags(_values_of(image), image._grid, maps._grid, matrix, values)
    if reason:
        _logger.warning("the drift of the map was not tracked: %s", reason)
    return found


def _recorded_values(maps: Any, simultaneous: Any, own: ScanTags) -> np.ndarray:
    """Pixels of an image that covers the area of the map."""
    check_micrograph(simultaneous, "simultaneous")
    tags = read_scan_tags(simultaneous)
    if None not in (tags.rectangle, own.rectangle) and (
        (tags.survey, tags.rectangle) != (own.survey, own.rectangle)
    ):
        raise ValueError(
            "simultaneous belongs to another scan: its tags have another survey or rectangle than "
            "those of the map"
        )
    whole = own.scan is None or maps._grid.shape == own.scan
    whole &= tags.shape is None or simultaneous._grid.shape == tags.shape
    extents = np.divide(simultaneous._grid.extent, maps._grid.extent)
    calibrated = (maps._unit, unit_of(simultaneous)) == ("nm", "nm")
    if not whole or (calibrated and np.abs(extents - 1).max() > SAME_EXTENT):
        raise ValueError(
            "map and simultaneous image have to cover the same area, and one of them was cropped "
            "or binned: register first, and crop the map afterwards"
        )
    return _values_of(simultaneous)


def _values_of(image: Any) -> np.ndarray:
    """Pixels of an image, single bad ones filled in, NaN where it is empty."""
    values = np.asarray(image.data, float)
    masks = stored_masks(image)
    bad = ~np.isfinite(values)
    if masks is not None:
        bad |= masks.reshape(values.shape)
    if not bad.any() or bad.all():
        return values
    return np.where(find_empty_areas(bad), np.nan, fill_bad_pixels(values, bad))


def _expected_brightness(maps: Any) -> np.ndarray:
    """Brightness of a dark-field image of the composition; NaN where a fraction is not known."""
    weights = np.array([atomic_numbers[one] for one in maps.elements]) ** HAADF_EXPONENT
    return np.tensordot(weights, np.asarray(maps.data, float), axes=1)
