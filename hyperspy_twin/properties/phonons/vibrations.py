"""Densities of vibrations of any number of groups of atoms, by the Chebyshev recursion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import content_hash, run_in_parts
from hyperspy_twin.properties.kernel_polynomials import (
    EnergyWindow,
    RecursionSettings,
    chebyshev_moments,
    density,
    find_energy_window,
    random_signs,
)
from hyperspy_twin.properties.phonons.block_rows import ForceConstants
from hyperspy_twin.properties.phonons.recursion_kernels import step_rows, weigh_rows
from hyperspy_twin.properties.phonons.units import FULL_WIDTH, SQUARED_ENERGY

# Rows whose sums are made one after the other, so that they are the same for any number of threads.
PIECE = 4096
# At most so many pieces: each has sums of its own for each group.
MOST_PIECES = 64
# Part of the highest squared energy that the window begins below zero. A density there is as wide
# as the moments allow; rounding in 32 bits moves squared energies by 1e-7 of the highest.
BELOW_ZERO = 5e-4
# Scaled squared energy above which densities are zero. The highest vibration is at .98; at the end
# of the window lies noise that groups have by two moments for each product.
HIGHEST = 0.99
# Nodes for each moment, on which a function is expanded.
NODES_PER_MOMENT = 2


class VibrationOperator:
    """Squared energies of vibrations in meV², as the operator of a Chebyshev recursion.

    Attributes are those of :class:`ChebyshevOperator`, the ``matrix`` in meV², and ``root_masses``.

    Parameters
    ----------
    constants
        Force constants in eV/Å²; the precision of their blocks is that of the recursion.
    masses
        Of the atoms in u, shape (n,).
    labels
        Group of each atom from 0 on, or -1 for atoms of none, shape (n,).
    groups
        Number of groups; by default one more than the highest label.
    overwrite
        Whether the blocks may be written to, which saves as much memory as they take.
    """

    def __init__(
        self,
        constants: ForceConstants,
        masses: np.ndarray,
        labels: np.ndarray,
        *,
        groups: int | None = None,
        overwrite: bool = False,
    ) -> None:
        self.matrix = mass_weighted(constants, masses, overwrite=overwrite)
        self._labels = np.ascontiguousarray(labels, np.int32)
        if self._labels.shape != (len(constants),):
            raise ValueError(f"each of the {len(constants)} atoms needs a label of its group")
        self.rows = 3 * len(constants)
        self.root_masses = np.sqrt(np.asarray(masses, float))
        groups = int(self._labels.max()) + 1 if groups is None else groups
        inside = self._labels[self._labels >= 0]
        self.weight = 3.0 * np.bincount(inside, minlength=groups)
        self._size = max(PIECE, -(-len(constants) // MOST_PIECES))

    def start(self, vectors: range, seed: int) -> np.ndarray:
        """Signs, shape (n, 3, vectors)."""
        dtype = self.matrix.blocks.dtype
        return random_signs(self.rows, vectors, seed, dtype).reshape(-1, 3, len(vectors))

    def product(self, block: np.ndarray) -> np.ndarray:
        """Matrix times vectors."""
        return self.matrix.product(block)

    def step(
        self, current: np.ndarray, previous: np.ndarray, window: EnergyWindow, factor: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Next block in the place of the previous one, and its sums over the groups."""
        pieces = -(-len(self.matrix) // self._size)
        sums = np.zeros((2, pieces, len(self.weight), current.shape[2]))
        numbers = np.array(
            [factor / window.half_width, window.centre, factor - 1], self.matrix.blocks.dtype
        )

        def work(first: int, last: int) -> None:
            step_rows(
                first,
                last,
                self._size,
                self.matrix.blocks,
                self.matrix.index,
                current,
                previous,
                numbers,
                self._labels,
                *sums,
            )

        run_in_parts(work, pieces)
        own, cross = sums.sum(axis=1)
        return own, cross

    def group_sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over the atoms of each group and directions, shape (groups, q) of (n, 3, q)."""
        inside = self._labels >= 0
        each = values.sum(axis=1, dtype=float)[inside]
        found = np.zeros((len(self.weight), values.shape[2]))
        np.add.at(found, self._labels[inside], each)
        return found

    @property
    def identity(self) -> str:
        """Hash of sums of the blocks, and of the groups."""
        sums = self.matrix.blocks.sum(axis=0, dtype=float)
        return content_hash(sums, self.matrix.index[:, 1:5], self._labels)

    def to_array(self, block: np.ndarray) -> np.ndarray:
        """Block itself."""
        return block

    def from_array(self, array: np.ndarray) -> np.ndarray:
        """Block that may be written to."""
        return np.array(array)


@dataclass(frozen=True, eq=False)
class Vibrations:
    """Moments of the squared energies of vibrations of groups of atoms.

    Attributes
    ----------
    moments
        Of each group and random vector, shape (groups, vectors, count); those of order 0 are three
        times the number of atoms.
    window
        Of squared energies in meV² that was mapped to -1 < x < 1.
    """

    moments: np.ndarray
    window: EnergyWindow

    @property
    def highest(self) -> float:
        """Energy in meV above which there are no vibrations."""
        return float(np.sqrt(self.window.centre + HIGHEST * self.window.half_width))

    def density(self, energies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Density of vibrations of each group.

        Parameters
        ----------
        energies
            In meV, from 0 on, shape (m,).

        Returns
        -------
        values, variance : numpy.ndarray
            In 1/meV, shape (groups, m): their integral is three times the number of atoms. The
            variance of the mean over the vectors, NaN for a single one.
        """
        energies = np.asarray(energies, float)
        if not (energies >= 0).all():
            raise ValueError("energies of vibrations are zero or above")
        values = np.zeros((len(self.moments), len(energies)))
        variance = np.zeros_like(values)
        inside = energies < self.highest
        found = density(self.moments, self.window, energies[inside] ** 2)
        # From a density of squared energies to one of energies.
        slope = 2 * energies[inside]
        values[:, inside], variance[:, inside] = found[0] * slope, found[1] * slope**2
        return values, variance

    def width(self, energies: np.ndarray) -> np.ndarray:
        """Full width at half maximum of a line at energies above zero, in meV."""
        count = self.moments.shape[-1]
        return squared_width(self.window, energies) / count / (2 * np.asarray(energies))

    def trace(self, function: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Sum of a smooth function of the squared energy over the vibrations of each group.

        Parameters
        ----------
        function
            Of squared energies in meV², without poles near those of the window.

        Returns
        -------
        values, variance : numpy.ndarray
            Shape (groups,); the variance of a single vector is NaN.
        """
        count = self.moments.shape[-1]
        nodes = NODES_PER_MOMENT * count
        theta = np.pi * (np.arange(nodes) + 0.5) / nodes
        sampled = function(self.window.centre + self.window.half_width * np.cos(theta))
        factors = np.cos(np.outer(np.arange(count), theta)) @ sampled * 2 / nodes
        factors[0] /= 2
        each = self.moments @ factors
        vectors = each.shape[1]
        if vectors < 2:
            return each.mean(axis=1), np.full(len(each), np.nan)
        return each.mean(axis=1), each.var(axis=1, ddof=1) / vectors


def squared_width(window: EnergyWindow, energies: np.ndarray) -> np.ndarray:
    """Full width at half maximum in meV² of a line of squared energies, times the moments."""
    x = (np.asarray(energies) ** 2 - window.centre) / window.half_width
    return FULL_WIDTH * np.pi * window.half_width * np.sqrt(np.clip(1 - x**2, 0, None))


def count_moments(resolution: float, window: EnergyWindow) -> int:
    """Even number of moments for a full width in meV at half of the highest energy.

    Lines are up to 1.2 times wider below that energy, and narrower above it.
    """
    if not (np.isfinite(resolution) and resolution > 0):
        raise ValueError(f"the resolution is a width in meV above zero, not {resolution}")
    middle = np.sqrt(window.high) / 2
    count = squared_width(window, middle) / (2 * middle * resolution)
    return max(4, 2 * int(np.ceil(count / 2)))


def squared_window(operator: VibrationOperator) -> EnergyWindow:
    """Window of squared energies from just below zero to above the highest."""
    shape, dtype = (len(operator.matrix), 3), operator.matrix.blocks.dtype
    high = find_energy_window(operator.product, shape, dtype).high
    low = -BELOW_ZERO * high
    return EnergyWindow((high + low) / 2, (high - low) / 2)


def find_vibrations(
    operator: VibrationOperator, resolution: float, *, vectors: int, block: int, seed: int = 0
) -> Vibrations:
    """Moments of the vibrations of each group.

    Parameters
    ----------
    operator
        With the force constants, masses and groups.
    resolution
        Full width at half maximum of a line in meV, at half of the highest energy.
    vectors, block
        Number of random vectors, and how many are stepped together.
    seed
        Of the random vectors.

    Raises
    ------
    ValueError
        If the atoms are not at rest: some displacements lower the energy.
    """
    window = squared_window(operator)
    count = count_moments(resolution, window)
    settings = RecursionSettings(count, vectors, block, seed)
    try:
        moments = chebyshev_moments(operator, window, settings)
    except ValueError as error:
        if "window" not in str(error):
            raise
        raise ValueError(
            "some displacements of the atoms lower the energy, so that there are no vibrations "
            "about these positions: relax the model first"
        ) from error
    return Vibrations(moments, window)


def mass_weighted(
    constants: ForceConstants, masses: np.ndarray, *, overwrite: bool = False
) -> ForceConstants:
    """Force constants over the roots of the masses in u of both atoms, in meV²."""
    root = np.sqrt(SQUARED_ENERGY / np.asarray(masses, float))
    if root.shape != (len(constants),) or not np.isfinite(root).all():
        raise ValueError(f"each of the {len(constants)} atoms needs a mass above zero")
    blocks = constants.blocks if overwrite else np.empty_like(constants.blocks)

    def work(first: int, last: int) -> None:
        weigh_rows(first, last, constants.blocks, constants.index, root, blocks)

    run_in_parts(work, len(constants))
    return ForceConstants(blocks, constants.index)
