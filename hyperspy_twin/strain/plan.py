"""The plan of a strain analysis: what is compared with what, by which peaks, and how finely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import Grid, Peaks
from hyperspy_twin.strain.reference import ReferenceScores, reference_mask, score_references
from hyperspy_twin.strain.region_lattice import RegionLattice
from hyperspy_twin.strain.vectors import (
    ReflectionChoice,
    add_reflections,
    choose_shared_vectors,
    given_reflections,
    has_partners,
)

# Name of a reference that is chosen: what goes on beyond the image, and is strained the least.
SUBSTRATE = "substrate"
# Resolutions that the reference keeps from its outline: 0.6 % of a Gaussian lies beyond.
MARGIN = 2.5
# Resolution times the distance to the next reflection, which the mask exp(-2 pi^2 1.5^2) then
# suppresses to 5e-20 of its amplitude.
DEFAULT_SEPARATION = 1.5
# Fraction of the intensity of the strongest peak; weaker peaks do not disturb the phase of another.
WEAK = 0.01
# Peaks nearer to a vector than this fraction of the shortest vector are satellites, streaks or
# noise and no neighbours: a superstructure that doubles the cell is still kept out of the mask.
NEAREST_NEIGHBOUR = 0.4


@dataclass(frozen=True, eq=False)
class Choices:
    """What was decided for a strain analysis, beside what else was possible.

    Attributes
    ----------
    reference
        Number of the region whose lattice is the reference.
    regions
        The regions that could be it, with their scores.
    reflections
        The reflections of the reference that were considered.
    resolution
        Standard deviation of the Gaussian window, in the unit of the grid.
    neighbour
        Distance in reciprocal space to the nearest reflection that the mask keeps out.
    compared
        Numbers of the regions that share the reflections.
    """

    reference: int
    regions: ReferenceScores
    reflections: ReflectionChoice
    resolution: float
    neighbour: float
    compared: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """Input of :func:`~hyperspy_twin.strain.geometric_phase_analysis`.

    Attributes
    ----------
    choices
        What was decided, and why.
    reference_mask
        Pixels of the reference far enough from its outline, boolean, shape (rows, columns).
    vectors
        Reciprocal vectors (x, y), shape (k, 2).
    required
        How many of them, from the first, the reference has to show.
    others
        All strong reflections of the reference, shape (m, 3): reciprocal vector (x, y), and
        amplitude over that of the first of the vectors.
    labels
        Region of each pixel, shape (rows, columns); 0 also where a region cannot be compared.
    """

    choices: Choices
    reference_mask: np.ndarray
    vectors: np.ndarray
    required: int
    others: np.ndarray
    labels: np.ndarray

    @property
    def reference(self) -> int:
        """Number of the region whose lattice is the reference."""
        return self.choices.reference

    @property
    def resolution(self) -> float:
        """Standard deviation of the Gaussian window, in the unit of the grid."""
        return self.choices.resolution


def plan_analysis(
    regions: Mapping[int, RegionLattice],
    labels: np.ndarray,
    grid: Grid,
    *,
    reference: int | str | np.ndarray | None = None,
    vectors: Sequence[Sequence[float]] | np.ndarray | None = None,
    reflections: Sequence[Sequence[int]] | None = None,
    resolution: float | None = None,
) -> Plan:
    """Choose what is not given, and which regions can be compared with the reference.

    Parameters
    ----------
    regions
        The regions by number.
    labels
        Region of each pixel, shape (rows, columns), 0 where unassigned.
    grid
        Pixel grid of the labels.
    reference
        Number of the reference, the name of its phase, or its pixels, boolean, of shape
        (rows, columns). By default, or as ``"substrate"``, a large region with little strain, well
        explained by a phase, that goes on beyond the image; see ``score_references``.
    vectors
        Reciprocal vectors (x, y) of the analysis, shape (k, 2). By default the pair of peaks of
        the reference that determines the strain best, and all others that the regions share with
        it.
    reflections
        Miller indices (h, k, l) of peaks of the reference instead.
    resolution
        Standard deviation of the Gaussian window in the unit of the grid. By default one and a
        half of the spacings that have to be told apart.

    Returns
    -------
    Plan
        What :func:`~hyperspy_twin.strain.geometric_phase_analysis` needs.

    Raises
    ------
    ValueError
        If no region has a lattice, the reference has none, it shows no two peaks in different
        directions or not the reflections, or both vectors and reflections are given.
    """
    with_lattice = [n for n, region in regions.items() if region.has_lattice]
    quality = {n: one.explained for n, one in regions.items() if one.explained is not None}
    quality = quality or dict.fromkeys(with_lattice, 1.0)
    if not quality:
        found = "; ".join(f"region {n}: {one.crystallinity}" for n, one in regions.items())
        raise ValueError(f"no region has a lattice: {found}")
    peaks = {n: regions[n].lattice_peaks for n in quality}
    shortest = min(np.linalg.norm(one.position, axis=1).min() for one in peaks.values())
    margin = MARGIN * DEFAULT_SEPARATION / shortest / min(grid.scale)
    distortion = {n: regions[n].distortion for n in quality}
    scores = score_references(labels, quality, margin, peaks, distortion)
    number = find_reference(reference, regions, scores, labels)
    own = peaks[number]
    if reflections is not None:
        if vectors is not None:
            raise ValueError("give either vectors or reflections, not both")
        vectors = find_reflections(regions[number], reflections)
    # A lattice, if it is the only one there, needs no phase to be compared with the reference.
    single = [n for n in with_lattice if regions[n].peaks.lattice.max(initial=0) == 1]
    peaks |= {n: regions[n].lattice_peaks for n in single}
    if vectors is None:
        others = {n: one for n, one in peaks.items() if n != number}
        chosen, shared = choose_shared_vectors(own, others)
        compared = {n: one for n, one in peaks.items() if n == number or n in shared}
    else:
        chosen = np.asarray(vectors, float)
        compared = {n: one for n, one in peaks.items() if has_partners(chosen, one.position)}
    neighbour = nearest_reflection(chosen, own)
    resolution = DEFAULT_SEPARATION / neighbour if resolution is None else float(resolution)
    required = len(chosen)
    if vectors is None:
        hkl = regions[number].lattice_hkl
        chosen, considered = add_reflections(chosen, own, hkl, compared, resolution)
    else:
        considered = given_reflections(chosen, reflections)
    if isinstance(reference, np.ndarray):
        mask = reference & (labels == number)
    else:
        mask = reference_mask(labels, number, MARGIN * resolution / min(grid.scale))
    return Plan(
        choices=Choices(number, scores, considered, resolution, neighbour, tuple(compared)),
        reference_mask=mask,
        vectors=chosen,
        required=required,
        others=relative_reflections(own, chosen[0]),
        labels=np.where(np.isin(labels, list(compared)), labels, 0),
    )


def find_reference(
    reference: int | str | np.ndarray | None,
    regions: Mapping[int, RegionLattice],
    scores: ReferenceScores,
    labels: np.ndarray,
) -> int:
    """Find the region that a number, a name, or an area means, see :func:`plan_analysis`.

    Raises
    ------
    ValueError
        If there is no such region with a lattice.
    """
    able = scores.region.tolist()
    if isinstance(reference, np.ndarray):
        inside = labels[reference & np.isin(labels, able)]
        if not len(inside):
            raise ValueError(
                f"the area of the reference holds no region with a lattice: these are {able}"
            )
        return int(np.bincount(inside).argmax())
    if reference is None or reference == SUBSTRATE:
        return scores.best(able)
    if isinstance(reference, str):
        names = {n: one.crystal.crystal.name for n, one in regions.items() if one.crystal}
        of_phase = [n for n in able if names.get(n) == reference]
        if not of_phase:
            raise ValueError(
                f"no region of phase {reference!r} can be the reference: the phases are "
                f"{sorted(set(names.values()))}"
            )
        return scores.best(of_phase)
    if reference not in able:
        raise ValueError(
            f"region {reference} cannot be the reference: the regions with a lattice are "
            f"{sorted(able)}"
        )
    return int(reference)


def find_reflections(region: RegionLattice, hkl: Sequence[Sequence[int]]) -> np.ndarray:
    """Find the peaks of Miller indices (h, k, l), or their opposites; shape (k, 2).

    Raises
    ------
    ValueError
        If indices are no three whole numbers, or the region shows no such reflection.
    """
    wanted = np.asarray(hkl)
    if wanted.ndim != 2 or wanted.shape[1] != 3 or not np.issubdtype(wanted.dtype, np.integer):
        raise ValueError(
            f"reflections are given as [(h, k, l), (h, k, l), ...] of whole numbers, not {hkl!r}"
        )
    if region.hkl is None or region.indexed is None or not region.indexed.any():
        raise ValueError(
            "reflections need the phase of the reference: call index_phases(...) first, or give "
            "vectors"
        )
    indices, position = region.hkl[region.indexed], region.peaks.position[region.indexed]
    both, vectors = np.concatenate([indices, -indices]), np.concatenate([position, -position])
    found = []
    for one in wanted:
        same = np.flatnonzero((both == one).all(axis=1))
        if not len(same):
            shown = ", ".join(f"({' '.join(map(str, row.tolist()))})" for row in indices)
            raise ValueError(
                f"the reference shows no reflection ({' '.join(map(str, one.tolist()))}): it "
                f"shows {shown}"
            )
        found.append(vectors[same[0]])
    return np.array(found)


def nearest_reflection(vectors: np.ndarray, peaks: Peaks) -> float:
    """Distance in reciprocal space from the vectors to the next reflection.

    Opposites of the peaks of the reference, and the centre, are added to them. A window of
    standard deviation 1.5 over this distance suppresses a neighbour of equal height by 5e-20.
    """
    position = peaks.position[strong_peaks(peaks)].reshape(-1, 2)
    others = np.concatenate([position, -position, vectors, -vectors, np.zeros((1, 2))])
    length = np.linalg.norm(vectors, axis=1)
    distance = np.linalg.norm(others[None] - vectors[:, None], axis=2)
    return float(distance[distance > NEAREST_NEIGHBOUR * length.min()].min())


def strong_peaks(peaks: Peaks) -> np.ndarray:
    """Which peaks can disturb the phase of another, boolean, shape (n,)."""
    return peaks.intensity > WEAK * peaks.intensity.max(initial=0.0)


def relative_reflections(peaks: Peaks, vector: np.ndarray) -> np.ndarray:
    """Positions (x, y) of the strong peaks with their amplitudes over that at a vector, (m, 3)."""
    position = peaks.position.reshape(-1, 2)
    distance = np.minimum(*(np.linalg.norm(position - one, axis=1) for one in (vector, -vector)))
    unit = peaks.intensity[distance.argmin()] if len(distance) else 1.0
    strong = strong_peaks(peaks)
    return np.column_stack([position[strong], np.sqrt(peaks.intensity[strong] / unit)])
