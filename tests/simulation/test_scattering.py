from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import j0, j1

from hyperspy_twin.simulation.probe import Microscope, electron_wavelength, probe_transfer
from hyperspy_twin.simulation.scattering import (
    BOHR_RADIUS,
    atom_image_width,
    detector_cross_section,
)


@pytest.mark.parametrize(
    ("energy", "expected"), [(80, 4.1757e-3), (200, 2.5079e-3), (300, 1.9687e-3)]
)
def test_wavelength_is_the_tabulated_one(energy, expected):
    assert electron_wavelength(energy) == pytest.approx(expected, rel=1e-4)


def test_cross_section_is_the_integral_of_the_screened_rutherford_law():
    microscope = Microscope(detector=(50, 150))
    wave_number = 2 * np.pi / electron_wavelength(200)
    lorentz = 1 + 200 / 510.99895

    def ring(angle):
        transfer = 2 * wave_number * np.sin(angle / 2)
        screening = 32 ** (1 / 3) / BOHR_RADIUS
        amplitude = 2 * 32 * lorentz / BOHR_RADIUS / (transfer**2 + screening**2)
        return amplitude**2 * 2 * np.pi * np.sin(angle)

    assert detector_cross_section(32, microscope) == pytest.approx(quad(ring, 0.05, 0.15)[0])


def test_contrast_grows_with_a_power_of_the_atomic_number_just_below_two():
    light, heavy = (detector_cross_section(z, Microscope()) for z in (14, 32))
    assert 1.6 < np.log(heavy / light) / np.log(32 / 14) < 2.0


def test_probe_transfer_is_the_transform_of_the_airy_pattern():
    microscope = Microscope()
    aperture = microscope.convergence * 1e-3 / electron_wavelength(200)
    frequency = 7.0
    radius = np.linspace(1e-6, 20, 400_001)
    airy = (j1(2 * np.pi * aperture * radius) / radius) ** 2 / np.pi
    transform = np.trapezoid(airy * j0(2 * np.pi * frequency * radius) * 2 * np.pi * radius, radius)
    assert probe_transfer(np.array(frequency), microscope) == pytest.approx(transform, abs=1e-3)
    ends = np.array([0.0, 2 * aperture, 30.0])
    assert probe_transfer(ends, microscope) == pytest.approx([1, 0, 0])


def test_width_joins_vibration_and_source():
    assert atom_image_width(14, Microscope(source=0.0057)) == pytest.approx(0.0095)
    with pytest.raises(KeyError):
        atom_image_width(92, Microscope())
