"""How one atom scatters into the annular detector, and how sharp the probe is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import constants

BOHR_RADIUS = constants.value("Bohr radius") * 1e9
REST_ENERGY = constants.value("electron mass energy equivalent in MeV") * 1e3

# Root-mean-square displacement along one axis at room temperature, nm, rounded.
# Elements: Peng et al. 1996; zincblende compounds: Reid 1983; light atoms of glasses: typical.
THERMAL_DISPLACEMENT = {
    6: 0.0080,
    8: 0.0100,
    14: 0.0076,
    15: 0.0090,
    32: 0.0085,
    46: 0.0075,
    47: 0.0095,
    49: 0.0115,
    51: 0.0110,
    78: 0.0068,
    79: 0.0088,
}


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


def wavelength(beam_energy: float) -> float:
    """Relativistic electron wavelength.

    Parameters
    ----------
    beam_energy
        In keV.

    Returns
    -------
    float
        In nm.
    """
    momentum_energy = np.sqrt(beam_energy * (beam_energy + 2 * REST_ENERGY))
    planck_light = constants.h * constants.c / constants.e * 1e6
    return float(planck_light / momentum_energy)


def detector_cross_section(number: int, microscope: Microscope) -> float:
    """Elastic cross-section of one atom for scattering into the annular detector.

    First Born approximation with the exponentially screened (Wentzel) potential of radius
    ``a0 / Z**(1/3)`` chosen by Lenz, integrated in closed form between the detector's angles.

    Parameters
    ----------
    number
        Atomic number.
    microscope
        Beam energy and detector angles.

    Returns
    -------
    float
        In nm².

    References
    ----------
    F. Lenz, Z. Naturforsch. A 9 (1954) 185.
    L. Reimer, H. Kohl, Transmission Electron Microscopy, Springer (2008), chapter 5.
    """
    wave_number = 2 * np.pi / wavelength(microscope.beam_energy)
    lorentz = 1 + microscope.beam_energy / REST_ENERGY
    inner, outer = 2 * wave_number * np.sin(np.array(microscope.detector) * 1e-3 / 2)
    screening = number ** (1 / 3) / BOHR_RADIUS
    strength = 4 * np.pi * (number * lorentz / (BOHR_RADIUS * wave_number)) ** 2
    return float(strength * (1 / (inner**2 + screening**2) - 1 / (outer**2 + screening**2)))


def atom_width(number: int, microscope: Microscope) -> float:
    """Gaussian width of an atom's image before the probe: vibration and source size.

    Parameters
    ----------
    number
        Atomic number.
    microscope
        Source size.

    Returns
    -------
    float
        Root-mean-square width along one axis, in nm.

    Raises
    ------
    KeyError
        If no thermal displacement is tabulated for the element.

    References
    ----------
    L.-M. Peng, G. Ren, S.L. Dudarev, M.J. Whelan, Acta Cryst. A 52 (1996) 456.
    J.S. Reid, Acta Cryst. A 39 (1983) 1.
    """
    return float(np.hypot(THERMAL_DISPLACEMENT[number], microscope.source))


def probe_transfer(frequency: np.ndarray, microscope: Microscope) -> np.ndarray:
    """Optical transfer function of the aberration-free probe intensity.

    Parameters
    ----------
    frequency
        Length of the spatial frequency, 1/nm, any shape.
    microscope
        Beam energy and convergence.

    Returns
    -------
    numpy.ndarray
        Transfer, same shape: 1 at zero, 0 from twice the aperture radius on.

    References
    ----------
    E.J. Kirkland, Advanced Computing in Electron Microscopy, Springer (2010), chapter 3.
    """
    cutoff = 2 * microscope.convergence * 1e-3 / wavelength(microscope.beam_energy)
    relative = np.minimum(np.abs(frequency) / cutoff, 1)
    return 2 / np.pi * (np.arccos(relative) - relative * np.sqrt(1 - relative**2))
