"""Vibrations of a model: its density in groups of atoms, and what they do at a temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_masses

from hyperspy_twin.core import begin_step
from hyperspy_twin.properties.keating import BondedAtoms, bond_atoms
from hyperspy_twin.properties.kernel_polynomials import require_memory
from hyperspy_twin.properties.phonons.block_rows import WITH_CHAINS, force_constants
from hyperspy_twin.properties.phonons.hessian import ENDS
from hyperspy_twin.properties.phonons.normal_modes import (
    NormalModes,
    differentiate_forces,
    find_modes,
)
from hyperspy_twin.properties.phonons.thermal import (
    check_temperature,
    heat_capacities,
    mean_square_displacements,
)
from hyperspy_twin.properties.phonons.units import BOLTZMANN
from hyperspy_twin.properties.phonons.vibrations import (
    VibrationOperator,
    Vibrations,
    find_vibrations,
)
from hyperspy_twin.properties.phonons.wave_vectors import RepeatedCell, repeated_cell

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator

    from hyperspy_twin.properties.keating import FieldName

# Vectors that are stepped together: 16 cost 1.2 times what 8 do, and 32 take twice the memory.
VECTORS_AT_ONCE = 16
# Points of an energy axis for each width of a line.
POINTS_PER_WIDTH = 5
# Of the highest energy, to which an axis goes on.
ABOVE_HIGHEST = 1.03
# Atoms up to which all vibrations are found at once, which takes less than a second.
EXACT = 300
# Atoms of a cell whose bands are found, which takes a matrix for each wave vector.
LARGEST_CELL = 200


@dataclass(frozen=True)
class PhononSettings:
    """How vibrations are found.

    Attributes
    ----------
    resolution
        Full width at half maximum of a line in meV, at half of the highest energy.
    vectors
        Number of random vectors, at least 2.
    seed
        Of the vectors.
    field
        Valence force field: ``"keating"``, or ``"modified"`` for spectra.
    """

    resolution: float = 1.0
    vectors: int = 16
    seed: int = 0
    field: FieldName = "keating"

    def __post_init__(self) -> None:
        """Refuse too few vectors."""
        if self.vectors < 2:
            raise ValueError(
                f"error bars need at least two random vectors, not {self.vectors}: give vectors="
            )


@dataclass(frozen=True, eq=False)
class PhononDensity:
    """Density of vibrations of groups of atoms.

    Attributes
    ----------
    energies
        In meV, shape (m,).
    values, variance
        In 1/meV, shape (groups, m): the integral is three times the number of atoms.
    moments
        Number of moments; 0 where all vibrations are known.
    """

    energies: np.ndarray
    values: np.ndarray
    variance: np.ndarray
    moments: int


@dataclass(frozen=True, eq=False)
class ThermalDisplacements:
    """Mean square displacements along one direction, of the atoms of each element in each group.

    Attributes
    ----------
    group, number, atoms
        Group, atomic number, and number of atoms, shape (k,).
    values, variance
        In Å², shape (k,). The variance is zero where all vibrations are known.
    """

    group: np.ndarray
    number: np.ndarray
    atoms: np.ndarray
    values: np.ndarray
    variance: np.ndarray


def phonon_density(
    atoms: Atoms,
    labels: np.ndarray,
    groups: int,
    *,
    settings: PhononSettings,
    energies: np.ndarray | None = None,
    calculator: BaseCalculator | None = None,
) -> PhononDensity:
    """Density of vibrations of groups of atoms.

    By one Chebyshev recursion for all groups; with a calculator from all vibrations of a small
    model, as lines of a Gaussian.

    Parameters
    ----------
    atoms
        Relaxed atoms in their box.
    labels, groups
        Group of each atom from 0 on, or -1, shape (n,), and the number of groups.
    settings
        How they are found.
    energies
        In meV, shape (m,); by default from 0 to above the highest.
    calculator
        Instead of the valence force field.

    Raises
    ------
    ValueError
        If the atoms are not at rest, have no force field, or are too many for the calculator.
    MemoryError
        If there is not enough memory.
    """
    labels = np.asarray(labels)
    if calculator is not None:
        modes = find_modes(differentiate_forces(atoms, calculator), _masses(atoms))
        modes.check()
        points = _points(energies, modes.energies[-1], settings.resolution)
        values = modes.density(labels, points, settings.resolution, groups)
        return PhononDensity(points, values, np.zeros_like(values), 0)
    vibrations = _vibrations(_operator(atoms, labels, groups, settings), settings)
    points = _points(energies, vibrations.highest, settings.resolution)
    values, variance = vibrations.density(points)
    return PhononDensity(points, values, variance, vibrations.moments.shape[-1])


def thermal_displacements(
    atoms: Atoms,
    labels: np.ndarray,
    *,
    temperature: float,
    settings: PhononSettings,
    calculator: BaseCalculator | None = None,
) -> ThermalDisplacements:
    """Mean square displacements at a temperature, with those of the ground state.

    Of small models from all vibrations, and of larger ones by random vectors. Motions of the model
    as a whole are left out.

    Parameters
    ----------
    atoms, labels, settings, calculator
        As for :func:`phonon_density`.
    temperature
        In K, at least 10, or 0 where all vibrations are known.

    Raises
    ------
    ValueError, MemoryError
        As there, and if the temperature is too low.
    """
    labels, numbers = np.asarray(labels), atoms.numbers
    inside = labels >= 0
    pairs, kind = np.unique(
        np.stack([labels[inside], numbers[inside]]), axis=1, return_inverse=True
    )
    kinds = np.full(len(labels), -1, np.int32)
    kinds[inside] = np.ravel(kind)
    count = np.bincount(kinds[inside], minlength=pairs.shape[1])
    if calculator is not None or len(atoms) <= EXACT:
        if temperature != 0:
            check_temperature(temperature, lowest=0.0)
        each = _modes(atoms, settings, calculator).mean_square_displacements(temperature)
        values = np.bincount(kinds[inside], each[inside], len(count)) / count
        return ThermalDisplacements(pairs[0], pairs[1], count, values, np.zeros_like(values))
    check_temperature(temperature)
    operator = _operator(atoms, kinds, len(count), settings)
    values, variance = mean_square_displacements(
        operator,
        _vibrations(operator, settings),
        atoms.positions,
        pbc=atoms.pbc,
        masses=atomic_masses[pairs[1]],
        temperature=temperature,
        seed=settings.seed,
    )
    return ThermalDisplacements(pairs[0], pairs[1], count, values, variance)


def heat_capacity(
    atoms: Atoms,
    temperatures: Sequence[float],
    *,
    settings: PhononSettings,
    calculator: BaseCalculator | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Heat capacity for each atom in Boltzmann's constant, and its variance.

    Parameters
    ----------
    atoms, settings, calculator
        As for :func:`phonon_density`.
    temperatures
        In K, at least 10.

    Returns
    -------
    values, variance : numpy.ndarray
        Of the mean over all atoms, at constant volume, shape (temperatures,).
    """
    for temperature in temperatures:
        check_temperature(temperature)
    if calculator is not None or len(atoms) <= EXACT:
        modes = _modes(atoms, settings, calculator)
        values = np.array([modes.heat_capacities(one).mean() for one in temperatures])
        return values, np.zeros_like(values)
    operator = _operator(atoms, np.zeros(len(atoms), np.int32), 1, settings)
    vibrations = _vibrations(operator, settings)
    found = np.array([np.ravel(heat_capacities(vibrations, one)) for one in temperatures])
    return found[:, 0] / len(atoms), found[:, 1] / len(atoms) ** 2


def cell_of(atoms: Atoms, field: FieldName) -> RepeatedCell:
    """Vibrations of a small model that repeats in all directions.

    Raises
    ------
    ValueError
        If it does not repeat in all directions, or has too many atoms.
    """
    if not all(atoms.pbc):
        raise ValueError("bands need a model that repeats along all three vectors of its box")
    if len(atoms) > LARGEST_CELL:
        raise ValueError(
            f"bands are found of cells of {LARGEST_CELL} atoms at most, not {len(atoms)}: make a "
            "model of one cell of the crystal, or take phonon_dos()"
        )
    return repeated_cell(atoms.positions, _bonded(atoms, field), _masses(atoms))


def energy_loss(values: np.ndarray, energies: np.ndarray, temperature: float) -> np.ndarray:
    """Turn a density of vibrations into the form of single energy losses, ``g (n + 1) / E``.

    n is the Bose factor. Energies above zero and temperatures in meV and K.
    """
    if not (np.isfinite(temperature) and temperature >= 0):
        raise ValueError(f"the temperature is zero or above, in K, not {temperature}")
    filled = 1.0
    if temperature > 0:
        filled = -1 / np.expm1(-energies / (BOLTZMANN * temperature))
    return values * filled / energies


def _bonded(atoms: Atoms, field: FieldName) -> BondedAtoms:
    return bond_atoms(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc, field)


def _masses(atoms: Atoms) -> np.ndarray:
    """Mean masses of the elements in u, shape (n,)."""
    return atomic_masses[atoms.numbers]


def _operator(
    atoms: Atoms, labels: np.ndarray, groups: int, settings: PhononSettings
) -> VibrationOperator:
    bonded = _bonded(atoms, settings.field)
    width = WITH_CHAINS if len(bonded.partner) else ENDS
    at_once = min(settings.vectors, VECTORS_AT_ONCE)
    require_memory(
        {
            "force constants": len(atoms) * width * 40.0,
            "vectors": len(atoms) * at_once * 3 * 4 * 3.0,
            "bonds": len(atoms) * 4 * 3 * 8.0,
        }
    )
    begin_step("force constants")
    constants = force_constants(atoms.positions, bonded, precision=np.float32)
    return VibrationOperator(constants, _masses(atoms), labels, groups=groups, overwrite=True)


def _vibrations(operator: VibrationOperator, settings: PhononSettings) -> Vibrations:
    return find_vibrations(
        operator,
        settings.resolution,
        vectors=settings.vectors,
        block=min(settings.vectors, VECTORS_AT_ONCE),
        seed=settings.seed,
    )


def _modes(
    atoms: Atoms, settings: PhononSettings, calculator: BaseCalculator | None
) -> NormalModes:
    if calculator is not None:
        return find_modes(differentiate_forces(atoms, calculator), _masses(atoms))
    constants = force_constants(atoms.positions, _bonded(atoms, settings.field))
    return find_modes(constants.to_sparse().toarray(), _masses(atoms))


def _points(energies: np.ndarray | None, highest: float, resolution: float) -> np.ndarray:
    """Energies that are given, or those of the whole spectrum."""
    if energies is None:
        step = resolution / POINTS_PER_WIDTH
        return step * np.arange(int(np.ceil(ABOVE_HIGHEST * highest / step)) + 1)
    given = np.asarray(energies, float)
    if given.ndim != 1 or len(given) < 2 or not (np.diff(given) > 0).all() or given[0] < 0:
        raise ValueError("energies are at least two that rise from zero or above, in meV")
    return given
