"""The electron probe: beam energy, aperture, and how sharp it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import constants

# keV.
REST_ENERGY = constants.value("electron mass energy equivalent in MeV") * 1e3


@dataclass(frozen=True)
class Microscope:
    """A scanning transmission electron microscope with an annular dark-field detector.

    Attributes
    ----------
    beam_energy
        In keV.
    convergence
        Semi-angle of the probe-forming aperture, in mrad.
    detector
        Inner and outer collection semi-angle, in mrad.
    source
        Root-mean-square width of the geometric source image along one axis, in nm.
    """

    beam_energy: float = 200.0
    convergence: float = 20.0
    detector: tuple[float, float] = (60.0, 200.0)
    source: float = 0.030


def electron_wavelength(beam_energy: float) -> float:
    """Compute the relativistic wavelength of the electrons in nm from their energy in keV."""
    momentum_energy = np.sqrt(beam_energy * (beam_energy + 2 * REST_ENERGY))
    planck_light = constants.h * constants.c / constants.e * 1e6
    return float(planck_light / momentum_energy)


def probe_transfer(frequency: np.ndarray, microscope: Microscope) -> np.ndarray:
    """Compute the optical transfer function of the aberration-free probe intensity.

    The frequencies are lengths in 1/nm. 1 at zero, 0 from twice the aperture radius on.

    References
    ----------
    E.J. Kirkland, Advanced Computing in Electron Microscopy, Springer (2010), chapter 3.
    """
    cutoff = 2 * microscope.convergence * 1e-3 / electron_wavelength(microscope.beam_energy)
    relative = np.minimum(np.abs(frequency) / cutoff, 1)
    return 2 / np.pi * (np.arccos(relative) - relative * np.sqrt(1 - relative**2))
