"""Boundaries between grains of one crystal, by the angle between their lattices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from hyperspy_twin.core import Grid, Peaks
from hyperspy_twin.strain.defects.burgers import Translations, list_candidates
from hyperspy_twin.strain.region_lattice import RegionLattice
from hyperspy_twin.strain.vectors import SHARED_INTENSITY

# Peaks below this fraction of the strongest are not compared: of high order, and moved by noise.
WEAKEST = 0.01
# Fraction of its length within which a peak of one grain, turned, lies on one of the other: scans
# are stretched by 2 %, to one side in one grain and to another in the other.
SAME_PEAK = 0.06
# Fraction of their length by which reflections differ that both grains have in common, as a twin
# has those of its plane: a turn by a degree.
IN_COMMON = 0.02
# Gaps between outlines that are closed, in lattice spacings.
GAP = 4.0
# Degrees above which the cores of the dislocations in a boundary overlap, so that there are none
# to tell apart: D. G. Brandon, Acta Metall. 14 (1966) 1479.
HIGH_ANGLE = 15.0


@dataclass(frozen=True, eq=False)
class GrainBoundary:
    """Boundary between two grains of one crystal, seen along the same direction.

    Attributes
    ----------
    regions
        Numbers of the two.
    length
        Of the outline that they share, in the unit of the grid.
    angle, error
        Smallest turn about the beam that takes one lattice to the other, in degrees, and its
        standard error.
    plane
        Miller indices in the first grain of the strongest reflection that both have in common,
        shape (3,); NaN without a phase, or where they have none.
    burgers
        Shortest lattice vector across the beam in the axes of the crystal, shape (3,); NaN without
        a phase.
    spacing
        Distance at which dislocations of that vector make up the angle, in the unit of the grid.
    """

    regions: tuple[int, int]
    length: float
    angle: float
    error: float
    plane: np.ndarray
    burgers: np.ndarray
    spacing: float

    @property
    def is_high_angle(self) -> bool:
        """Whether it has no dislocations that could be told apart."""
        return self.angle >= HIGH_ANGLE


def find_boundaries(
    regions: Mapping[int, RegionLattice],
    labels: np.ndarray,
    grid: Grid,
    translations: Mapping[int, Translations | None],
) -> list[GrainBoundary]:
    """Find boundaries between neighbouring regions whose lattices differ by a turn.

    A boundary of the angle theta is made up by dislocations with the Burgers vector b at the
    distance b / (2 sin(theta / 2)) [1]_.

    Parameters
    ----------
    regions
        The regions by number.
    labels
        Region of each pixel, shape (rows, columns), 0 where unassigned.
    grid
        Pixel grid of the labels.
    translations
        Of the crystal of each region; None without a phase.

    References
    ----------
    .. [1] W. T. Read, W. Shockley, Phys. Rev. 78 (1950) 275.
    """
    known = {number: one for number, one in regions.items() if one.has_lattice}
    if len(known) < 2:
        return []
    longest = max(
        1.0 / np.linalg.norm(one.lattice_peaks.position, axis=1).min() for one in known.values()
    )
    outlines = _shared_outlines(labels, GAP * longest / grid.pixel_size)
    found = []
    for first, second in combinations(sorted(known), 2):
        count = outlines.get((first, second), 0)
        turn = _same_crystal(known[first], known[second]) and find_turn(
            known[first].lattice_peaks, known[second].lattice_peaks
        )
        if count and turn:
            angle, error = turn
            burgers, length = _shortest(known[first], translations.get(first))
            found.append(
                GrainBoundary(
                    (first, second),
                    count * grid.pixel_size,
                    angle,
                    error,
                    _common_plane(known[first], known[second].lattice_peaks),
                    burgers,
                    length / (2.0 * np.sin(np.radians(angle) / 2.0)) if angle else np.inf,
                )
            )
    return found


def find_turn(first: Peaks, second: Peaks) -> tuple[float, float] | None:
    """Smallest turn that takes the peaks of one lattice to those of another, with its error.

    The mean over all peaks is taken with equal weights: the stretch of a scan turns them by
    amounts that cancel in lattices of a high symmetry. In degrees; None where no turn takes peaks
    of half of the intensity of each to the other.
    """
    ours, theirs = (_strong(peaks) for peaks in (first, second))
    from_first, to_second = (
        peaks.position[strong]
        for peaks, strong in zip((first, second), (ours, theirs), strict=True)
    )
    both = np.concatenate([to_second, -to_second])
    direction = np.degrees(np.arctan2(from_first[:, 1], from_first[:, 0]))
    directions = np.degrees(np.arctan2(both[:, 1], both[:, 0]))
    turns = (directions[None] - direction[:, None] + 180.0) % 360.0 - 180.0
    error = np.concatenate([_turn_error(second, theirs)] * 2)
    own_error = _turn_error(first, ours)
    length = np.linalg.norm(from_first, axis=1)
    best: tuple[float, float] | None = None
    for trial in turns.ravel():
        angle = np.radians(trial)
        turned = from_first @ np.array(
            [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
        )
        distance = np.linalg.norm(turned[:, None] - both[None], axis=2) / length[:, None]
        nearest = distance.argmin(axis=1)
        match = distance.min(axis=1) <= SAME_PEAK
        met = np.zeros(len(to_second), bool)
        met[nearest[match] % len(to_second)] = True
        shared = (
            first.intensity[ours][match].sum() / first.intensity[ours].sum(),
            second.intensity[theirs][met].sum() / second.intensity[theirs].sum(),
        )
        if match.sum() < 2 or min(shared) < SHARED_INTENSITY:
            continue
        own = turns[match, nearest[match]]
        mean = abs(float(own.mean()))
        if best is None or mean < best[0]:
            counted = np.sqrt(np.sum(own_error[match] ** 2 + error[nearest[match]] ** 2))
            scatter = own.std(ddof=1) / np.sqrt(len(own))
            best = mean, float(max(counted / len(own), scatter))
    return best


def _strong(peaks: Peaks) -> np.ndarray:
    return peaks.intensity >= WEAKEST * peaks.intensity.max()


def _turn_error(peaks: Peaks, kept: np.ndarray) -> np.ndarray:
    """Find standard errors of the directions of some peaks in degrees."""
    position, error = peaks.position[kept], peaks.error[kept]
    across = np.column_stack([-position[:, 1], position[:, 0]])
    return np.degrees(np.linalg.norm(across * error, axis=1) / np.sum(position**2, axis=1))


def _same_crystal(first: RegionLattice, second: RegionLattice) -> bool:
    """Whether two regions may be of one crystal: without phases the lattices decide."""
    if first.crystal is None or second.crystal is None:
        return first.crystal is second.crystal
    return first.crystal.crystal.name == second.crystal.crystal.name


def _common_plane(first: RegionLattice, second: Peaks) -> np.ndarray:
    """Miller indices of the strongest reflection that two grains have in common."""
    peaks, hkl = first.lattice_peaks, first.lattice_hkl
    position = second.position[_strong(second)]
    both = np.concatenate([position, -position])
    distance = np.linalg.norm(peaks.position[:, None] - both[None], axis=2).min(axis=1)
    length = np.linalg.norm(peaks.position, axis=1)
    common = (distance <= IN_COMMON * length) & np.any(hkl != 0, axis=1) & _strong(peaks)
    if not common.any():
        return np.full(3, np.nan)
    return hkl[common][peaks.intensity[common].argmax()].astype(float)


def _shortest(region: RegionLattice, translations: Translations | None) -> tuple[np.ndarray, float]:
    """Shortest lattice vector that is seen, and its length in the image."""
    indexed = np.any(region.lattice_hkl != 0, axis=1)
    vectors, hkl = region.lattice_peaks.position, None
    if translations is not None and indexed.any():
        vectors, hkl = vectors[indexed], region.lattice_hkl[indexed]
    candidates = list_candidates(vectors, hkl, translations)
    if not len(candidates.burgers):
        return np.full(3, np.nan), np.nan
    length = np.linalg.norm(candidates.burgers, axis=1)
    return candidates.indices[0], float(length[0])


def _shared_outlines(labels: np.ndarray, gap: float) -> dict[tuple[int, int], int]:
    """Count the pixels along the outline that two regions share, by their numbers."""
    from skimage.segmentation import expand_labels

    grown = expand_labels(labels, gap)
    counts: dict[tuple[int, int], int] = {}
    pairs = []
    for here, there in ((grown[:-1], grown[1:]), (grown[:, :-1], grown[:, 1:])):
        different = (here != there) & (here > 0) & (there > 0)
        pairs.append(np.sort(np.column_stack([here[different], there[different]]), axis=1))
    found, number = np.unique(np.concatenate(pairs), axis=0, return_counts=True)
    for pair, count in zip(found.tolist(), number.tolist(), strict=True):
        counts[tuple(pair)] = count
    return counts
