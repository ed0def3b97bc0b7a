"""Elements of all sites that elements share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hyperspy_twin.atoms.alloying.collapse import collapse
from hyperspy_twin.atoms.alloying.layers import find_strata, layer_normal
from hyperspy_twin.atoms.alloying.sublattices import Sublattice

# Sites on which the fractions of a sublattice add up to less are not of it: they add up to 0 or 1.
ON_SUBLATTICE = 0.5


def draw_elements_of_alloy(
    positions: np.ndarray,
    fractions: np.ndarray,
    elements: Sequence[str],
    sublattices: Sequence[Sublattice],
    *,
    block: float,
    seed: int,
) -> np.ndarray:
    """Draw one element for each site that elements share.

    Parameters
    ----------
    positions
        Positions in Å, shape (n, 3).
    fractions
        Fraction of each element on each site, 0 on sites of other sublattices, shape (n, e).
    elements
        Symbols of the columns.
    sublattices
        Elements that share sites.
    block
        Length in Å along layers over which the numbers of atoms are those expected.
    seed
        Of the random numbers.

    Returns
    -------
    numpy.ndarray
        Column of the element drawn; -1 on sites that are not shared, shape (n,).
    """
    generator = np.random.default_rng(seed)
    drawn = np.full(len(positions), -1)
    for one in sublattices:
        columns = np.array([list(elements).index(symbol) for symbol in one.elements])
        own = fractions[:, columns]
        sites = np.flatnonzero(own.sum(axis=1) > ON_SUBLATTICE)
        if not len(sites):
            continue
        own, plane = own[sites], positions[sites, :2]
        strata = find_strata(plane, layer_normal(plane, own[:, 0]), block)
        drawn[sites] = columns[collapse(own, strata, generator)]
    return drawn
