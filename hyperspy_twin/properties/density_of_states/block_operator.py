"""The Hamiltonian of a model on the processor."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import content_hash
from hyperspy_twin.properties.density_of_states.hamiltonian_of_model import ModelHamiltonian
from hyperspy_twin.properties.kernel_polynomials import (
    EnergyWindow,
    random_phases,
)
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
        atoms = np.bincount(labels[labels >= 0], minlength=groups)
        self.weight = (SPIN_ORBITALS * atoms).astype(float)
        self.identity = f"{hamiltonian.identity} {content_hash(labels)} {groups}"

    def start(self, vectors: range, seed: int) -> np.ndarray:
        """Random phases."""
        return self.pack(random_phases(self.rows, vectors, seed, np.complex64))

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
