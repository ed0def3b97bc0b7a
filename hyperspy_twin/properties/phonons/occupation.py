"""What a vibration contributes at a temperature, by its squared energy in meV²."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.properties.phonons.units import BOLTZMANN

# Below this argument a function is given by its series, to 1e-12 of itself.
SMALL = 1e-2


def displacement_factor(squared: np.ndarray, temperature: float) -> np.ndarray:
    """``coth(E / 2kT) / 2E`` in 1/meV; times hbar² over the mass, the mean square displacement.

    At zero temperature, that of the motion of the ground state.
    """
    energy = np.sqrt(squared)
    if temperature == 0:
        return 1 / (2 * energy)
    return 1 / (np.tanh(energy / (2 * BOLTZMANN * temperature)) * 2 * energy)


def quantum_displacement_factor(squared: np.ndarray, temperature: float) -> np.ndarray:
    """Give the same less that of classical motion, ``kT / E²``, which is smooth through zero."""
    thermal = BOLTZMANN * temperature
    x = np.asarray(squared, float) / (2 * thermal) ** 2
    # (sqrt(x) coth(sqrt(x)) - 1) / x, also for negative x, where it is one of cot.
    safe = np.where(np.abs(x) < SMALL, 1.0, x)
    root = np.sqrt(np.abs(safe))
    ratio = np.where(safe > 0, root / np.tanh(root), root / np.tan(root))
    series = 1 / 3 - x / 45 + 2 * x**2 / 945 - x**3 / 4725 + 2 * x**4 / 93555
    return np.where(np.abs(x) < SMALL, series, (ratio - 1) / safe) / (4 * thermal)


def heat_factor(squared: np.ndarray, temperature: float) -> np.ndarray:
    """Heat capacity of a vibration in Boltzmann's constant: ``(x / sinh x)²``, x = E / 2kT."""
    x = np.asarray(squared, float) / (2 * BOLTZMANN * temperature) ** 2
    safe = np.where(np.abs(x) < SMALL, 1.0, np.minimum(x, 1e5))
    root = np.sqrt(np.abs(safe))
    exact = np.where(safe > 0, root / np.sinh(np.minimum(root, 350)), root / np.sin(root)) ** 2
    series = 1 - x / 3 + x**2 / 15 - 2 * x**3 / 189 + x**4 / 675
    return np.where(np.abs(x) < SMALL, series, exact)
