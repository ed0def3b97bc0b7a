"""Newton's method whose steps are found by conjugate gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hyperspy_twin.core import begin_step
from hyperspy_twin.properties.keating import BondedAtoms
from hyperspy_twin.properties.phonons import ForceConstants, force_constants
from hyperspy_twin.properties.relaxation.coarse_motion import CoarseMotion, coarse_motion
from hyperspy_twin.properties.relaxation.trace import Trace

# Part of the force that a step leaves, by the force constants; forces that are cubic in the
# displacement leave more until they are small.
FORCE_LEFT = 0.1
# Part of the tolerance down to which a last step is solved, so that rounding does not repeat it.
BELOW_TOLERANCE = 0.3
# Products for each step: a well of 187 000 atoms needs 11 to 24.
MOST_PRODUCTS = 500
MOST_STEPS = 50
# Halvings of a step that raises the energy.
MOST_HALVINGS = 10
# Relative rise of the energy that is rounding.
ROUNDING = 1e-12


def minimise_newton(
    atoms: BondedAtoms, positions: np.ndarray, free: np.ndarray, tolerance: float, trace: Trace
) -> np.ndarray:
    """Positions at which no force on a free coordinate is above a tolerance.

    Each step solves the linear equations of the exact force constants by conjugate gradients, in
    single precision, preconditioned by :class:`CoarseMotion`; forces and energies are of double
    precision.

    Parameters
    ----------
    atoms, positions
        Atoms with their bonds, and where they start, in Å, shape (n, 3).
    free
        Whether each atom moves along x, y and z, shape (n, 3).
    tolerance
        Largest component of a force in eV/Å.
    trace
        Gets each step.

    References
    ----------
    J. Nocedal, S. J. Wright, Numerical Optimization, 2nd ed., Springer 2006, section 7.1.
    """
    moves = free.astype(float)
    energy, force = atoms.total(positions)
    force = force * moves
    trace.add(energy, force)
    coarse: CoarseMotion | None = None
    for number in range(1, MOST_STEPS + 1):
        largest = float(np.abs(force).max())
        if largest <= tolerance:
            break
        begin_step(f"step {number}: {largest:.1e} eV/Å")
        constants = force_constants(positions, atoms, precision=np.float32)
        if coarse is None:
            coarse = coarse_motion(constants, positions, moves)

        def product(vector: np.ndarray, constants: ForceConstants = constants) -> np.ndarray:
            return moves * constants.product(vector)

        step = conjugate_gradients(
            product, coarse.solve, force, max(FORCE_LEFT * largest, BELOW_TOLERANCE * tolerance)
        )
        for _ in range(MOST_HALVINGS):
            moved, new_force = atoms.total(positions + step)
            if moved <= energy + ROUNDING * max(abs(energy), 1.0):
                break
            step = step / 2
        else:
            break
        positions, energy, force = positions + step, moved, new_force * moves
        trace.add(energy, force)
    return positions


def conjugate_gradients(
    product: Callable[[np.ndarray], np.ndarray],
    precondition: Callable[[np.ndarray], np.ndarray],
    force: np.ndarray,
    tolerance: float,
) -> np.ndarray:
    """Displacement under which the linear forces balance the given ones to a tolerance.

    Where the constants are not positive along a direction, the displacement found so far is given,
    or in the first step that of the preconditioner.
    """
    found, left = np.zeros_like(force), force.copy()
    direction = precondition(left)
    weight = float(np.vdot(left, direction))
    for _ in range(MOST_PRODUCTS):
        image = product(direction)
        curvature = float(np.vdot(direction, image))
        if curvature <= 0:
            return found if found.any() else direction
        size = weight / curvature
        found += size * direction
        left -= size * image
        if np.abs(left).max() <= tolerance:
            break
        better = precondition(left)
        new = float(np.vdot(left, better))
        direction *= new / weight
        direction += better
        weight = new
    return found
