"""The displacement along the beam that goes with jumps of the displacement in the image."""

from __future__ import annotations

import numpy as np
from scipy.fft import dctn, idctn

from hyperspy_twin.atoms.cuts import NO_CUTS, sides
from hyperspy_twin.atoms.displacement import LARGEST_GRADIENT
from hyperspy_twin.core import Grid

# A jump is a lattice vector if it differs from one by less than this fraction of the shortest: half
# of the largest distance at which there is one nearest lattice point.
SAME_TRANSLATION = 0.25


def find_beam_displacement(
    field: np.ndarray,
    known: np.ndarray,
    grid: Grid,
    plane: np.ndarray,
    lift: np.ndarray,
    length: float,
    cuts: np.ndarray = NO_CUTS,
) -> np.ndarray:
    """Find the displacement along the beam that keeps the crystal whole across jumps.

    Where the displacement seen in the image jumps by a projected lattice vector (the cut of a
    dislocation, whose position has no meaning), the crystal goes on as if nothing happened. The
    lattice vector also has a part along the beam, which the image does not show; without it the
    two sides would meet shifted along the beam. The field with these jumps and no more gradient
    than needed is the solution of Poisson's equation: constant on either side of a closed cut,
    and the field of a screw dislocation around a cut that ends. Of two equal parts +-length/2,
    which a projection cannot tell apart, one is taken.

    Parameters
    ----------
    field, grid
        As for :func:`~hyperspy_twin.atoms.columns.find_columns`.
    known
        False where the field was extended and its jumps mean nothing, shape (rows, columns).
    plane, lift
        In-plane parts of two reduced lattice vectors as rows in nm, shape (2, 2), and their parts
        along the beam, shape (2,), in the unit of the result, whose median is zero.
    length
        Repeat along the beam in the unit of ``lift``.
    cuts
        Planar faults, across which the crystal steps along the beam, shape (m, CUT_NUMBERS).

    References
    ----------
    D. C. Ghiglia, L. A. Romero, J. Opt. Soc. Am. A 11 (1994) 107-117: least squares with the
    cosine transform.
    """
    rows, columns = field.shape[1:]
    step_x, step_y = (step**2 for step in grid.scale)
    divergence = np.zeros((rows, columns))
    x_steps = np.where(known[:, 1:] & known[:, :-1], np.diff(field, axis=2), 0.0)
    y_steps = np.where(known[1:] & known[:-1], np.diff(field, axis=1), 0.0)
    along_x = _lifts(x_steps, grid, plane, lift, length)
    along_y = _lifts(y_steps, grid, plane, lift, length)
    places = pixel_places(field, grid)
    for cut in cuts:
        side = sides(cut, places)
        along_x += cut[7] * np.where(side[:, 1:] * side[:, :-1] < 0, np.diff(side, axis=1), 0.0)
        along_y += cut[7] * np.where(side[1:] * side[:-1] < 0, np.diff(side, axis=0), 0.0)
    along_x, along_y = along_x / step_x, along_y / step_y
    divergence[:, 1:] += along_x
    divergence[:, :-1] -= along_x
    divergence[1:] += along_y
    divergence[:-1] -= along_y
    curvature = (2 - 2 * np.cos(np.pi * np.arange(rows) / rows))[:, None] / step_y
    curvature = curvature + (2 - 2 * np.cos(np.pi * np.arange(columns) / columns)) / step_x
    curvature[0, 0] = 1.0  # the mean is free
    depth = idctn(dctn(divergence, workers=-1) / curvature, workers=-1)
    return depth - np.median(depth)


def pixel_places(field: np.ndarray, grid: Grid) -> np.ndarray:
    """Places of pixels in the reference lattice, shape (rows, columns, 2)."""
    rows, columns = field.shape[1:]
    x = grid.offset[0] + grid.scale[0] * np.arange(columns)
    y = grid.offset[1] + grid.scale[1] * np.arange(rows)
    return np.stack(np.meshgrid(x, y), axis=-1) - np.moveaxis(field, 0, -1)


def sample_beam_displacement(
    depth: np.ndarray,
    field: np.ndarray,
    grid: Grid,
    cuts: np.ndarray,
    points: np.ndarray,
    places: np.ndarray,
) -> np.ndarray:
    """Displacement along the beam at points (x, y), on the right side of each cut.

    ``depth`` is that of the pixels of ``field``; ``places`` are those of the points in the
    reference lattice, shape (n, 2).
    """
    found = sample_nearest(depth, grid, points)
    pixels = pixel_places(field, grid)
    for cut in cuts:
        own, other = sides(cut, places), sample_nearest(sides(cut, pixels), grid, points)
        found = found + cut[7] * np.where(own * other < 0.0, own - other, 0.0)
    return found


def lift_along_beam(index: np.ndarray, lift: np.ndarray, length: float) -> np.ndarray:
    """Part along the beam of lattice vectors (n, 2), at most half a repeat.

    A vector and its opposite lift by opposite amounts, also by exactly half a repeat.
    """
    sign = np.where(index[..., 0] != 0, np.sign(index[..., 0]), np.sign(index[..., 1]))
    turns = sign * (index @ lift) / length
    return sign * (turns - np.ceil(turns - 0.5 - 1e-9)) * length


def sample_nearest(values: np.ndarray, grid: Grid, points: np.ndarray) -> np.ndarray:
    """Return the values of the pixels nearest to points (x, y), shape (n,)."""
    pixels = np.rint(grid.to_pixels(points)).astype(np.intp)
    rows, columns = values.shape
    return values[np.clip(pixels[:, 1], 0, rows - 1), np.clip(pixels[:, 0], 0, columns - 1)]


def _lifts(
    steps: np.ndarray, grid: Grid, plane: np.ndarray, lift: np.ndarray, length: float
) -> np.ndarray:
    """Return the step along the beam between neighbouring pixels, zero where nothing jumps."""
    result = np.zeros(steps.shape[1:])
    where = np.nonzero(np.abs(steps).max(axis=0) > LARGEST_GRADIENT * min(grid.scale))
    jumps = np.moveaxis(steps, 0, -1)[where]
    index = np.rint(jumps @ np.linalg.inv(plane))
    residual = lift_along_beam(index, lift, length)
    distance = np.linalg.norm(jumps - index @ plane, axis=1)
    translation = distance < SAME_TRANSLATION * np.linalg.norm(plane, axis=1).min()
    result[where] = np.where(translation, residual, 0.0)
    return result
