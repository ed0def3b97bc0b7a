"""Force constants of a model: the Hessian of its energy in rows of blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from hyperspy_twin.core import run_in_parts
from hyperspy_twin.properties.keating import BondedAtoms
from hyperspy_twin.properties.phonons.hessian import (
    ENDS,
    assemble_rows,
    multiply_rows,
)

# Chains have two ends for each of the 12 next neighbours.
WITH_CHAINS = ENDS + 12


@dataclass(frozen=True, eq=False)
class ForceConstants:
    """Second derivatives of the energy by the positions of atoms.

    Each atom has a row of as many blocks as others: itself, its four neighbours and their three
    each, and where the force field couples them, the far ends of the 12 chains of bonds in one
    plane. Where a neighbour is missing the block is zero and its column is that of the atom itself.

    Attributes
    ----------
    blocks
        In eV/Å², shape (n, 17 or 29, 3, 3).
    index
        Atom of each block, int32, shape (n, 17 or 29).
    """

    blocks: np.ndarray
    index: np.ndarray

    def __len__(self) -> int:
        """Give the number of atoms."""
        return len(self.index)

    @property
    def diagonal(self) -> np.ndarray:
        """Blocks of each atom with itself, a view, shape (n, 3, 3)."""
        return self.blocks[:, 0]

    def product(self, vectors: np.ndarray) -> np.ndarray:
        """Multiply vectors by the force constants.

        Parameters
        ----------
        vectors
            Of the precision of the blocks, or changed to it, shape (n, 3) or (n, 3, q). Products
            of q = 8, 16 or 32 vectors at once are the fastest, for each.

        Returns
        -------
        numpy.ndarray
            Of the same shape.
        """
        together = np.ascontiguousarray(vectors, self.blocks.dtype).reshape(len(self), 3, -1)
        found = np.empty_like(together)

        def work(first: int, last: int) -> None:
            multiply_rows(first, last, self.blocks, self.index, together, found)

        run_in_parts(work, len(self))
        return found.reshape(np.shape(vectors))

    def to_sparse(self) -> Any:
        """Give the same as a sparse matrix of scipy (``bsr_array``), shape (3 n, 3 n)."""
        rows, width = self.index.shape
        start = width * np.arange(rows + 1)
        # Copies, since duplicates are summed up in place.
        parts = (self.blocks.reshape(-1, 3, 3).copy(), self.index.reshape(-1).copy(), start)
        matrix = scipy.sparse.bsr_array(parts, shape=(3 * rows, 3 * rows))
        matrix.sum_duplicates()
        return matrix


def force_constants(
    positions: np.ndarray, atoms: BondedAtoms, *, precision: type = np.float64
) -> ForceConstants:
    """Force constants of a valence force field where the atoms are, relaxed or not.

    Exact second derivatives of the energy, including those that come from forces in the bonds.

    Parameters
    ----------
    positions
        In Å, shape (n, 3).
    atoms
        Bonds and force field of the atoms, see :func:`~hyperspy_twin.properties.bond_atoms`.
    precision
        Of the blocks: 1.3 kB for each atom in 64 bits, or .7 kB in 32, which are summed up in 64
        bits. The modified field takes 1.7 times as much.

    Returns
    -------
    ForceConstants
        In eV/Å².
    """
    bonds, field = atoms.bonds, atoms.field
    vectors = bonds.vectors(positions)
    root = np.sqrt(3 / 8) / field.length
    tables = np.stack(
        [
            field.length,
            root**2 * field.stretch,
            root * np.sqrt(field.bend),
            root * np.sqrt(field.cross_stretch),
            root * np.sqrt(field.coplanar),
        ],
        axis=-1,
    )
    width = WITH_CHAINS if len(atoms.partner) else ENDS
    blocks: np.ndarray = np.empty((len(bonds), width, 3, 3), precision)
    index = np.empty((len(bonds), width), np.int32)

    def work(first: int, last: int) -> None:
        assemble_rows(
            first,
            last,
            bonds.index,
            bonds.reverse,
            atoms.partner,
            atoms.species,
            tables,
            vectors,
            blocks,
            index,
        )

    run_in_parts(work, len(bonds))
    return ForceConstants(blocks, index)
