"""The Hamiltonian of a whole model, with what must hold before it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse

from hyperspy_twin.core import begin_step, content_hash
from hyperspy_twin.properties.kernel_polynomials import random_phases, require_memory
from hyperspy_twin.properties.tetrahedral import spatial_order
from hyperspy_twin.properties.tight_binding import (
    SPIN_ORBITALS,
    HamiltonianBlocks,
    TightBindingParameters,
    hamiltonian_blocks,
    tight_binding_parameters,
)

# Bytes for each atom: on-site and two bonds of 10 x 10 in 32 bits, and the tables of bonds with
# what is needed for a while, as traced for 5e4 and 2e5 atoms (1447 in all; finding the bonds
# before takes 183).
MATRIX_BYTES = 1200
TABLE_BYTES = 250
BEAM = 2  # box vector along the beam


@dataclass(frozen=True, eq=False)
class ModelHamiltonian:
    """Hamiltonian of a model in 32 bits.

    Attributes
    ----------
    blocks
        Matrices of atoms and bonds, atoms near to each other soon after each other.
    order
        Number in the model of each atom of the matrices, shape (n,).
    parameters
        Of the elements.
    identity
        Hash of the atoms that it is made from.
    """

    blocks: HamiltonianBlocks
    order: np.ndarray
    parameters: TightBindingParameters
    identity: str

    @property
    def present(self) -> np.ndarray:
        """Rows of vectors of the model that are orbitals of its atoms, boolean, shape (rows,)."""
        return self.restored(self.blocks.present)

    def start(self, vectors: range, seed: int) -> np.ndarray:
        """Random phases on all orbitals, shape (rows, vectors)."""
        found = random_phases(SPIN_ORBITALS * len(self.order), vectors, seed, np.complex64)
        if self.blocks.hydrogen.any():
            found[~self.present] = 0.0
        return found

    def weight(self, labels: np.ndarray, groups: int) -> np.ndarray:
        """Count the orbitals of both spins of groups of atoms, shape (groups,)."""
        inside = labels >= 0
        orbitals = np.where(self._of_model(self.blocks.hydrogen), 2, SPIN_ORBITALS)
        return np.bincount(labels[inside], orbitals[inside], minlength=groups)

    @property
    def bond_count(self) -> np.ndarray:
        """Number of bonds of each atom of the model, shape (n,)."""
        return self._of_model((self.blocks.neighbour >= 0).sum(axis=1))

    @property
    def open_ended(self) -> np.ndarray:
        """Atoms of the model that lack a bond, boolean, shape (n,)."""
        return self.bond_count < np.where(self._of_model(self.blocks.hydrogen), 1, 4)

    def _of_model(self, values: np.ndarray) -> np.ndarray:
        """Values of the atoms of the matrices, in the order of the model, shape (n,)."""
        return values[np.argsort(self.order)]

    def ordered(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors of the atoms of the model, put into the order of the matrices: (rows, v)."""
        parts = vectors.reshape(len(self.order), SPIN_ORBITALS, -1)
        return parts[self.order].reshape(vectors.shape)

    def restored(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors in the order of the matrices, put into that of the model: (rows, v)."""
        parts = vectors.reshape(len(self.order), SPIN_ORBITALS, -1)
        return parts[np.argsort(self.order)].reshape(vectors.shape)

    def matrix(self) -> scipy.sparse.csr_array:
        """Sparse matrix in the order of the model, shape (rows, rows)."""
        rows = self.restored(np.arange(SPIN_ORBITALS * len(self.order)))
        return self.blocks.matrix()[rows][:, rows]


def model_hamiltonian(
    positions: np.ndarray,
    numbers: np.ndarray,
    cell: np.ndarray,
    pbc: Sequence[bool],
    *,
    parameters: str | None = None,
    k: float = 0.0,
) -> ModelHamiltonian:
    """Hamiltonian of a model of four-fold bonded atoms.

    Missing bonds at the ends of the model are passivated.

    Parameters
    ----------
    positions
        In Å, shape (n, 3).
    numbers
        Atomic numbers, shape (n,).
    cell, pbc
        Box vectors as rows in Å, and whether the model repeats along them.
    parameters
        Name of a set, as for :func:`~hyperspy_twin.properties.bands`; by default the one that has
        the elements.
    k
        Wave vector along the third box vector, in units of its reciprocal vector: 0 or 0.5, for
        which the Hamiltonian is real.

    Raises
    ------
    ValueError
        For another wave vector, or one along a direction that is not periodic; for elements without
        parameters, overlapping or isolated atoms, atoms with more than four neighbours, or a box
        that is so thin that an atom is bonded to two images of another.
    MemoryError
        If the Hamiltonian does not fit into the memory.
    """
    if k not in (0.0, 0.5):
        raise ValueError(
            f"k is 0 or 0.5, in units of the reciprocal of the thickness, not {k}: the Hamiltonian "
            "of a large model is real. Small cells have any wave vector in properties.bands()"
        )
    if k and not pbc[2]:
        raise ValueError(f"the model is not periodic along the beam, and has no states of k = {k}")
    chosen = tight_binding_parameters(np.unique(numbers), parameters)
    count = len(positions)
    require_memory({"matrices": count * MATRIX_BYTES, "bonds": count * TABLE_BYTES})
    begin_step("bonds")
    species = chosen.species(numbers)
    bonds = chosen.bonds(positions, numbers, cell, pbc)
    if bonds.repeated.any():
        raise ValueError(
            f"{int(bonds.repeated.sum())} atoms are bonded to two images of the same neighbour: "
            "the model is one repeat thick, and its electrons would only have the states at the "
            "middle of the Brillouin zone along the beam. Make it thicker: to_atoms(thickness=...)"
        )
    begin_step("Hamiltonian")
    order = spatial_order(positions)
    bonds = bonds.in_order(order)
    blocks = hamiltonian_blocks(positions[order], species[order], bonds, chosen, dtype=np.float32)
    if k:
        blocks.reverse_across(BEAM)
    identity = f"{chosen.name} {k} {content_hash(positions, numbers, cell, np.array(pbc))}"
    return ModelHamiltonian(blocks, order, chosen, identity)
