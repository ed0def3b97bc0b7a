"""The Hamiltonian of a model as real matrices of its atoms and bonds, and as a sparse matrix.

Each bond is stored once, as the matrix from its owner to the other atom; the way back is its
transpose, so that the Hamiltonian is symmetric to the last bit. Both spins share the matrices.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy import sparse

from hyperspy_twin.atoms import missing_directions
from hyperspy_twin.core import run_in_parts
from hyperspy_twin.properties.tetrahedral import TetrahedralBonds
from hyperspy_twin.properties.tight_binding.assembly import (
    number_other_bonds,
    number_owned_bonds,
    write_blocks,
)
from hyperspy_twin.properties.tight_binding.parameters import TightBindingParameters
from hyperspy_twin.properties.tight_binding.slater_koster import ORBITAL_COUNT

# Orbitals of both spins of an atom.
SPIN_ORBITALS = 2 * ORBITAL_COUNT
HYDROGEN = 1  # atomic number
# Angular momentum times spin of p, 2 L.s / hbar, in x, y, z of spin up and then of spin down.
P_SPIN_ORBIT = np.array(
    [
        [0, -1j, 0, 0, 0, 1],
        [1j, 0, 0, 0, 0, -1j],
        [0, 0, 0, -1, 1j, 0],
        [0, 0, -1, 0, 1j, 0],
        [0, 0, -1j, -1j, 0, 0],
        [1, 1j, 0, 0, 0, 0],
    ]
)


@dataclass(frozen=True, eq=False)
class HamiltonianBlocks:
    """Matrices of n atoms and m bonds in eV.

    Attributes
    ----------
    onsite
        Of each atom, shape (n, 10, 10).
    hopping
        From the owner of each bond to the other atom, shape (m, 10, 10).
    spin_orbit
        One third of the splitting of the p level of each atom, shape (n,).
    neighbour
        Neighbours, those of owned bonds first and missing ones last as -1, int32, shape (n, 4).
    bond
        Number of the bond, -1 where it is missing, int32, shape (n, 4).
    owned
        How many of its bonds an atom owns, int8, shape (n,).
    shift
        Box vectors to the image of the neighbour, int8, shape (n, 4, 3).
    hydrogen
        Atoms that have nothing but the first orbital, boolean, shape (n,).
    """

    onsite: np.ndarray
    hopping: np.ndarray
    spin_orbit: np.ndarray
    neighbour: np.ndarray
    bond: np.ndarray
    owned: np.ndarray
    shift: np.ndarray
    hydrogen: np.ndarray

    def __len__(self) -> int:
        """Give the number of atoms."""
        return len(self.onsite)

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        arrays = (getattr(self, field.name) for field in fields(self))
        return sum(array.nbytes for array in arrays)

    @property
    def present(self) -> np.ndarray:
        """Rows of the matrix that are orbitals of the atoms, boolean, shape (20 n,)."""
        found = np.ones((len(self), 2, ORBITAL_COUNT), bool)
        found[self.hydrogen, :, 1:] = False
        return found.ravel()

    def reverse_across(self, axis: int) -> None:
        """Change the sign of the bonds that cross the box along an axis.

        The states then are those whose wave vector along it is half a reciprocal vector of the box:
        they change sign from one box to the next, and the matrices stay real.
        """
        owner, slot = np.nonzero(np.arange(4) < self.owned[:, None])
        crossing = self.shift[owner, slot, axis] % 2 == 1
        self.hopping[self.bond[owner[crossing], slot[crossing]]] *= -1

    def matrix(self, k: np.ndarray | None = None) -> sparse.csr_array:
        """Hamiltonian for a wave vector.

        Parameters
        ----------
        k
            In units of the reciprocal vectors of the box, shape (3,); default zero.

        Returns
        -------
        scipy.sparse.csr_array
            Complex, shape (20 n, 20 n): s, x, y, z, xy, yz, zx, x2-y2, 3z2-r2 and s* of each atom
            for spin up, then for spin down. Rows that are not ``present`` are zero.
        """
        k = np.zeros(3) if k is None else np.asarray(k, float)
        atoms = np.arange(len(self))
        owner, slot = np.nonzero(np.arange(4) < self.owned[:, None])
        other, bond = self.neighbour[owner, slot], self.bond[owner, slot]
        phase = np.exp(2j * np.pi * (self.shift[owner, slot] @ k))
        forth = self.hopping[bond] * phase[:, None, None]
        back = forth.conj().transpose(0, 2, 1)
        parts = [_entries(owner, other, forth), _entries(other, owner, back)]
        parts.append(_entries(atoms, atoms, self.onsite.astype(complex)))
        parts += [(row + ORBITAL_COUNT, column + ORBITAL_COUNT, one) for row, column, one in parts]
        # The second to the fourth orbital of each spin.
        places = np.concatenate([np.arange(1, 4), ORBITAL_COUNT + np.arange(1, 4)])
        row, column = np.nonzero(P_SPIN_ORBIT)
        start = SPIN_ORBITALS * atoms[:, None]
        coupling = self.spin_orbit[:, None] * P_SPIN_ORBIT[row, column]
        both = ((start + places[one]).ravel() for one in (row, column))
        parts.append((*both, coupling.ravel()))
        rows, columns, values = map(np.concatenate, zip(*parts, strict=True))
        size = SPIN_ORBITALS * len(self)
        return sparse.coo_array((values, (rows, columns)), shape=(size, size)).tocsr()


def _entries(
    first: np.ndarray, second: np.ndarray, matrices: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and values that are not zero, for spin up, of matrices between atoms."""
    pair, row, column = np.nonzero(matrices)
    values = matrices[pair, row, column]
    return SPIN_ORBITALS * first[pair] + row, SPIN_ORBITALS * second[pair] + column, values


def hamiltonian_blocks(
    positions: np.ndarray,
    species: np.ndarray,
    bonds: TetrahedralBonds,
    parameters: TightBindingParameters,
    *,
    dtype: type = np.float64,
) -> HamiltonianBlocks:
    """Matrices of all atoms and bonds of a model.

    Missing bonds are passivated: they count as bonds of the unstrained length in the on-site terms,
    and their sp3 hybrids are shifted by 30 eV. On-site terms are those of the atom's own element,
    whatever its neighbours are, with distances relative to the unstrained length of each bond.

    Parameters
    ----------
    positions
        In Å, shape (n, 3).
    species
        Index of each atom in the parameters, shape (n,).
    bonds
        Of the atoms.
    parameters
        Of the elements.
    dtype
        Of the matrices.

    Returns
    -------
    HamiltonianBlocks
        The matrices.

    Raises
    ------
    ValueError
        If atoms have more than four neighbours, or hydrogen more than one.
    """
    atoms = len(bonds)
    hydrogen = parameters.numbers[species] == HYDROGEN
    doubtful = np.flatnonzero(hydrogen & (bonds.count > 1))
    if len(doubtful):
        raise ValueError(
            f"{len(doubtful)} hydrogen atoms have more than one bond, atom {doubtful[0]} at "
            f"{np.round(positions[doubtful[0]], 2).tolist()} Å among them: move or remove them"
        )
    if bonds.crowded.any():
        i = int(np.argmax(bonds.crowded))
        raise ValueError(
            f"{int(bonds.crowded.sum())} atoms have more than four neighbours, atom {i} at "
            f"{np.round(positions[i], 2).tolist()} Å among them: the sp3d5s* parameters hold for "
            "four; relax the model or remove overlapping atoms first"
        )
    species = np.ascontiguousarray(species, np.int8)
    vectors = _completed_vectors(bonds, positions)
    owned = ((bonds.index > np.arange(atoms)[:, None]).sum(axis=1)).astype(np.int8)
    start = np.concatenate([[0], np.cumsum(owned, dtype=np.int64)])
    order = np.empty((atoms, 4), np.int8)
    bond = np.full((atoms, 4), -1, np.int32)
    run_in_parts(lambda a, b: number_owned_bonds(a, b, bonds.index, start, order, bond), atoms)
    original = bond.copy()
    run_in_parts(
        lambda a, b: number_other_bonds(a, b, bonds.index, bonds.reverse, owned, original, bond),
        atoms,
    )
    chosen = order.astype(np.intp)
    neighbour = np.take_along_axis(bonds.index, chosen, axis=1)
    bond = np.take_along_axis(bond, chosen, axis=1)
    shift = np.take_along_axis(bonds.shift, chosen[:, :, None], axis=1)
    vectors = np.take_along_axis(vectors, chosen[:, :, None], axis=1)
    size = ORBITAL_COUNT
    onsite: np.ndarray = np.zeros((atoms, size, size), dtype)
    hopping: np.ndarray = np.empty((int(start[-1]), size, size), dtype)
    given = (parameters.lengths, parameters.integrals, parameters.exponents)
    run_in_parts(
        lambda a, b: write_blocks(
            a,
            b,
            species,
            neighbour,
            bond,
            owned,
            np.where(hydrogen, 1, 4),
            vectors,
            *given,
            parameters.onsite,
            parameters.strain,
            onsite,
            hopping,
        ),
        atoms,
    )
    spin_orbit = parameters.spin_orbit[species].astype(dtype)
    return HamiltonianBlocks(onsite, hopping, spin_orbit, neighbour, bond, owned, shift, hydrogen)


def _completed_vectors(bonds: TetrahedralBonds, positions: np.ndarray) -> np.ndarray:
    """Vectors of bonds, with unit vectors where they are missing, shape (n, 4, 3)."""
    vectors = bonds.vectors(positions)
    count = bonds.count
    if (count == 4).all():
        return vectors
    present = bonds.index >= 0
    directions = vectors[present]
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    start = np.concatenate([[0], np.cumsum(count)])
    for number in (1, 2, 3):
        atoms = np.flatnonzero(count == number)
        if len(atoms):
            own = directions[start[atoms][:, None] + np.arange(number)]
            found = missing_directions(own, bonds.index[atoms, :number], directions, start)
            vectors[atoms, number:] = found
    return vectors
