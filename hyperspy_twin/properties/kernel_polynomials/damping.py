"""Factors that damp the moments, so that a finite series of them gives a smooth density."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from hyperspy_twin.properties.kernel_polynomials.energy_window import EnergyWindow

Damping = Literal["jackson", "lorentz"]
# Sharpness of the Lorentz kernel: 3 to 5 in section II.C.3 of Weisse et al. (2006).
LORENTZ_SHARPNESS = 4.0
# Width of a Gaussian at half of its maximum, in standard deviations: 2 sqrt(2 ln 2).
FWHM_PER_SIGMA = 2 * math.sqrt(2 * math.log(2))


def jackson_factors(count: int) -> np.ndarray:
    """Jackson's factors, shape (count,): nearly a Gaussian of standard deviation pi/count.

    The density stays positive. A. Weisse et al., Rev. Mod. Phys. 78 (2006) 275, eq. (71).
    """
    n, full = np.arange(count), count + 1
    angle = np.pi / full
    return ((full - n) * np.cos(angle * n) + np.sin(angle * n) / np.tan(angle)) / full


def lorentz_factors(count: int) -> np.ndarray:
    """Lorentz factors, shape (count,): nearly a Lorentzian of half width LORENTZ_SHARPNESS/count.

    Made for Green functions. A. Weisse et al., Rev. Mod. Phys. 78 (2006) 275, eq. (79).
    """
    part = 1 - np.arange(count) / count
    factors = np.sinh(LORENTZ_SHARPNESS * part)
    return factors / factors[0]


def damping_factors(damping: Damping, count: int) -> np.ndarray:
    """Factors of the kernel of a name, shape (count,)."""
    known = {"jackson": jackson_factors, "lorentz": lorentz_factors}
    if damping not in known:
        raise ValueError(f"kernels are 'jackson' and 'lorentz', not {damping!r}")
    return known[damping](count)


def moments_for_resolution(
    resolution: float, window: EnergyWindow, energies: np.ndarray | None = None
) -> int:
    """Even number of moments for which Jackson's kernel is nowhere wider than the resolution.

    Parameters
    ----------
    resolution
        Full width at half maximum in the unit of the window.
    window
        Window of the spectrum.
    energies
        Where the resolution is needed; by default in the middle of the window, where it is worst.
        The kernel narrows towards the ends of the window as ``sqrt(1 - x^2)``.

    Raises
    ------
    ValueError
        If the resolution is not above zero, or an energy lies outside of the window.
    """
    if not (np.isfinite(resolution) and resolution > 0):
        raise ValueError(f"the resolution is a width above zero, not {resolution}")
    x = 0.0 if energies is None else float(np.abs(window.scaled(energies)).min())
    if energies is not None and np.ptp(np.sign(window.scaled(energies))) > 0:
        x = 0.0
    sigma = resolution / FWHM_PER_SIGMA / window.half_width
    count = math.pi * math.sqrt(1 - x * x) / sigma
    return max(2 * math.ceil(count / 2), 4)


def kernel_width(count: int, window: EnergyWindow, energies: np.ndarray) -> np.ndarray:
    """Full width at half maximum of Jackson's kernel at some energies, in the window's unit."""
    x = window.scaled(energies)
    return FWHM_PER_SIGMA * np.pi / count * window.half_width * np.sqrt(1 - x**2)
