"""From the Hamiltonian of a model to densities of states of groups of its atoms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hyperspy_twin.core import begin_step
from hyperspy_twin.properties.density_of_states.block_operator import BlockOperator
from hyperspy_twin.properties.density_of_states.hamiltonian_of_model import ModelHamiltonian
from hyperspy_twin.properties.density_of_states.torch_operator import TorchOperator
from hyperspy_twin.properties.kernel_polynomials import (
    EnergyWindow,
    RecursionSettings,
    chebyshev_moments,
    density,
    energy_points,
    find_energy_window,
    free_memory,
    moments_for_resolution,
    require_memory,
)

# Bytes for each atom of a vector and the one before it: 2 x 20 complex numbers of 32 bits.
VECTOR_BYTES = 320
# Vectors that are stepped together: one read of the matrices serves all, and more than 8 gain
# nothing on a processor.
VECTORS_AT_ONCE = (8, 4, 2, 1)
# Bytes for each atom of its matrices on a device of torch: 10 x 50 of 32 bits.
TORCH_MATRIX_BYTES = 2000


@dataclass(frozen=True)
class DensitySettings:
    """How densities of states are found.

    Attributes
    ----------
    resolution
        Full width at half maximum of the kernel in eV, nowhere wider.
    vectors
        Number of random vectors, at least two.
    seed
        Of the vectors.
    device
        ``"cpu"``, or a device of torch such as ``"cuda"``.
    checkpoint
        File that a run which was stopped continues from; None keeps none.
    """

    resolution: float = 0.1
    vectors: int = 4
    seed: int = 0
    device: str = "cpu"
    checkpoint: Path | None = None

    def __post_init__(self) -> None:
        """Refuse a number of vectors that gives no error bars."""
        if self.vectors < 2:
            raise ValueError(
                f"error bars need at least two random vectors, not {self.vectors}: give vectors="
            )


@dataclass(frozen=True, eq=False)
class ElectronicDensity:
    """Densities of states of groups of atoms.

    Attributes
    ----------
    energies
        In eV, shape (m,).
    values, variance
        In states per eV of each group, and the variance of these, shape (groups, m).
    moments
        Shape (groups, vectors, count).
    window
        Energies that the spectrum lies within.
    """

    energies: np.ndarray
    values: np.ndarray
    variance: np.ndarray
    moments: np.ndarray
    window: EnergyWindow


def electronic_density(
    hamiltonian: ModelHamiltonian,
    labels: np.ndarray,
    groups: int,
    energies: Sequence[float] | np.ndarray | None,
    settings: DensitySettings,
) -> ElectronicDensity:
    """Find the densities of states of all groups of atoms in one recursion.

    Parameters
    ----------
    hamiltonian
        Of the model.
    labels
        Group of each atom from 0 on, or -1, shape (n,).
    groups
        Number of groups.
    energies
        Two ends or a rising list in eV; by default the whole spectrum.
    settings
        How they are found.

    Raises
    ------
    ValueError
        If energies lie outside of the spectrum.
    MemoryError
        If the vectors do not fit into the memory.
    """
    block = vectors_at_once(hamiltonian, settings)
    operator = density_operator(hamiltonian, labels, groups, settings.device)
    begin_step("ends of the spectrum")
    window = operator_window(operator)
    points = energy_points(energies, window, settings.resolution)
    plan = RecursionSettings(
        moments_for_resolution(settings.resolution, window, points),
        settings.vectors,
        block=block,
        seed=settings.seed,
        checkpoint=settings.checkpoint,
    )
    moments = chebyshev_moments(operator, window, plan)
    values, variance = density(moments, window, points)
    return ElectronicDensity(points, values, variance, moments, window)


def operator_window(operator: BlockOperator | TorchOperator) -> EnergyWindow:
    """Window that holds the spectrum of a Hamiltonian.

    Its blocks are real: as a matrix of real and imaginary parts the operator is symmetric, and has
    each energy twice.
    """
    block = operator.to_array(operator.start(range(1), 0))
    return find_energy_window(operator.multiply, block.shape, block.dtype)


def density_operator(
    hamiltonian: ModelHamiltonian, labels: np.ndarray, groups: int, device: str
) -> BlockOperator | TorchOperator:
    """Operator of the recursion on a device: ``"cpu"``, or one of torch.

    Raises
    ------
    ImportError
        If a device of torch is asked for, and torch is not installed.
    ValueError
        If torch does not know or have the device.
    """
    if device == "cpu":
        return BlockOperator(hamiltonian, labels, groups)
    _torch_memory(device)
    begin_step(f"matrices to {device}")
    return TorchOperator(hamiltonian, labels, groups, device)


def vectors_at_once(hamiltonian: ModelHamiltonian, settings: DensitySettings) -> int:
    """Find how many vectors fit into the memory; say so, or refuse when not even one does."""
    atoms = len(hamiltonian.blocks)
    parts: dict[str, float] = {}
    free = free_memory()
    if settings.device != "cpu":
        free = _torch_memory(settings.device) or free
        parts["matrices"] = atoms * TORCH_MATRIX_BYTES
    offered = [one for one in VECTORS_AT_ONCE if one <= settings.vectors]
    needed = {one: atoms * one * VECTOR_BYTES for one in offered}
    fitting = [one for one in offered if sum(parts.values()) + needed[one] <= free]
    chosen = fitting[0] if fitting else offered[-1]
    require_memory({**parts, f"{chosen} vectors": needed[chosen]}, free)
    return chosen


def _torch_memory(name: str) -> float | None:
    """Free memory of a device of torch in bytes; None where it is that of the processor."""
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"device={name!r} needs torch: pip install 'hyperspy_twin[network]'"
        ) from error
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device {name!r} cannot be used: {error}") from error
    return float(torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else None
