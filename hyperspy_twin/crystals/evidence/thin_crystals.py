"""Evidence for crystals so thin that tails of upper Laue zones reach the plane of the zone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import logsumexp

from hyperspy_twin.core import kernel
from hyperspy_twin.crystals.diffraction import ThinPattern
from hyperspy_twin.crystals.evidence.affine import backward, forward, nearest_index
from hyperspy_twin.crystals.evidence.hypotheses import (
    GATE,
    LATTICE_FRACTION,
    Observed,
    position_evidence,
)
from hyperspy_twin.crystals.evidence.intensities import UNEXPLAINED
from hyperspy_twin.crystals.evidence.zone_evidence import ScalePrior, evaluate, weigh_beside

# Prior probability that a crystal is so thin that upper zones are seen: edges and nanoparticles.
# benchmarks/phases.py, where none is thin, has the same phases right at 0.05 and at 0.1.
THIN = 0.1


def largest_gains(observed: Observed) -> np.ndarray:
    """Bound what the position of each peak could add to the evidence, were it explained, (n,)."""
    exact = -np.log(2 * np.pi * observed.sigma**2) - observed.log_density - UNEXPLAINED
    return observed.weight * np.maximum(exact, 0)


@kernel
def projected_gain(
    observed: Observed, basis: np.ndarray, alpha: complex, beta: complex, index: np.ndarray
) -> float:
    """Evidence gained by the positions of unexplained peaks that stand on projected reflections.

    ``basis`` is ``projected`` of the pattern of the zone, and ``index`` that of :func:`explain`.
    """
    limit = LATTICE_FRACTION * abs(alpha) * min(abs(basis[0]), abs(basis[1]))
    total = 0.0
    for i in range(len(index)):
        if index[i, 0] != 0 or index[i, 1] != 0:
            continue
        q = observed.position[i]
        h, k = nearest_index(backward(q, alpha, beta), basis)
        deviation = abs(q - forward(h * basis[0] + k * basis[1], alpha, beta))
        if (h != 0 or k != 0) and deviation < min(limit, GATE * observed.sigma[i]):
            gain = position_evidence(observed, i, deviation) - UNEXPLAINED
            total += observed.weight[i] * max(gain, 0.0)
    return total


def weigh_thin_crystal(
    observed: Observed, patterns: Sequence[ThinPattern], result: tuple, scale_prior: ScalePrior
) -> tuple[float, ThinPattern | None, tuple]:
    """Weigh a zone as that of a thin crystal, beside a thick one.

    Parameters
    ----------
    observed
        The peaks.
    patterns
        Of the thicknesses, equally likely.
    result
        What :func:`explain` gave for the zone.
    scale_prior
        As for :func:`explain`.

    Returns
    -------
    gain : float
        Logarithm of the evidence of both, averaged by their prior probabilities, less that of the
        thick crystal alone; 0 where no peak is better explained.
    pattern : ThinPattern or None
        That of the likeliest thickness; None where the crystal is rather a thick one.
    result : tuple
        As from :func:`explain`, by it.
    """
    evidence, _, _, alpha, beta, _ = result
    found = [evaluate(observed, one.pattern, alpha, beta, scale_prior) for one in patterns]
    values = np.array([one[0] for one in found])
    thin = float(logsumexp(values) - np.log(len(values)) + np.log(THIN))
    gain, likelier = weigh_beside(evidence, thin, THIN)
    if not likelier:
        return gain, None, result
    best = int(np.argmax(values))
    return gain, patterns[best], found[best]
