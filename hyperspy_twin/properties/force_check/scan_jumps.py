"""Jumps of the scan: lines from which on all atoms are displaced, from the forces of rows.

The mean force f of the atoms at a height y is that of a strain which changes with y:
f = C d²u/dy², with the stiffness C of a row. So forces summed twice over y give the displacement u
of rows, up to a uniform strain, which has no forces, and to what the composition explains. Where it
jumps, so did the scan. Sums over many rows beat the noise: the jitter of single scan lines, which
are independent, is averaged over all lines of a window above and below.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.special import ndtr
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
# Å above and below a line that are compared. Longer ones find smaller jumps, and may take slow
# distortion for one: the longest is the height of an image of 1024 lines of 0.036 nm.
WINDOWS = (60.0, 120.0, 180.0, 370.0)
# Rows on either side of a jump, at least.
FEWEST_ROWS = 5
# Of the standard deviation of a normal distribution over the median of its absolute values.
NORMAL_SPREAD = 1.4826
MOST_JUMPS = 20


@dataclass(frozen=True)
class MeasuredNoise:
    """What is known of the errors of positions.

    Attributes
    ----------
    error
        Standard errors along x and y in Å, shape (n, 2).
    resolution
        Standard deviation of the window in which the displacement was measured, in Å.
    region
        Region of each atom, at whose outline windows end, shape (n,).
    """

    error: np.ndarray
    resolution: float
    region: np.ndarray


@dataclass(frozen=True)
class Rows:
    """Displacement of rows by the forces, along one axis.

    Attributes
    ----------
    y
        Heights in Å, evenly spaced, shape (m,).
    displacement
        In Å, shape (m,), up to a line, and to a kink at each gap.
    error
        Standard error of the mean displacement in Å, if lines share all of it.
    known
        Whether the force is known, boolean, shape (m,).
    """

    y: np.ndarray
    displacement: np.ndarray
    error: np.ndarray
    known: np.ndarray


def displace_rows(
    points: np.ndarray,
    force: np.ndarray,
    stiffness: np.ndarray,
    inside: np.ndarray,
    counted: np.ndarray,
    error: np.ndarray,
) -> Rows:
    """Find the displacement of rows that makes their forces.

    Parameters
    ----------
    points
        Atoms (x, y) in Å, shape (n, 2).
    force, stiffness
        Force of each atom along one axis, and that per curvature of the displacement.
    inside, counted
        Atoms far from free ends, and those of them whose force counts.
    error
        Standard error of the positions along the axis.
    """
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
        return Rows(middle, nothing, nothing, np.zeros(rows, bool))
    stiff = np.interp(np.arange(count), places, stiff[places])
    stress = np.cumsum(mean_force) - 0.5 * mean_force
    displacement = np.cumsum(stress / stiff) * STEP**2
    atoms = total(np.ones(len(x)), SMOOTH)
    squared = total(np.nan_to_num(error) ** 2, SMOOTH)
    spread = np.sqrt(np.divide(squared, atoms, out=np.zeros(count), where=atoms > 0))

    def mean(values: np.ndarray) -> np.ndarray:
        return values.reshape(rows, STEPS_PER_ROW).mean(axis=1)

    return Rows(middle, mean(displacement), mean(spread), mean(good.astype(float)) > 0.5)


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
    height = len(rows[0].y) * STEP * STEPS_PER_ROW
    # Errors of lines are shared within a window of 2 sqrt(pi) resolutions.
    tests = len(rows) * len(WINDOWS) * max(1.0, height / (2 * np.sqrt(np.pi) * resolution))
    limit = float(norm.isf(chance / (2 * tests)))
    found = []
    for axis, own in enumerate(rows):
        remaining = own.displacement.copy()
        sizes, errors = _scan(own, remaining, resolution)
        for _ in range(MOST_JUMPS):
            ratio = sizes / errors
            if not np.isfinite(ratio).any():
                break
            window, row = np.unravel_index(np.nanargmax(np.abs(ratio)), ratio.shape)
            largest, size = abs(float(ratio[window, row])), float(sizes[window, row])
            remaining -= size * _step(own.y - own.y[row], resolution)
            sizes, errors = _scan(own, remaining, resolution)
            # Errors may be larger than they claim to be: that shows where the jump is taken off.
            short = np.abs(sizes[0] / errors[0])
            short = short[np.isfinite(short)]
            scale = max(1.0, NORMAL_SPREAD * float(np.median(short))) if len(short) else 1.0
            significance = largest / scale
            if significance < limit:
                break
            displacement = (size, 0.0) if axis == 0 else (0.0, size)
            middle, width = (extent[0] + extent[1]) / 2, extent[1] - extent[0]
            found.append(
                Suspect(middle, own.y[row], width, 2 * resolution, significance, displacement, True)
            )
    return sorted(found, key=lambda one: -one.significance)


def _scan(rows: Rows, displacement: np.ndarray, resolution: float) -> tuple[np.ndarray, np.ndarray]:
    """Size of a jump at each row for each window, and its standard error, (windows, rows)."""
    y, spacing = rows.y, rows.y[1] - rows.y[0]
    sizes, errors = np.full((2, len(WINDOWS), len(y)), np.nan)
    use = np.flatnonzero(rows.known)
    gaps = _gaps(rows.known)
    # Noise per length of lines that are independent, of which a window averages the square.
    density = rows.error**2 * 2 * np.sqrt(np.pi) * resolution
    for place, middle in enumerate(y):
        for number, window in enumerate(WINDOWS):
            near = use[np.abs(y[use] - middle) <= window]
            below = np.count_nonzero(y[near] > middle)
            if min(below, len(near) - below) < FEWEST_ROWS:
                continue
            t = y[near] - middle
            terms = [np.ones(len(near)), t]
            # A gap hides the force of its rows: the strain may change there, and the place.
            for first, last in gaps:
                if near[0] < first and near[-1] > last:
                    beyond = y[near] - (y[first] + y[last]) / 2
                    terms.append(np.maximum(beyond, 0.0))
                    if last > first:
                        terms.append((beyond > 0).astype(float))
            weights = np.linalg.pinv(np.stack([*terms, _step(t, resolution)], axis=1))[-1]
            sizes[number, place] = weights @ displacement[near]
            errors[number, place] = np.sqrt(np.sum(weights**2 * density[near]) / spacing)
    errors[errors == 0] = np.nan
    return sizes, errors


def _step(t: np.ndarray, resolution: float) -> np.ndarray:
    """Draw a jump as the window of the strain map shows it."""
    return ndtr(t / resolution)


def _gaps(known: np.ndarray) -> list[tuple[int, int]]:
    """First and last row of each run of unknown rows between known ones."""
    change = np.diff(known.astype(int))
    starts, ends = np.flatnonzero(change < 0) + 1, np.flatnonzero(change > 0)
    starts = starts[: np.searchsorted(starts, ends[-1], side="right")] if len(ends) else starts[:0]
    return [(int(one), int(ends[ends >= one][0])) for one in starts]


def _taper(x: np.ndarray, row: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Weight of each atom by its distance along the row from the next free end."""
    span = 4.0 * (np.ptp(x) + TAPER)
    place = x - x.min() + row * span
    ends = np.sort(place[free])
    if not len(ends):
        return np.ones(len(x))
    after = np.searchsorted(ends, place)
    right = np.abs(ends[np.minimum(after, len(ends) - 1)] - place)
    left = np.abs(place - ends[np.maximum(after - 1, 0)])
    t = np.clip(np.minimum(left, right) / TAPER, 0.0, 1.0)
    return t * t * (3 - 2 * t)
