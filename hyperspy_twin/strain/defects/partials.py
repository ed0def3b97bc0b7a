"""Partial dislocations: what ends a planar fault inside a lattice.

On a circuit around the end of a fault the phase of the wave g turns smoothly by -g.b and jumps by
the phase of the fault. Only their sum is a whole number, so that the windings look like those of a
perfect dislocation, or of none, whatever the Burgers vector b of the partial is. An arc around the
end, from one side of the fault to the other, tells -g.b to a fraction of a turn, and the jump that
was measured across the fault does exactly, but for whole turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import scipy.ndimage
from scipy.optimize import least_squares

from hyperspy_twin.strain.defects.block import Block
from hyperspy_twin.strain.defects.burgers import Translations, list_partials
from hyperspy_twin.strain.defects.core_positions import locate_zeros, mean_zero
from hyperspy_twin.strain.defects.fault_vectors import (
    ROUNDING,
    name_shift,
    translations_in_image,
)
from hyperspy_twin.strain.defects.phase_jumps import BEYOND, INNER, goes_on
from hyperspy_twin.strain.defects.planar_faults import Fault
from hyperspy_twin.strain.defects.windings import MINIMUM_MASS, Winding
from hyperspy_twin.strain.lattice_waves import LatticeWaves
from hyperspy_twin.strain.noise import Noise

# Resolutions from the end of a wall, back along it, forth, and beside it, within which what winds
# belongs to the partial: walls end up to 1.9 beyond or 1.2 before it, and zeros lie .9 within it.
BACK, FORTH, BESIDE = 7.0, 1.5, 1.5
# Radius in resolutions of the arc around the end: it begins and ends where windows see one side of
# the fault, and dislocations are told apart from four on.
ARC = 3.5
# Points along the arc, each a tenth of a resolution from the next.
ARC_POINTS = 161
# A wave turns once where it does so to within so many turns: its zero is then that of the partial.
ONCE = 0.4
# Smallest one that makes a dip from which the end is read.
DIPS = 0.2
# Largest root mean square difference, in turns and weighted by power, from what a Burgers vector
# makes: 1/25 of the power may miss a winding. It is .7 where one of two equal waves does.
LARGEST_MISFIT = 0.2
# Deviation of positions along any direction beside that of the noise, in resolutions: the ratio of
# offsets to errors is then .85-1.05 in germanium and gold, see benchmarks/dislocations.py.
OWN_DEVIATION = 0.35
# Amplitude in the wall below that of two halves of a window by so much, from which on layers of
# atoms make the dip deep. Zeros then lie up to 5 resolutions within the fault and the end of the
# dip up to 1.9, that of the wall up to 1.4 beyond it: the middle of both is taken, with twice the
# deviation.
DEEP = 0.2
# Of the mean power of the strongest wave: weaker ones do not tell where a fault ends.
STRONG = 0.25
# Steps per resolution, and half width in resolutions, of the field around an ideal partial.
STEPS, HALF_WIDTH = 10, 8
# Resolutions from the end of a wall, back and forth, of the profile that tells where it ends.
PROFILE = 6.0, 4.0


@dataclass(frozen=True, eq=False)
class Partial:
    """A partial dislocation at the end of a fault.

    Attributes
    ----------
    position
        x and y relative to the first pixel of the image.
    error
        Its standard error along any direction.
    burgers
        Burgers vector (x, y) in the image; NaN where the waves do not agree.
    indices, alternative
        The same in the axes of the crystal, and another one that is as long; NaN where unnamed.
    """

    position: np.ndarray
    error: float
    burgers: np.ndarray
    indices: np.ndarray
    alternative: np.ndarray


@dataclass(frozen=True, eq=False)
class End:
    """End of a fault inside the lattice; ``inwards`` is the unit vector back along the wall."""

    fault: Fault
    point: np.ndarray
    inwards: np.ndarray
    sign: float

    def owns(self, position: np.ndarray, resolution: float) -> bool:
        """Whether what winds at a position (x, y) belongs to this end."""
        off = (position - self.point) / resolution
        along, across = off @ self.inwards, off @ [-self.inwards[1], self.inwards[0]]
        return bool(-FORTH <= along <= BACK and abs(across) <= BESIDE)


def list_ends(region: LatticeWaves, faults: Sequence[Fault]) -> list[End]:
    """List the ends of faults beyond which the lattice goes on."""
    beyond = BEYOND * region.coarse.resolution
    ends = []
    for fault in faults:
        wall = fault.wall
        # A circuit from x to y leads from the right of the wall to its left around the end of it.
        for point, inwards, sign in (
            (wall.start, wall.direction, -1.0),
            (wall.end, -wall.direction, 1.0),
        ):
            if goes_on(region, point - beyond * inwards):
                ends.append(End(fault, point, inwards, sign))
    return ends


def find_partial(
    region: LatticeWaves,
    noise: Noise,
    end: End,
    windings: Sequence[Winding],
    block: Block,
    translations: Translations | None,
) -> Partial:
    """Find the partial dislocation at the end of a fault.

    Parameters
    ----------
    region, noise
        The waves and their noise.
    end
        The end.
    windings
        What winds there.
    block
        The lattice.
    translations
        Of its crystal.
    """
    vectors, hkl, fault = block.vectors, block.hkl, end.fault
    jumps = end.sign * fault.turns
    smooth = jumps + np.rint(_turn_around(region, end) - jumps)
    power = np.array([np.mean(np.abs(wave.amplitude) ** 2) for wave in region.waves])
    weights = np.where(np.isfinite(smooth), power, 0.0)
    smooth = np.where(weights > 0.0, smooth, 0.0)
    burgers, indices, alternative = np.full(2, np.nan), np.full(3, np.nan), np.full(3, np.nan)
    if np.linalg.matrix_rank(vectors[weights > 0.0], tol=ROUNDING * np.abs(vectors).max()) == 2:
        shift = end.sign * fault.shift.vector
        equal = np.concatenate([[shift], shift + translations_in_image(vectors, hkl, translations)])
        best = _match(-equal @ vectors.T, smooth, weights)
        burgers = burgers if best is None else equal[best]
    if hkl is not None and translations is not None and np.isfinite(burgers).all():
        named = name_shift(fault.shift.vector, fault.shift.error, vectors, hkl, translations.base)
        candidates = list_partials(vectors, hkl, translations, end.sign * named)
        best = _match(candidates.turns, smooth, weights)
        if best is not None:
            burgers, indices = candidates.burgers[best], candidates.indices[best]
            alternative = candidates.alternative[best]
    strong = weights >= STRONG * power.max()
    position, error = _locate(region, noise, end, windings, smooth, strong)
    return Partial(position, error, burgers, indices, alternative)


def _turn_around(region: LatticeWaves, end: End) -> np.ndarray:
    """Smooth turns of all waves on the circuit around an end, shape (k,); NaN beyond the lattice.

    The arc leaves the fault out, and what the lattice is strained and turned as a whole.
    """
    x, y = region.coarse.node_positions()
    step = np.array([x[1] - x[0], y[1] - y[0]])
    radius, middle = ARC * region.coarse.resolution, end.point - region.origin
    frame = np.array([-end.inwards, [end.inwards[1], -end.inwards[0]]])
    last = np.pi - np.arcsin(INNER / ARC)
    angles = np.linspace(-last, last, ARC_POINTS)
    points = middle + radius * np.column_stack([np.cos(angles), np.sin(angles)]) @ frame
    nodes = (points / step).T[::-1]
    mass = scipy.ndimage.map_coordinates(region.window.mass, nodes, order=1)
    if mass.min() < MINIMUM_MASS:
        return np.full(len(region), np.nan)
    off = np.stack(np.meshgrid(x, y), axis=-1) - middle
    along, across = np.moveaxis(off @ frame.T, -1, 0)
    around = np.hypot(along, across) <= 2.0 * radius
    around &= (along > 0.0) | (np.abs(across) > INNER * region.coarse.resolution)
    turns = []
    for index, wave in enumerate(region.waves):
        real, imaginary = (
            scipy.ndimage.map_coordinates(part.astype(float), nodes, order=3)
            for part in (wave.amplitude.real, wave.amplitude.imag)
        )
        field = real + 1j * imaginary
        total = np.angle(field[1:] * np.conj(field[:-1])).sum() / (2.0 * np.pi)
        whole = region.mean_frequency(index, around * region.window.mass**2) - wave.carrier
        turns.append((total - whole @ (points[-1] - points[0])) * np.pi / last)
    return np.array(turns)


def _match(expected: np.ndarray, smooth: np.ndarray, weights: np.ndarray) -> int | None:
    """First of some Burgers vectors, which turn phases (n, k), that agrees with the waves best."""
    misfit = np.sqrt((expected - smooth) ** 2 @ weights / weights.sum())
    best = int(np.nanargmin(misfit)) if np.isfinite(misfit).any() else 0
    return best if misfit[best] <= LARGEST_MISFIT else None


def _locate(
    region: LatticeWaves,
    noise: Noise,
    end: End,
    windings: Sequence[Winding],
    smooth: np.ndarray,
    strong: np.ndarray,
) -> tuple[np.ndarray, float]:
    """Position of a partial and its standard error: from zeros, else from dips, else the wall's."""
    width, turns = region.coarse.resolution, end.fault.turns
    dips = np.full(len(turns), np.nan)
    dips[np.isfinite(turns)] = end.fault.jumps.dip.mean(axis=1)
    deep = bool((dips < np.cos(np.pi * np.abs(turns)) - DEEP)[strong].any())
    for winding in () if deep else windings:
        off = np.abs(np.abs(smooth) - 1.0)
        single = np.flatnonzero((np.abs(winding.turns) == 1) & strong & (off <= ONCE))
        zeros, seen = locate_zeros(region, noise, single, winding.position)
        if len(seen):
            back = np.array([_zero_of_partial(round(abs(smooth[one]), 2)) for one in seen])
            zeros = replace(zeros, position=zeros.position - width * back[:, None] * end.inwards)
            position, error = mean_zero(zeros, 0.0)
            return position, float(np.hypot(error, OWN_DEVIATION * width))
    dipping = np.flatnonzero((np.abs(turns) >= DIPS) & strong)
    found = [_end_of_dip(region, end, int(one), abs(smooth[one])) for one in dipping]
    found = [one for one in found if -PROFILE[1] < one < PROFILE[0]]
    if not found:
        return end.point, OWN_DEVIATION * width
    if deep:
        return end.point + width * np.mean(found) / 2.0 * end.inwards, 2.0 * OWN_DEVIATION * width
    return end.point + width * np.mean(found) * end.inwards, OWN_DEVIATION * width


@lru_cache(maxsize=32)
def _axis_of_partial(fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Windowed wave on the line of a fault whose partial turns its phase by a fraction of a turn.

    Returns distances from the partial into the fault, in resolutions, and the wave, which is real.
    """
    steps = np.arange(-STEPS * HALF_WIDTH, STEPS * HALF_WIDTH + 1) / STEPS
    angle = np.arctan2(steps[:, None], -steps[None, :])
    wave = scipy.ndimage.gaussian_filter(np.cos(fraction * angle), STEPS, mode="nearest")
    return steps, wave[len(steps) // 2]


def _zero_of_partial(fraction: float) -> float:
    """Distance of the zero of such a wave from the partial into the fault, in resolutions."""
    steps, wave = _axis_of_partial(fraction)
    before = int(np.flatnonzero(np.diff(np.sign(wave)))[0])
    return float(steps[before] + wave[before] / (wave[before] - wave[before + 1]) / STEPS)


def _end_of_dip(region: LatticeWaves, end: End, index: int, fraction: float) -> float:
    """Distance of a partial from the end of a wall back along it, by the amplitude of one wave."""
    x, y = region.coarse.node_positions()
    width = region.coarse.resolution
    distance = np.arange(-PROFILE[1], PROFILE[0], 0.25)
    points = end.point + width * distance[:, None] * end.inwards - region.origin
    amplitude = np.abs(region.waves[index].amplitude).astype(float)
    nodes = [points[:, 1] / (y[1] - y[0]), points[:, 0] / (x[1] - x[0])]
    profile = scipy.ndimage.map_coordinates(amplitude, nodes, order=3, mode="nearest")
    steps, wave = _axis_of_partial(round(fraction, 2))
    dip = 1.0 - np.abs(wave)

    def residual(guess: np.ndarray) -> np.ndarray:
        full, depth, at = guess
        return full * (1.0 - depth * np.interp(distance - at, steps, dip)) - profile

    return float(least_squares(residual, [profile.max(), 1.0, 1.0]).x[2])
