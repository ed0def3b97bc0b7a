"""Areas of one constant value, as aligning, turning and dead electronics leave them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.measure import approximate_polygon, find_contours
from skimage.morphology import convex_hull_image

# Width in pixels up to which a gap is filled from both sides; a wider one is an empty area. Half a
# lattice fringe of 8 pixels, so that what is filled in keeps the phase of most lattices.
WIDEST_GAP = 4
# Shortest run of equal values that is looked at.
SHORTEST_RUN = 8
# Long runs from which their mean length is taken.
FEWEST_RUNS = 4
# Expected number of runs of chance in one image.
FALSE_ALARMS = 1e-3
# Values that are judged, those with the longest runs first.
MOST_VALUES = 4
# Length of the runs that half of the rest of an image lies in where it is a drawing without noise;
# counts of more than 0.05 a pixel leave fewer.
DRAWN_RUN = 32
DRAWN = 0.5
# A value this common beside the area grows the area no further: sites percolate from 0.59 on, and
# far below that growth stays within a few pixels (Stauffer, Introduction to Percolation Theory).
RARE = 0.1
# Fraction of their convex hulls that the parts with data fill; polygons of aligned or turned images
# fill theirs, vacuum around particles leaves ragged or round parts.
CONVEX = 0.97
# Parts with data, and fraction of all data that these must hold.
MOST_PARTS = 8
LARGE_PARTS = 0.95
# Fraction of the outline in its four longest straight sides: half for a regular octagon, which is a
# turned image that the frame cuts, and 0.45 for a disc of 25 pixels radius, less for larger ones.
LONG_SIDES = 0.45
# Deviation in pixels from straight sides.
STRAIGHT = 1.5
# Fraction of the side of the image that a bad line is long at least: nearly half a detector.
LINE_LENGTH = 0.45
# Depths in pixels at which the data beside an area are compared. Across a real edge brightness
# falls over the width of the probe or more; data that are cut off do not fall, but for one pixel
# where turning has interpolated.
OUTER_DEPTH = 2
DEPTH = 4
# Fraction of the data there that are taken as they are; larger ones count as the largest of these.
# Two lines that cross an area hold less than a twentieth of its outline.
TYPICAL = 0.95
# Fraction of the difference there that the outline must show.
SHARP = 0.5


def find_constant_areas(image: np.ndarray) -> np.ndarray:
    """Mark areas and lines of exactly one value that chance, vacuum or saturation do not explain.

    Where a run goes on with the probability f, chance makes one of n pixels with f^n. The parts of
    the image that are left must be few and bounded by straight lines, and their brightness must
    not fade towards the area.

    Parameters
    ----------
    image
        Values, shape (rows, columns); those that are not finite count as one value.

    Returns
    -------
    numpy.ndarray
        Boolean, shape (rows, columns).
    """
    found = np.zeros(image.shape, bool)
    if min(image.shape) < 2 * SHORTEST_RUN:
        return found
    runs = _in_runs(image, np.ones(image.shape, bool), SHORTEST_RUN)
    if not runs.any():
        return found
    values, counts = np.unique(image[runs], return_counts=True)
    for value in values[np.argsort(-counts)[:MOST_VALUES]]:
        found |= _area_of(image, value, found)
    # Where the rest is constant as well the image is a drawing, and nothing in it is missing.
    rest = np.count_nonzero(~found)
    if rest < SHORTEST_RUN**2:
        return np.zeros(image.shape, bool)
    if not found.any():
        return found
    drawn = np.count_nonzero(_in_runs(image, ~found, min(DRAWN_RUN, min(image.shape))))
    return found if drawn < DRAWN * rest else np.zeros(image.shape, bool)


def find_empty_areas(bad: np.ndarray) -> np.ndarray:
    """Bad pixels too far from good ones to be filled in: no square of good width fits a gap.

    Parameters
    ----------
    bad
        Bad pixels, boolean, shape (rows, columns).

    Returns
    -------
    numpy.ndarray
        Those in areas wider than 4 pixels, and in lines along the border of the image.
    """
    width = WIDEST_GAP + 1
    if not bad.any():
        return np.zeros(bad.shape, bool)
    padded = np.pad(bad, width, constant_values=True)
    # A single pixel in a corner is no area.
    for row in (slice(width), slice(-width, None)):
        for column in (slice(width), slice(-width, None)):
            padded[row, column] = False
    padded = ndimage.minimum_filter(padded, width, mode="nearest")
    return ndimage.maximum_filter(padded, width, mode="nearest")[width:-width, width:-width] & bad


def bounds_of_valid(empty: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns between which the pixels lie that are not empty."""
    if not empty.any():
        return slice(0, empty.shape[0]), slice(0, empty.shape[1])
    rows, columns = (np.flatnonzero(~empty.all(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def continue_inwards(image: np.ndarray, empty: np.ndarray, tile: int) -> np.ndarray:
    """Image in which empty areas go on as the image does beside them.

    An empty pixel gets the value at the opposite side of the outline next to it. The same point of
    the outline serves a whole tile, because a lattice is unchanged by inversion at a point but not
    by reflection at a line.

    Parameters
    ----------
    image
        Shape (rows, columns).
    empty
        Empty areas, boolean.
    tile
        Side of the tiles in pixels.

    Returns
    -------
    numpy.ndarray
        The image itself where nothing is empty, otherwise a copy.
    """
    if not empty.any() or empty.all():
        return image
    nearest = ndimage.distance_transform_edt(empty, return_distances=False, return_indices=True)
    row, column = np.nonzero(empty)
    y, x = nearest[0][empty], nearest[1][empty]
    key = (y // tile) * (image.shape[1] // tile + 1) + x // tile
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    centre = np.stack([y[first], x[first]])[:, group.ravel()]
    opposite = 2 * centre - np.stack([row, column])
    inside = (opposite >= 0) & (opposite < np.array(image.shape)[:, None])
    safe = np.where(inside, opposite, 0)
    usable = inside.all(axis=0) & ~empty[safe[0], safe[1]]
    filled = image.copy()
    filled[row, column] = image[y, x]
    filled[row[usable], column[usable]] = image[safe[0][usable], safe[1][usable]]
    return filled


def _in_runs(image: np.ndarray, where: np.ndarray, length: int) -> np.ndarray:
    """Pixels of ``where`` in runs of equal values along a row or a column."""
    result = np.zeros(image.shape, bool)
    for axis in (0, 1):
        if image.shape[axis] < length:
            continue
        values, among = np.moveaxis(image, axis, 0), np.moveaxis(where, axis, 0)
        equal = (values[1:] == values[:-1]) & among[1:] & among[:-1]
        # Pairs in an unbroken series of length - 1, by doubling.
        have, series = 1, equal
        while have < length - 1:
            step = min(have, length - 1 - have)
            series = series[: len(series) - step] & series[step:]
            have += step
        if not series.any():
            continue
        # A run begins at each pixel of series and reaches length pixels on.
        change = np.zeros((len(values) + 1, values.shape[1]), np.int32)
        change[: len(series)] += series
        change[length : length + len(series)] -= series
        np.moveaxis(result, axis, 0)[...] |= np.cumsum(change, axis=0)[:-1] > 0
    return result


def _area_of(image: np.ndarray, value: float, known: np.ndarray) -> np.ndarray:
    """Area of one value, empty where chance or the shape of the area speak against it."""
    nothing = np.zeros(image.shape, bool)
    equal = image == value
    length = SHORTEST_RUN
    fraction = _chance_of_another(equal)
    if fraction > 0:
        chance = np.log(FALSE_ALARMS / image.size) / np.log(min(fraction, 1 - 1e-9))
        length = max(length, int(np.ceil(chance)))
    area = _in_runs(image, equal, length) if length <= max(image.shape) else nothing
    if not area.any():
        return nothing
    if fraction < RARE:
        area = ndimage.binary_propagation(area, mask=equal)
    wide = find_empty_areas(area)
    lines = area & ~wide
    if wide.any() and not (
        _bounded_by_lines(~(wide | known)) and _is_cut_off(image, value, wide, known)
    ):
        wide = nothing
    return wide | _whole_lines(lines, image, value)


def _chance_of_another(equal: np.ndarray) -> float:
    """Chance that a run of a value goes on by one more pixel.

    It is one less the reciprocal of the mean length beyond the shortest, as for a geometric
    distribution, of the runs that end inside the image on both sides; the smaller one along rows
    and along columns, since a band has long runs across it.
    """
    found = []
    for lines in (equal, equal.T):
        change = np.diff(np.pad(lines, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        start, stop = np.argwhere(change > 0)[:, 1], np.argwhere(change < 0)[:, 1]
        inside = (start > 0) & (stop < lines.shape[1])
        length = (stop - start)[inside]
        chances = [0.0]
        for shortest, fewest in ((1, 1), (SHORTEST_RUN, FEWEST_RUNS)):
            beyond = length[length >= shortest] - shortest
            if beyond.size >= fewest:
                chances.append(float(beyond.sum() / (beyond.sum() + beyond.size)))
        found.append(max(chances))
    return min(found)


def _whole_lines(narrow: np.ndarray, image: np.ndarray, value: float) -> np.ndarray:
    """Mark runs of narrow areas that fill most of a row or column and stop where data begin."""
    result = np.zeros(narrow.shape, bool)
    for axis in (0, 1):
        most = narrow.mean(axis=1 - axis) > LINE_LENGTH
        lines = narrow & np.expand_dims(most, 1 - axis)
        if lines.any() and _is_cut_off(image, value, lines, narrow & ~lines):
            result |= lines
    return result


def _bounded_by_lines(valid: np.ndarray) -> bool:
    """Whether the data fill few polygons of straight sides."""
    valid = ndimage.binary_fill_holes(ndimage.binary_closing(np.pad(valid, 2), iterations=2))
    numbered, count = ndimage.label(valid)
    if not count:
        return False
    areas = np.bincount(numbered.ravel())[1:]
    largest = np.argsort(-areas)[:MOST_PARTS]
    if areas[largest].sum() < LARGE_PARTS * areas.sum():
        return False
    boxes = ndimage.find_objects(numbered)
    filled = hulls = 0
    for part in largest:
        own = np.pad(numbered[boxes[part]] == part + 1, 1)
        hull = convex_hull_image(own)
        filled += int(areas[part])
        hulls += int(np.count_nonzero(hull))
        if areas[part] > (1 - LARGE_PARTS) * areas.sum() and _long_sides(hull) < LONG_SIDES:
            return False
    return filled > CONVEX * hulls


def _long_sides(hull: np.ndarray) -> float:
    """Fraction of the outline of a convex area that its four longest straight sides hold."""
    outline = max(find_contours(hull.astype(np.float32), 0.5), key=len)
    # It starts anywhere on a side, but has to start at a corner.
    start = int(np.argmax(np.hypot(*(outline - outline.mean(axis=0)).T)))
    outline = np.concatenate([outline[start:-1], outline[: start + 1]])
    sides = np.diff(approximate_polygon(outline, STRAIGHT), axis=0)
    length = np.sort(np.hypot(*sides.T))
    return float(length[-4:].sum() / max(length.sum(), 1.0))


def _is_cut_off(image: np.ndarray, value: float, area: np.ndarray, known: np.ndarray) -> bool:
    """Whether the data stop at an area without fading towards its value."""
    distance = ndimage.distance_transform_cdt(~area, "chessboard")
    at, inside = (
        np.abs(image[(distance == depth) & ~known] - float(value)) for depth in (OUTER_DEPTH, DEPTH)
    )
    if not at.size or not inside.size:
        return at.size > 0
    # Hot pixels and saturated lines that end at the area would outweigh all others.
    highest = np.quantile(np.concatenate([at, inside]), TYPICAL)
    if highest > 0:
        at, inside = np.minimum(at, highest), np.minimum(inside, highest)
    return float(at.mean()) > SHARP * float(inside.mean()) and float(at.mean()) > 0
