"""From moments to densities and their standard errors."""

from __future__ import annotations

import numpy as np
from scipy.fft import dct
from scipy.ndimage import gaussian_filter1d

from hyperspy_twin.properties.kernel_polynomials.damping import Damping, damping_factors
from hyperspy_twin.properties.kernel_polynomials.energy_window import EnergyWindow

# Nodes for each moment, on which the spread is pooled.
NODES_PER_MOMENT = 2
# Pooling of the spread over energies, as standard deviations in those of the kernel. Of 1 to 12
# the error bars of 4 vectors are right (chi 0.96 to 1.06, in gaps too) from 5 to 8 and about 2.
POOLED_RATIO = 5
POOLED_SPREAD = 2
ENERGIES_AT_ONCE = 512


def density(
    moments: np.ndarray,
    window: EnergyWindow,
    energies: np.ndarray,
    damping: Damping = "jackson",
) -> tuple[np.ndarray, np.ndarray]:
    """Density of states of each group, and its variance.

    The variance is that of the mean over the random vectors. It is known from their spread; since
    they are few, it is pooled over nearby energies, as a ratio to the density where that is not
    small.

    Parameters
    ----------
    moments
        Of each group and vector, shape (groups, vectors, count).
    window
        Window that the operator was scaled by.
    energies
        Shape (m,), within the window.
    damping
        Kernel.

    Returns
    -------
    values, variance : numpy.ndarray
        Shape (groups, m), in states per unit of energy. The variance of a single vector is NaN.

    Raises
    ------
    ValueError
        If an energy lies outside of the window.
    """
    damped, theta = _damped(moments, damping), np.arccos(window.scaled(energies))
    order = np.arange(damped.shape[-1])
    mean = damped.mean(axis=1)
    values = np.empty((len(damped), len(theta)))
    for first in range(0, len(theta), ENERGIES_AT_ONCE):
        part = slice(first, first + ENERGIES_AT_ONCE)
        values[:, part] = mean @ np.cos(np.outer(order, theta[part]))
    jacobian = 1 / (np.pi * window.half_width * np.sin(theta))
    return values * jacobian, _pooled_variance(damped, theta) * jacobian**2


def states_below(
    moments: np.ndarray,
    window: EnergyWindow,
    energies: np.ndarray,
    damping: Damping = "jackson",
) -> tuple[np.ndarray, np.ndarray]:
    """Count the states of each group below some energies, and its variance.

    Parameters
    ----------
    moments, window, energies, damping
        As for :func:`density`.

    Returns
    -------
    values, variance : numpy.ndarray
        Shape (groups, m), in states. The variance is that of the mean over the vectors, by their
        spread at this energy alone, and NaN for a single vector.
    """
    return _mean_and_variance(_counted(moments, window, energies, damping))


def states_between(
    moments: np.ndarray,
    window: EnergyWindow,
    low: float,
    high: float,
    damping: Damping = "jackson",
) -> tuple[np.ndarray, np.ndarray]:
    """Count the states of each group between two energies, and the variance, shape (groups,)."""
    if not low < high:
        raise ValueError(f"the lower energy comes first, not {low} and {high}")
    counted = _counted(moments, window, np.array([low, high]), damping)
    return _mean_and_variance(counted[..., 1] - counted[..., 0])


def _counted(
    moments: np.ndarray, window: EnergyWindow, energies: np.ndarray, damping: Damping
) -> np.ndarray:
    """States below the energies by each vector: the integral of the series, term by term."""
    damped, theta = _damped(moments, damping), np.arccos(window.scaled(energies))
    order = np.arange(1, damped.shape[-1])
    waves = np.sin(np.outer(order, theta)) / order[:, None]
    return (damped[..., :1] * (np.pi - theta) - damped[..., 1:] @ waves) / np.pi


def _damped(moments: np.ndarray, damping: Damping) -> np.ndarray:
    """Coefficients of the cosine series, shape of the moments."""
    factors = 2 * damping_factors(damping, moments.shape[-1])
    factors[0] /= 2
    return moments * factors


def _mean_and_variance(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the vectors, which are the second axis, and its variance by their spread."""
    mean, count = values.mean(axis=1), values.shape[1]
    if count < 2:
        return mean, np.full_like(mean, np.nan)
    return mean, values.var(axis=1, ddof=1) / count


def _pooled_variance(damped: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Variance of the cosine series at angles, shape (groups, angles).

    On an even grid of angles the kernel is equally wide everywhere, and the variance is nearly the
    density times a constant (that of a trace of a kernel squared).
    """
    groups, vectors, count = damped.shape
    if vectors < 2:
        return np.full((groups, len(theta)), np.nan)
    nodes = NODES_PER_MOMENT * count
    series = np.zeros((groups, vectors, nodes))
    series[..., :count] = damped / 2
    series[..., 0] *= 2
    mean, spread = _mean_and_variance(dct(series, type=3, axis=-1))
    sigma = float(NODES_PER_MOMENT)  # of Jackson's kernel, pi / count, in nodes
    local = gaussian_filter1d(spread, POOLED_SPREAD * sigma, axis=-1)
    wide = gaussian_filter1d(spread, POOLED_RATIO * sigma, axis=-1)
    weight = gaussian_filter1d(mean, POOLED_RATIO * sigma, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = wide / weight * gaussian_filter1d(mean, sigma, axis=-1)
    pooled = np.fmax(np.where(weight > 0, ratio, 0.0), local)
    place = theta / np.pi * nodes - 0.5
    return np.stack([np.interp(place, np.arange(nodes), one) for one in pooled])
