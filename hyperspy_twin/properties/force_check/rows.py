"""Displacement of rows of atoms, from their mean forces.

The mean force f of the atoms at a height y is that of a strain which changes with y:
f = C d²u/dy², with the stiffness C of a row. So forces summed twice over y give the displacement u
of rows, up to a uniform stress, which has no forces, and to what the composition explains.

Where the composition has a step, atoms that an outline gives to the wrong side have forces along
the outline. If it leans by an angle t, they add up to the stress of the misfit times t, and bend
the displacement of all rows beyond.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_erosion, gaussian_filter1d

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
# Rows on either side of a jump, at least.
FEWEST_ROWS = 5
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
