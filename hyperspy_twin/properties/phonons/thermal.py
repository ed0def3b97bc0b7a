"""Mean square displacements and heat capacities of large models at a temperature."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hyperspy_twin.core import begin_step
from hyperspy_twin.properties.phonons.occupation import (
    heat_factor,
    quantum_displacement_factor,
)
from hyperspy_twin.properties.phonons.units import BOLTZMANN, DISPLACEMENT
from hyperspy_twin.properties.phonons.vibrations import VibrationOperator, Vibrations

# Part of the right side that is left when conjugate gradients stop; displacements are then within
# 1e-3 of themselves, below the errors of any number of random vectors in use.
RESIDUAL = 1e-4
# Steps after which they give up: models of 1e6 atoms need about 1000.
MOST_STEPS = 20_000
STEPS_PER_REPORT = 50
# K. Below, moments of some hundred no longer resolve how the quanta freeze out.
LOWEST_TEMPERATURE = 10.0


def check_temperature(temperature: float, lowest: float = LOWEST_TEMPERATURE) -> None:
    """Refuse temperatures that the moments do not resolve."""
    if not (np.isfinite(temperature) and temperature >= lowest):
        raise ValueError(f"the temperature is at least {lowest:g} K, not {temperature}")


def mean_square_displacements(
    operator: VibrationOperator,
    vibrations: Vibrations,
    positions: np.ndarray,
    *,
    pbc: Sequence[bool],
    masses: np.ndarray,
    temperature: float,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean square displacements of groups of atoms of one mass along one direction.

    That of classical motion is ``kT`` times the inverse of the force constants, which conjugate
    gradients give with the random vectors; what quanta add is a smooth function of the squared
    energies, which few moments give. Motions of the model as a whole are left out.

    Parameters
    ----------
    operator, vibrations
        With the groups, each of one mass, and the moments made with it.
    positions
        In Å, shape (n, 3).
    pbc
        Whether the box repeats along its vectors.
    masses
        Of the atoms of each group in u, shape (groups,).
    temperature
        In K, at least 10.
    seed
        Of the random vectors, as many as those of the moments.

    Returns
    -------
    values, variance : numpy.ndarray
        Mean over the atoms of each group in Å², shape (groups,).
    """
    check_temperature(temperature)
    count = vibrations.moments.shape[1]
    start = operator.start(range(count), seed)
    rigid = rigid_motions(operator, positions, pbc)
    solved = _solve(operator, start, rigid)
    classical = BOLTZMANN * temperature * operator.group_sums(start * solved)
    value, variance = vibrations.trace(
        lambda squared: quantum_displacement_factor(squared, temperature)
    )
    # Rigid motions have no energy, and no part in the sum.
    resting = quantum_displacement_factor(np.zeros(1), temperature)
    shares = operator.group_sums(rigid.reshape(start.shape[0], 3, -1).astype(float) ** 2)
    value = value - resting * shares.sum(axis=1)
    factor = DISPLACEMENT / masses / operator.weight
    spread = classical.var(axis=1, ddof=1) / count if count > 1 else np.nan * value
    return factor * (classical.mean(axis=1) + value), factor**2 * (spread + variance)


def heat_capacities(vibrations: Vibrations, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Heat capacity of each group in Boltzmann's constant, and its variance, shape (groups,)."""
    check_temperature(temperature)
    return vibrations.trace(lambda squared: heat_factor(squared, temperature))


def rigid_motions(
    operator: VibrationOperator, positions: np.ndarray, pbc: Sequence[bool]
) -> np.ndarray:
    """Orthonormal motions of the whole that cost no energy, shape (3 n, 3 to 6).

    Shifts, and turns about axes across which nothing repeats, times the roots of the masses.
    """
    root = operator.root_masses[:, None]
    centred = positions - positions.mean(axis=0)
    motions = [root * axis for axis in np.eye(3)]
    if sum(pbc) <= 1:
        free = [axis for axis in range(3) if not any(pbc)] or [list(pbc).index(True)]
        motions += [root * np.cross(np.eye(3)[axis], centred) for axis in free]
    found = np.linalg.qr(np.stack([one.ravel() for one in motions], axis=1))[0]
    return found.astype(operator.matrix.blocks.dtype)


def _solve(operator: VibrationOperator, right: np.ndarray, rigid: np.ndarray) -> np.ndarray:
    """Inverse of the matrix times vectors, shape (n, 3, q), without rigid motions."""
    shape = right.shape

    def across(vectors: np.ndarray) -> np.ndarray:
        flat = vectors.reshape(rigid.shape[0], -1)
        return (flat - rigid @ (rigid.T @ flat)).reshape(shape)

    def dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.einsum("idk,idk->k", one, other, dtype=float)

    left = across(right)
    solution, direction = np.zeros_like(left), left.copy()
    norm = dot(left, left)
    goal = RESIDUAL**2 * norm
    for step in range(MOST_STEPS):
        if step % STEPS_PER_REPORT == 0:
            begin_step(f"displacements, step {step}")
        product = across(operator.product(direction))
        curvature = dot(direction, product)
        if not (curvature > 0).all():
            raise ValueError(
                "some displacements of the atoms lower the energy, so that there are no "
                "vibrations about these positions: relax the model first"
            )
        length = (norm / curvature).astype(left.dtype)
        solution += length * direction
        left -= length * product
        following = dot(left, left)
        if (following <= goal).all():
            return across(solution)
        direction *= (following / norm).astype(left.dtype)
        direction += left
        norm = following
    raise ValueError("mean square displacements do not converge: relax the model first")
