"""Jumps of the scan: lines from which on all atoms are displaced, from the forces of rows.

The mean force f of the atoms at a height y is that of a strain which changes with y:
f = C d²u/dy², with the stiffness C of a row. So forces summed twice over y give the displacement u
of rows, up to a uniform strain, which has no forces, and to what the composition explains. Where it
jumps, so did the scan. Sums over many rows beat the noise: the jitter of single scan lines, which
are independent, is averaged over all lines of a window above and below.

Where the composition has a step, atoms that an outline gives to the wrong side have forces along
the outline. If it leans by an angle t, they add up to the stress of the misfit times t, and bend
the displacement of all rows beyond: the fit knows that it may be bent there, and by how much.
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
# Radians by which an outline leans at random against the step of the composition, which is that of
# whole layers: rows of 22 images of quantum wells of 1.2 % misfit bend there by 1.3e-4.
LEAN = 5e-3
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

        A row shares the noise of its lines, and averages that of pixels over its width in Å. Near
        outlines, where windows are cut, both grow like the errors.
        """
        squared, of_lines = self.error[:, axis] ** 2, self.lines[:, axis]
        far = np.full(len(squared), np.nan)
        for one in np.unique(self.region):
            here = (self.region == one) & np.isfinite(squared)
            if here.any():
                far[here] = squared[here].min()
        share = of_lines / (2 * np.sqrt(np.pi) * self.resolution)
        of_pixels = np.maximum(far - share, 0.0) * 4 * np.pi * self.resolution**2 / width
        growth = np.divide(squared, far, out=np.ones_like(far), where=far > 0)
        return (of_lines + of_pixels) * growth


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
        Noise of the displacement, as variance times length, in Å³, shape (m,).
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

    known = mean(good.astype(float)) > 0.5
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
    height = len(rows[0].y) * STEP * STEPS_PER_ROW
    # Errors of lines are shared within a window of 2 sqrt(pi) resolutions.
    tests = len(rows) * len(WINDOWS) * max(1.0, height / (2 * np.sqrt(np.pi) * resolution))
    limit = float(norm.isf(chance / (2 * tests)))
    found = []
    for axis, own in enumerate(rows):
        remaining = own.displacement.copy()
        weights, errors = _weights_of_jumps(own, resolution)
        for _ in range(MOST_JUMPS):
            sizes = weights @ remaining
            ratio = sizes / errors
            if not np.isfinite(ratio).any():
                break
            window, row = np.unravel_index(np.nanargmax(np.abs(ratio)), ratio.shape)
            largest, size = abs(float(ratio[window, row])), float(sizes[window, row])
            remaining -= size * _step(own.y - own.y[row], resolution)
            # Errors may be larger than they claim to be: that shows where the jump is taken off.
            short = np.abs(weights[0] @ remaining / errors[0])
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


def _weights_of_jumps(rows: Rows, resolution: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the rows that give the size of a jump at each row, and its standard error.

    Returns
    -------
    weights
        Shape (windows, rows, rows).
    errors
        Shape (windows, rows); NaN where a window has too few rows.
    """
    y, spacing = rows.y, rows.y[1] - rows.y[0]
    found = np.zeros((len(WINDOWS), len(y), len(y)))
    errors = np.full(found.shape[:2], np.nan)
    use = np.flatnonzero(rows.known)
    gaps, bends = _gaps(rows.known), _runs(rows.bend > 0)
    noisy = np.maximum(rows.density, np.finfo(float).tiny)
    scale = np.sqrt(spacing / noisy)
    for place, middle in enumerate(y):
        for number, window in enumerate(WINDOWS):
            near = use[np.abs(y[use] - middle) <= window]
            below = np.count_nonzero(y[near] > middle)
            if min(below, len(near) - below) < FEWEST_ROWS:
                continue
            t = y[near] - middle
            terms, priors = [np.ones(len(near)), t], [0.0, 0.0]
            # A gap hides the force of its rows: the strain may change there, and the place.
            for first, last in gaps:
                if near[0] < first and near[-1] > last:
                    beyond = y[near] - (y[first] + y[last]) / 2
                    terms.append(np.maximum(beyond, 0.0))
                    priors.append(0.0)
                    if last > first:
                        terms.append((beyond > 0).astype(float))
                        priors.append(0.0)
            for first, last in bends:
                at = (y[first] + y[last]) / 2
                if y[near[0]] < at < y[near[-1]]:
                    terms.append(np.maximum(y[near] - at, 0.0))
                    priors.append(1.0 / rows.bend[first : last + 1].max())
            terms.append(_step(t, resolution))
            priors.append(0.0)
            # Least squares with the weights of the rows, and a row for what is known of each bend.
            equations = np.stack(terms, axis=1) * scale[near, None]
            weights = np.linalg.pinv(np.vstack([equations, np.diag(priors)]))[-1]
            found[number, place, near] = weights[: len(near)] * scale[near]
            errors[number, place] = np.linalg.norm(weights)
    errors[errors == 0] = np.nan
    return found, errors


def _step(t: np.ndarray, resolution: float) -> np.ndarray:
    """Draw a jump as the window of the strain map shows it."""
    return ndtr(t / resolution)


def _runs(chosen: np.ndarray) -> list[tuple[int, int]]:
    """First and last row of each run of chosen rows."""
    change = np.diff(np.pad(chosen, 1).astype(int))
    starts, ends = np.flatnonzero(change > 0), np.flatnonzero(change < 0) - 1
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _gaps(known: np.ndarray) -> list[tuple[int, int]]:
    """First and last row of each run of unknown rows between known ones."""
    return [(a, b) for a, b in _runs(~known) if a > 0 and b < len(known) - 1]


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
