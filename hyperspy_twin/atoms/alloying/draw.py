"""Elements of all sites that elements share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from hyperspy_twin.atoms.alloying.columns_of_atoms import equal_runs
from hyperspy_twin.atoms.alloying.layers import find_strata, layer_normal
from hyperspy_twin.atoms.alloying.short_range_order import order_at_short_range
from hyperspy_twin.atoms.alloying.sublattices import Alloy
from hyperspy_twin.atoms.alloying.whole_numbers import collapse
from hyperspy_twin.atoms.neighbours import find_neighbours

# Sites on which the fractions of a sublattice add up to less are not of it: they add up to 0 or 1.
ON_SUBLATTICE = 0.5
# The first shell of a sublattice reaches this far beyond its shortest distance: the second begins
# at 1.15 (bcc) or farther, and strain changes distances by less than 0.1.
FIRST_SHELL = 1.1
# Sites of which the shortest distance is the median.
SAMPLE = 1000


def draw_elements_of_alloy(
    positions: np.ndarray,
    fractions: np.ndarray,
    alloy: Alloy,
    seed: int,
    *,
    cell: np.ndarray,
    pbc: Sequence[bool],
    order: float | None = None,
) -> tuple[np.ndarray, dict[str, float]]:
    """Draw one element for each site that elements share.

    Parameters
    ----------
    positions
        Positions in Å, shape (n, 3).
    fractions
        Fraction of each element of the alloy on each site, 0 on sites of other sublattices,
        shape (n, e).
    alloy
        Which sites are mixed.
    seed
        Of the random numbers.
    cell, pbc
        Box vectors as rows in Å, shape (3, 3), and whether the model repeats along each.
    order
        Wanted Warren-Cowley parameter of the first shell of each sublattice.

    Returns
    -------
    drawn : numpy.ndarray
        Index of the element drawn; -1 on sites that are not shared, int8, shape (n,).
    reached : dict
        Warren-Cowley parameter that was reached on each sublattice, where one was wanted.
    """
    generator = np.random.default_rng(seed)
    first, count = equal_runs(*positions[:, :2].T, *fractions.T)
    plane, of_columns = positions[first, :2], fractions[first]
    drawn = np.full(len(positions), -1, np.int8)
    reached = {}
    for one in alloy.sublattices:
        elements = np.array([alloy.elements.index(symbol) for symbol in one.elements], np.int8)
        mixed = of_columns[:, elements].sum(axis=1) > ON_SUBLATTICE
        if not mixed.any():
            continue
        own = of_columns[mixed][:, elements]
        strata = find_strata(plane[mixed], layer_normal(plane[mixed], own[:, 0]), alloy.block)
        species = collapse(own, strata, count[mixed], generator)
        sites = np.repeat(mixed, count)
        if order is not None:
            shell = _first_shell(positions[sites], cell, pbc)
            atoms = np.repeat(np.arange(len(own)), count[mixed])
            species, reached[one.name] = order_at_short_range(
                species, own[atoms], strata[atoms], shell, order, generator
            )
        drawn[sites] = elements[species]
    return drawn, reached


def _first_shell(
    positions: np.ndarray, cell: np.ndarray, pbc: Sequence[bool]
) -> tuple[np.ndarray, np.ndarray]:
    """Start and indices of the nearest neighbours of each site among the sites."""
    sample = positions[:: max(1, len(positions) // SAMPLE)]
    nearest = np.median(cKDTree(positions).query(sample, k=2)[0][:, 1])
    found = find_neighbours(positions, cell, pbc, FIRST_SHELL * float(nearest))
    return found.start, found.index
