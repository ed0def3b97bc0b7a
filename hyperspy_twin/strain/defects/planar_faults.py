"""Planar faults that are seen edge on: where, on which planes, and with which shifts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import Grid, count_steps
from hyperspy_twin.strain.defects.block import Block
from hyperspy_twin.strain.defects.burgers import Translations
from hyperspy_twin.strain.defects.fault_vectors import (
    Shift,
    fit_shift,
    name_plane,
    name_shift,
    translations_in_image,
)
from hyperspy_twin.strain.defects.phase_jumps import Jumps, measure_jumps, trim_wall
from hyperspy_twin.strain.defects.walls import SHORTEST, Wall, find_valleys, find_walls
from hyperspy_twin.strain.lattice_waves import LatticeWaves, measure_lattice_waves
from hyperspy_twin.strain.noise import Noise, measure_noise
from hyperspy_twin.strain.pieces import find_pieces

# Standard error of the jumps above which nothing is said.
LARGEST_ERROR = 0.03
# Largest difference, in turns, of a jump from that of the shift and from itself along the wall: an
# array of dislocations in the wall changes it by a turn from one to the next.
LARGEST_MISFIT = 0.05
# Jump above which the amplitude in the wall tells whether it is a sudden one, in turns.
DIPS = 0.2
# The same of a wall that ends inside the lattice: the strain between two dislocations makes .22.
DIPS_OF_ENDED = 0.25
# Amplitude in any part of the wall, over that beside it, above that of two halves of a window whose
# phases differ by the jump, from which on it is none: a thin layer that is strained shifts the
# phase gradually and leaves the amplitude. In diamond a third of a turn leaves .52 or .75, as the
# plane cuts bonds across it or along it. It is lower between the two planes of an extrinsic fault,
# which is at a third of a turn to both sides: .0-.3 in gold.
LARGEST_DIP_ERROR = 0.3
# Largest change of it along the wall, since a dislocation has its hole in one part: it is .45-.6
# where one lies in a line of noise, see benchmarks/planar_faults.py.
LARGEST_DIP_CHANGE = 0.35


@dataclass(frozen=True, eq=False)
class PlanarFaults:
    """Planar faults seen edge on.

    Attributes
    ----------
    start, end
        Ends (x, y) of each in the frame of the grid, shape (n, 2).
    plane
        Miller indices, shape (n, 3); NaN without a phase or where no simple plane lies along it.
    shift
        The shortest shift (x, y) in the image, modulo lattice vectors, of the side that lies to
        the right on the way from start to end against the other, shape (n, 2).
    indices
        The same in the axes of the crystal, as the simplest fractions, shape (n, 3); NaN without a
        phase, or where no simple fractions agree.
    error
        Standard error of the shift along any direction, shape (n,).
    jump_error
        Root mean square standard error of the jumps of phase, in turns, shape (n,).
    dip
        Amplitude in the wall over that beside it, of the wave that is weakened most, shape (n,).
    """

    start: np.ndarray
    end: np.ndarray
    plane: np.ndarray
    shift: np.ndarray
    indices: np.ndarray
    error: np.ndarray
    jump_error: np.ndarray
    dip: np.ndarray


@dataclass(frozen=True, eq=False)
class Fault:
    """A wall across which one shift explains all jumps.

    ``turns`` are the jumps of all waves, shape (k,), NaN where they are too weak.
    """

    wall: Wall
    shift: Shift
    jumps: Jumps
    turns: np.ndarray


def find_planar_faults(
    image: np.ndarray,
    grid: Grid,
    block: Block,
    *,
    resolution: float,
    translations: Translations | None = None,
) -> PlanarFaults:
    """Find planar faults seen edge on by the dips and jumps that lattice waves have there.

    Where one side of a plane is shifted by R against the other, the wave g jumps by the phase
    -g.R turns [1]_, and in the window on the plane its two halves interfere to the amplitude
    cos(pi g.R): a wave for which that is a third of a turn falls to a half. Straight valleys of
    the amplitude are found first. The jumps are measured at a distance at which no window sees
    both sides, with the slope of the phase taken out, and have to be the same all along the wall,
    to agree with one shift, and to explain the dips. So dislocations, arrays of them, strained
    layers and steps of brightness are not taken for faults.

    Parameters
    ----------
    image
        Image, shape (rows, columns).
    grid
        Its pixel grid.
    block
        The lattice.
    resolution
        Standard deviation of the Gaussian window, in the unit of the grid.
    translations
        Of the crystal of the block; without them, shifts are in the image only.

    References
    ----------
    .. [1] J. P. Hirth, J. Lothe, Theory of Dislocations, Wiley (1982), chapter 10.
    """
    known = translations_in_image(block.vectors, block.hkl, translations)
    labels = None if block.mask.all() else block.mask.astype(np.int8)
    faults = [
        fault
        for piece in count_steps(find_pieces(labels, grid, resolution), "planar faults of piece")
        for region in [measure_lattice_waves(image, piece, grid.scale, block.carriers, resolution)]
        for fault in find_in_region(region, measure_noise([region])[0], block.vectors, known)
    ]
    indices, planes = np.full((len(faults), 3), np.nan), np.full((len(faults), 3), np.nan)
    if block.hkl is not None:
        for number, one in enumerate(faults):
            planes[number] = name_plane(one.wall.normal, block.vectors, block.hkl)
            if translations is not None:
                indices[number] = name_shift(
                    one.shift.vector, one.shift.error, block.vectors, block.hkl, translations.base
                )
    offset = np.array(grid.offset)
    return PlanarFaults(
        start=np.array([one.wall.start for one in faults]).reshape(-1, 2) + offset,
        end=np.array([one.wall.end for one in faults]).reshape(-1, 2) + offset,
        plane=planes,
        shift=np.array([one.shift.vector for one in faults]).reshape(-1, 2),
        indices=indices,
        error=np.array([one.shift.error for one in faults]),
        jump_error=np.array([np.sqrt(np.mean(one.jumps.error**2)) for one in faults]),
        dip=np.array([one.jumps.dip.mean(axis=1).min() for one in faults]),
    )


def find_in_region(
    region: LatticeWaves, noise: Noise, vectors: np.ndarray, translations: np.ndarray
) -> list[Fault]:
    """Find the faults in one piece, with translations (x, y) of its lattice in the image."""
    depth = find_valleys(region, noise)
    faults = []
    for seen in find_walls(region, depth):
        wall = trim_wall(region, seen)
        if wall.length < SHORTEST * region.coarse.resolution:
            continue
        jumps = measure_jumps(region, noise, wall, depth)
        if jumps is None:
            continue
        known, turns = jumps.error <= LARGEST_ERROR, jumps.turns
        jumps = jumps.take(known)
        if not known.any() or not is_rigid(jumps):
            continue
        shift = fit_shift(jumps.turns, jumps.error, vectors[known], translations)
        if shift is not None and shift.misfit <= LARGEST_MISFIT:
            faults.append(Fault(wall, shift, jumps, np.where(known, turns, np.nan)))
    return faults


def is_rigid(jumps: Jumps) -> bool:
    """Whether waves jump by as much all along a wall, and dip as they then do."""
    weights = 1.0 / jumps.error**2
    if np.average(jumps.change**2, weights=weights) > LARGEST_MISFIT**2:
        return False
    size = np.abs(jumps.turns)
    dipping = size >= (DIPS_OF_ENDED if jumps.ended else DIPS)
    if not dipping.any():
        return False
    expected = np.cos(np.pi * size[dipping])
    off = np.average(jumps.dip[dipping] - expected[:, None], axis=0, weights=weights[dipping])
    return bool(off.max() <= LARGEST_DIP_ERROR and np.ptp(off) <= LARGEST_DIP_CHANGE)
