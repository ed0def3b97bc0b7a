"""Elements of all sites that elements share."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.atoms.alloying.collapse import collapse
from hyperspy_twin.atoms.alloying.layers import find_strata, layer_normal
from hyperspy_twin.atoms.alloying.sublattices import Alloy

# Sites on which the fractions of a sublattice add up to less are not of it: they add up to 0 or 1.
ON_SUBLATTICE = 0.5


def draw_elements_of_alloy(
    positions: np.ndarray, fractions: np.ndarray, alloy: Alloy, seed: int
) -> np.ndarray:
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

    Returns
    -------
    numpy.ndarray
        Index of the element drawn; -1 on sites that are not shared, shape (n,).
    """
    generator = np.random.default_rng(seed)
    drawn = np.full(len(positions), -1)
    for one in alloy.sublattices:
        columns = np.array([alloy.elements.index(symbol) for symbol in one.elements])
        own = fractions[:, columns]
        sites = np.flatnonzero(own.sum(axis=1) > ON_SUBLATTICE)
        if not len(sites):
            continue
        own, plane = own[sites], positions[sites, :2]
        strata = find_strata(plane, layer_normal(plane, own[:, 0]), alloy.block)
        drawn[sites] = columns[collapse(own, strata, generator)]
    return drawn
