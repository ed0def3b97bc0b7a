"""Weak peaks at fractions of the reflections of a crystal: ordering, reconstruction, stacking."""

from __future__ import annotations

from math import lgamma

import numpy as np

from hyperspy_twin.core import finer_lattices, finer_pair, kernel
from hyperspy_twin.crystals.diffraction import ZonePattern
from hyperspy_twin.crystals.evidence.affine import backward, forward, nearest_index
from hyperspy_twin.crystals.evidence.hypotheses import (
    GATE,
    LATTICE_FRACTION,
    Observed,
    position_evidence,
)
from hyperspy_twin.crystals.evidence.intensities import UNEXPLAINED

# Both were set on the tuning half of benchmarks/phases.py.
SHOWN = 0.05  # prior probability that a crystal shows a superlattice
WEAKER = 0.2  # of the strongest intensity, which the peaks of a superlattice stay below
# Superlattices with two or three points for each reflection.
INDEX, NUMERATOR = finer_lattices(2, 3)


@kernel
def _on(point: complex, basis: np.ndarray) -> bool:
    """Tell whether a point is one of the coarser plane lattice."""
    h, k = nearest_index(point, basis)
    return abs(point - h * basis[0] - k * basis[1]) < 1e-6 * abs(basis[0])


@kernel
def superlattice_gain(
    observed: Observed, lattice: ZonePattern, alpha: complex, beta: complex, matched: np.ndarray
) -> float:
    """Logarithm of the evidence gained by weak peaks at halves or thirds of the reflections.

    Averaged over "none" and "one of these", by their prior probabilities. ``matched`` is the
    reflection of each peak of the pattern, as it lies by (alpha, beta); -1 for none.
    """
    gain = np.log(1 - SHOWN)
    highest = observed.log_intensity[0] + np.log(WEAKER)
    cell = abs((lattice.basis[0].conjugate() * lattice.basis[1]).imag) * abs(alpha) ** 2
    for f in range(len(INDEX)):
        basis = np.empty(2, np.complex128)
        basis[0], basis[1] = finer_pair(lattice.basis[0], lattice.basis[1], INDEX[f], NUMERATOR[f])
        limit = LATTICE_FRACTION * abs(alpha) * min(abs(basis[0]), abs(basis[1]))
        found, total = 0, 0.0
        for i in range(len(matched)):
            if matched[i] >= 0 or observed.log_intensity[i] > highest:
                continue
            q, sigma, weight = observed.position[i], observed.sigma[i], observed.weight[i]
            h, k = nearest_index(backward(q, alpha, beta), basis)
            point = h * basis[0] + k * basis[1]
            deviation = abs(q - forward(point, alpha, beta))
            if deviation > min(limit, GATE * sigma) or _on(point, lattice.basis):
                continue
            total += max(0.0, weight * (position_evidence(observed, i, deviation) - UNEXPLAINED))
            found += 1
        if found == 0:
            continue
        points = max(found, 0.5 * np.pi * observed.reach**2 * (INDEX[f] - 1) / cell)
        total += lgamma(found + 1) + lgamma(points - found + 1) - lgamma(points + 2)
        total += np.log(SHOWN / len(INDEX))
        gain = np.logaddexp(gain, total)
    return gain
