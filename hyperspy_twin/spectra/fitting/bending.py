"""How far the mean period of a bent fringe lies from the plane wave that fits it best.

A plane wave fitted to a fringe whose phase bends gives the slope that fits best, which is not the
mean of its local slopes. A polynomial through the phase of what the plane wave leaves says by how
much the two differ.
"""

from __future__ import annotations

import numpy as np

from hyperspy_twin.spectra.fitting.plane_waves import PlaneWaves, moments
from hyperspy_twin.spectra.fitting.wave_fit import FitWeight

# Degree of the polynomial through the phase: bending is of the second, its change of the third.
DEGREE = 3
TERMS = np.array([(a, b) for a in range(DEGREE + 1) for b in range(DEGREE + 1 - a)])
# Squared standard errors that noise explains.
CHANCE = 4.0


def measure_bending(
    residual: np.ndarray, weight: FitWeight, waves: PlaneWaves, noise: np.ndarray
) -> np.ndarray:
    """Squared difference between the mean local frequency and the fitted one, less chance.

    Squared cycles per pixel (x, y), (n, 2); 0 where noise explains the difference. ``residual`` is
    the image less the sum of the waves, ``noise``, (n,), as of ``frequency_covariance``.
    """
    own = moments(weight.weight, np.zeros((1, 2)), 2 * DEGREE)[..., 0].real
    together = TERMS[:, None] + TERMS
    normal = own[together[..., 0], together[..., 1]]
    lower = np.maximum(TERMS - np.eye(2, dtype=int)[:, None], 0)  # powers of the derivatives
    cycles = np.pi * np.asarray(residual.shape[::-1]) * own[0, 0]
    mean_slope = TERMS.T * own[lower[..., 0], lower[..., 1]] / cycles[:, None]
    found = moments(residual * weight.weight, waves.frequency, DEGREE)
    phase = (found[TERMS[:, 0], TERMS[:, 1]] / waves.amplitude).imag
    slope = np.linalg.solve(normal, mean_slope.T)
    chance = (slope * mean_slope.T).sum(axis=0)[None, :] * noise[:, None]
    chance = chance / (2 * np.abs(waves.amplitude[:, None]) ** 2)
    difference = (phase.T @ slope) ** 2
    return np.where(difference > CHANCE * chance, difference, 0)
