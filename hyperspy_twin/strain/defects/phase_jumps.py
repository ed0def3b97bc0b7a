"""Jumps of the phases of lattice waves across a straight wall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage

from hyperspy_twin.strain.defects.walls import (
    AMPLITUDE_TO_NOISE,
    GAP,
    MINIMUM_MASS,
    VALLEY,
    Wall,
)
from hyperspy_twin.strain.lattice_waves import LatticeWaves
from hyperspy_twin.strain.noise import Noise

# Distances from a wall, in resolutions, between which phases are measured. At the inner one a
# window sees .6 % of the other side, which turns a phase by a thousandth of a turn; the outer one
# gives the slope of the phase with half the error that it has from 5 resolutions.
INNER, OUTER = 2.5, 7.0
# Resolutions at each end of a wall that are left out: the partial dislocation that may end it turns
# phases by as much as the fault there, and the line of dips goes on beyond it. Half of a short wall
# is kept.
END, MOST_AT_ENDS = 7.0, 0.25
# Error of a jump, in turns, beside that of the noise, where a partial ends the wall: by what its
# field has beside these terms, and by where it is taken to be.
BESIDE_PARTIAL = 0.01
# Resolutions from a wall beyond which a valley is another wall's.
OWN_VALLEY = 2.0
# Resolutions beyond an end at which an outline would have cut the wall.
BEYOND = 2.5
# Smallest area, in squared resolutions, on each side that has to show the lattice: that over which
# one window averages noise.
SMALLEST_SIDE = 4.0 * np.pi
# Parts of a wall that are compared: those of the shortest are as long as the hole of a dislocation.
PARTS = 4
# Terms of a phase that does not bend across a wall.
PLAIN_TERMS = 6
# Harmonics of the angle around a partial that ends a wall: one for isotropic elasticity, and
# another one, since in gold, whose shear moduli differ threefold, the first alone leaves .06 turns
# beside faults of 16 resolutions and both leave .002.
HARMONICS = (2, 4)
# Standard errors above which it bends: where none does, one of six waves does so in 2600 walls.
BENT = 4.0
# Resolutions from a wall within which the lowest amplitude is looked for.
LOWEST_WITHIN = 0.5
# Of a node's weight that has to lie inside the lattice for interpolation beside it.
INSIDE = 0.99


@dataclass(frozen=True, eq=False)
class Jumps:
    """Jumps of the phases of waves across a wall.

    Attributes
    ----------
    turns, error
        Phase on the right less that on the left in turns, and its standard error, shape (k,).
    change
        Largest deviation from it along the wall, shape (k,).
    dip
        Amplitude in the wall over that beside it, in each of its parts, shape (k, parts).
    ended
        Whether the wall ends inside the lattice.
    """

    turns: np.ndarray
    error: np.ndarray
    change: np.ndarray
    dip: np.ndarray
    ended: bool

    def take(self, kept: np.ndarray) -> Jumps:
        """Jumps of some of the waves."""
        return Jumps(
            self.turns[kept], self.error[kept], self.change[kept], self.dip[kept], self.ended
        )


@dataclass(frozen=True, eq=False)
class _Frame:
    """Grid whose rows follow a wall and whose columns lead across it from left to right.

    Attributes
    ----------
    t, d
        Distance from the middle along the wall, shape (rows, 1), and across it, shape (columns,).
    spacing
        Between rows and between columns.
    points
        Positions (x, y) relative to the first pixel of the image, shape (2, rows, columns).
    nodes
        The same as row and column of the coarse grid, shape (2, rows, columns).
    at_ends
        Rows near an end of the wall that lies inside the lattice.
    ends
        Those ends, as the sign of their t.
    """

    t: np.ndarray
    d: np.ndarray
    spacing: float
    points: np.ndarray
    nodes: np.ndarray
    at_ends: np.ndarray
    ends: tuple[float, ...]


def measure_jumps(
    region: LatticeWaves, noise: Noise, wall: Wall, depth: np.ndarray
) -> Jumps | None:
    """Measure the jumps of all phases across a wall.

    Parameters
    ----------
    region
        The waves.
    noise
        Their noise.
    wall
        The wall.
    depth
        Of the valleys at the nodes, which other walls and defects make too.

    Returns
    -------
    Jumps or None
        None where one side shows too little of the lattice.
    """
    frame, width = _lay_frame(region, wall), region.coarse.resolution
    sides = _clear_sides(region, frame, depth)
    right = sides & (frame.d > 0.0)
    smallest = SMALLEST_SIDE * (width / frame.spacing) ** 2
    if min(right.sum(), sides.sum() - right.sum()) < smallest:
        return None
    estimators = [np.linalg.pinv(_design(frame, sides, curved=curved)) for curved in (False, True)]
    bend = _error_of_unit_noise(region, frame, sides, estimators[1][-1])
    jump = [_error_of_unit_noise(region, frame, sides, one[0]) for one in estimators]
    close = np.abs(frame.d) <= LOWEST_WITHIN * width
    parts = np.array_split(np.flatnonzero(~frame.at_ends), PARTS)
    window_noise = float(np.median(region.window.amplitude_noise))
    fields = [_sample(wave.amplitude, frame) for wave in region.waves]
    beside = [
        max(float(np.abs(one[sides]).mean()), float(np.finfo(np.float32).tiny)) for one in fields
    ]
    pixels = np.diag(noise.covariance) / np.square(beside)
    lines = np.diag(noise.lines)
    bends = [_fit_jump(field, frame, sides, estimators[1])[2] for field in fields]
    bent = np.abs(bends) > BENT * np.sqrt(pixels * bend[0] + lines * bend[1])
    curved = int(bent.any() or len(frame.ends) > 0)
    found = []
    for index, field in enumerate(fields):
        turns, change, _ = _fit_jump(field, frame, sides, estimators[curved])
        variance = pixels[index] * jump[curved][0] + lines[index] * jump[curved][1]
        lowest = AMPLITUDE_TO_NOISE / 2.0 * np.sqrt(noise.white[index] * window_noise)
        error = np.sqrt(variance) / (2.0 * np.pi) if beside[index] > lowest else np.inf
        error = np.hypot(error, BESIDE_PARTIAL if frame.ends else 0.0)
        dip = [np.abs(field[np.ix_(part, close)]).mean(axis=0).min() for part in parts]
        found.append((turns, error, change, *(np.array(dip) / beside[index])))
    values = np.array(found)
    return Jumps(values[:, 0], values[:, 1], values[:, 2], values[:, 3:], len(frame.ends) > 0)


def _lay_frame(region: LatticeWaves, wall: Wall) -> _Frame:
    x, y = region.coarse.node_positions()
    step = np.array([x[1] - x[0], y[1] - y[0]])
    spacing, width = float(step.min()), region.coarse.resolution
    rows, columns = int(wall.length / spacing / 2.0), int(OUTER * width / spacing)
    t = spacing * np.arange(-rows, rows + 1)[:, None]
    d = spacing * np.arange(-columns, columns + 1)
    centre = (wall.start + wall.end) / 2.0
    points = (
        centre[:, None, None] + wall.direction[:, None, None] * t + wall.normal[:, None, None] * d
    )
    nodes = (points - region.origin[:, None, None]) / step[:, None, None]
    left_out = min(END * width, MOST_AT_ENDS * wall.length)
    at_ends = np.zeros(len(t), bool)
    ends = tuple(
        sign
        for sign, end in ((-1.0, wall.start), (1.0, wall.end))
        if goes_on(region, end + sign * BEYOND * width * wall.direction)
    )
    for sign in ends:
        at_ends |= sign * t[:, 0] > rows * spacing - left_out
    return _Frame(t, d, spacing, points, nodes[::-1], at_ends, ends)


def trim_wall(region: LatticeWaves, wall: Wall) -> Wall:
    """Let a wall end where its dips are half as deep as in its middle.

    A partial dislocation that ends it weakens waves beyond it too, even to an outline near by.
    """
    frame = _lay_frame(region, wall)
    distance, width = np.abs(frame.d), region.coarse.resolution
    beside, close = distance >= INNER * width, distance <= LOWEST_WITHIN * width
    depth = np.zeros(len(frame.t))
    for wave in region.waves:
        amplitude = np.abs(_sample(wave.amplitude, frame))
        full = amplitude[:, beside].mean()
        # The power of the wave times its relative depth.
        depth += full * np.clip(full - amplitude[:, close].min(axis=1), 0.0, full)
    middle, quarter = len(depth) // 2, len(depth) // 4
    low = depth < np.median(depth[quarter : len(depth) - quarter]) / 2.0
    start, end = wall.start, wall.end
    for sign in (-1.0, 1.0):
        outwards = low[middle :: int(sign)]
        beyond = np.flatnonzero(outwards)
        far = len(outwards) - beyond[0] if len(beyond) else 0
        seen = far * frame.spacing > GAP * width and outwards[-far:].all()
        if far and (sign in frame.ends or seen):
            at = (wall.start + wall.end) / 2.0
            at = at + sign * beyond[0] * frame.spacing * wall.direction
            start, end = (at, end) if sign < 0.0 else (start, at)
    return Wall(start, end)


def goes_on(region: LatticeWaves, point: np.ndarray) -> bool:
    """Whether the lattice is there at a position (x, y)."""
    x, y = region.coarse.node_positions()
    at = point - region.origin
    if not (x[0] <= at[0] <= x[-1] and y[0] <= at[1] <= y[-1]):
        return False
    row, column = np.abs(y - at[1]).argmin(), np.abs(x - at[0]).argmin()
    return bool(region.window.mass[row, column] > MINIMUM_MASS)


def _sample(values: np.ndarray, frame: _Frame, degree: int = 3) -> np.ndarray:
    """Values at the points of a frame; 0 outside the coarse grid."""
    if np.iscomplexobj(values):
        return _sample(values.real, frame, degree) + 1j * _sample(values.imag, frame, degree)
    return scipy.ndimage.map_coordinates(values.astype(float), frame.nodes, order=degree)


def _clear_sides(region: LatticeWaves, frame: _Frame, depth: np.ndarray) -> np.ndarray:
    """Points on both sides that show the lattice, up to where another wall begins."""
    inside = _sample(region.window.mass > MINIMUM_MASS, frame, 1) > INSIDE
    valley = _sample(depth > 1.0 - VALLEY, frame, 1) > 1.0 - INSIDE
    distance, width = np.abs(frame.d), region.coarse.resolution
    clear = inside & (~valley | (distance < OWN_VALLEY * width))
    middle = len(frame.d) // 2
    clear[:, middle:] = np.logical_and.accumulate(clear[:, middle:], axis=1)
    clear[:, middle::-1] = np.logical_and.accumulate(clear[:, middle::-1], axis=1)
    return clear & (distance >= INNER * width) & ~frame.at_ends[:, None]


def _design(frame: _Frame, sides: np.ndarray, *, curved: bool) -> np.ndarray:
    """Terms of a phase at the points beside a wall, shape (n, terms).

    They are its jump, its mean, its slopes and what changes these along the wall. A phase that
    bends has more, which a jump could be taken for: what changes the slope across the wall alike on
    both sides, or, around each partial that ends the wall, the angle and its harmonics, of which
    the field of a dislocation consists.
    """
    t, d = np.broadcast_arrays(frame.t, frame.d)
    t, d = t[sides], d[sides]
    terms = [np.sign(d) / 2.0, np.ones(len(d)), d, t, d * t, t**2]
    if curved and not frame.ends:
        terms.append(d**3)
    for sign in frame.ends if curved else ():
        # From the way back along the wall.
        angle = np.arctan2(np.abs(d), frame.t[-1, 0] - sign * t)
        terms += [np.sign(d) * angle, *(np.sign(d) * np.sin(n * angle) for n in HARMONICS)]
    return np.column_stack(terms)


def _fit_jump(
    field: np.ndarray, frame: _Frame, sides: np.ndarray, estimator: np.ndarray
) -> tuple[float, float, float]:
    """Jump of a phase in turns, its largest change along the wall, and the last term fitted."""
    right = frame.d > 0.0
    slopes = []
    for axis in (0, 1):
        first, second = [
            np.take(field * sides, np.arange(field.shape[axis])[part], axis)
            for part in (slice(None, -1), slice(1, None))
        ]
        slopes.append(np.angle(np.vdot(first, second)))
    turning = np.exp(-1j * (slopes[0] * frame.t + slopes[1] * frame.d) / frame.spacing)
    flat = field * turning
    means = [np.sum(flat[sides & one]) for one in (right, ~right)]
    local = np.where(right, means[0], means[1]).conj() * flat
    phase = np.angle(local[sides])
    fitted = estimator @ phase
    left = phase - _design(frame, sides, curved=len(estimator) > PLAIN_TERMS) @ fitted
    jump = (fitted[0] + np.angle(means[0] * np.conj(means[1]))) / (2.0 * np.pi)
    t, d = (one[sides] for one in np.broadcast_arrays(frame.t, frame.d))
    bounds = np.quantile(t, np.linspace(0.0, 1.0, PARTS + 1))
    changes = [0.0]
    for low, high in zip(bounds[:-1], bounds[1:], strict=True):
        part = (t >= low) & (t <= high)
        both = part & (d > 0.0), part & (d < 0.0)
        if all(one.any() for one in both):
            changes.append(abs(left[both[0]].mean() - left[both[1]].mean()) / (2.0 * np.pi))
    return jump - np.rint(jump), max(changes), fitted[-1]


def _error_of_unit_noise(
    region: LatticeWaves, frame: _Frame, sides: np.ndarray, estimator: np.ndarray
) -> tuple[float, float]:
    """Variance of a jump for phases of unit variance in each pixel, and in each row."""
    margin = int(4.0 * region.coarse.resolution / frame.spacing)
    weights = np.zeros(sides.shape)
    weights[sides] = estimator
    weights = np.pad(weights, margin)
    spread = scipy.ndimage.gaussian_filter(weights, region.coarse.resolution / frame.spacing)
    pixel = float(np.prod(region.coarse.scale)) / frame.spacing**2
    down = np.gradient(frame.points[1], axis=1).mean(), np.gradient(frame.points[1], axis=0).mean()
    column, row = np.meshgrid(np.arange(spread.shape[1]), np.arange(spread.shape[0]))
    place = (column * down[0] + row * down[1]) / frame.spacing
    lines = np.bincount(np.rint(place - place.min()).astype(int).ravel(), spread.ravel())
    rows = region.coarse.scale[1] / frame.spacing
    return float(pixel * np.sum(spread**2)), float(rows * np.sum(lines**2))
