"""The Hamiltonian of a model on the processor."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import run_in_parts
from hyperspy_twin.properties.density_of_states.hamiltonian_of_model import ModelHamiltonian
from hyperspy_twin.properties.kernel_polynomials import (
    EnergyWindow,
    content_hash,
    random_phases,
)
from hyperspy_twin.properties.tight_binding import ORBITAL_COUNT, SPIN_ORBITALS
from hyperspy_twin.properties.tight_binding.recursion_step import step4 as step_single
from hyperspy_twin.properties.tight_binding.recursion_step import step8 as step_pairs

# Atoms whose sums are added at once, in the order of their numbers: the same for any number of
# threads, and many enough that calls cost nothing beside them (20 ms).
ATOMS_AT_ONCE = 1 << 15


class BlockOperator:
    """Hamiltonian as :class:`~hyperspy_twin.properties.kernel_polynomials.ChebyshevOperator`.

    Blocks have shape (atoms, 10 orbitals, 4 x vectors): for each vector the real and the imaginary
    part of spin up and of spin down.

    Parameters
    ----------
    hamiltonian
        Of the model.
    labels
        Group of each atom, or -1, shape (n,).
    groups
        Number of groups.
    """

    def __init__(self, hamiltonian: ModelHamiltonian, labels: np.ndarray, groups: int) -> None:
        self._blocks = hamiltonian.blocks
        self._labels, self._groups = np.ascontiguousarray(labels, np.int32), groups
        self.rows = SPIN_ORBITALS * len(self._blocks)
        atoms = np.bincount(labels[labels >= 0], minlength=groups)
        self.weight = (SPIN_ORBITALS * atoms).astype(float)
        self.identity = f"{hamiltonian.identity} {content_hash(labels)} {groups}"

    def start(self, vectors: range, seed: int) -> np.ndarray:
        """Random phases."""
        return self.pack(random_phases(self.rows, vectors, seed, np.complex64))

    def product(self, block: np.ndarray) -> np.ndarray:
        """Hamiltonian times a block of shape (rows, vectors) or (rows,)."""
        current = self.pack(block.reshape(self.rows, -1))
        found = np.zeros_like(current)
        self.step(current, found, EnergyWindow(0.0, 1.0), 1)
        return self.unpack(found).reshape(block.shape)

    def step(
        self, current: np.ndarray, previous: np.ndarray, window: EnergyWindow, factor: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Next block in the place of the previous one, and its sums over the groups."""
        parts = -(-len(self._blocks) // ATOMS_AT_ONCE)
        shape = parts, self._groups, current.shape[-1] // 4
        own, cross = np.zeros(shape), np.zeros(shape)
        blocks, atoms, number = self._blocks, len(self._blocks), np.float32
        scale = number(factor / window.half_width)
        before = number(1 - factor)  # 0 at the first step, and then -1
        step = step_pairs if current.shape[-1] % 8 == 0 else step_single

        def work(first: int, last: int) -> None:
            for part in range(first, last):
                step(
                    part * ATOMS_AT_ONCE,
                    min((part + 1) * ATOMS_AT_ONCE, atoms),
                    blocks.onsite,
                    blocks.hopping,
                    blocks.spin_orbit,
                    blocks.neighbour,
                    blocks.bond,
                    blocks.owned,
                    current,
                    previous,
                    number(-window.centre),
                    scale,
                    before,
                    self._labels,
                    own[part],
                    cross[part],
                )

        run_in_parts(work, parts)
        return own.sum(axis=0), cross.sum(axis=0)

    def to_array(self, block: np.ndarray) -> np.ndarray:
        """Block itself."""
        return block

    def from_array(self, array: np.ndarray) -> np.ndarray:
        """Array itself."""
        return array

    def pack(self, vectors: np.ndarray) -> np.ndarray:
        """Block of complex vectors, shape (rows, vectors)."""
        spins = vectors.astype(np.complex64).reshape(-1, 2, ORBITAL_COUNT, vectors.shape[-1])
        block = np.ascontiguousarray(spins.transpose(0, 2, 3, 1)).view(np.float32)
        return block.reshape(len(self._blocks), ORBITAL_COUNT, -1)

    def unpack(self, block: np.ndarray) -> np.ndarray:
        """Complex vectors of a block, shape (rows, vectors)."""
        spins = block.view(np.complex64).reshape(-1, ORBITAL_COUNT, block.shape[-1] // 4, 2)
        return spins.transpose(0, 3, 1, 2).reshape(self.rows, -1)
