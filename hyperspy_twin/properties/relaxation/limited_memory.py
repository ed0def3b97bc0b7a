"""L-BFGS of SciPy, for small models and for calculators whose force constants are not known."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from hyperspy_twin.core import begin_step
from hyperspy_twin.properties.any_atoms import AnyAtoms
from hyperspy_twin.properties.relaxation.trace import Trace

# Steps that are remembered: 10, 20 and 30 take 510, 476 and 477 evaluations for a well of 19 200
# atoms.
REMEMBERED = 20
MOST_EVALUATIONS = 20_000


def minimise_limited_memory(
    atoms: AnyAtoms, positions: np.ndarray, free: np.ndarray, tolerance: float, trace: Trace
) -> np.ndarray:
    """Positions at which no force on a free coordinate is above a tolerance.

    Parameters are those of :func:`minimise_newton`.

    References
    ----------
    C. Zhu, R. H. Byrd, P. Lu, J. Nocedal, ACM Trans. Math. Softw. 23 (1997) 550.
    """
    found = positions.copy()

    def evaluate(coordinates: np.ndarray) -> tuple[float, np.ndarray]:
        found[free] = coordinates
        energy, force = atoms.total(found)
        force = force[free]
        if not (np.isfinite(energy) and np.isfinite(force).all()):
            raise ValueError("the calculator gave energies or forces that are not finite")
        trace.add(energy, force)
        begin_step(f"evaluation {len(trace.energy)}: {trace.force[-1]:.1e} eV/Å")
        return energy, -force

    # The energy may fall by less than its rounding in the last steps: only the force decides.
    options = {
        "maxcor": REMEMBERED,
        "gtol": tolerance,
        "ftol": 0.0,
        "maxfun": MOST_EVALUATIONS,
        "maxiter": MOST_EVALUATIONS,
    }
    best = minimize(evaluate, positions[free], jac=True, method="L-BFGS-B", options=options)
    found[free] = best.x
    return found
