"""Bases of plane lattices that pairs of peaks propose, and the evidence of the other peaks."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import kernel, reduce_basis

# Fractions of the unexplained peaks that a lattice may explain, a priori: few or many of them.
FEW = 0.05
MANY = 0.5
# Logarithmic ratio of a peak that is not on the lattice.
NONE_FEW = float(np.log(1 - FEW))
NONE_MANY = float(np.log(1 - MANY))
# Squared deviation, in variances, from which a peak is on no lattice: exp(-30) is nothing.
FAR = 60.0
# Strongest unexplained peaks that are tried as basis vectors; set, as the next, for speed on the
# tuning half of benchmarks/spots.py.
FREE_ANCHORS = 24
# Strongest peaks of any kind that are tried with them.
ANCHORS = 36
# Sine of the angle to the copied peak below which a peak is a multiple of it and says nothing.
COLLINEAR = 0.05
# Standard deviation of the relative difference of two copies of a lattice in one image, which the
# scan distorts unlike: set on the tuning half of benchmarks/spots.py.
COPY_TOLERANCE = 0.006
# Largest relative difference in length of the equal peaks of two copies: four such deviations.
COPY_REACH = 0.025


@kernel
def nearest_point(x: float, y: float, basis: np.ndarray, area: float) -> tuple[float, float]:
    """Integer coordinates of the point of a reduced lattice next to (x, y)."""
    first = np.rint((x * basis[1, 1] - y * basis[1, 0]) / area)
    second = np.rint((y * basis[0, 0] - x * basis[0, 1]) / area)
    return first, second


@kernel
def bounded_ratio(
    residual_x: float, residual_y: float, variance_x: float, variance_y: float, area: float
) -> float:
    """How much likelier a peak is on a lattice of this cell area than anywhere; 0 if far off."""
    chi_squared = residual_x**2 / variance_x + residual_y**2 / variance_y
    if chi_squared > FAR:
        return 0.0
    return float(area / (2 * np.pi * np.sqrt(variance_x * variance_y)) * np.exp(-0.5 * chi_squared))


@kernel
def mixed_evidence(few: float, many: float) -> float:
    """Logarithm of the mean of two likelihood ratios given by their logarithms."""
    high, low = max(few, many), min(few, many)
    return float(high + np.log(0.5 + 0.5 * np.exp(low - high)))


@kernel
def _gains(weight: float, ratio: float) -> tuple[float, float]:
    """Logarithmic ratios of a peak where a lattice explains few or many of the peaks."""
    if ratio > 0:
        return weight * np.log(1 - FEW + FEW * ratio), weight * np.log(1 - MANY + MANY * ratio)
    return weight * NONE_FEW, weight * NONE_MANY


@kernel
def pair_evidence(
    position: np.ndarray,
    variance: np.ndarray,
    weight: np.ndarray,
    pairs: np.ndarray,
    shortest: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Evidence of lattices that are spanned by pairs of peaks.

    A peak is on the lattice with a Gaussian error, or anywhere with equal probability. The ratio
    of both, mixed with the fraction of the peaks that a lattice explains, has the expectation one
    for peaks placed at random, and weights below one lower it: e^evidence is rarely large by
    chance [1]_. The two peaks that span the lattice say nothing, nor, for their being of one
    lattice, do the multiples of either.

    Parameters
    ----------
    position : numpy.ndarray
        Peaks, shape (n, 2).
    variance : numpy.ndarray
        Squared standard errors of ``position``, shape (n, 2).
    weight : numpy.ndarray
        How much each peak counts, from 0 (explained already) to 1, shape (n,).
    pairs : numpy.ndarray
        Indices of peaks, shape (m, 2).
    shortest : float
        Length below which a lattice vector is not resolved.

    Returns
    -------
    total : numpy.ndarray
        Evidence of all peaks but the pair, shape (m,); -inf where the lattice is not resolved.
    mixed : numpy.ndarray
        Evidence of those that are no multiples of one of the pair, shape (m,).

    References
    ----------
    .. [1] V. Vovk, R. Wang, Annals of Statistics 49 (2021) 1736.
    """
    total = np.full(len(pairs), -np.inf)
    mixed = np.full(len(pairs), -np.inf)
    for m in range(len(pairs)):
        i, j = pairs[m]
        spanned = np.empty((2, 2))
        for a in range(2):
            spanned[0, a], spanned[1, a] = position[i, a], position[j, a]
        determinant = spanned[0, 0] * spanned[1, 1] - spanned[0, 1] * spanned[1, 0]
        if abs(determinant) < shortest**2:
            continue
        basis, change = reduce_basis(spanned)
        area = basis[0, 0] * basis[1, 1] - basis[0, 1] * basis[1, 0]
        if np.sqrt(basis[0, 0] ** 2 + basis[0, 1] ** 2) < shortest or abs(area) < shortest**2:
            continue
        few, many, mixed_few, mixed_many = 0.0, 0.0, 0.0, 0.0
        for s in range(len(position)):
            if weight[s] == 0 or s == i or s == j:
                continue
            first, second = nearest_point(position[s, 0], position[s, 1], basis, area)
            h = first * change[0, 0] + second * change[1, 0]
            k = first * change[0, 1] + second * change[1, 1]
            ratio = 0.0
            if h != 0 or k != 0:
                ratio = bounded_ratio(
                    position[s, 0] - first * basis[0, 0] - second * basis[1, 0],
                    position[s, 1] - first * basis[0, 1] - second * basis[1, 1],
                    variance[s, 0] + h * h * variance[i, 0] + k * k * variance[j, 0],
                    variance[s, 1] + h * h * variance[i, 1] + k * k * variance[j, 1],
                    abs(area),
                )
            gain_few, gain_many = _gains(weight[s], ratio)
            few, many = few + gain_few, many + gain_many
            if (h != 0 and k != 0) or ratio < 1.0:
                mixed_few, mixed_many = mixed_few + gain_few, mixed_many + gain_many
        total[m] = mixed_evidence(few, many)
        mixed[m] = mixed_evidence(mixed_few, mixed_many)
    return total, mixed


@kernel
def copy_evidence(
    position: np.ndarray,
    variance: np.ndarray,
    weight: np.ndarray,
    members: np.ndarray,
    basis: np.ndarray,
) -> tuple[float, np.ndarray]:
    """Find the turned or mirrored copy of a lattice that explains most of the other peaks.

    Parameters
    ----------
    position, variance, weight
        As for :func:`pair_evidence`.
    members : numpy.ndarray
        Whether a peak belongs to the lattice that is copied, shape (n,).
    basis : numpy.ndarray
        Its reduced basis, shape (2, 2).

    Returns
    -------
    evidence : float
        Logarithm of the evidence less that of the number of trials; -inf where none is possible.
    copy : numpy.ndarray
        Basis of the copy, shape (2, 2).
    """
    best, best_basis, trials = -np.inf, basis.copy(), 0
    length = np.empty(len(position))
    for i in range(len(position)):
        length[i] = np.sqrt(position[i, 0] ** 2 + position[i, 1] ** 2)
    area = abs(basis[0, 0] * basis[1, 1] - basis[0, 1] * basis[1, 0])
    for i in range(len(position)):
        if weight[i] == 0:
            continue
        for m in range(len(position)):
            if not members[m] or abs(length[i] - length[m]) > COPY_REACH * length[m]:
                continue
            for mirrored in range(2):
                trials += 1
                g, q = position[m], position[i]
                sign = 1.0 - 2.0 * mirrored
                # q = turn g, or turn conj(g), as complex numbers.
                real = (q[0] * g[0] + q[1] * sign * g[1]) / length[m] ** 2
                imaginary = (q[1] * g[0] - q[0] * sign * g[1]) / length[m] ** 2
                copy = np.empty((2, 2))
                for a in range(2):
                    copy[a, 0] = real * basis[a, 0] - imaginary * sign * basis[a, 1]
                    copy[a, 1] = imaginary * basis[a, 0] + real * sign * basis[a, 1]
                signed = copy[0, 0] * copy[1, 1] - copy[0, 1] * copy[1, 0]
                few, many = 0.0, 0.0
                for s in range(len(position)):
                    sine = position[s, 0] * q[1] - position[s, 1] * q[0]
                    if weight[s] == 0 or abs(sine) < COLLINEAR * length[s] * length[i]:
                        continue
                    h, k = nearest_point(position[s, 0], position[s, 1], copy, signed)
                    ratio = 0.0
                    if h != 0 or k != 0:
                        turned = (length[s] / length[i]) ** 2
                        distortion = (COPY_TOLERANCE * length[s]) ** 2
                        ratio = bounded_ratio(
                            position[s, 0] - h * copy[0, 0] - k * copy[1, 0],
                            position[s, 1] - h * copy[0, 1] - k * copy[1, 1],
                            variance[s, 0] + turned * variance[i, 0] + distortion,
                            variance[s, 1] + turned * variance[i, 1] + distortion,
                            area,
                        )
                    gain_few, gain_many = _gains(weight[s], ratio)
                    few, many = few + gain_few, many + gain_many
                evidence = mixed_evidence(few, many)
                if evidence > best:
                    best, best_basis = evidence, copy
    return best - np.log(max(trials, 1)), best_basis


def peak_pairs(free: np.ndarray) -> np.ndarray:
    """Pairs of the strongest peaks of which the first is free, shape (m, 2); none comes twice."""
    first = np.flatnonzero(free)[:FREE_ANCHORS]
    second = np.union1d(first, np.arange(min(ANCHORS, len(free))))
    i, j = np.meshgrid(first, second, indexing="ij")
    once = (i < j) | ((i > j) & ~np.isin(j, first))
    return np.stack([i[once], j[once]], axis=1)
