"""The reciprocal vectors of a strain analysis: the best pair, and what else regions share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import Peaks

# Power over that of the noise; weaker peaks are not considered. Noise alone reaches it in
# exp(-5) = 0.7 % of the Fourier coefficients.
MINIMUM_SNR = 5.0
# Peaks longer than this many times the shortest are not considered: they are weak, and the first
# to suffer from scan distortion.
HIGHEST_ORDER = 3.0
# Sine of the angle between the two vectors, at least: the variance of the strain grows as
# 1 / sine^2, here to 5 times that of perpendicular vectors.
WIDE_SINE = 0.45
# The same where there is no better pair: 25 times.
NARROW_SINE = 0.2
# Peaks that differ by more than this fraction of their length are not the same planes strained or
# turned: it allows the 10 % misfit of InSb on InP, and a rotation of 7 degrees.
PARTNER_TOLERANCE = 0.12
# Regions can be compared if the peaks that have a partner in the other one hold this part of the
# intensity: a grain that is turned away shares a few by chance.
SHARED_INTENSITY = 0.5
# A peak is the given vector itself within this fraction of its length.
SAME_VECTOR = 1e-6
# Fraction of the information on the strain below which a reflection is not worth its time: it
# could lower the error by half of this.
WORTHWHILE = 0.01
# Distance from the given vector to the lattice that a mask still finds, in units of
# 1 / resolution: two standard deviations of the Gaussian mask.
LARGEST_DRIFT = 1.0 / np.pi
# Distance of a reflection from any other, in units of 1 / resolution, at which the Gaussian
# mask has fallen to exp(-2 pi^2 0.6^2) = 0.08 %.
MINIMUM_SEPARATION = 0.6


def choose_vectors(peaks: Peaks, regions: Iterable[Peaks] = ()) -> np.ndarray:
    """Choose the pair of peaks that determines the strain best.

    The variance of the strain from a pair is proportional to the trace of
    G^-1 diag(1 / intensity) G^-T, where the rows of G are the vectors: long, strong and
    perpendicular vectors make it small. The pair with the smallest variance is taken among the
    peaks of low order that all regions show, if there is such a pair.

    ``peaks`` are those of the reference, both or one of each pair of opposite ones. One of them is
    common when each of ``regions`` has one within 12 % of its length. The two vectors, shape
    (2, 2), lie in the half plane of positive x, or of positive y along the y axis.

    Raises
    ------
    ValueError
        If fewer than two peaks in different directions are above the noise.
    """
    position, good = peaks.position.reshape(-1, 2), _strong_and_low(peaks)
    others = [region.position for region in regions]
    common = good & np.array(
        [all(has_partners(vector[None], found) for found in others) for vector in position], bool
    )
    for candidates in (common, good):
        for sine in (WIDE_SINE, NARROW_SINE):
            pair = _best_pair(position[candidates], peaks.intensity[candidates], sine)
            if pair is not None:
                return pair
    raise ValueError(
        "no two reflections in clearly different directions are above the noise: give the "
        "vectors, or find peaks in a region with a visible lattice"
    )


def choose_shared_vectors(
    own: Peaks, others: Mapping[int, Peaks]
) -> tuple[np.ndarray, dict[int, Peaks]]:
    """Choose the pair of vectors for a reference and the regions that share its lattice.

    Parameters
    ----------
    own
        Peaks of the reference.
    others
        Peaks of other regions by their number.

    Returns
    -------
    vectors : ndarray
        As of :func:`choose_vectors`.
    shared : dict
        Peaks of the regions that show both.
    """
    near = {n: one for n, one in others.items() if shares_lattice(own, one)}
    pair = choose_vectors(own, near.values())
    return pair, {n: one for n, one in near.items() if has_partners(pair, one.position)}


@dataclass(frozen=True, eq=False)
class ReflectionChoice:
    """The reflections of the reference that were considered, every array of length n.

    Attributes
    ----------
    position
        Reciprocal vectors (x, y), shape (n, 2), from the most informative on.
    hkl
        Miller indices, shape (n, 3); 0 without a phase.
    information
        Part of the information on the strain that each carries, if they were independent.
    verdict
        Why each is used, or not.
    """

    position: np.ndarray
    hkl: np.ndarray
    information: np.ndarray
    verdict: tuple[str, ...]


# Verdict on a reflection that takes part.
USED = "used"


def add_reflections(
    pair: np.ndarray,
    peaks: Peaks,
    hkl: np.ndarray,
    regions: Mapping[int, Peaks],
    resolution: float,
) -> tuple[np.ndarray, ReflectionChoice]:
    """Add all reflections to a pair that the reference has in common with the regions.

    The covariance of their phases decides later what each is worth. Left out are those of high
    order or below the noise, those that carry less than 1 % of the information on the strain,
    which is proportional to length^2 times power over noise, those whose mask would hold another
    reflection, and those that a region has farther away than a mask reaches.

    Parameters
    ----------
    pair
        Reciprocal vectors (x, y) that determine a strain, shape (2, 2).
    peaks
        Of the reference, as for :func:`choose_vectors`.
    hkl
        Miller indices of these peaks, shape (n, 3).
    regions
        Peaks of the regions that are compared with it, by their number.
    resolution
        Standard deviation of the window.

    Returns
    -------
    vectors : ndarray
        Shape (k, 2) with the pair first, then the others from the most informative on.
    choice : ReflectionChoice
        All that were considered.
    """
    position = _right_half(peaks.position.reshape(-1, 2))
    flipped = np.einsum("ij,ij->i", position, peaks.position.reshape(-1, 2)) < 0.0
    length = np.linalg.norm(position, axis=1)
    information = np.where(_strong_and_low(peaks), length**2 * peaks.snr, 0.0)
    information /= max(float(information.sum()), float(np.finfo(float).tiny))
    order = np.argsort(-information, kind="stable")
    order = order[information[order] > 0.0]
    chosen, verdict = list(pair), []
    for index in order:
        vector = position[index]
        limit = min(LARGEST_DRIFT / resolution, PARTNER_TOLERANCE * length[index])
        lacking = [
            number
            for number, found in regions.items()
            if partner_distance(vector[None], found.position)[0] > limit
        ]
        nearest = _distances(vector, np.array(chosen))
        if (np.linalg.norm(pair - vector, axis=1) < SAME_VECTOR * length[index]).any():
            verdict.append(USED)
        elif information[index] <= WORTHWHILE:
            verdict.append("carries less than 1 % of the information")
        elif lacking:
            verdict.append(f"not in region {', '.join(map(str, lacking))}")
        elif nearest.min() < MINIMUM_SEPARATION / resolution:
            verdict.append("too near another one")
        else:
            chosen.append(vector)
            verdict.append(USED)
    signs = np.where(flipped[order], -1, 1)[:, None]
    return np.array(chosen), ReflectionChoice(
        position[order], signs * hkl[order], information[order], tuple(verdict)
    )


def given_reflections(vectors: np.ndarray, hkl: Sequence[Sequence[int]] | None) -> ReflectionChoice:
    """Record of reflections that were given, by their Miller indices or without."""
    count = len(vectors)
    indices = np.zeros((count, 3), int) if hkl is None else np.asarray(hkl)
    return ReflectionChoice(vectors, indices, np.full(count, np.nan), ("given",) * count)


def shares_lattice(peaks: Peaks, other: Peaks) -> bool:
    """Whether two regions show the same lattice, strained or turned by a little.

    The strong peaks of low order of the one have to lie near peaks of the other, in at least two
    directions.
    """
    good = _strong_and_low(peaks)
    position, intensity = peaks.position[good].reshape(-1, 2), peaks.intensity[good]
    limit = PARTNER_TOLERANCE * np.linalg.norm(position, axis=1)
    near = partner_distance(position, other.position) <= limit
    unit = position[near] / np.linalg.norm(position[near], axis=1, keepdims=True)
    wide = np.linalg.det(unit.T @ unit) > NARROW_SINE**2
    return bool(wide and intensity[near].sum() >= SHARED_INTENSITY * intensity.sum())


def has_partners(vectors: np.ndarray, position: np.ndarray) -> bool:
    """Whether each of the vectors (k, 2) has a peak near it, or opposite to it."""
    limit = PARTNER_TOLERANCE * np.linalg.norm(vectors, axis=1)
    return bool(np.all(partner_distance(vectors, position) <= limit))


def partner_distance(vectors: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Distance of each vector from the nearest peak or its opposite; infinite without peaks."""
    both = np.concatenate([position, -position]).reshape(-1, 2)
    distance = np.linalg.norm(both[None] - vectors[:, None], axis=2)
    return distance.min(axis=1, initial=np.inf)


def separation(vectors: np.ndarray, scale: tuple[float, float]) -> float:
    """Smallest distance of a vector from the centre, its opposite and the others, with aliases."""
    sampling = 1.0 / np.array(scale)
    smallest = np.linalg.norm(vectors, axis=1).min()
    for index, vector in enumerate(vectors):
        others = np.concatenate([-vectors, vectors[:index], vectors[index + 1 :]])
        difference = vector - others
        difference -= sampling * np.round(difference / sampling)
        smallest = min(smallest, np.linalg.norm(difference, axis=1).min())
    return float(smallest)


def _strong_and_low(peaks: Peaks) -> np.ndarray:
    """Which peaks are above the noise and of low order, boolean, shape (n,)."""
    length = np.linalg.norm(peaks.position.reshape(-1, 2), axis=1)
    good = (peaks.snr >= MINIMUM_SNR) & (peaks.intensity > 0.0) & (length > 0.0)
    shortest = length.min(initial=np.inf, where=good)
    return good & (length <= HIGHEST_ORDER * shortest)


def _best_pair(
    position: np.ndarray, intensity: np.ndarray, minimum_sine: float
) -> np.ndarray | None:
    """Pair with the smallest variance of the strain, in the right half plane."""
    position = _right_half(position)
    length = np.linalg.norm(position, axis=1)
    first, second = np.triu_indices(len(position), 1)
    determinant = (
        position[first, 0] * position[second, 1] - position[first, 1] * position[second, 0]
    )
    wide = np.abs(determinant) >= minimum_sine * length[first] * length[second]
    if not wide.any():
        return None
    first, second, determinant = first[wide], second[wide], determinant[wide]
    variance = length[second] ** 2 / intensity[first] + length[first] ** 2 / intensity[second]
    best = int(np.argmin(variance / determinant**2))
    return position[[first[best], second[best]]]


def _right_half(position: np.ndarray) -> np.ndarray:
    """Each peak or its opposite, that with positive x, or positive y along the y axis."""
    opposite = (position[:, 0] < 0.0) | ((position[:, 0] == 0.0) & (position[:, 1] < 0.0))
    return np.where(opposite[:, None], -position, position)


def _distances(vector: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distances of a vector from others and their opposites."""
    return np.linalg.norm(np.concatenate([others, -others]) - vector, axis=1)
