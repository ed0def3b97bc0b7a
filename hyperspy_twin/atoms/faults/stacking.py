"""How a crystal is best stacked at a planar fault: where it is cut, and what lies along the beam.

An image shows neither. In diamond the shift of an intrinsic stacking fault leaves all bonds whole
between the two near planes of (111), and not across the bonds at right angles to it; the opposite
shift leaves them whole only in two steps with a plane between them, which is the extrinsic fault
[1]_. So all terminations, all simple shifts along the beam, and one step or two are tried in a
small crystal, and what leaves most neighbours right is taken.

References
----------
.. [1] J. P. Hirth, J. Lothe, Theory of Dislocations, Wiley (1982), chapters 10 and 11.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy.spatial import cKDTree

from hyperspy_twin.core import ANGSTROM_PER_NM
from hyperspy_twin.registration import RepeatCell

# Repeats along the beam over the denominators of the shifts of known faults: 1/2, 1/3, 1/4, 1/6.
BEAM_STEPS = np.array([0, 6, 4, 8, 3, 9, 2, 10]) / 12
# Neighbours are nearer than this many times the nearest one of the site: bonds of a core are up to
# 15 % longer, and the second shell of close-packed crystals begins at 1.41.
NEIGHBOURS = 1.2
# Of the nearest distance: the bond energy of Stillinger and Weber's silicon (Phys. Rev. B 31 (1985)
# 5262) is gone at 0.8.
TOO_CLOSE = 0.8
# Wrong neighbours that weigh as much as one atom that is too close.
CLOSE_WEIGHT = 12
# Planes whose heights differ by less than this fraction of their period are one: CIF files carry
# four or five digits.
SAME_PLANE = 1e-3
# Shortest neighbour distances over which atoms are compared along the fault and beside it.
PATCH, BESIDE = 4.0, 2.5


@dataclass(frozen=True)
class Stacking:
    """A way to cut a crystal and shift what lies beyond.

    Attributes
    ----------
    height
        Of the first cut in periods of the plane, from the origin of the cell, 0 <= height < 1.
    steps
        Shifts (x, y, z) in Å at this cut and at others that follow each a period beyond, shape
        (n, 3).
    wrong
        Neighbours that are missing, too many or of wrong lengths, for each atom at the cut.
    """

    height: float
    steps: np.ndarray
    wrong: float


def find_stacking(cell: RepeatCell, plane: np.ndarray, shift: np.ndarray) -> Stacking:
    """Find the cuts, and the shift along the beam, that leave most neighbours right.

    Parameters
    ----------
    cell
        The crystal.
    plane
        Reciprocal vector (x, y) of the plane in 1/nm; the side that it points to is shifted.
    shift
        Shift (x, y) in nm, modulo lattice vectors.
    """
    patch = _Patch.of(cell)
    normal = np.asarray(plane) / ANGSTROM_PER_NM
    across = ANGSTROM_PER_NM * np.asarray(shift, float)
    across = across - np.rint(across @ np.linalg.inv(cell.base[:2, :2])) @ cell.base[:2, :2]
    heights = np.mod(patch.sites[:, :2] @ normal, 1.0)
    heights = np.unique(np.rint(heights / SAME_PLANE).astype(int) % round(1 / SAME_PLANE))
    gaps = np.diff(np.append(heights, heights[0] + round(1 / SAME_PLANE)))
    distinct = gaps > 1
    heights, gaps = SAME_PLANE * heights[distinct], SAME_PLANE * gaps[distinct]
    ways = [[across]]
    thrice = 3.0 * across @ np.linalg.inv(cell.base[:2, :2])
    if np.abs(thrice - np.rint(thrice)).max() < SAME_PLANE:
        ways.append([-across, -across])
    best: tuple[tuple[float, ...], Stacking] | None = None
    for way, (height, gap), step in product(ways, zip(heights, gaps, strict=True), BEAM_STEPS):
        cut, lift = height + gap / 2, float(step - np.rint(step - 1e-9)) * cell.length
        steps = np.array([[*one, lift] for one in way])
        wrong = patch.count_wrong(normal, cut, steps)
        rank = round(wrong, 6), len(way), abs(lift), -gap
        if best is None or rank < best[0]:
            best = rank, Stacking(float(cut % 1.0), steps, wrong)
    assert best is not None
    return best[1]


@dataclass(frozen=True, eq=False)
class _Patch:
    """A piece of a perfect crystal around the origin, long enough along the beam.

    ``sites`` are the positions of the sites in one cell; ``atoms`` all atoms, in Å, each of one
    ``site``; ``counted`` those in the first repeat along the beam. ``kinds`` are the elements of
    the sites, ``nearest`` the distances to the nearest other one, and ``ideal`` what
    :meth:`_surroundings` finds around them, shape (sites, kinds + 1).
    """

    sites: np.ndarray
    atoms: np.ndarray
    site: np.ndarray
    counted: np.ndarray
    kinds: np.ndarray
    nearest: np.ndarray
    ideal: np.ndarray

    @classmethod
    def of(cls, cell: RepeatCell) -> _Patch:
        """Build the piece of a crystal."""
        sites = cell.sites.fractional @ cell.base
        nearest = _nearest_distances(cell)
        reach = NEIGHBOURS * nearest.max()
        size = (PATCH + BESIDE) * nearest.max() + reach + np.linalg.norm(cell.base[:2, :2])
        atoms, site, counted = _fill_patch(cell, sites, size, reach)
        kinds = np.unique(cell.sites.numbers[:, 0], return_inverse=True)[1].ravel()
        bare = cls(sites, atoms, site, counted, kinds, nearest, np.empty(0))
        around, _ = bare._surroundings(atoms, site, counted)
        distance = np.where(counted, np.linalg.norm(atoms[:, :2], axis=1), np.inf)
        order = np.argsort(distance, kind="stable")
        first = [order[np.flatnonzero(site[order] == one)[0]] for one in range(len(sites))]
        return replace(bare, ideal=around[first])

    def count_wrong(self, normal: np.ndarray, cut: float, steps: np.ndarray) -> float:
        """Wrong neighbours for each atom near cuts of the plane ``normal`` (1/Å)."""
        parts, members = [], []
        total = np.zeros(3)
        for number in range(len(steps) + 1):
            atoms = self.atoms + total
            height = atoms[:, :2] @ normal - cut
            low = -np.inf if number == 0 else number - 1
            high = np.inf if number == len(steps) else number
            inside = (height > low) & (height <= high)
            parts.append(atoms[inside])
            members.append(inside)
            if number < len(steps):
                total = total + steps[number]
        atoms = np.concatenate(parts)
        site, counted = (
            np.concatenate([values[inside] for inside in members])
            for values in (self.site, self.counted)
        )
        spacing = 1.0 / np.linalg.norm(normal)
        off = (atoms[:, :2] @ normal - cut) * spacing
        along = np.abs(atoms[:, :2] @ [-normal[1], normal[0]]) * spacing
        reach = BESIDE * self.nearest.max()
        near = counted & (off > -reach) & (off < reach + (len(steps) - 1) * spacing)
        near &= along < PATCH * self.nearest.max()
        around, close = self._surroundings(atoms, site, near)
        wrong = np.abs(around - self.ideal[site])[near].sum() + CLOSE_WEIGHT * close
        return float(wrong / max(near.sum(), 1))

    def _surroundings(
        self, atoms: np.ndarray, site: np.ndarray, wanted: np.ndarray
    ) -> tuple[np.ndarray, int]:
        """Neighbours of each kind, the sum of their lengths in bonds, and pairs too close."""
        pairs = cKDTree(atoms).query_pairs(NEIGHBOURS * self.nearest.max(), output_type="ndarray")
        pairs = np.concatenate([pairs, pairs[:, ::-1]])
        pairs = pairs[wanted[pairs[:, 0]]]
        length = np.linalg.norm(atoms[pairs[:, 0]] - atoms[pairs[:, 1]], axis=1)
        length = length / self.nearest[site[pairs[:, 0]]]
        first, second = pairs[length < NEIGHBOURS].T
        found = np.zeros((len(atoms), self.kinds.max() + 2))
        np.add.at(found, (first, self.kinds[site[second]]), 1.0)
        np.add.at(found[:, -1], first, length[length < NEIGHBOURS])
        return found, int(np.sum(length < TOO_CLOSE))


def _nearest_distances(cell: RepeatCell) -> np.ndarray:
    """Distance in Å from each site to the nearest other one."""
    sites = cell.sites.fractional @ cell.base
    along = int(np.ceil(np.linalg.norm(cell.base[0, :2]) / cell.length)) + 2
    images = [(i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in range(-along, along + 1)]
    around = (sites[None] + (np.array(images) @ cell.base)[:, None]).reshape(-1, 3)
    return cKDTree(around).query(sites, k=2)[0][:, 1]


def _fill_patch(
    cell: RepeatCell, sites: np.ndarray, size: float, reach: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Atoms within so many Å of the origin, their sites, and which are in the first repeat."""
    inverse = np.linalg.inv(cell.base[:2, :2])
    most = np.ceil(size * np.linalg.norm(inverse, axis=0)).astype(int) + 1
    images = int(np.ceil(reach / cell.length)) + 1
    steps = np.array(
        list(
            product(
                range(-most[0], most[0] + 1),
                range(-most[1], most[1] + 1),
                range(-images, images + 1),
            )
        )
    )
    corners = steps[:, :2] @ cell.base[:2]
    corners[:, 2] = np.mod(corners[:, 2], cell.length) + steps[:, 2] * cell.length
    atoms = (corners[:, None] + sites[None]).reshape(-1, 3)
    site = np.tile(np.arange(len(sites)), len(corners))
    counted = np.repeat(steps[:, 2] == 0, len(sites))
    inside = np.linalg.norm(atoms[:, :2], axis=1) < size
    return atoms[inside], site[inside], counted[inside]
