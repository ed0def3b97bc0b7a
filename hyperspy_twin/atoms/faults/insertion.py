"""From planar faults that were seen to cuts of the reference lattice."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hyperspy_twin.atoms.beam_displacement import lift_along_beam
from hyperspy_twin.atoms.cuts import NO_CUTS
from hyperspy_twin.atoms.displacement import sample_displacement
from hyperspy_twin.atoms.faults.position import Sides, find_cut
from hyperspy_twin.atoms.faults.smooth import (
    Profile,
    Window,
    followed_waves,
    layer_profile,
    take_out_steps,
)
from hyperspy_twin.atoms.faults.stacking import find_stacking
from hyperspy_twin.core import ANGSTROM_PER_NM, HAADF_EXPONENT, Grid, RegisteredLattice
from hyperspy_twin.registration import RepeatCell

logger = logging.getLogger(__name__)

# Resolutions from a fault at which a window sees one side only, to .1 % of its weight.
BESIDE = 3.0
# Points along a fault at which its step is measured.
POINTS = 64
# Of the shortest lattice vector: half of the largest distance at which one is nearest.
SAME_STEP = 0.25
# Of a repeat along the beam: two lifts that differ by less are one.
SAME_LIFT = 0.01
# Degrees by which a fault may differ from the trace of its plane.
SAME_DIRECTION = 5.0
# Planes on either side of where a fault was seen that are tried: it is seen to .15 nm.
LAYERS = 4
# Rounds in which the cut and the continuous displacement are found from each other: the second
# moves the displacement by less than a picometre.
ROUNDS = 2


@dataclass(frozen=True)
class PlanarFault:
    """A planar fault that is seen edge on.

    Attributes
    ----------
    start, end
        Ends (x, y) in nm.
    plane
        Miller indices (hkl).
    shift
        Shift of the side on the right of the way from start to end, in the axes of the crystal, at
        right angles to the beam and modulo lattice vectors.
    burgers
        Shift of that side, and not modulo lattice vectors, at the partial dislocation that ends the
        fault; None where that is not known.
    start_inside, end_inside
        Whether the fault ends there at a partial dislocation, and does not leave the crystal.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    plane: tuple[int, int, int]
    shift: tuple[float, float, float]
    start_inside: bool
    end_inside: bool
    burgers: tuple[float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class FaultedImage:
    """The image in which faults were seen, and how the displacement was measured in it.

    Attributes
    ----------
    image, grid
        The image, shape (rows, columns), and its grid in nm.
    faults
        The faults.
    region
        Number of the region in whose lattice they are indexed.
    vectors
        Reciprocal vectors (x, y) of the displacement in 1/nm, shape (k, 2).
    resolution
        Standard deviation of its window in nm.
    """

    image: np.ndarray
    grid: Grid
    faults: Sequence[PlanarFault]
    region: int
    vectors: np.ndarray
    resolution: float


def insert_faults(
    faulted: FaultedImage,
    lattice: RegisteredLattice,
    cell: RepeatCell,
    displacement: np.ndarray,
    grid: Grid,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the cuts of a lattice, and the displacement without their steps.

    Parameters
    ----------
    faulted
        The image and its faults.
    lattice, cell
        The lattice of the displacement, and its cell.
    displacement, grid
        Displacement (u_x, u_y) in nm, NaN where unknown, shape (2, rows, columns), and its grid.

    Returns
    -------
    displacement : numpy.ndarray
        The continuous part, of the same shape.
    cuts : numpy.ndarray
        One for each fault that could be inserted, shape (m, CUT_NUMBERS). A warning tells which
        could not, and why.
    """
    seen = []
    for fault in faulted.faults:
        try:
            seen.append(_Seen.of(fault, lattice, cell, displacement, grid, faulted.resolution))
        except ValueError as reason:
            logger.warning(
                "The planar fault from (%.2f, %.2f) to (%.2f, %.2f) nm is not in the model: %s.",
                *fault.start, *fault.end, reason,
            )  # fmt: skip
    if not seen:
        return displacement, NO_CUTS
    cuts = np.concatenate([one.cuts for one in seen])
    ends = np.cumsum([len(one.cuts) for one in seen])
    members = [slice(end - len(one.cuts), end) for one, end in zip(seen, ends, strict=True)]
    jumps = np.array([one.cuts[:, 5:7].sum(axis=0) for one in seen])
    window = Window(followed_waves(faulted.vectors, jumps), faulted.resolution)
    smooth = displacement
    sites = cell.sites
    offsets = (sites.fractional @ cell.base)[:, :2] / ANGSTROM_PER_NM + lattice.origin
    bright = np.sum(sites.probability * sites.numbers.astype(float) ** HAADF_EXPONENT, axis=1)

    def profiles() -> list[Profile]:
        return [
            layer_profile(offsets, bright, cuts[own], one.period, window)
            for one, own in zip(seen, members, strict=True)
        ]

    for one, own in zip(seen, members, strict=True):
        cuts[own, 2] = one.nearest(cuts[own.start, 2]) + one.period * np.arange(len(one.cuts))
    for _ in range(ROUNDS):
        smooth = take_out_steps(displacement, smooth, grid, cuts, profiles(), window)
        sides = Sides(faulted.image, faulted.grid, lattice, cell, smooth, grid)
        placed = [
            find_cut(sides, cuts, own, one.heights(cuts[own.start, 2]))
            for one, own in zip(seen, members, strict=True)
        ]
        for one, own, (height, _) in zip(seen, members, placed, strict=True):
            cuts[own, 2] = height + one.period * np.arange(len(one.cuts))
    for one, (_, doubtful) in zip(seen, placed, strict=True):
        if doubtful:
            logger.warning(
                "The plane of the fault from (%.2f, %.2f) to (%.2f, %.2f) nm is not sure: the "
                "next one fits the image as well.", *one.fault.start, *one.fault.end,
            )  # fmt: skip
    return take_out_steps(displacement, smooth, grid, cuts, profiles(), window), cuts


@dataclass(frozen=True, eq=False)
class _Seen:
    """A fault as cuts where it was seen, and the heights in nm at which the first can lie."""

    fault: PlanarFault
    cuts: np.ndarray
    first: float
    period: float

    @classmethod
    def of(
        cls,
        fault: PlanarFault,
        lattice: RegisteredLattice,
        cell: RepeatCell,
        displacement: np.ndarray,
        grid: Grid,
        resolution: float,
    ) -> _Seen:
        """Raise a ValueError with the reason where the fault is not one of this lattice."""
        if not np.isfinite([*fault.plane, *fault.shift]).all():
            raise ValueError("its plane or its shift has no simple indices")
        plane = ANGSTROM_PER_NM * np.linalg.inv(lattice.base) @ np.asarray(fault.plane, float)
        along = np.subtract(fault.end, fault.start)
        right = np.array([-along[1], along[0]]) / np.linalg.norm(along)
        plane = plane[:2] * np.sign(plane[:2] @ right)
        period = 1.0 / float(np.linalg.norm(plane))
        normal = plane * period
        if normal @ right < np.cos(np.radians(SAME_DIRECTION)):
            raise ValueError("it does not lie along the trace of its plane")
        shift = np.asarray(fault.shift, float) @ lattice.base[:, :2] / ANGSTROM_PER_NM
        middle, measured = _measure_step(fault, right, displacement, grid, BESIDE * resolution)
        index = np.rint((measured - shift) @ np.linalg.inv(cell.plane))
        jump = shift + index @ cell.plane
        if np.linalg.norm(jump - measured) > SAME_STEP * np.linalg.norm(cell.plane, axis=1).min():
            raise ValueError("the displacement does not step by its shift there")
        stacking = find_stacking(cell, plane, shift)
        steps = stacking.steps / [ANGSTROM_PER_NM, ANGSTROM_PER_NM, 1.0]
        # What the sum of all steps lacks to the one that is seen is a lattice vector.
        index = np.rint((jump - steps[:, :2].sum(axis=0)) @ np.linalg.inv(cell.plane))
        steps[-1] += [*(index @ cell.plane), index @ cell.base[:2, 2]]
        steps[:, 2] -= cell.length * np.rint(steps[:, 2] / cell.length - 1e-9)
        if fault.burgers is not None:
            # Beyond the end of the fault the lattice vector is that of a cut of the displacement.
            true = np.asarray(fault.burgers) @ lattice.base
            turns = np.rint((jump - true[:2] / ANGSTROM_PER_NM) @ np.linalg.inv(cell.plane))
            lift = true[2] + lift_along_beam(turns, cell.base[:2, 2], cell.length)
            rest = (lift - steps[:, 2].sum()) / cell.length
            if abs(rest - np.rint(rest)) < SAME_LIFT:
                steps[-1, 2] += rest * cell.length
        tangent = np.array([normal[1], -normal[0]])
        points = np.array([fault.start, fault.end])
        ends = ((points - sample_displacement(displacement, grid, points)) @ tangent).tolist()
        infinite = (-np.inf, np.inf)
        inside = (fault.start_inside, fault.end_inside)
        ends = [one if here else far for one, here, far in zip(ends, inside, infinite, strict=True)]
        cuts = np.array([[*normal, middle @ normal, *ends, *step] for step in steps])
        # Half of all steps lies on either side of the continuous part.
        first = (stacking.height + plane @ lattice.origin - plane @ jump / 2) * period
        return cls(fault, cuts, float(first), period)

    def heights(self, near: float) -> np.ndarray:
        """Heights of possible cuts in nm, the nearest to one in the middle."""
        return self.nearest(near) + self.period * np.arange(-LAYERS, LAYERS + 1)

    def nearest(self, near: float) -> float:
        """Possible height in nm that is nearest to one."""
        return float(self.first + self.period * np.rint((near - self.first) / self.period))


def _measure_step(
    fault: PlanarFault, right: np.ndarray, displacement: np.ndarray, grid: Grid, beside: float
) -> tuple[np.ndarray, np.ndarray]:
    """Find a point of the fault in the reference lattice, and the step across it."""
    fractions = (np.arange(POINTS) + 0.5)[:, None] / POINTS
    points = np.asarray(fault.start) + fractions * np.subtract(fault.end, fault.start)
    beyond, before = (
        sample_displacement(displacement, grid, points + side * beside * right) for side in (1, -1)
    )
    steps = beyond - before
    known = np.isfinite(steps).all(axis=1)
    if not known.any():
        raise ValueError("the displacement is not known on both sides of it")
    middle = points[known] - (beyond + before)[known] / 2
    return np.median(middle, axis=0), np.median(steps[known], axis=0)
