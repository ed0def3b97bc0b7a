"""Heavy and light holes of a quantum well on (001): how far apart they are.

A biaxial strain splits the top of the valence band by 2 |b| (e_perp - e_par). Hard walls at a
distance W raise the n-th subband by (hbar^2 / 2 m0) (pi n / W)^2 (gamma_1 -+ 2 gamma_2), the upper
sign for heavy holes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import constants

from hyperspy_twin.properties.kp.parameters import HoleParameters

# eV nm^2: hbar^2 / 2 m0.
KINETIC = constants.hbar**2 / (2.0 * constants.m_e * constants.e) * 1e18
# Subbands of light holes that are summed over: the weight of those beyond is below 1e-5.
SUBBANDS = 12


@dataclass(frozen=True)
class QuantumWell:
    """A quantum well in an image.

    Attributes
    ----------
    region
        Number of its region.
    thickness
        In nm; None for that of the region, which then has to lie in the image as a whole.
    splitting
        Energy between the first subbands of heavy and of light holes in eV; None for that which
        the measured strain and hard walls give.
    """

    region: int
    thickness: float | None = None
    splitting: float | None = None


def strain_splitting(parameters: HoleParameters, parallel: float, perpendicular: float) -> float:
    """Energy of heavy above light holes in eV, for biaxial strain of a (001) layer."""
    return -2.0 * parameters.b * (perpendicular - parallel)


def subband_splitting(parameters: HoleParameters, thickness: float, strained: float) -> float:
    """Energy between the first subbands of heavy and of light holes in eV.

    Parameters
    ----------
    parameters
        Of the material of the well.
    thickness
        Of the well in nm; its walls are taken as hard.
    strained
        What strain alone gives, in eV.
    """
    if not (np.isfinite(thickness) and thickness > 0.0):
        raise ValueError(f"the thickness of the well is a positive length in nm, not {thickness}")
    return strained + 4.0 * parameters.gamma_2 * KINETIC * (np.pi / thickness) ** 2


def remote_mixing(parameters: HoleParameters, thickness: float, splitting: float) -> float:
    """Strength of a gradient along the growth direction, over that of one in the plane.

    Such a gradient couples the first subband of heavy holes to the light holes of even n, which
    are further away than that with n = 1: eta = sum of w_n D / (E_LHn - E_HH1) with the splitting
    D = E_LH1 - E_HH1, and w_n = 64 n^2 / (pi^2 (n^2 - 1)^3), whose sum is 1, of hard walls.
    """
    n = 2.0 * np.arange(1, SUBBANDS + 1)
    weights = 64.0 * n**2 / (np.pi**2 * (n**2 - 1.0) ** 3)
    light = parameters.gamma_1 + 2.0 * parameters.gamma_2
    above = splitting + KINETIC * light * (np.pi / thickness) ** 2 * (n**2 - 1.0)
    return float(np.sum(weights * splitting / above))
