"""Jumps of the scan: lines from which on the rows of atoms are displaced.

Each jump is fitted by generalised least squares: lines of the scan jitter independently, but the
window of the strain map spreads the jitter of each, as it does the jump, over rows of the same
region. Sums over many rows beat that noise. Where the composition has a step, rows may bend, and
the fit knows by how much.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_triangular
from scipy.ndimage import find_objects, label
from scipy.stats import norm

from hyperspy_twin.core import DEVIATION_PER_MEDIAN
from hyperspy_twin.properties.force_check.rows import FEWEST_ROWS, SMOOTH, Rows
from hyperspy_twin.properties.force_check.suspects import Suspect

# Å above and below a line that are compared, the height of an image of 1024 lines of 0.036 nm: more
# would find smaller jumps, and may take slow distortion for one.
REACH = 370.0
# The same for how large errors are: of shorter ones there are more that are independent.
SHORT = 60.0
# Part of the variance of rows that is independent: what the window has removed is not looked for.
FLOOR = 0.05
# Resolutions from a gap within which its own displacement cannot be told from a jump.
BESIDE = 2.0
# Rows next to that of the best fit between which the place of a jump is looked for.
PLACES = np.linspace(-1.0, 1.0, 9)
MOST_JUMPS = 20


def find_jumps(
    rows: tuple[Rows, Rows], resolution: float, chance: float, extent: tuple[float, float]
) -> list[Suspect]:
    """Find lines from which on the rows are displaced, the most significant first.

    Parameters
    ----------
    rows
        Displacement along x and along y.
    resolution
        Standard deviation in Å of the window that it was measured in.
    chance
        Probability that one is found where there is none.
    extent
        Lowest and highest x of the atoms in Å.
    """
    tests = len(rows) * len(rows[0].y)
    limit = float(norm.isf(chance / (2 * tests)))
    found = []
    for axis, own in enumerate(rows):
        remaining = own.displacement.copy()
        shapes, weights, errors = _fits_of_jumps(own, resolution, REACH)
        _, short, error_of_short = _fits_of_jumps(own, resolution, SHORT)
        for _ in range(MOST_JUMPS):
            sizes = weights @ remaining
            ratio = sizes / errors
            if not np.isfinite(ratio).any():
                break
            row = int(np.nanargmax(np.abs(ratio)))
            largest, size = abs(float(ratio[row])), float(sizes[row])
            # It lies between rows, where the least is left when it is taken off. That shows as well
            # whether errors are larger than they claim to be.
            places, between = _next_to(row, own.y, shapes)
            left = np.abs(short @ (remaining[:, None] - size * between) / error_of_short[:, None])
            spread = DEVIATION_PER_MEDIAN * np.nanmedian(left, axis=0)
            best = int(np.argmin(spread))
            remaining -= size * between[:, best]
            scale = max(1.0, float(spread[best]))
            significance = largest / scale
            if significance < limit:
                break
            displacement = (size, 0.0) if axis == 0 else (0.0, size)
            middle, width = (extent[0] + extent[1]) / 2, extent[1] - extent[0]
            found.append(
                Suspect(
                    middle,
                    float(places[best]),
                    width,
                    2 * resolution,
                    significance,
                    displacement,
                    True,
                )
            )
    return sorted(found, key=lambda one: -one.significance)


def _fits_of_jumps(
    rows: Rows, resolution: float, reach: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Displacement of rows by a jump at each, and the weights that fit its size within a reach.

    Returns
    -------
    shapes
        Displacement of each row by a jump of 1 Å at each row, shape (rows, jumps).
    weights
        Of the displacements, whose sum is the size of the jump at each row, shape (jumps, rows).
    errors
        Standard errors of the sizes, shape (jumps,); NaN where too few rows are known.
    """
    y, count = rows.y, len(rows.y)
    use, gaps = np.flatnonzero(rows.known), _gaps(rows.known)
    window = _window(rows, resolution)
    shapes = window @ (np.tri(count, k=-1) + 0.5 * np.eye(count))
    covariance = _covariance(rows, window)
    weights, errors = np.zeros((count, count)), np.full(count, np.nan)
    for place, middle in enumerate(y):
        near = use[np.abs(y[use] - middle) <= reach]
        below = np.count_nonzero(y[near] > middle)
        if min(below, len(near) - below) < FEWEST_ROWS:
            continue
        t = (y[near] - middle) / reach
        terms = [np.ones(len(near)), t]
        # A gap hides the force of its rows: the strain may change there, and the place.
        for first, last in gaps:
            if near[0] < first and near[-1] > last:
                beyond = (y[near] - (y[first] + y[last]) / 2) / reach
                terms.append(np.maximum(beyond, 0.0))
                if last > first:
                    terms.append((beyond > 0).astype(float))
        terms.append(shapes[near, place])
        root = np.linalg.cholesky(covariance[np.ix_(near, near)])
        whitened = solve_triangular(root, np.stack(terms, axis=1), lower=True)
        fit = np.linalg.pinv(whitened)[-1]
        weights[place, near] = solve_triangular(root, fit, lower=True, trans=1)
        errors[place] = np.linalg.norm(fit)
    errors[errors == 0] = np.nan
    for first, last in gaps:
        errors[(y > y[first] - BESIDE * resolution) & (y < y[last] + BESIDE * resolution)] = np.nan
    return shapes, weights, errors


def _next_to(row: int, y: np.ndarray, shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Heights from the row above to that below, shape (k,), and the shapes of jumps there."""
    rows = np.clip(row + PLACES, 0, len(y) - 1)
    low = np.minimum(rows.astype(int), len(y) - 2)
    part = rows - low
    between = (1 - part) * shapes[:, low] + part * shapes[:, low + 1]
    return (1 - part) * y[low] + part * y[low + 1], between


def _window(rows: Rows, resolution: float) -> np.ndarray:
    """Share of the lines at each height in the displacement of each row, shape (rows, lines).

    That of the strain map's window, which ends at outlines, then that which joins layers.
    """
    apart = rows.y[:, None] - rows.y
    side = np.zeros(len(rows.y))
    for first, last in _runs(rows.bend > 0):
        side[(first + last) // 2 + 1 :] += 1
    of_map = np.exp(-0.5 * (apart / resolution) ** 2) * (side[:, None] == side)
    of_layers = np.exp(-0.5 * (apart / SMOOTH) ** 2)
    of_map, of_layers = (one / one.sum(axis=1, keepdims=True) for one in (of_map, of_layers))
    return of_layers @ of_map


def _covariance(rows: Rows, window: np.ndarray) -> np.ndarray:
    """Covariance of the displacements of rows, by the jitter of lines and bends at outlines."""
    y = rows.y
    noise = np.maximum(rows.density, np.finfo(float).tiny) / (y[1] - y[0])
    found = (window * noise) @ window.T
    found += FLOOR * np.median(np.diag(found)) * np.eye(len(y))
    for first, last in _runs(rows.bend > 0):
        beyond = np.maximum(y - (y[first] + y[last]) / 2, 0.0)
        found += rows.bend[first : last + 1].max() ** 2 * np.outer(beyond, beyond)
    return found


def _runs(chosen: np.ndarray) -> list[tuple[int, int]]:
    """First and last row of each run of chosen rows."""
    return [(one.start, one.stop - 1) for (one,) in find_objects(label(chosen)[0])]


def _gaps(known: np.ndarray) -> list[tuple[int, int]]:
    """First and last row of each run of unknown rows between known ones."""
    return [(a, b) for a, b in _runs(~known) if a > 0 and b < len(known) - 1]
