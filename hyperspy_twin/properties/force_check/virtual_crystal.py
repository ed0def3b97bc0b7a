"""Forces without those of the alloy: each site holds the mean of the elements that share it.

In an alloy of silicon and germanium atoms of a measured model have forces of some 0.2 eV/Å, since
its bonds want different lengths and an image shows the mean lattice. They say nothing of the image.
In the virtual crystal, whose bonds have the mean constants of the alloy, they vanish, and a strain
in equilibrium has no forces either.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase.data import atomic_numbers

from hyperspy_twin.atoms import EXCHANGEABLE
from hyperspy_twin.properties.keating import BondedAtoms, ValenceForceField, choose_field
from hyperspy_twin.properties.tetrahedral import TetrahedralBonds

# Steps of fractions that count as one composition: 0.01 of Ge in Si changes bonds by 4e-4. Kinds of
# atoms are numbered with 8 bits: where there are more, the steps are wider.
FRACTION_STEP = 0.01
MOST_KINDS = 127
# Occupancies above are those of sites of one element, but for rounding to 32 bits.
FULL = 1 - 1e-6


def site_fractions(
    numbers: np.ndarray, region: np.ndarray, occupancy: np.ndarray, elements: Sequence[int]
) -> np.ndarray:
    """Find the fractions of elements on each site, shape (n, elements).

    Sites whose occupancy is below 1 are mixed: they have the composition of such sites of the same
    region, of those elements that replace each other. The others hold the element that is there.
    """
    own = np.asarray(numbers)[:, None] == np.asarray(elements)
    fractions = own.astype(float)
    groups = [{atomic_numbers[symbol] for symbol in row} for row in EXCHANGEABLE]
    for label in np.unique(region):
        mixed = (region == label) & (occupancy < FULL)
        for group in groups:
            here = mixed & np.isin(numbers, list(group))
            if here.any():
                fractions[here] = own[here].mean(axis=0)
    return fractions


def virtual_crystal(
    bonds: TetrahedralBonds, elements: Sequence[int], fractions: np.ndarray
) -> BondedAtoms:
    """Give each bond the mean constants of the elements on its two sites.

    Parameters
    ----------
    bonds
        Bonds of the atoms.
    elements
        Atomic numbers of the elements.
    fractions
        Fraction of each element on each site, shape (n, elements).
    """
    step = FRACTION_STEP
    while True:
        levels, kind = np.unique(np.round(fractions / step), axis=0, return_inverse=True)
        if len(levels) <= MOST_KINDS:
            break
        step *= 2
    mean = levels / levels.sum(axis=1, keepdims=True)
    field = choose_field(np.asarray(elements))
    order = field.species(np.asarray(elements))
    weights = np.zeros((len(mean), len(field.numbers)))
    weights[:, order] = mean
    known = np.isfinite(field.length)
    norm = weights @ known @ weights.T

    def average(values: np.ndarray) -> np.ndarray:
        total = weights @ np.where(known, values, 0.0) @ weights.T
        return np.divide(total, norm, out=np.full_like(total, np.nan), where=norm > 0)

    nothing = np.zeros_like(norm)
    virtual = ValenceForceField(
        np.arange(len(mean)),
        average(field.length),
        np.nan_to_num(average(field.stretch)),
        np.nan_to_num(average(field.bend)),
        nothing,
        nothing,
    )
    return BondedAtoms(virtual, bonds, kind.ravel().astype(np.int8), np.empty((0, 4, 4), np.int8))


def acoustic_positions(bonds: TetrahedralBonds, positions: np.ndarray) -> np.ndarray:
    """Average atoms with the middle of their four neighbours.

    A strained lattice stays what it is. What goes is the displacement of its two sublattices
    against each other, which an image does not show, and which makes the stiff and the soft bonds
    between layers count alike.
    """
    whole = bonds.count == bonds.index.shape[1]
    moved = np.array(positions, float)
    moved[whole] += bonds.vectors(positions)[whole].mean(axis=1) / 2
    return moved
