"""Displaced lattice sites: the points r = R + u(r) for sites R of the reference lattice.

Geometric phase analysis gives the displacement at the deformed position r, so the displaced point
is the solution of an equation, not R + u(R). Outside the image u keeps its value at the edge.

References
----------
M. J. Hytch, E. Snoeck, R. Kilaas, Ultramicroscopy 74 (1998) 131-146.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hyperspy_twin.atoms.cuts import step_fraction
from hyperspy_twin.core import Grid, kernel

# Strain and rotation stay well below this displacement per length; where neighbouring pixels
# differ by more, the field jumps (the cut of a dislocation) and must not be interpolated.
LARGEST_GRADIENT = 0.5
# A point is found to this length in nm: 1e-7 of an interatomic distance.
TOLERANCE = 1e-8
# Steps of Newton's method, which needs two or three, before substitution takes over.
NEWTON_STEPS = 12
# Steps of both; substitution halves the error, at least, at the steepest gradient.
MOST_STEPS = 60
# Determinant of the Jacobian above which Newton's method is trusted.
SMALLEST_DETERMINANT = 0.1


def fill_missing(displacement: np.ndarray) -> np.ndarray:
    """Extend a displacement field to the pixels where it is NaN, from the nearest known ones.

    Raises
    ------
    ValueError
        If the shape is wrong or no pixel is known.
    """
    displacement = np.asarray(displacement, float)
    if displacement.ndim != 3 or displacement.shape[0] != 2:
        raise ValueError(f"displacement must be (2, rows, columns), not {displacement.shape}")
    missing = ~np.all(np.isfinite(displacement), axis=0)
    if not missing.any():
        return np.ascontiguousarray(displacement)
    if missing.all():
        raise ValueError("the displacement is unknown everywhere: run gpa() on a region first")
    nearest = ndimage.distance_transform_edt(missing, return_distances=False, return_indices=True)
    return displacement[:, nearest[0], nearest[1]]


def prepare_field(displacement: np.ndarray, grid: Grid) -> np.ndarray:
    """Return a gap-free contiguous field that matches the grid, at least 2 by 2 pixels."""
    field = fill_missing(displacement)
    if field.shape[1:] != tuple(grid.shape):
        raise ValueError(
            f"displacement has {field.shape[1:]} pixels and the grid {tuple(grid.shape)}: "
            "give both on the same pixels"
        )
    short = [(0, 0)] + [(0, max(0, 2 - size)) for size in field.shape[1:]]
    return np.ascontiguousarray(np.pad(field, short, mode="edge"), dtype=np.float64)


def sample_displacement(displacement: np.ndarray, grid: Grid, points: np.ndarray) -> np.ndarray:
    """Interpolate a displacement linearly at points, shape (n, 2); NaN near unknown pixels."""
    pixels = grid.to_pixels(points).T[::-1]
    parts = [ndimage.map_coordinates(one, pixels, order=1, mode="nearest") for one in displacement]
    return np.stack(parts, axis=1)


@kernel
def interpolate(
    field: np.ndarray, offset: np.ndarray, scale: np.ndarray, x: float, y: float
) -> tuple[float, float, float, float, float, float]:
    """Interpolate u bilinearly at one point; return u_x, u_y and their four derivatives."""
    rows, columns = field.shape[1], field.shape[2]
    column = (x - offset[0]) / scale[0]
    row = (y - offset[1]) / scale[1]
    inside_x = 0.0 <= column <= columns - 1
    inside_y = 0.0 <= row <= rows - 1
    column = min(max(column, 0.0), columns - 1.0)
    row = min(max(row, 0.0), rows - 1.0)
    j = min(int(column), columns - 2)
    i = min(int(row), rows - 2)
    s = column - j
    t = row - i
    limit = LARGEST_GRADIENT * min(scale[0], scale[1])
    jump = False
    for axis in range(2):
        f00, f01 = field[axis, i, j], field[axis, i, j + 1]
        f10, f11 = field[axis, i + 1, j], field[axis, i + 1, j + 1]
        steps = max(abs(f01 - f00), abs(f11 - f10), abs(f10 - f00), abs(f11 - f01))
        jump = jump or steps > limit
    if jump:
        near_i = i + 1 if t >= 0.5 else i
        near_j = j + 1 if s >= 0.5 else j
        return field[0, near_i, near_j], field[1, near_i, near_j], 0.0, 0.0, 0.0, 0.0
    value = np.empty(2)
    slope_x = np.zeros(2)
    slope_y = np.zeros(2)
    for axis in range(2):
        f00, f01 = field[axis, i, j], field[axis, i, j + 1]
        f10, f11 = field[axis, i + 1, j], field[axis, i + 1, j + 1]
        value[axis] = (1 - t) * ((1 - s) * f00 + s * f01) + t * ((1 - s) * f10 + s * f11)
        if inside_x:
            slope_x[axis] = ((1 - t) * (f01 - f00) + t * (f11 - f10)) / scale[0]
        if inside_y:
            slope_y[axis] = ((1 - s) * (f10 - f00) + s * (f11 - f01)) / scale[1]
    return value[0], value[1], slope_x[0], slope_y[0], slope_x[1], slope_y[1]


@kernel
def displace(
    field: np.ndarray, cuts: np.ndarray, offset: np.ndarray, scale: np.ndarray, x: float, y: float
) -> tuple[float, float, float, float, float, float]:
    """Return u_x and u_y at one point, with the steps of cuts, and their four derivatives."""
    u_x, u_y, xx, xy, yx, yy = interpolate(field, offset, scale, x, y)
    place_x, place_y = x - u_x, y - u_y
    for number in range(cuts.shape[0]):
        cut = cuts[number]
        part, slope_x, slope_y = step_fraction(cut, place_x, place_y)
        u_x += cut[5] * part
        u_y += cut[6] * part
        xx += cut[5] * slope_x
        xy += cut[5] * slope_y
        yx += cut[6] * slope_x
        yy += cut[6] * slope_y
    return u_x, u_y, xx, xy, yx, yy


@kernel
def solve_point(
    field: np.ndarray,
    cuts: np.ndarray,
    offset: np.ndarray,
    scale: np.ndarray,
    reference_x: float,
    reference_y: float,
    x: float,
    y: float,
) -> tuple[float, float, bool]:
    """Solve r = R + u(r) for one point R from a start r by Newton's method.

    Returns the displaced point in nm and whether it was found; NaN where it was not, as in the gap
    that opens at the cut of a dislocation.
    """
    for iteration in range(MOST_STEPS):
        u_x, u_y, xx, xy, yx, yy = displace(field, cuts, offset, scale, x, y)
        residual_x = x - reference_x - u_x
        residual_y = y - reference_y - u_y
        if abs(residual_x) < TOLERANCE and abs(residual_y) < TOLERANCE:
            return x, y, True
        determinant = (1 - xx) * (1 - yy) - xy * yx
        if iteration < NEWTON_STEPS and determinant > SMALLEST_DETERMINANT:
            x -= ((1 - yy) * residual_x + xy * residual_y) / determinant
            y -= (yx * residual_x + (1 - xx) * residual_y) / determinant
        else:
            # Newton's method can cycle across a kink of the bilinear field; substitution cannot.
            x -= residual_x
            y -= residual_y
    return np.nan, np.nan, False
