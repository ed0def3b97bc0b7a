"""Placements of a map: same area, tags with or without drift, given by a person, found by image."""

from __future__ import annotations

import math

import numpy as np

from hyperspy_twin.composition.placement.certainty import judge_fit
from hyperspy_twin.composition.placement.fit import OutsideError, fit_map
from hyperspy_twin.composition.placement.image_search import find_place
from hyperspy_twin.composition.placement.recorded import MapImage, reduce_map
from hyperspy_twin.composition.placement.scenes import prepare_scene
from hyperspy_twin.composition.placement.tracking import FEWEST_SAMPLES, REACH, track_rows
from hyperspy_twin.core import Grid, Placement, begin_step

# Standard error of a position by tags alone, in pixels of the map, of which the drift of a slow
# scan is most: in the one real map at hand .2 in the first rows, 1.7 in the middle and 4.4 in the
# last row, 2.3 root mean square along each of x and y together.
TAG_ERROR = 1.6
# Probability below which a placement is refused, or a drift is not used.
SUREST = 0.9
GIVE = (
    "give placement=: a Placement, a matrix of shape (2, 3) from (x, y, 1) of the map to (x, y) of "
    "the micrograph, or the hs.roi.RectangularROI of the map on the micrograph"
)


class UnsureError(ValueError):
    """A map cannot be placed on a micrograph with certainty."""


def place_on_area(map_grid: Grid, rectangle: tuple[float, float, float, float]) -> np.ndarray:
    """Matrix of a map whose edges are those of a rectangle.

    Parameters
    ----------
    map_grid
        Of the map.
    rectangle
        Left, top, right and bottom edge on the micrograph, in its unit.
    """
    left, top, right, bottom = rectangle
    rows, columns = map_grid.shape
    x, y = (right - left) / columns, (bottom - top) / rows
    scale = x / map_grid.scale[0], y / map_grid.scale[1]
    # Edges lie half a pixel before the centre of the first pixel.
    shift = (
        left + x / 2 - scale[0] * map_grid.offset[0],
        top + y / 2 - scale[1] * map_grid.offset[1],
    )
    return np.column_stack([np.diag(scale), shift])


def place_same_area(map_grid: Grid, image_grid: Grid) -> Placement:
    """Placement of a map on an image that was recorded with it, of any number of pixels.

    Parameters
    ----------
    map_grid, image_grid
        Grids of both.
    """
    low = np.array(image_grid.offset) - np.array(image_grid.scale) / 2
    high = low + image_grid.extent
    matrix = place_on_area(map_grid, (low[0], low[1], high[0], high[1]))
    return Placement(matrix, np.zeros((map_grid.shape[0], 2)), np.zeros((2, 2)), "same grid", 1.0)


def place_given(
    map_grid: Grid, image_grid: Grid, matrix: np.ndarray, row_shifts: np.ndarray | None = None
) -> Placement:
    """Placement that a person gives.

    Parameters
    ----------
    map_grid, image_grid
        Grids of the map and the micrograph.
    matrix, row_shifts
        See :class:`~hyperspy_twin.core.Placement`.

    Raises
    ------
    ValueError
        If the matrix is none, or the map does not lie on the micrograph.
    """
    matrix = np.asarray(matrix, float)
    if matrix.shape != (2, 3) or not np.isfinite(matrix).all():
        raise ValueError(f"a matrix of shape (2, 3) of finite numbers is needed: {GIVE}")
    if np.linalg.det(matrix[:, :2]) == 0:
        raise ValueError(f"the matrix takes the map to a line: {GIVE}")
    shifts = np.zeros((map_grid.shape[0], 2)) if row_shifts is None else np.asarray(row_shifts)
    if shifts.shape != (map_grid.shape[0], 2):
        raise ValueError(
            f"row_shifts has the shape {shifts.shape}, and the map has {map_grid.shape[0]} rows: "
            "one (x, y) for each row is needed"
        )
    check_overlap(map_grid, image_grid, matrix, shifts)
    return Placement(matrix, shifts, np.zeros((2, 2)), "given", 1.0)


def check_overlap(
    map_grid: Grid, image_grid: Grid, matrix: np.ndarray, row_shifts: np.ndarray
) -> None:
    """Check that the centre of a pixel of a map lies on the micrograph.

    Raises
    ------
    ValueError
        If none does.
    """
    x, y = np.meshgrid(map_grid.x, map_grid.y)
    points = np.stack([x, y, np.ones_like(x)], axis=-1) @ matrix.T + row_shifts[:, None]
    at = image_grid.to_pixels(points.reshape(-1, 2))
    rows, columns = image_grid.shape
    if not np.any(np.all((at >= -0.5) & (at <= [columns - 0.5, rows - 0.5]), axis=1)):
        low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
        raise ValueError(
            f"the map does not overlap the micrograph: it lies at x {low[0]:.4g} to {high[0]:.4g}, "
            f"y {low[1]:.4g} to {high[1]:.4g}, and the micrograph at x {image_grid.x[0]:.4g} to "
            f"{image_grid.x[-1]:.4g}, y {image_grid.y[0]:.4g} to {image_grid.y[-1]:.4g}"
        )


def place_by_tags(
    image: np.ndarray,
    image_grid: Grid,
    map_grid: Grid,
    matrix: np.ndarray,
    simultaneous: np.ndarray | None = None,
) -> tuple[Placement, str]:
    """Placement of a map where tags have it on the survey, and its drift where that can be told.

    Parameters
    ----------
    image, image_grid
        The survey and its grid.
    map_grid
        Of the map.
    matrix
        Where the tags have the map, see :func:`place_on_area`.
    simultaneous
        Image that was recorded with the map, shape (rows, columns).

    Returns
    -------
    placement : Placement
        By "tags and drift", or by "tags".
    reason : str
        Why the drift was not used; empty where it was, or nothing was recorded with the map.

    Raises
    ------
    ValueError
        If the map does not overlap the micrograph, or the image does not belong to the map.
    """
    still = np.zeros((map_grid.shape[0], 2))
    check_overlap(map_grid, image_grid, matrix, still)
    pixel = math.sqrt(abs(np.linalg.det(matrix[:, :2]))) * map_grid.pixel_size
    tagged = Placement(matrix, still, np.eye(2) * (TAG_ERROR * pixel) ** 2, "tags", 1.0)
    if simultaneous is None:
        return tagged, ""
    recorded = reduce_map(simultaneous, map_grid, matrix, image_grid.pixel_size)
    scene = prepare_scene(image, image_grid, max(image_grid.pixel_size, _pixel(recorded, matrix)))
    begin_step("drift of the rows")
    start, certainty = np.zeros((recorded.map_grid.shape[0], 2)), 1.0
    try:
        if recorded.steps.min() >= FEWEST_SAMPLES:
            track = track_rows(scene, recorded, matrix)
            start, certainty = track.row_shifts, float(track.certainty.min())
        if certainty < SUREST:
            return tagged, (
                f"a row fits as well at another place, such as a vector of the lattice away "
                f"(probability of the drift {certainty:.2g})"
            )
        fit = fit_map(scene, recorded, matrix, start)
    except OutsideError:
        return tagged, "less than a third of the map lies on the survey"
    judged = judge_fit(image, image_grid, recorded, fit, field=TAG_ERROR * pixel)
    if not judged.determined.all():
        return tagged, "survey and map do not have enough structure in common"
    shifts = _shifts_of_all_rows(recorded, fit.row_shifts, map_grid)
    moved = _displacements(map_grid, fit.matrix - matrix, shifts)
    if np.hypot(*moved.T).max() > REACH * pixel:
        return tagged, f"the drift is larger than {REACH:.2g} pixels of the map"
    return (
        Placement(fit.matrix, shifts, judged.covariance, "tags and drift", certainty),
        "",
    )


def place_by_image(
    image: np.ndarray,
    image_grid: Grid,
    map_grid: Grid,
    values: np.ndarray,
    *,
    angle: float,
    scale: float,
) -> Placement:
    """Placement of a map by what it shows itself, refused where that is not sure.

    Parameters
    ----------
    image, image_grid
        The micrograph and its grid.
    map_grid
        Of the map, in the unit of the micrograph.
    values
        Image that was recorded with the map or computed from it, shape (rows, columns), a whole
        multiple of the shape of the map.
    angle
        Tolerance of the angle between the scans, in degrees.
    scale
        Tolerance of the ratio of the pixel sizes.

    Raises
    ------
    UnsureError
        If another place fits as well, or micrograph and map do not show the same.
    """
    linear = np.eye(2)
    recorded = reduce_map(values, map_grid, linear, map_grid.pixel_size)
    begin_step("search of the map on the micrograph")
    found = find_place(image, image_grid, recorded, linear, angle=math.radians(angle), scale=scale)
    if found is None:
        raise UnsureError(f"the map does not lie on the micrograph at any angle and scale: {GIVE}")
    seen = f"correlation {found.fit.correlation:.3f}"
    if found.doubt:
        raise UnsureError(
            f"the place of the map is not sure: at the best one ({seen}) {found.doubt}. If you "
            f"know where the map lies, {GIVE}"
        )
    if found.probability < SUREST:
        raise UnsureError(
            f"the place of the map is not sure: the best ({seen}) has a probability of "
            f"{found.probability:.2g}, others fit nearly as well, as they do where a lattice or "
            f"layers repeat. If you know where the map lies, {GIVE}"
        )
    fit, covariance = found.fit, found.certainty.covariance
    shifts = _shifts_of_all_rows(recorded, fit.row_shifts, map_grid)
    return Placement(fit.matrix, shifts, covariance, "image", found.probability)


def undetermined_direction(placement: Placement, pixel: float) -> np.ndarray | None:
    """Find the unit vector (x, y) on the micrograph along which a position is not known, or None.

    Parameters
    ----------
    placement
        Of the map.
    pixel
        Size of a pixel of the map on the micrograph: a position is known to better than twice it.
    """
    values, vectors = np.linalg.eigh(placement.covariance)
    return vectors[:, -1] if values[-1] > (2 * pixel) ** 2 else None


def _shifts_of_all_rows(recorded: MapImage, row_shifts: np.ndarray, map_grid: Grid) -> np.ndarray:
    """Shifts of the rows of a map from those of the rows that were added up."""
    known = recorded.map_grid.y
    return np.column_stack([np.interp(map_grid.y, known, one) for one in row_shifts.T])


def _pixel(recorded: MapImage, matrix: np.ndarray) -> float:
    return math.sqrt(abs(np.linalg.det(matrix[:, :2]))) * recorded.grid.pixel_size


def _displacements(map_grid: Grid, matrix: np.ndarray, row_shifts: np.ndarray) -> np.ndarray:
    """Shift of the middle of each row by a change of the matrix and row shifts, shape (rows, 2)."""
    middle = np.full(map_grid.shape[0], map_grid.x.mean())
    points = np.column_stack([middle, map_grid.y, np.ones(map_grid.shape[0])])
    return points @ matrix.T + row_shifts
