"""The Hamiltonian of a model on the processor."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import content_hash
from hyperspy_twin.properties.density_of_states.hamiltonian_of_model import ModelHamiltonian
from hyperspy_twin.properties.kernel_polynomials import EnergyWindow
from hyperspy_twin.properties.tight_binding import (
    SPIN_ORBITALS,
    Scaling,
    apply_hamiltonian,
    from_lanes,
    step_recursion,
    to_lanes,
)


class BlockOperator:
    """Hamiltonian as :class:`~hyperspy_twin.properties.kernel_polynomials.ChebyshevOperator`.

    Vectors have the rows of the atoms of the model, blocks those of its matrices.
    Blocks have shape (atoms, 10 orbitals, 4 x vectors): for each vector the real and the imaginary
    part of spin up and of spin down.

    Parameters
    ----------
    hamiltonian
        Of the model.
    labels
        Group of each atom of the model, or -1, shape (n,).
    groups
        Number of groups.
    """

    def __init__(self, hamiltonian: ModelHamiltonian, labels: np.ndarray, groups: int) -> None:
        self._hamiltonian, self._blocks = hamiltonian, hamiltonian.blocks
        ordered = np.asarray(labels)[hamiltonian.order]
        self._labels, self._groups = np.ascontiguousarray(ordered, np.int32), groups
        self.rows = SPIN_ORBITALS * len(self._blocks)
        self.weight = hamiltonian.weight(labels, groups)
        self.identity = f"{hamiltonian.identity} {content_hash(labels)} {groups}"

    def start(self, vectors: range, seed: int) -> np.ndarray:
        """Random phases."""
        return self.pack(self._hamiltonian.start(vectors, seed))

    def product(self, block: np.ndarray) -> np.ndarray:
        """Hamiltonian times complex vectors of shape (rows, vectors) or (rows,)."""
        return self.unpack(self.multiply(self.pack(block.reshape(self.rows, -1)))).reshape(
            block.shape
        )

    def multiply(self, array: np.ndarray) -> np.ndarray:
        """Hamiltonian times what :meth:`to_array` gives."""
        return apply_hamiltonian(self._blocks, array)

    def step(
        self, current: np.ndarray, previous: np.ndarray, window: EnergyWindow, factor: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Next block in the place of the previous one, and its sums over the groups."""
        scaling = Scaling(window.centre, window.half_width, factor)
        return step_recursion(
            self._blocks,
            current,
            previous,
            scaling=scaling,
            labels=self._labels,
            groups=self._groups,
        )

    def to_array(self, block: np.ndarray) -> np.ndarray:
        """Block itself."""
        return block

    def from_array(self, array: np.ndarray) -> np.ndarray:
        """Array itself."""
        return array

    def pack(self, vectors: np.ndarray) -> np.ndarray:
        """Block of complex vectors, shape (rows, vectors)."""
        return to_lanes(self._hamiltonian.ordered(vectors.astype(np.complex64, copy=False)))

    def unpack(self, block: np.ndarray) -> np.ndarray:
        """Complex vectors of a block, shape (rows, vectors)."""
        return self._hamiltonian.restored(from_lanes(block))


class LocalOperator(BlockOperator):
    """Hamiltonian whose random vectors start on one part of the model each.

    Parameters
    ----------
    hamiltonian
        Of the model.
    labels
        Part of each atom of the model, or -1, shape (n,).
    parts
        Number of parts, none of them empty.
    """

    def __init__(self, hamiltonian: ModelHamiltonian, labels: np.ndarray, parts: int) -> None:
        super().__init__(hamiltonian, np.zeros(len(labels), np.int32), 1)
        self.identity = f"{hamiltonian.identity} {content_hash(labels)} {parts} by parts"
        self._part = np.repeat(labels.astype(np.int32), SPIN_ORBITALS)
        self._size = hamiltonian.weight(labels, parts)

    def start(self, vectors: range, seed: int) -> np.ndarray:
        """Random phases on a part, whose number follows that of the vector, of equal norms."""
        found = self._hamiltonian.start(vectors, seed)
        for column, vector in enumerate(vectors):
            part = vector % len(self._size)
            found[self._part != part, column] = 0.0
            found[:, column] *= np.float32(np.sqrt(self.rows / self._size[part]))
        return self.pack(found)

    def of_parts(self, moments: np.ndarray) -> np.ndarray:
        """Moments of each part, shape (parts, vectors, count), of those of the recursion."""
        count = moments.shape[-1]
        by_part = moments.reshape(-1, len(self._size), count).swapaxes(0, 1)
        return by_part * (self._size / self.rows)[:, None, None]
