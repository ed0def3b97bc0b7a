"""Evidence for crystals so thin that tails of upper Laue zones reach the plane of the zone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import logsumexp

from hyperspy_twin.crystals.diffraction import ThinPattern
from hyperspy_twin.crystals.evidence.affine import backward
from hyperspy_twin.crystals.evidence.hypotheses import GATE, LATTICE_FRACTION, Observed
from hyperspy_twin.crystals.evidence.intensities import UNEXPLAINED
from hyperspy_twin.crystals.evidence.zone_evidence import ScalePrior, evaluate

# Prior probability that upper zones are seen, of any thickness. Few layers are imaged that seldom
# on purpose, but edges and nanoparticles are thin.
THIN = 0.05


def largest_gain(observed: Observed, index: np.ndarray) -> float:
    """Logarithm of the evidence that the positions of the unexplained peaks could add at most."""
    left = ~index.any(axis=1)
    exact = -np.log(2 * np.pi * observed.sigma[left] ** 2) - observed.log_density - UNEXPLAINED
    return float(np.sum(observed.weight[left] * np.maximum(exact, 0)))


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
    evidence, _, _, alpha, beta, index = result
    if not patterns or not _are_near(observed, patterns[0], alpha, beta, ~index.any(axis=1)):
        return 0.0, None, result
    found = [evaluate(observed, one.pattern, alpha, beta, scale_prior) for one in patterns]
    values = np.array([one[0] for one in found])
    thin = float(logsumexp(values) - np.log(len(values)) + np.log(THIN))
    thick = evidence + np.log(1 - THIN)
    gain = float(np.logaddexp(thick, thin) - evidence)
    if gain <= 0:
        return 0.0, None, result
    best = int(np.argmax(values))
    return (gain, patterns[best], found[best]) if thin > thick else (gain, None, result)


def _are_near(
    observed: Observed, thin: ThinPattern, alpha: complex, beta: complex, left: np.ndarray
) -> bool:
    """Whether any of the peaks that are left stands on a projected reflection."""
    if not left.any():
        return False
    basis = thin.pattern.basis
    q = np.array([backward(one, alpha, beta) for one in observed.position[left]])
    area = (basis[0].conjugate() * basis[1]).imag
    first = np.rint((q.conjugate() * basis[1]).imag / area)
    second = np.rint((basis[0].conjugate() * q).imag / area)
    off = np.abs(q - first * basis[0] - second * basis[1])
    limit = np.minimum(GATE * observed.sigma[left] / abs(alpha), LATTICE_FRACTION * abs(basis[0]))
    return bool(((off < 2 * limit) & ((first != 0) | (second != 0))).any())
