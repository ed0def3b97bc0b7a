"""Energies of vibrations in meV, from force constants in eV/Å² and masses in atomic mass units."""

from __future__ import annotations

import math

from scipy import constants

MILLI_ELECTRON_VOLT = 1e-3 * constants.e  # J
# (hbar omega)² in meV² for a force constant of 1 eV/Å² and a mass of 1 u.
SQUARED_ENERGY = constants.hbar**2 * constants.e / 1e-20 / constants.u / MILLI_ELECTRON_VOLT**2
# hbar² / u in Å² meV.
DISPLACEMENT = constants.hbar**2 / constants.u / MILLI_ELECTRON_VOLT * 1e20
BOLTZMANN = constants.k / MILLI_ELECTRON_VOLT  # meV/K
# m/s for a slope of 1 meV Å of an energy by its wave vector.
SPEED = MILLI_ELECTRON_VOLT * 1e-10 / constants.hbar
# Full width at half maximum of a Gaussian in standard deviations.
FULL_WIDTH = 2 * math.sqrt(2 * math.log(2))
