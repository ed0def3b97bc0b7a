"""Between which planes of atoms a fault lies, by the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hyperspy_twin.atoms.columns import find_columns
from hyperspy_twin.atoms.displacement import prepare_field, sample_displacement
from hyperspy_twin.core import ANGSTROM_PER_NM, Grid, RegisteredLattice
from hyperspy_twin.registration import RepeatCell

# The two best planes are told apart where the image differs by so many standard deviations.
SURE = 4.0
# Far beyond any image, in nm: a cut there leaves one side only.
FAR = 1e6


@dataclass(frozen=True, eq=False)
class Sides:
    """An image, the lattice in it, and its displacement without steps.

    ``smooth`` and ``grid`` are the displacement in nm, shape (2, rows, columns), and its grid.
    """

    image: np.ndarray
    image_grid: Grid
    lattice: RegisteredLattice
    cell: RepeatCell
    smooth: np.ndarray
    grid: Grid


def find_cut(sides: Sides, cuts: np.ndarray, own: slice, heights: np.ndarray) -> tuple[float, bool]:
    """Find the height of a fault at which most of the image's intensity lies on atoms.

    Parameters
    ----------
    sides
        The image and the crystal.
    cuts
        All cuts, shape (m, CUT_NUMBERS).
    own
        Those of the fault, which follow one another by one plane.
    heights
        Heights of the first along its normal in nm to choose from, a plane apart, shape (n,).

    Returns
    -------
    height : float
        The best one.
    doubtful : bool
        Whether another one is as good within the scatter of the image.
    """
    count = own.stop - own.start
    layers = [_intensities(sides, cuts, own, passed, heights) for passed in range(count + 1)]
    every = np.concatenate([values for side in layers for values in side])
    level = every.mean() if len(every) else 0.0
    sums = np.array([[np.sum(values - level) for values in side] for side in layers])
    # Of each layer of atoms, how many cuts lie below it.
    passed = np.clip(np.arange(sums.shape[1])[None] - np.arange(len(heights))[:, None], 0, count)
    scores = np.take_along_axis(sums, passed, axis=0).sum(axis=1)
    best = int(scores.argmax())
    doubtful = False
    for other in (best - 1, best + 1):
        if 0 <= other < len(heights):
            changed = np.flatnonzero(passed[best] != passed[other])
            groups = [
                layers[one][n] for n in changed for one in (passed[best, n], passed[other, n])
            ]
            scatter = np.sqrt(sum(len(one) * one.var() for one in groups if len(one)))
            doubtful |= bool(scores[best] - scores[other] <= SURE * scatter)
    return float(heights[best]), doubtful


def _intensities(
    sides: Sides, cuts: np.ndarray, own: slice, passed: int, heights: np.ndarray
) -> list[np.ndarray]:
    """Image at the columns of each layer between heights, had so many cuts been passed."""
    normal, low, high = cuts[own.start, :2], cuts[own.start, 3], cuts[own.start, 4]
    spacing = heights[1] - heights[0]
    alone = cuts.copy()
    alone[own, 2] = np.where(np.arange(own.stop - own.start) < passed, -FAR, FAR)
    alone[own, 3:5] = -np.inf, np.inf
    points, places = _columns(sides, alone, heights[0] - spacing, heights[-1] + spacing * 2, normal)
    along = places @ [normal[1], -normal[0]]
    inside = (along > low) & (along < high)
    layer = np.searchsorted(heights, places[inside] @ normal)
    value = _intensity(sides, points[inside])
    return [value[layer == one] for one in range(len(heights) + 1)]


def _columns(
    sides: Sides, cuts: np.ndarray, low: float, high: float, normal: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Columns between two heights of the reference lattice, in the image and in that lattice."""
    grid, cell = sides.grid, sides.cell
    offsets = (cell.sites.fractional @ cell.base)[:, :2] / ANGSTROM_PER_NM + sides.lattice.origin
    bounds = float(grid.x[0]), float(grid.y[0]), float(grid.x[-1]), float(grid.y[-1])
    field = prepare_field(sides.smooth, grid)
    points = np.concatenate(
        [found[0] for found in find_columns(cell.plane, offsets, bounds, field, grid, cuts)]
    )
    places = points - sample_displacement(sides.smooth, grid, points)
    height = places @ normal
    near = (height > low) & (height < high)
    return points[near], places[near]


def _intensity(sides: Sides, points: np.ndarray) -> np.ndarray:
    """Image at points (n, 2) inside it."""
    pixels = sides.image_grid.to_pixels(points).T[::-1]
    return ndimage.map_coordinates(sides.image.astype(float), pixels, order=1, mode="nearest")
