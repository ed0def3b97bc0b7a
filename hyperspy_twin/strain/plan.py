"""The plan of a strain analysis: what is compared with what, by which peaks, and how finely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import Grid, Peaks
from hyperspy_twin.strain.reference import choose_reference, reference_mask
from hyperspy_twin.strain.vectors import add_reflections, choose_vectors, has_partners

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
class RegionLattice:
    """What the spectrum of a region says of its lattice.

    Attributes
    ----------
    peaks
        All its peaks.
    crystallinity
        What the region is, in words for the reader.
    has_lattice
        Whether that is one crystal or several.
    indexed
        Which of the peaks its phase explains, boolean, shape (n,); None without a phase.
    explained
        How much of the peaks' evidence the phase explains, from 0 to 1; None without a phase.
    hkl
        Miller indices of the peaks, shape (n, 3), 0 where it explains none; None without a phase.
    """

    peaks: Peaks
    crystallinity: str
    has_lattice: bool
    indexed: np.ndarray | None = None
    explained: float | None = None
    hkl: np.ndarray | None = None

    @property
    def lattice_peaks(self) -> Peaks:
        """Peaks that belong to the crystal: the indexed ones, or all where none is."""
        if self.indexed is None or not self.indexed.any():
            return self.peaks
        return self.peaks.take(self.indexed)


@dataclass(frozen=True, eq=False)
class Plan:
    """Input of :func:`~hyperspy_twin.strain.geometric_phase_analysis`.

    Attributes
    ----------
    reference
        Number of the region whose lattice is the reference.
    reference_mask
        Its pixels far enough from the outline, boolean, shape (rows, columns).
    vectors
        Reciprocal vectors (x, y), shape (k, 2).
    required
        How many of them, from the first, the reference has to show.
    others
        Reciprocal vectors (x, y) of all strong reflections of the reference, shape (m, 2).
    resolution
        Standard deviation of the Gaussian window, in the unit of the grid.
    labels
        Region of each pixel, shape (rows, columns); 0 also where a region cannot be compared.
    """

    reference: int
    reference_mask: np.ndarray
    vectors: np.ndarray
    required: int
    others: np.ndarray
    resolution: float
    labels: np.ndarray


def plan_analysis(
    regions: Mapping[int, RegionLattice],
    labels: np.ndarray,
    grid: Grid,
    *,
    reference: int | None = None,
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
        Number of the reference. By default a large region whose peaks are well explained by a
        phase, or a large one with a lattice where no phase is known; see
        ``choose_reference``.
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
    if reference is None:
        shortest = min(np.linalg.norm(one.position, axis=1).min() for one in peaks.values())
        margin = MARGIN * DEFAULT_SEPARATION / shortest / min(grid.scale)
        reference = choose_reference(labels, quality, margin, peaks)
    elif reference not in quality:
        raise ValueError(
            f"region {reference} cannot be the reference: the regions with a lattice are "
            f"{sorted(quality)}"
        )
    own = peaks[reference]
    if reflections is not None:
        if vectors is not None:
            raise ValueError("give either vectors or reflections, not both")
        vectors = find_reflections(regions[reference], reflections)
    chosen = choose_vectors(own, peaks.values()) if vectors is None else np.asarray(vectors, float)
    if resolution is None:
        resolution = choose_resolution(chosen, own)
    # A lattice, if it is the only one there, needs no phase to be compared with the reference.
    single = [n for n in with_lattice if regions[n].peaks.lattice.max(initial=0) == 1]
    peaks |= {n: regions[n].lattice_peaks for n in single}
    comparable = [n for n, one in peaks.items() if has_partners(chosen, one.position)]
    required = len(chosen)
    if vectors is None:
        chosen = add_reflections(chosen, own, [peaks[n] for n in comparable], float(resolution))
    return Plan(
        reference=int(reference),
        reference_mask=reference_mask(labels, reference, MARGIN * resolution / min(grid.scale)),
        vectors=chosen,
        required=required,
        others=strong_reflections(own),
        resolution=float(resolution),
        labels=np.where(np.isin(labels, comparable), labels, 0),
    )


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


def choose_resolution(vectors: np.ndarray, peaks: Peaks) -> float:
    """Choose the standard deviation of the Gaussian window in real space.

    With D the distance from the vectors to the next reflection, the resolution is 1.5 / D: one
    and a half lattice spacings, where a neighbour of equal height is suppressed by 5e-20.
    Opposites of the peaks of the reference, and the centre, are added to them.
    """
    position = strong_reflections(peaks)
    others = np.concatenate([position, -position, vectors, -vectors, np.zeros((1, 2))])
    length = np.linalg.norm(vectors, axis=1)
    distance = np.linalg.norm(others[None] - vectors[:, None], axis=2)
    nearest = distance[distance > NEAREST_NEIGHBOUR * length.min()].min()
    return DEFAULT_SEPARATION / float(nearest)


def strong_reflections(peaks: Peaks) -> np.ndarray:
    """Positions (x, y) of the peaks that can disturb the phase of another, shape (m, 2)."""
    strong = peaks.intensity > WEAK * peaks.intensity.max(initial=0.0)
    return peaks.position[strong].reshape(-1, 2)
