"""Finer lattices that superstructures need, and twins that only look like one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hyperspy_twin.core import PlaneLattice, finer_lattices, integer_row_basis, kernel, reduce_basis
from hyperspy_twin.spectra.lattices.refinement import (
    LatticeFit,
    PeakSet,
    find_copy,
    fit_lattice,
    refine_lattice,
)
from hyperspy_twin.spectra.lattices.satellites import are_weak, weigh_satellites
from hyperspy_twin.spectra.lattices.search import (
    COPY_REACH,
    nearest_point,
    pair_evidence,
    peak_pairs,
)

# Expected number of lattices that false peaks make: one set in a hundred may show one.
FALSE_LATTICES = 0.01
# A superlattice has at most this many points for each of the lattice. This and the constants below
# are set on the tuning half of benchmarks/spots.py.
LARGEST_INDEX = 6
# Fraction of the peaks on a finer lattice that a twin must explain to be preferred to it.
TWIN_FRACTION = 0.8
# Fraction of the peaks that two congruent lattices must hold to be preferred to one that is finer.
HELD = 0.95
# Frequency up to which a superstructure is seen, over that of the outermost peak of its lattice.
REACH = 1.1
# Fraction of the peaks outside a lattice that are those of its superstructure, a priori.
RARE = 0.25


def reduce_to_strong_peaks(fit: LatticeFit, peaks: PeakSet) -> LatticeFit:
    """Take the coarser lattice that the strong peaks of a lattice generate, if they do.

    The weak ones may be satellites, which a finer lattice holds by chance.
    """
    index = fit.lattice.nearest_index(peaks.position)
    generated = integer_row_basis(index[fit.members & ~are_weak(fit, peaks.snr)])
    if len(generated) < 2 or not 1 < generated[0, 0] * generated[1, 1] <= LARGEST_INDEX:
        return fit
    coordinates = index @ np.linalg.inv(generated)
    exact = np.rint(coordinates)
    part = fit.members & (np.abs(coordinates - exact).max(axis=1) < 1e-6)
    return refine_lattice(fit_lattice(exact[part], peaks, part), peaks)


def add_superlattice(fit: LatticeFit, peaks: PeakSet, shortest: float) -> LatticeFit:
    """Take the finer lattice whose additional points hold peaks too: a superstructure.

    Parameters
    ----------
    fit
        A lattice with its members.
    peaks
        All peaks.
    shortest
        Length below which a lattice vector is not resolved.

    Returns
    -------
    LatticeFit
        ``fit`` itself where chance, satellites, a twin or another lattice explain the other peaks
        as well.
    """
    position, variance = peaks.position, peaks.variance
    length = np.linalg.norm(position, axis=1)
    outside = peaks.free & ~fit.members & (length < REACH * length[fit.members].max(initial=0.0))
    if not outside.any():
        return fit
    index, numerator = finer_lattices(2, LARGEST_INDEX)
    coordinates = position[outside] @ np.linalg.inv(fit.basis)
    uncertainty = variance[outside] + fit.variance_at(coordinates)
    gain = finer_evidence(position[outside], uncertainty, fit.basis, index, numerator, shortest)
    # All lattices of one index are equally likely, and each index half as likely as the last.
    gain -= np.log(np.bincount(index)[index]) + np.log(2) * (index - 1)
    chosen = int(np.argmax(gain))
    best_gain = float(gain[chosen]) + np.log(FALSE_LATTICES)
    if best_gain <= 0:
        return fit
    fractions = numerator[chosen] / index[chosen]
    basis, change = reduce_basis(fractions @ fit.basis)
    step = change @ fractions
    best = LatticeFit(
        PlaneLattice(basis), step @ fit.covariance_x @ step.T, step @ fit.covariance_y @ step.T
    )
    finer = refine_lattice(best, peaks)
    added = finer.members & outside
    if not added.any() or _is_twin(fit, peaks, outside, added):
        return fit
    # Weak peaks that one wave vector displaces alike are on a finer lattice all together, or none.
    weak = (outside & are_weak(fit, peaks.snr)).astype(float)
    if best_gain <= float(weigh_satellites(fit, peaks, weak, (RARE, RARE))[added].max()):
        return fit
    pairs = peak_pairs(outside)
    if len(pairs):
        other, _ = pair_evidence(position, variance, outside.astype(float), pairs, shortest)
        if other.max() - np.log(len(pairs)) > best_gain:
            return fit
    return add_superlattice(finer, peaks, shortest)


def _is_twin(fit: LatticeFit, peaks: PeakSet, outside: np.ndarray, added: np.ndarray) -> bool:
    """Whether peaks on a finer lattice are as well those of a turned or mirrored copy.

    A twin of low coincidence index lies on a finer lattice with its parent.
    """
    value, copy = find_copy(fit, fit.members, peaks, outside.astype(float))
    if value <= 0:
        return False
    twin = refine_lattice(copy, replace(peaks, free=outside))
    return bool((twin.members & added).sum() >= TWIN_FRACTION * added.sum())


def split_twin(fit: LatticeFit, peaks: PeakSet) -> LatticeFit:
    """Take apart a lattice whose peaks all lie on two congruent, coarser ones: a twin.

    With coarser lattices of index m a peak has m / 2 times fewer positions to be at. Of two twins
    that with more peaks is taken.
    """
    if not fit.members.any():
        return fit
    multiples, numerators = finer_lattices(2, LARGEST_INDEX)
    changes = numerators.transpose(0, 2, 1) / multiples[:, None, None]
    bases = [reduce_basis(np.linalg.inv(change) @ fit.basis)[0] for change in changes]
    shape = np.array([[one[0] @ one[0], one[1] @ one[1], abs(one[0] @ one[1])] for one in bases])
    index = fit.lattice.nearest_index(peaks.position[fit.members])
    coordinates = np.einsum("ni,mij->mnj", index, changes)
    on = np.all(np.abs(coordinates - np.rint(coordinates)) < 1e-6, axis=2)
    first, second = np.triu_indices(len(bases), 1)
    alike = np.abs(shape[first] - shape[second]).max(axis=1) < 2 * COPY_REACH * shape[first, 1]
    held = (on[first] | on[second]).mean(axis=1)
    gain = fit.members.sum() * np.log(multiples[first] / 2)
    gain += np.log(FALSE_LATTICES / max(alike.sum(), 1))
    possible = (multiples[first] == multiples[second]) & alike & (held >= HELD) & (gain > 0)
    if not possible.any():
        return fit
    chosen = int(np.argmax(np.where(possible, gain + held, -np.inf)))
    larger = max(first[chosen], second[chosen], key=lambda one: int(on[one].sum()))
    part = np.flatnonzero(fit.members)[on[larger]]
    exact = np.rint(coordinates[larger][on[larger]])
    if np.linalg.matrix_rank(exact) < 2:
        return fit
    return refine_lattice(fit_lattice(exact, peaks, part), peaks)


@kernel
def finer_evidence(
    position: np.ndarray,
    variance: np.ndarray,
    basis: np.ndarray,
    index: np.ndarray,
    numerator: np.ndarray,
    shortest: float,
) -> np.ndarray:
    """Evidence of finer lattices from the peaks that a lattice leaves.

    Parameters
    ----------
    position, variance : numpy.ndarray
        Peaks off the lattice, and their squared errors with those of the lattice there, (n, 2).
    basis : numpy.ndarray
        Basis of the lattice, shape (2, 2).
    index, numerator : numpy.ndarray
        As of :func:`~hyperspy_twin.core.finer_lattices`.
    shortest : float
        Length below which a lattice vector is not resolved.

    Returns
    -------
    numpy.ndarray
        Shape (m,); -inf where the lattice is not resolved.
    """
    evidence = np.full(len(index), -np.inf)
    for m in range(len(index)):
        spanned = np.empty((2, 2))
        for a in range(2):
            for b in range(2):
                along = numerator[m, a, 0] * basis[0, b] + numerator[m, a, 1] * basis[1, b]
                spanned[a, b] = along / index[m]
        finer, _ = reduce_basis(spanned)
        if np.sqrt(finer[0, 0] ** 2 + finer[0, 1] ** 2) < shortest:
            continue
        area = finer[0, 0] * finer[1, 1] - finer[0, 1] * finer[1, 0]
        # The points of the lattice itself are taken already.
        left = abs(area) * index[m] / (index[m] - 1)
        total = 0.0
        for s in range(len(position)):
            h, k = nearest_point(position[s, 0], position[s, 1], finer, area)
            ratio = 0.0
            if h != 0 or k != 0:
                x = position[s, 0] - h * finer[0, 0] - k * finer[1, 0]
                y = position[s, 1] - h * finer[0, 1] - k * finer[1, 1]
                spread = 2.0 * np.pi * np.sqrt(variance[s, 0] * variance[s, 1])
                chi_squared = x**2 / variance[s, 0] + y**2 / variance[s, 1]
                ratio = np.exp(min(np.log(left / spread) - 0.5 * chi_squared, 50.0))
            total += np.log(1 - RARE + RARE * ratio)
        evidence[m] = total
    return evidence
