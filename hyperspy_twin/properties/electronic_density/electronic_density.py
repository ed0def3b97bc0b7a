"""From the Hamiltonian of a model to densities of states of groups of its atoms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hyperspy_twin.core import begin_step
from hyperspy_twin.properties.electronic_density.model_hamiltonian import ModelHamiltonian
from hyperspy_twin.properties.electronic_density.torch_operator import TorchOperator
from hyperspy_twin.properties.kernel_polynomials import (
    ChebyshevOperator,
    EnergyWindow,
    RecursionSettings,
    chebyshev_moments,
    density,
    energy_points,
    find_energy_window,
    moments_for_resolution,
    require_memory,
)

# Bytes of a vector for each atom: 20 complex numbers of 32 bits.
VECTOR_BYTES = 160


@dataclass(frozen=True)
class DensitySettings:
    """How densities of states are found.

    Attributes
    ----------
    resolution
        Full width at half maximum of the kernel in eV, nowhere wider.
    vectors
        Number of random vectors.
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
        If there are fewer than two vectors, or energies lie outside of the spectrum.
    MemoryError
        If the vectors do not fit into the memory.
    """
    if settings.vectors < 2:
        raise ValueError(
            f"error bars need at least two random vectors, not {settings.vectors}: give vectors="
        )
    operator = density_operator(hamiltonian, labels, groups, settings)
    begin_step("ends of the spectrum")
    window = find_energy_window(operator.product, (operator.rows,), np.complex64)
    points = energy_points(energies, window, settings.resolution)
    count = moments_for_resolution(settings.resolution, window, points)
    plan = RecursionSettings(
        count,
        settings.vectors,
        block=min(settings.vectors, VECTORS_AT_ONCE),
        seed=settings.seed,
        checkpoint=settings.checkpoint,
    )
    moments = chebyshev_moments(operator, window, plan)
    values, variance = density(moments, window, points)
    return ElectronicDensity(points, values, variance, moments, window)
