"""Jumps of the scan: lines from which on all atoms are displaced, from the forces of rows.

The mean force f of the atoms at a height y is that of a strain which changes with y:
f = C d²u/dy², with the stiffness C of a row. So forces summed twice over y give the displacement u
of rows, up to a uniform stress, which has no forces, and to what the composition explains. Where it
jumps, so did the scan.

Each jump is fitted by generalised least squares: lines of the scan jitter independently, but the
window of the strain map spreads the jitter of each, as it does the jump, over rows of the same
region. Sums over many rows beat that noise.

Where the composition has a step, atoms that an outline gives to the wrong side have forces along
the outline. If it leans by an angle t, they add up to the stress of the misfit times t, and bend
the displacement of all rows beyond: the fit knows that it may be bent there, and by how much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.ndimage import binary_erosion, gaussian_filter1d
from scipy.stats import norm

from hyperspy_twin.properties.force_check.suspects import Suspect

# Å. Sums over y run on steps that are fine against layers of atoms, 1.4 Å apart along [001].
STEP = 0.4
# Steps of one row, about two layers.
STEPS_PER_ROW = 7
# Å. Standard deviation of the window that joins layers: layers of 1.4 Å keep 1e-4 of their ripple.
SMOOTH = 2.0
# Å. The same for what changes slowly: the number of atoms and the stiffness.
SLOW = 8.0
# Å. Over this length from free ends of a row its atoms count less, so that the stress at the ends
# is averaged.
TAPER = 120.0
# Part of the usual number of atoms that a row needs.
FEWEST = 0.3
# Part of the atoms of a row whose force has to be known.
WHOLE = 0.9
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
# Rows on either side of a jump, at least.
FEWEST_ROWS = 5
# Of the standard deviation of a normal distribution over the median of its absolute values.
NORMAL_SPREAD = 1.4826
MOST_JUMPS = 20
# Radians by which an outline leans at random against the step of the composition, which is that of
# whole layers: rows of 20 images of quantum wells of 1.2 % misfit bend there by 0.4e-4, by the
# median, and by up to 12e-4 where some atoms of the outline do not count.
LEAN = 3e-3
# Bend over lean and misfit: (c11 + c12 - 2 c12² / c11) / c44 of germanium, rounded.
BEND = 2.0


@dataclass(frozen=True)
class MeasuredNoise:
    """What is known of the errors of positions.

    Attributes
    ----------
    error
        Standard errors along x and y in Å, shape (n, 2).
    lines
        Noise of scan lines along x and y at each atom: the variance of the displacement of a line
        times the distance of lines, in Å³, shape (n, 2).
    resolution
        Standard deviation of the window in which the displacement was measured, in Å.
    region
        Region of each atom, at whose outline windows end, shape (n,).
    """

    error: np.ndarray
    lines: np.ndarray
    resolution: float
    region: np.ndarray

    def density(self, axis: int, width: float) -> np.ndarray:
        """Noise of the mean of a row at each atom, as variance times length, in Å³, shape (n,).

        A row shares the noise of its lines, and averages that of pixels over its width in Å.
        """
        squared, of_lines = self.error[:, axis] ** 2, self.lines[:, axis]
        share = of_lines / (2 * np.sqrt(np.pi) * self.resolution)
        of_pixels = np.maximum(squared - share, 0.0) * 4 * np.pi * self.resolution**2 / width
        return of_lines + of_pixels


@dataclass(frozen=True)
class Rows:
    """Displacement of rows by the forces, along one axis.

    Attributes
    ----------
    y
        Heights in Å, evenly spaced, shape (m,).
    displacement
        In Å, shape (m,), up to a line, and to a kink at each gap.
    density
        Noise of scan lines in it, as variance times length, in Å³, shape (m,).
    known
        Whether the force is known, boolean, shape (m,).
    bend
        Standard deviation of the change of its slope, by outlines that lean; 0 away from steps of
        the composition, shape (m,).
    """

    y: np.ndarray
    displacement: np.ndarray
    density: np.ndarray
    known: np.ndarray
    bend: np.ndarray


def displace_rows(
    points: np.ndarray,
    force: np.ndarray,
    stiffness: np.ndarray,
    tested: tuple[np.ndarray, np.ndarray],
    noise: MeasuredNoise,
    *,
    axis: int,
    misfit: np.ndarray,
) -> Rows:
    """Find the displacement of rows that makes their forces.

    Parameters
    ----------
    points
        Atoms (x, y) in Å, shape (n, 2).
    force, stiffness
        Force of each atom along one axis, and that per curvature of the displacement.
    tested
        Atoms far from free ends, and those of them whose force counts, boolean, shape (n,) each.
    noise
        Errors of the positions.
    axis
        0 for x, 1 for y.
    misfit
        Relative change of the bond length at each atom, shape (n,).
    """
    inside, counted = tested
    x, y = points.T
    origin = y.min()
    cell = ((y - origin) / STEP).astype(int)
    rows = int(cell.max()) // STEPS_PER_ROW + 1
    count = rows * STEPS_PER_ROW
    weight = _taper(x, cell // STEPS_PER_ROW, ~inside)

    def total(values: np.ndarray, width: float) -> np.ndarray:
        binned = np.bincount(cell, values, minlength=count).astype(float)
        return gaussian_filter1d(binned, width / STEP, mode="constant")

    whole, known = total(weight, SMOOTH), total(weight * counted, SMOOTH)
    usual = np.median(whole[whole > 0]) if (whole > 0).any() else 0.0
    good = (known > FEWEST * usual) & (known > WHOLE * whole)
    edge = total(np.ones(len(x)), SLOW) > 0
    covered = gaussian_filter1d(edge.astype(float), SLOW / STEP, mode="constant")
    density = np.maximum(total(weight, SLOW) / np.maximum(covered, 0.5), max(FEWEST * usual, 1e-12))
    mean_force = np.where(good, total(weight * counted * force, SMOOTH) / density, 0.0)
    slow = total(weight * counted, SLOW)
    stiff = np.full(count, np.nan)
    np.divide(total(weight * counted * stiffness, SLOW), slow, out=stiff, where=good & (slow > 0))
    places = np.flatnonzero(np.isfinite(stiff))
    middle = origin + STEP * STEPS_PER_ROW * (np.arange(rows) + 0.5)
    if len(places) < FEWEST_ROWS * STEPS_PER_ROW:
        nothing = np.zeros(rows)
        return Rows(middle, nothing, nothing, np.zeros(rows, bool), nothing)
    stiff = np.interp(np.arange(count), places, stiff[places])
    stress = np.cumsum(mean_force) - 0.5 * mean_force
    # Forces leave a uniform stress open: rows of different stiffness would bend by it.
    inner = slice(places[0], places[-1] + 1)
    stress -= np.average(stress[inner], weights=1 / stiff[inner])
    displacement = np.cumsum(stress / stiff) * STEP**2
    width = np.ptp(x) * weight.sum() ** 2 / (len(x) * np.sum(weight**2))
    of_atoms = np.nan_to_num(weight * noise.density(axis, width))
    density_of_noise = np.divide(
        total(of_atoms, SMOOTH), whole, out=np.zeros(count), where=whole > 0
    )
    steps = np.zeros(rows)
    np.maximum.at(steps, cell // STEPS_PER_ROW, np.where(counted, misfit, 0.0))

    def mean(values: np.ndarray) -> np.ndarray:
        return values.reshape(rows, STEPS_PER_ROW).mean(axis=1)

    # Of the rows next to a gap some forces are missing.
    known = binary_erosion(mean(good.astype(float)) > 0.5, border_value=1)
    return Rows(middle, mean(displacement), mean(density_of_noise), known, BEND * LEAN * steps)


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
            spread = NORMAL_SPREAD * np.nanmedian(left, axis=0)
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
    change = np.diff(np.pad(chosen, 1).astype(int))
    starts, ends = np.flatnonzero(change > 0), np.flatnonzero(change < 0) - 1
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _gaps(known: np.ndarray) -> list[tuple[int, int]]:
    """First and last row of each run of unknown rows between known ones."""
    return [(a, b) for a, b in _runs(~known) if a > 0 and b < len(known) - 1]


def _taper(x: np.ndarray, row: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Weight of each atom by its distance along the row from the next free end.

    Free ends of the rows next to it count as well: layers end in turns at either of two places, and
    their forces, which are large next to a step of the composition and cancel, have to count alike.
    """
    span = 4.0 * (np.ptp(x) + TAPER)
    place = x - x.min() + row * span
    ends = np.sort(np.concatenate([place[free] + shift * span for shift in (-1, 0, 1)]))
    if not len(ends):
        return np.ones(len(x))
    after = np.searchsorted(ends, place)
    right = np.abs(ends[np.minimum(after, len(ends) - 1)] - place)
    left = np.abs(place - ends[np.maximum(after - 1, 0)])
    t = np.clip(np.minimum(left, right) / TAPER, 0.0, 1.0)
    return t * t * (3 - 2 * t)
