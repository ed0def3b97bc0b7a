"""Finer lattices that superstructures need, and twins that only look like one."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import finer_lattices, integer_row_basis, reduce_basis
from hyperspy_twin.spectra.lattices.finer import finer_evidence
from hyperspy_twin.spectra.lattices.refinement import (
    COPY_REACH,
    COPY_TOLERANCE,
    LatticeFit,
    copied,
    least_squares,
    refined,
)
from hyperspy_twin.spectra.lattices.satellites import are_weak, satellite_evidence
from hyperspy_twin.spectra.lattices.search import copy_evidence, pair_evidence, spot_pairs

# Expected number of lattices that false spots make.
FALSE_LATTICES = 0.01
# A superlattice has at most this many points for each of the lattice.
LARGEST_INDEX = 6
# Share of the spots on a finer lattice that a twin must explain to be preferred to it.
TWIN_SHARE = 0.8
# Share of the spots that two congruent lattices must hold to be preferred to one that is finer.
HELD = 0.95
# Frequency up to which a superstructure is seen, over that of the outermost spot of its lattice.
REACH = 1.1
# Share of the spots outside a lattice that are those of its superstructure, a priori.
RARE = 0.25


def of_strong_spots(
    fit: LatticeFit, position: np.ndarray, variance: np.ndarray, free: np.ndarray, snr: np.ndarray
) -> LatticeFit:
    """Take the coarser lattice that the strong spots of a lattice generate, if they do.

    The weak ones may be satellites, which a finer lattice holds by chance.

    Parameters
    ----------
    fit
        A lattice with its members.
    position, variance
        Spots and their squared errors, each of shape (n, 2).
    free
        Whether a spot is on no other lattice, shape (n,).
    snr
        Signal-to-noise ratios, shape (n,).

    Returns
    -------
    LatticeFit
        ``fit`` itself where its strong spots need it.
    """
    index, _, _ = fit.ratios(position, variance)
    strong = fit.members & ~are_weak(fit, snr)
    generated = integer_row_basis(index[strong].astype(int))
    if len(generated) < 2 or not 1 < generated[0, 0] * generated[1, 1] <= LARGEST_INDEX:
        return fit
    coordinates = index @ np.linalg.inv(generated)
    exact = np.rint(coordinates)
    part = fit.members & (np.abs(coordinates - exact).max(axis=1) < 1e-6)
    start = least_squares(exact[part], position[part], variance[part])
    return refined(start, position, variance, free)


def enlarged(
    fit: LatticeFit,
    position: np.ndarray,
    variance: np.ndarray,
    free: np.ndarray,
    snr: np.ndarray,
    shortest: float,
) -> LatticeFit:
    """Take the finer lattice whose additional points hold spots too: a superstructure.

    Parameters
    ----------
    fit
        A lattice with its members.
    position, variance
        Spots and their squared errors, each of shape (n, 2).
    free
        Whether a spot is on no other lattice, shape (n,).
    snr
        Signal-to-noise ratios, shape (n,).
    shortest
        Length below which a lattice vector is not resolved.

    Returns
    -------
    LatticeFit
        ``fit`` itself where chance, satellites, a twin or another lattice explain the other spots
        as well.
    """
    length = np.linalg.norm(position, axis=1)
    outside = free & ~fit.members & (length < REACH * length[fit.members].max(initial=0.0))
    if not outside.any():
        return fit
    index, numerator = finer_lattices(2, LARGEST_INDEX)
    coordinates = position[outside] @ np.linalg.inv(fit.basis)
    uncertainty = variance[outside] + fit.variance_at(coordinates)
    gain = finer_evidence(
        position[outside], uncertainty, fit.basis, index, numerator, shortest, RARE
    )
    # All lattices of one index are equally likely, and each index half as likely as the last.
    gain -= np.log(np.bincount(index)[index]) + np.log(2) * (index - 1)
    chosen = int(np.argmax(gain))
    best_gain = float(gain[chosen]) + np.log(FALSE_LATTICES)
    if best_gain <= 0:
        return fit
    fractions = numerator[chosen] / index[chosen]
    basis, change = reduce_basis(fractions @ fit.basis)
    step = change @ fractions
    best = LatticeFit(basis, step @ fit.covariance_x @ step.T, step @ fit.covariance_y @ step.T)
    finer = refined(best, position, variance, free)
    added = finer.members & outside
    if not added.any() or _is_twin(fit, position, variance, outside, added):
        return fit
    # Weak spots that one wave vector displaces alike are on a finer lattice all together, or none.
    weight = (outside & are_weak(fit, snr)).astype(float)
    covariances = fit.covariance_x, fit.covariance_y
    alike = satellite_evidence(position, variance, weight, fit.basis, covariances, (RARE, RARE))
    if best_gain <= float(alike[added].max()):
        return fit
    pairs = spot_pairs(outside)
    if len(pairs):
        other, _ = pair_evidence(position, variance, outside.astype(float), pairs, shortest)
        if other.max() - np.log(len(pairs)) > best_gain:
            return fit
    return enlarged(finer, position, variance, free, snr, shortest)


def _is_twin(
    fit: LatticeFit,
    position: np.ndarray,
    variance: np.ndarray,
    outside: np.ndarray,
    added: np.ndarray,
) -> bool:
    """Whether spots on a finer lattice are as well those of a turned or mirrored copy.

    A twin of low coincidence index lies on a finer lattice with its parent.
    """
    value, basis = copy_evidence(
        position,
        variance,
        outside.astype(float),
        fit.members,
        fit.basis,
        (COPY_REACH, COPY_TOLERANCE),
    )
    if value <= 0:
        return False
    twin = refined(copied(basis), position, variance, outside)
    return bool((twin.members & added).sum() >= TWIN_SHARE * added.sum())


def without_twin(
    fit: LatticeFit, position: np.ndarray, variance: np.ndarray, free: np.ndarray
) -> LatticeFit:
    """Take apart a lattice whose spots all lie on two congruent, coarser ones: a twin.

    With coarser lattices of index m a spot has m / 2 times fewer places to be.

    Parameters
    ----------
    fit
        A lattice with its members.
    position, variance
        Spots and their squared errors, each of shape (n, 2).
    free
        Whether a spot is on no other lattice, shape (n,).

    Returns
    -------
    LatticeFit
        The twin with more spots, or ``fit`` itself.
    """
    index, _, _ = fit.ratios(position, variance)
    spots = index[fit.members]
    if not len(spots):
        return fit
    multiples, numerators = finer_lattices(2, LARGEST_INDEX)
    changes = numerators.transpose(0, 2, 1) / multiples[:, None, None]
    bases = [reduce_basis(np.linalg.inv(change) @ fit.basis)[0] for change in changes]
    shape = np.array([[one[0] @ one[0], one[1] @ one[1], abs(one[0] @ one[1])] for one in bases])
    coordinates = np.einsum("ni,mij->mnj", spots, changes)
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
    start = least_squares(exact, position[part], variance[part])
    return refined(start, position, variance, free)
