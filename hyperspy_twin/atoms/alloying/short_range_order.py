"""Short-range order of alloys: more or fewer bonds between unlike atoms than by chance."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import kernel

# Exchanges that are tried per site before what was reached is accepted.
TRIALS = 40


def order_at_short_range(
    species: np.ndarray,
    fractions: np.ndarray,
    strata: np.ndarray,
    neighbours: tuple[np.ndarray, np.ndarray],
    parameter: float,
    generator: np.random.Generator,
) -> tuple[np.ndarray, float]:
    """Exchange atoms until the Warren-Cowley parameter of a shell has a given value.

    The parameter is alpha = 1 - n / n_random, with n the number of pairs of unlike atoms in the
    shell and n_random the number that independent occupation with the local fractions gives. It is
    positive where like atoms cluster and negative where they avoid each other. Atoms are exchanged
    within a stratum only, so that the numbers of each element stay.

    Parameters
    ----------
    species
        Index of the element of each site, shape (n,).
    fractions
        Fraction of each element on each site, shape (n, e).
    strata
        Number of the stratum of each site, shape (n,).
    neighbours
        Start of each site's neighbours, shape (n + 1,), and the neighbours, each pair twice.
    parameter
        Wanted alpha, from -1 to 1.
    generator
        Source of random numbers.

    Returns
    -------
    species : numpy.ndarray
        Index of the element of each site, shape (n,).
    parameter : float
        The alpha that was reached.

    References
    ----------
    J. M. Cowley, Phys. Rev. 77 (1950) 669-675.
    """
    start, other = neighbours
    site = np.repeat(np.arange(len(species)), np.diff(start))
    alike = np.einsum("ij,ij->i", fractions[site], fractions[other])
    by_chance = float(len(site) - alike.sum()) / 2
    if by_chance == 0:
        raise ValueError("no two neighbouring sites are mixed: there is no order to set")
    order = np.argsort(strata, kind="stable")
    first = np.searchsorted(strata[order], np.arange(int(strata.max()) + 2))
    species = species.astype(np.int8)
    unlike = int(np.count_nonzero(species[site] != species[other]) // 2)
    wanted = round((1 - parameter) * by_chance)
    tried = generator.random((TRIALS * len(species), 2)) if unlike != wanted else np.empty((0, 2))
    unlike = _exchange(species, strata, order, first, start, other, unlike, wanted, tried)
    return species, 1 - unlike / by_chance


@kernel
def _exchange(
    species: np.ndarray,
    strata: np.ndarray,
    order: np.ndarray,
    first: np.ndarray,
    start: np.ndarray,
    other: np.ndarray,
    unlike: int,
    wanted: int,
    drawn: np.ndarray,
) -> int:
    """Exchange atoms, in place, whenever that brings the number of unlike pairs nearer."""
    for trial in range(len(drawn)):
        if unlike == wanted:
            break
        one = int(drawn[trial, 0] * len(species))
        begin, end = first[strata[one]], first[strata[one] + 1]
        two = order[begin + int(drawn[trial, 1] * (end - begin))]
        if species[one] == species[two]:
            continue
        change = 0
        for here, there in ((one, two), (two, one)):
            for k in range(start[here], start[here + 1]):
                if other[k] != there:
                    change += int(species[other[k]] != species[there])
                    change -= int(species[other[k]] != species[here])
        if abs(unlike + change - wanted) < abs(unlike - wanted):
            species[one], species[two] = species[two], species[one]
            unlike += change
    return unlike
