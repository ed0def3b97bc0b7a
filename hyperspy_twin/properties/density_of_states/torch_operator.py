"""The Hamiltonian of a model on a graphics processor, or on the processor by the same code."""

from __future__ import annotations

from typing import Any

import numpy as np

from hyperspy_twin.core import content_hash
from hyperspy_twin.properties.density_of_states.hamiltonian_of_model import ModelHamiltonian
from hyperspy_twin.properties.kernel_polynomials import EnergyWindow
from hyperspy_twin.properties.tight_binding import ORBITAL_COUNT, P_SPIN_ORBIT, SPIN_ORBITALS

# Atoms whose matrices are multiplied at once: the neighbours' vectors that are gathered for them
# take 200 MB for four vectors, little beside the vectors of a large model.
ATOMS_AT_ONCE = 1 << 16
NEIGHBOURS = 4
PARTS = 4  # real and imaginary part of both spins


class TorchOperator:
    """Hamiltonian as :class:`~hyperspy_twin.properties.kernel_polynomials.ChebyshevOperator`.

    Blocks are tensors of 32 bits, shape (atoms, 10 orbitals, 2 spins, 2 parts, vectors). Each atom
    has its on-site matrix and those of its four bonds in one row of 10 x 50, which is multiplied
    at once with the vectors of the atom and its neighbours.

    Parameters
    ----------
    hamiltonian
        Of the model.
    labels
        Group of each atom of the model, or -1, shape (n,).
    groups
        Number of groups.
    device
        Of torch, such as ``"cuda"``.
    """

    def __init__(
        self, hamiltonian: ModelHamiltonian, labels: np.ndarray, groups: int, device: str
    ) -> None:
        import torch

        self._hamiltonian, blocks = hamiltonian, hamiltonian.blocks
        self._torch, self._device = torch, torch.device(device)
        self._atoms = len(blocks)
        self.rows = SPIN_ORBITALS * self._atoms
        self.weight = hamiltonian.weight(labels, groups)
        self.identity = f"{hamiltonian.identity} {content_hash(labels)} {groups} torch"
        ordered = np.asarray(labels)[hamiltonian.order]
        self._labels, self._groups = self._tensor(ordered.astype(np.int64)), groups
        self._spin_orbit = self._tensor(blocks.spin_orbit.astype(np.float32)).view(-1, 1, 1)
        self._coupling = self._tensor(_real_coupling())
        neighbour = np.where(blocks.neighbour < 0, 0, blocks.neighbour)
        self._neighbour = self._tensor(neighbour.astype(np.int64))
        self._matrix = torch.empty(
            (self._atoms, ORBITAL_COUNT, ORBITAL_COUNT * (1 + NEIGHBOURS)), device=self._device
        )
        for part in self._parts():
            self._matrix[part] = self._tensor(_matrix_rows(blocks, part))

    def start(self, vectors: range, seed: int) -> Any:
        """Random phases."""
        return self.pack(self._hamiltonian.start(vectors, seed))

    def product(self, block: np.ndarray) -> np.ndarray:
        """Hamiltonian times complex vectors of shape (rows, vectors) or (rows,)."""
        columns = self.pack(block.reshape(self.rows, -1))
        return self.unpack(self._multiplied(columns)).reshape(block.shape)

    def multiply(self, array: np.ndarray) -> np.ndarray:
        """Hamiltonian times what :meth:`to_array` gives."""
        return self.to_array(self._multiplied(self.from_array(array)))

    def step(
        self, current: Any, previous: Any, window: EnergyWindow, factor: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Next block in the place of the previous one, and its sums over the groups."""
        torch = self._torch
        sums = torch.zeros(
            (2, self._groups, current.shape[-1]), dtype=torch.float64, device=self._device
        )
        numbers = torch.arange(self._groups, device=self._device)[:, None]
        for part in self._parts():
            own = current[part]
            following = self._applied(current, part).sub_(own, alpha=window.centre)
            following *= factor / window.half_width
            if factor == 2:
                following -= previous[part]
            previous[part] = following
            # Sums as a product with a matrix: they come in a fixed order on all devices.
            members = (self._labels[part] == numbers).to(torch.float64)
            for total, other in zip(sums, (following, own), strict=True):
                by_atom = (following * other).sum(dim=(1, 2, 3), dtype=torch.float64)
                total += members @ by_atom
        return tuple(sums.cpu().numpy())

    def to_array(self, block: Any) -> np.ndarray:
        """Block in the memory of the processor."""
        return block.cpu().numpy()

    def from_array(self, array: np.ndarray) -> Any:
        """Block on the device."""
        return self._tensor(array)

    def pack(self, vectors: np.ndarray) -> Any:
        """Block of complex vectors, shape (rows, vectors)."""
        vectors = self._hamiltonian.ordered(vectors)
        parts = np.stack([vectors.real, vectors.imag], axis=1).astype(np.float32)
        parts = parts.reshape(self._atoms, 2, ORBITAL_COUNT, 2, -1).transpose(0, 2, 1, 3, 4)
        return self._tensor(parts)

    def unpack(self, block: Any) -> np.ndarray:
        """Complex vectors of a block, shape (rows, vectors)."""
        array = block.cpu().numpy().transpose(0, 2, 1, 3, 4).reshape(self.rows, 2, -1)
        return self._hamiltonian.restored(array[:, 0] + np.complex64(1j) * array[:, 1])

    def _multiplied(self, block: Any) -> Any:
        found = self._torch.empty_like(block)
        for part in self._parts():
            found[part] = self._applied(block, part)
        return found

    def _applied(self, block: Any, part: slice) -> Any:
        """Hamiltonian times a block, for some atoms."""
        torch, vectors = self._torch, block.shape[-1]
        own = block[part]
        count = len(own)
        around = block[self._neighbour[part]].view(count, NEIGHBOURS * ORBITAL_COUNT, -1)
        joined = torch.cat([own.reshape(count, ORBITAL_COUNT, -1), around], dim=1)
        found = torch.bmm(self._matrix[part], joined)
        found = found.view(count, ORBITAL_COUNT, 2, 2, vectors)
        p = own[:, 1:4].reshape(count, 3 * PARTS, vectors)
        coupled = (self._coupling @ p) * self._spin_orbit[part]
        found[:, 1:4] += coupled.view(count, 3, 2, 2, vectors)
        return found

    def _parts(self) -> list[slice]:
        edges = range(0, self._atoms, ATOMS_AT_ONCE)
        return [slice(first, min(first + ATOMS_AT_ONCE, self._atoms)) for first in edges]

    def _tensor(self, array: np.ndarray) -> Any:
        return self._torch.from_numpy(np.ascontiguousarray(array)).to(self._device)


def _matrix_rows(blocks: Any, part: slice) -> np.ndarray:
    """On-site matrices of some atoms and those of their bonds, shape (count, 10, 50)."""
    bond, owned = blocks.bond[part], blocks.owned[part]
    rows = np.zeros((len(bond), ORBITAL_COUNT, 1 + NEIGHBOURS, ORBITAL_COUNT), np.float32)
    rows[:, :, 0] = blocks.onsite[part]
    for slot in range(NEIGHBOURS):
        forth = slot < owned
        back = (bond[:, slot] >= 0) & ~forth
        rows[forth, :, 1 + slot] = blocks.hopping[bond[forth, slot]]
        rows[back, :, 1 + slot] = blocks.hopping[bond[back, slot]].transpose(0, 2, 1)
    return rows.reshape(len(bond), ORBITAL_COUNT, -1)


def _real_coupling() -> np.ndarray:
    """Spin-orbit coupling of p as a real matrix on (orbital, spin, part), shape (12, 12)."""
    # From (spin, orbital) to (orbital, spin).
    coupling = P_SPIN_ORBIT.reshape(2, 3, 2, 3).transpose(1, 0, 3, 2).reshape(6, 6)
    real = np.array([[coupling.real, -coupling.imag], [coupling.imag, coupling.real]])
    return real.transpose(2, 0, 3, 1).reshape(12, 12).astype(np.float32)
