"""How one atom scatters into the annular detector."""

from __future__ import annotations

import numpy as np
from scipy import constants

from hyperspy_twin.simulation.probe import REST_ENERGY, Microscope, electron_wavelength

# nm.
BOHR_RADIUS = constants.value("Bohr radius") * 1e9

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


def detector_cross_section(number: int, microscope: Microscope) -> float:
    """Integrate the elastic cross-section of one atom over the annular detector, in nm².

    First Born approximation with the exponentially screened (Wentzel) potential of radius
    ``a0 / Z**(1/3)`` chosen by Lenz, integrated in closed form between the detector's angles.

    References
    ----------
    F. Lenz, Z. Naturforsch. A 9 (1954) 185.
    L. Reimer, H. Kohl, Transmission Electron Microscopy, Springer (2008), chapter 5.
    """
    wave_number = 2 * np.pi / electron_wavelength(microscope.beam_energy)
    lorentz = 1 + microscope.beam_energy / REST_ENERGY
    inner, outer = 2 * wave_number * np.sin(np.array(microscope.detector) * 1e-3 / 2)
    screening = number ** (1 / 3) / BOHR_RADIUS
    strength = 4 * np.pi * (number * lorentz / (BOHR_RADIUS * wave_number)) ** 2
    return float(strength * (1 / (inner**2 + screening**2) - 1 / (outer**2 + screening**2)))


def atom_image_width(number: int, microscope: Microscope) -> float:
    """Combine vibration and source size into the root-mean-square width of an atom's image, in nm.

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
