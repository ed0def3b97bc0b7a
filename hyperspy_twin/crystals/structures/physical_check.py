"""Whether a unit cell can be that of a solid."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hyperspy_twin.core import LARGEST_EXCESS, Crystal, merge_sites

# Of the sum of two covalent radii (Cordero et al., Dalton Trans. (2008) 2832); bonds keep to .8 and
# more of it, hydrogen placed by X-rays to .7, the wrong origin of a space group falls below .5.
SHORTEST_BOND = 0.5
# Å³; solid hydrogen at 150 GPa has 3, diamond at no pressure 5.7.
SMALLEST_VOLUME = 3.0
# Å³; caesium, the loosest element, has 117, a layer in a cell with vacuum somewhat more; an emptier
# cell lacks most of its atoms.
LARGEST_VOLUME = 400.0
# g/cm³; osmium has 22.6, which strong compression raises by a third.
LARGEST_DENSITY = 30.0
_GRAMS_PER_CUBIC_CENTIMETRE = 1.66053906660  # of one u per Å³ (CODATA 2018)


@lru_cache(maxsize=1024)
def check_physical(crystal: Crystal) -> Crystal:
    """Give a crystal back, or refuse a unit cell that no solid has.

    Two sites are too close when they cannot exclude each other, since their occupancies add up
    to more than 1, and their distance is below half of the sum of their covalent radii.

    Parameters
    ----------
    crystal
        Entries that share a position share the site.

    Raises
    ------
    ValueError
        If a site is occupied more than once, two sites are too close, or the volume per atom or
        the density lies beyond that of any solid; the message has the numbers.
    """
    try:
        _check(crystal)
    except ValueError as error:
        raise ValueError(f"structure '{crystal.name}': {error}") from None
    return crystal


def _check(crystal: Crystal) -> None:
    from ase import Atoms
    from ase.data import atomic_masses, covalent_radii
    from ase.neighborlist import neighbor_list

    sites = merge_sites(crystal.numbers, np.array(crystal.fractional), np.array(crystal.occupancy))
    total = sites.probability.sum(axis=1)
    # Each site by the smallest of the elements that share it.
    smallest = np.where(sites.numbers > 0, covalent_radii[sites.numbers], np.inf).min(axis=1)
    atoms = Atoms(
        sites.numbers[:, 0],
        scaled_positions=sites.fractional,
        cell=crystal.base,
        pbc=True,
    )
    first, second, distance = neighbor_list("ijd", atoms, SHORTEST_BOND * smallest)
    close = total[first] + total[second] > 1 + LARGEST_EXCESS
    if close.any():
        k = np.flatnonzero(close)[distance[close].argmin()]
        pair = " and ".join(atoms.symbols[n] for n in (first[k], second[k]))
        raise ValueError(
            f"two sites, {pair}, are only {distance[k]:.3f} Å apart (in {len(sites.fractional)} "
            "sites): the symmetry, its origin or the cell is not that of the sites"
        )
    volume = atoms.cell.volume / total.sum()
    mass = (atomic_masses[sites.numbers] * sites.probability).sum()
    density = mass * _GRAMS_PER_CUBIC_CENTIMETRE / atoms.cell.volume
    if not (SMALLEST_VOLUME <= volume <= LARGEST_VOLUME and density <= LARGEST_DENSITY):
        raise ValueError(
            f"{total.sum():.4g} atoms in {atoms.cell.volume:.4g} Å³ are {volume:.3g} Å³ per atom "
            f"and {density:.3g} g/cm³, which no solid has (from {SMALLEST_VOLUME:g} to "
            f"{LARGEST_VOLUME:g} Å³ per atom, up to {LARGEST_DENSITY:g} g/cm³): check the unit of "
            "the cell (Å) and that every atom is listed"
        )
