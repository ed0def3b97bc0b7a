"""Where the states lie that a smoothed density of states is made of: edges beyond the resolution.

A density smoothed by a Gaussian is the sum of states times their distance from the energy. Its
logarithmic slope tells the mean of the energies of those that contribute there, and its curvature
their spread, whatever the states are: with the angle t = arccos(x) on which the kernel is equally
wide,

    <t> = t + s^2 (ln g)',      <dt^2> = s^2 + s^4 (ln g)''.

In the tail beyond the last state these are the place of that state, and nothing; beyond a continuum
they are the place and the width of its outermost part.

References
----------
B. Efron, J. Am. Stat. Assoc. 106 (2011) 1602, for the formula, which is by M. C. K. Tweedie.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.fft import dct, dst

from hyperspy_twin.properties.kernel_polynomials.damping import FWHM_PER_SIGMA
from hyperspy_twin.properties.kernel_polynomials.energy_window import EnergyWindow

# Where the series of the Gaussian ends, in the inverse of its width: its factors have fallen to
# exp(-4.5^2 / 2) = 4e-5, which leaves 1e-6 states per eV and atom in the gap of germanium.
SERIES_END = 4.5
# Nodes for each moment: 4.5 x 2 / pi = 3 for each standard deviation of the kernel.
NODES_PER_MOMENT = 2


@dataclass(frozen=True, eq=False)
class SmoothedStates:
    """Densities of groups on a grid of energies that fall, with what contributes to them.

    Attributes
    ----------
    energies
        Nodes, shape (m,).
    density
        In states per unit of energy, shape (groups, m).
    below
        States below each node, shape (groups, m).
    mean, spread
        Mean and standard deviation of the energies of the states that contribute, shape
        (groups, m).
    """

    energies: np.ndarray
    density: np.ndarray
    below: np.ndarray
    mean: np.ndarray
    spread: np.ndarray


def gaussian_moments(resolution: float, window: EnergyWindow) -> int:
    """Even number of moments of a Gaussian whose full width is nowhere above the resolution."""
    return 2 * int(np.ceil(SERIES_END / _angle_width(resolution, window) / 2.0))


def smoothed_states(moments: np.ndarray, window: EnergyWindow, resolution: float) -> SmoothedStates:
    """Densities of groups under a Gaussian, and the states that they are made of.

    Parameters
    ----------
    moments
        Mean over the vectors, shape (groups, count).
    window
        Window that the operator was scaled by.
    resolution
        Full width at half maximum in the middle of the window; towards its ends it narrows.
    """
    groups, count = moments.shape
    order, width = np.arange(count), _angle_width(resolution, window)
    nodes = NODES_PER_MOMENT * count
    theta = np.pi * (np.arange(nodes) + 0.5) / nodes
    damped = np.zeros((groups, nodes))
    damped[:, :count] = moments * np.exp(-0.5 * (order * width) ** 2)
    order = np.arange(nodes)

    def sines(coefficients: np.ndarray) -> np.ndarray:
        """2 sum c_n sin(n theta); DST-III starts with n = 1."""
        return dst(np.roll(coefficients, -1, axis=-1), type=3, axis=-1)

    # Per unit of angle, times pi.
    g, slope = dct(damped, type=3, axis=-1), -sines(order * damped)
    curvature = -dct(order**2 * damped, type=3, axis=-1)
    scale = window.half_width * np.sin(theta)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = theta + width**2 * slope / g
        spread = width**2 + width**4 * (curvature / g - (slope / g) ** 2)
        whole = sines(np.where(order > 0, damped / np.maximum(order, 1), 0.0))
        below = (damped[:, :1] * (np.pi - theta) - whole) / np.pi
        return SmoothedStates(
            window.centre + window.half_width * np.cos(theta),
            g / (np.pi * scale),
            below,
            window.centre + window.half_width * np.cos(mean),
            np.sqrt(np.maximum(spread, 0.0)) * scale,
        )


def _angle_width(resolution: float, window: EnergyWindow) -> float:
    """Find the standard deviation of the kernel on the scale of the angle."""
    if not (np.isfinite(resolution) and resolution > 0):
        raise ValueError(f"the resolution is a width above zero, not {resolution}")
    return resolution / FWHM_PER_SIGMA / window.half_width
