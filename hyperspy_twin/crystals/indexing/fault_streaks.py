"""Streaks of planar faults: rows of peaks that one crystal shows beside its reflections.

The two sides of a fault that is seen edge on are shifted against each other. Their waves interfere,
which draws out the reflections along the normal of the plane, and where the wave jumps by no whole
turn the streak goes on from one reflection to the next [1]_. Its side lobes are found as peaks.

References
----------
.. [1] J. M. Cowley, Diffraction Physics, 3rd ed., North-Holland (1995), chapter 18.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from hyperspy_twin.core import Peaks
from hyperspy_twin.crystals.diffraction import leading_index
from hyperspy_twin.crystals.indexing.matches import Match
from hyperspy_twin.crystals.notation import plane_label

# Standard errors within which a peak lies on a streak.
GATE = 3.0
# Fewest peaks on streaks: two lie on some line of reflections as often as not.
FEWEST = 3
# Probability that as many peaks lie there by chance, for any plane: one region in a thousand.
CHANCE = 1e-3
# Distances from the row through the origin, over that of the next, that are of that row.
SAME_ROW = 0.1


@dataclass(frozen=True, eq=False)
class FaultStreaks:
    """Peaks on streaks along the normal of one plane.

    Attributes
    ----------
    plane
        Miller indices of the plane.
    peaks
        Whether each peak lies on a streak and is no reflection, bool, shape (n,).
    """

    plane: tuple[int, int, int]
    peaks: np.ndarray

    def __str__(self) -> str:
        return f"streaks along the normal of {plane_label(self.plane)}, as planar faults make them"


def find_fault_streaks(peaks: Peaks, match: Match, taken: np.ndarray) -> FaultStreaks | None:
    """Find the plane along whose normal most of the peaks lie that no crystal has taken.

    Parameters
    ----------
    peaks
        The peaks of a region.
    match
        What its crystal explains.
    taken
        Peaks that crystals have taken, bool, shape (n,).

    Returns
    -------
    FaultStreaks or None
        None where no more lie on such lines than do by chance.
    """
    left = ~taken & (np.asarray(peaks.satellite) == 0)
    reflections = np.flatnonzero(match.in_zone)
    planes = match.hkl[reflections] // np.gcd.reduce(match.hkl[reflections], axis=1)[:, None]
    planes = np.unique(planes * np.sign(leading_index(planes))[:, None], axis=0)
    error = peaks.error.max(axis=1)
    best: tuple[float, FaultStreaks] | None = None
    for plane in planes:
        along = np.mean([_normal_of(peaks, match, int(one), plane) for one in reflections], axis=0)
        if not along.any():
            continue
        normal = along / np.linalg.norm(along)
        across = peaks.position @ [-normal[1], normal[0]]
        rows = np.unique(np.abs(across[reflections]))
        rows = rows[rows > SAME_ROW * rows.max()]
        if not len(rows):
            continue
        off = np.abs(np.abs(across)[:, None] - rows).min(axis=1)
        on = left & (off <= GATE * error)
        chance = min(1.0, float(np.mean(2.0 * GATE * error[left])) / float(rows.min()))
        probability = len(planes) * float(binom.sf(on.sum() - 1, left.sum(), chance))
        if on.sum() >= FEWEST and probability < CHANCE and (best is None or probability < best[0]):
            h, k, m = plane.tolist()
            best = probability, FaultStreaks((h, k, m), on)
    return None if best is None else best[1]


def _normal_of(peaks: Peaks, match: Match, number: int, plane: np.ndarray) -> np.ndarray:
    """Position of a peak that is a reflection of a plane, turned to its side; zeros of others."""
    hkl = match.hkl[number]
    if np.cross(hkl, plane).any():
        return np.zeros(2)
    return peaks.position[number] * np.sign(hkl @ plane)
