"""The reciprocal vectors of a strain analysis: the best pair, and what else regions share."""

from __future__ import annotations

from collections.abc import Iterable

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
    position = peaks.position.reshape(-1, 2)
    length = np.linalg.norm(position, axis=1)
    good = (peaks.snr >= MINIMUM_SNR) & (peaks.intensity > 0.0) & (length > 0.0)
    if good.any():
        good &= length <= HIGHEST_ORDER * length[good].min()
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


def add_reflections(
    pair: np.ndarray, peaks: Peaks, regions: Iterable[Peaks], resolution: float
) -> np.ndarray:
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
    regions
        Peaks of the regions that are compared with it.
    resolution
        Standard deviation of the window.

    Returns
    -------
    ndarray
        Shape (k, 2) with the pair first, then the others from the strongest on.
    """
    position = _right_half(peaks.position.reshape(-1, 2))
    length = np.linalg.norm(position, axis=1)
    information = np.where(peaks.snr >= MINIMUM_SNR, length**2 * peaks.snr, 0.0)
    information[length > HIGHEST_ORDER * length.min(initial=np.inf, where=length > 0.0)] = 0.0
    limit = LARGEST_DRIFT / resolution
    others = [region.position for region in regions]
    chosen = list(pair)
    for index in np.argsort(-information, kind="stable"):
        vector = position[index]
        if information[index] <= WORTHWHILE * information.sum():
            break
        near = [partner_distance(vector[None], found)[0] for found in others]
        common = max(near, default=0.0) <= min(limit, PARTNER_TOLERANCE * length[index])
        apart = min(_distances(vector, np.array(chosen))) >= MINIMUM_SEPARATION / resolution
        if common and apart:
            chosen.append(vector)
    return np.array(chosen)


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
