"""Kernels that write the matrices of atoms and bonds."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import kernel
from hyperspy_twin.properties.tight_binding.slater_koster import add_onsite_terms, hopping_matrix

# eV. Dangling sp3 hybrids are shifted so far that no state is left in the gap: S. Lee et al., Phys.
# Rev. B 69, 045316 (2004). 30 and 100 eV give the gaps of slabs of Si and Ge to 1 and 6 meV alike,
# and 30 eV leaves the top of the spectrum where it is.
PASSIVATION_SHIFT = 30.0


@kernel
def number_owned_bonds(first, last, index, start, order, bond):  # type: ignore[no-untyped-def]
    """Give numbers to the bonds of each atom with later atoms, and put their slots first."""
    for i in range(first, last):
        placed = 0
        for slot in range(4):
            if index[i, slot] > i:
                bond[i, slot] = start[i] + placed
                order[i, placed] = slot
                placed += 1
        for slot in range(4):
            if index[i, slot] <= i:
                order[i, placed] = slot
                placed += 1


@kernel
def number_other_bonds(first, last, index, reverse, owned, original, bond):  # type: ignore[no-untyped-def]
    """Give bonds to earlier atoms the number that these gave them."""
    for i in range(first, last):
        for slot in range(4):
            j = index[i, slot]
            if 0 <= j < i:
                bond[i, slot] = original[j, reverse[i, slot]]


@kernel
def write_blocks(  # type: ignore[no-untyped-def]
    first,
    last,
    species,
    neighbour,
    bond,
    owned,
    valence,
    vectors,
    lengths,
    integrals,
    exponents,
    energies,
    terms,
    onsite,
    hopping,
):
    """Write the on-site matrix of each atom and the matrices of the bonds that it owns."""
    block, direction, v = np.empty((10, 10)), np.empty(3), np.empty(21)
    for i in range(first, last):
        kind = species[i]
        block[:] = 0.0
        for orbital in range(10):
            shell = 0 if orbital == 0 else 1 if orbital < 4 else 2 if orbital < 9 else 3
            block[orbital, orbital] = energies[kind, shell]
        for slot in range(valence[i]):
            length = 0.0
            for axis in range(3):
                length += vectors[i, slot, axis] ** 2
            length = np.sqrt(length)
            for axis in range(3):
                direction[axis] = vectors[i, slot, axis] / length
            j = neighbour[i, slot]
            if j < 0:
                add_onsite_terms(direction, 0.0, terms[kind], block)
                shift_hybrid(direction, block)
            else:
                stretch = length / lengths[kind, species[j]] - 1.0
                add_onsite_terms(direction, stretch, terms[kind], block)
        onsite[i] = block
        for slot in range(owned[i]):
            other = species[neighbour[i, slot]]
            length = 0.0
            for axis in range(3):
                length += vectors[i, slot, axis] ** 2
            length = np.sqrt(length)
            for axis in range(3):
                direction[axis] = vectors[i, slot, axis] / length
            ratio = np.log(lengths[kind, other] / length)
            for one in range(21):
                v[one] = integrals[kind, other, one] * np.exp(exponents[kind, other, one] * ratio)
            hopping_matrix(direction, v, block)
            hopping[bond[i, slot]] = block


@kernel
def shift_hybrid(direction, block):  # type: ignore[no-untyped-def]
    """Add the shift of the hybrid (s + sqrt(3) n.p) / 2 along a missing bond."""
    part = np.empty(4)
    part[0] = 0.5
    for axis in range(3):
        part[1 + axis] = 0.5 * np.sqrt(3.0) * direction[axis]
    for one in range(4):
        for other in range(4):
            block[one, other] += PASSIVATION_SHIFT * part[one] * part[other]
