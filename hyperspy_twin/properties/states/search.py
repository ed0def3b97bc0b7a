"""Eigenstates near an energy inside of a spectrum, of large sparse operators.

The states in the range are counted first, by the integral of the density of states. Then a block
of random vectors is filtered with a polynomial that is large in the range, and the operator is
diagonalised in the space that they span (Rayleigh-Ritz). Where there are fewer states than
vectors, it also gives values that are no eigenvalues: their residuals tell.

References
----------
Y. Zhou, Y. Saad, M. L. Tiago, J. R. Chelikowsky, J. Comput. Phys. 219 (2006) 172; E. Di Napoli,
E. Polizzi, Y. Saad, Numer. Linear Algebra Appl. 23 (2016) 674, for counting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse.linalg

from hyperspy_twin.core import begin_step
from hyperspy_twin.properties.kernel_polynomials import (
    ChebyshevOperator,
    EnergyWindow,
    RecursionSettings,
    chebyshev_moments,
)
from hyperspy_twin.properties.states.filters import filter_block, filter_coefficients
from hyperspy_twin.properties.states.found_states import FoundStates

# Vectors for which the states are counted. Each sees a state with the square of its overlap, of
# mean 1, so that eight see less than a seventh of one once in 1e6 times.
COUNTING_VECTORS = 8
# Weight of states in the filter below which there is none: one at the end of the range has 0.14.
NO_STATE = 0.02
# Standard deviation of the filter over the half width of the range.
FILTER_WIDTH = 0.5
# Where the series of the count ends, as SERIES_END: the spectrum holds 1e6 states and more.
COUNT_END = 4.5
# Vectors over the states that are asked for: those beside the range need some of their own.
SPARE = 2
# Part of the vectors that the states in the filter may fill.
FILLED = 0.5
# Passes of the filter: each divides what lies at twice the half width by exp(6) = 400 against
# the end of the range.
MOST_PASSES = 5
# Standard errors by which the found states may fall short of the count.
SHORT_OF = 2.0
# Coefficients of the longest filter: minutes for 1e4 atoms, and a width of 3 meV for silicon.
LONGEST_FILTER = 40_000


@dataclass(frozen=True)
class Search:
    """What is looked for.

    Attributes
    ----------
    near
        Energy.
    count
        Number of states.
    within
        Largest distance from the energy.
    residual
        Largest norm of a residual.
    seed
        Of the random vectors.
    """

    near: float
    count: int
    within: float
    residual: float
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no search."""
        if self.count < 1:
            raise ValueError(f"at least one state has to be asked for, not {self.count}")
        for name in ("within", "residual"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0.0):
                raise ValueError(f"{name} is an energy above zero, not {value}")


@dataclass(frozen=True)
class BlockLayout:
    """How an operator keeps blocks, where these are no arrays of shape (rows, vectors).

    Attributes
    ----------
    pack
        Makes a block of such an array.
    unpack
        Makes such an array of a block.
    """

    pack: Callable[[np.ndarray], Any]
    unpack: Callable[[Any], np.ndarray]


def find_states(
    operator: ChebyshevOperator,
    window: EnergyWindow,
    search: Search,
    layout: BlockLayout | None = None,
) -> FoundStates:
    """Find the states nearest to an energy, by filtered subspaces.

    Parameters
    ----------
    operator
        The operator.
    window
        That holds its spectrum.
    search
        What is looked for.
    layout
        Of its blocks; by default arrays of shape (rows, vectors).

    Returns
    -------
    FoundStates
        As many as are asked for, or those within the range if these are fewer, or none.

    Raises
    ------
    ValueError
        If the energy lies outside of the spectrum, or so many states lie near it that no filter
        tells them apart.
    """
    layout = layout or BlockLayout(np.ascontiguousarray, np.asarray)
    window.scaled(search.near + search.within * np.array([-1.0, 1.0]))
    width = FILTER_WIDTH * search.within
    counted, error = _count(operator, window, search, width)
    if counted < NO_STATE:
        return _nothing(operator, search, counted, error)
    size = SPARE * search.count
    size += size % 2
    weight = counted
    if counted > FILLED * size:
        width *= FILLED * size / counted
        weight = FILLED * size
    coefficients = filter_coefficients(window, search.near, width)
    if len(coefficients) > LONGEST_FILTER:
        raise ValueError(
            f"about {counted:.0f} states lie within {search.within:.3g} of {search.near:.6g}: too "
            "many to tell single ones apart. Look where there are few, such as in a gap, or ask "
            "for more at once"
        )
    expected = weight * (1.0 - SHORT_OF * error / counted)
    block = operator.start(range(size), search.seed + 1)
    for number in range(MOST_PASSES):
        what = f"filtering {size} vectors, pass {number + 1} of at most {MOST_PASSES}"
        filtered = layout.unpack(filter_block(operator, block, window, coefficients, what))
        energies, residuals, vectors = rayleigh_ritz(operator, filtered)
        distance = np.abs(energies - search.near)
        order = np.argsort(distance)
        order = order[distance[order] <= search.within]
        good = residuals[order] <= search.residual
        found = np.sum(np.exp(-0.5 * (distance[order[good]] / width) ** 2))
        if good[: search.count].sum() == search.count:
            break
        # An eigenvalue lies within the residual of a value: in the range, it is yet to be found.
        coming = ~good & (residuals[order] < search.within - distance[order])
        nearer = np.cumsum(good) < search.count
        if number and found > max(expected, NO_STATE) and not (coming & nearer).any():
            break
        block = layout.pack(vectors.astype(filtered.dtype))
    kept = order[good][: search.count]
    return FoundStates(
        energies[kept],
        residuals[kept],
        vectors[:, kept],
        search.near,
        search.within,
        counted,
        error,
        int(np.count_nonzero(~good)),
    )


def find_states_of_matrix(matrix: scipy.sparse.csr_array, search: Search) -> FoundStates:
    """Find the states nearest to an energy of a small sparse matrix, by shift and invert."""
    count = min(search.count, matrix.shape[0] - 2)
    start = np.random.default_rng(search.seed).normal(size=matrix.shape[0]).astype(matrix.dtype)
    begin_step(f"inverting a matrix of {matrix.shape[0]} rows")
    energies, vectors = scipy.sparse.linalg.eigsh(
        scipy.sparse.csc_array(matrix), k=count, sigma=search.near, v0=start
    )
    residuals = np.linalg.norm(matrix @ vectors - vectors * energies, axis=0)
    order = np.argsort(np.abs(energies - search.near))
    inside = np.abs(energies[order] - search.near) <= search.within
    good = order[inside & (residuals[order] <= search.residual)]
    return FoundStates(
        energies[good],
        residuals[good],
        vectors[:, good],
        search.near,
        search.within,
        np.nan,
        np.nan,
        int(inside.sum()) - len(good),
    )


def rayleigh_ritz(
    operator: ChebyshevOperator, block: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies, residuals and vectors of an operator in the space of a block (rows, vectors)."""
    basis = scipy.linalg.qr(block, mode="economic", overwrite_a=True, check_finite=True)[0]
    image = np.asarray(operator.product(basis))
    small = basis.conj().T @ image
    energies, rotation = np.linalg.eigh((small + small.conj().T).astype(np.complex128) / 2.0)
    rotation = rotation.astype(basis.dtype) if np.iscomplexobj(basis) else rotation.real
    vectors, image = basis @ rotation, image @ rotation
    residuals = np.linalg.norm(image - vectors * energies.astype(vectors.real.dtype), axis=0)
    return energies, residuals.astype(float), vectors


def _count(
    operator: ChebyshevOperator, window: EnergyWindow, search: Search, width: float
) -> tuple[float, float]:
    """Count the states near the energy, weighted with a Gaussian, and the standard error of that.

    A Gaussian, unlike the integral of a smoothed density, has no tails to the bands.
    """
    weights = filter_coefficients(window, search.near, width, end=COUNT_END)
    weights = np.append(weights, np.zeros(len(weights) % 2))
    settings = RecursionSettings(len(weights), COUNTING_VECTORS, COUNTING_VECTORS, seed=search.seed)
    begin_step(f"counting the states within {search.within:.3g} of {search.near:.6g}")
    values = chebyshev_moments(operator, window, settings).sum(axis=0) @ weights
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _nothing(
    operator: ChebyshevOperator, search: Search, counted: float, error: float
) -> FoundStates:
    empty = np.zeros(0)
    vectors = np.zeros((operator.rows, 0))
    return FoundStates(empty, empty, vectors, search.near, search.within, counted, error)
