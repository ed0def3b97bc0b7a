"""Spectrum images of a layer: its composition, and the counts of an energy-loss spectrometer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve
from scipy.special import ndtr

# Of silicon: eV, C.R. Stolz et al.; R.F. Egerton, Electron Energy-Loss Spectroscopy (2011), table
# 3.2.
PLASMON = 16.7
PLASMON_WIDTH = 3.7
# eV: half width of the zero-loss peak of a thermal emitter behind a spectrometer of 2 eV channels.
ZERO_LOSS_WIDTH = 1.0
LOW_LOSS = (-10.0, 160.0)  # eV, reaches nine plasmons
# Waves of the texture: enough that no direction stands out.
WAVES = 60
SUBPIXELS = 5  # along each axis of a pixel of the map, for its mean
ANGSTROM2_PER_BARN = 1e-8


@dataclass(frozen=True)
class Well:
    """Germanium in a layer between two others, with a texture.

    Attributes
    ----------
    barrier, well
        Atomic fractions of germanium.
    thickness
        Of the layer in nm; it lies about y = 0, along x.
    interface
        Standard deviation of the error function of the interfaces in nm.
    texture
        Standard deviation of a smooth random field that is added to the fraction.
    texture_length
        Shortest wavelength of the texture in nm.
    seed
        Of the texture.
    """

    barrier: float = 0.2
    well: float = 0.8
    thickness: float = 30.0
    interface: float = 0.5
    texture: float = 0.0
    texture_length: float = 15.0
    seed: int = 0

    def germanium(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Fraction of germanium at positions in nm, in the shape of x."""
        edge = self.thickness / 2
        inside = ndtr((y + edge) / self.interface) - ndtr((y - edge) / self.interface)
        fraction = self.barrier + (self.well - self.barrier) * inside
        if not self.texture:
            return fraction
        generator = np.random.default_rng(self.seed)
        length = self.texture_length * generator.uniform(1.0, 4.0, WAVES)
        angle, phase = generator.uniform(0.0, 2 * np.pi, (2, WAVES))
        field = np.zeros(np.shape(x))
        for wave, turn, start in zip(2 * np.pi / length, angle, phase, strict=True):
            field += np.cos(wave * (np.cos(turn) * x + np.sin(turn) * y) + start)
        return fraction + self.texture * np.sqrt(2 / WAVES) * field


def scan_positions(
    shape: tuple[int, int], pixel_size: float, rotation: float = 0.0, subpixels: int = SUBPIXELS
) -> np.ndarray:
    """Positions (x, y) in nm within each pixel of a map about the origin.

    Parameters
    ----------
    shape
        Rows and columns.
    pixel_size
        In nm.
    rotation
        Of the rows, in degrees, counter-clockwise as seen on the screen.
    subpixels
        Positions along each axis of a pixel.

    Returns
    -------
    numpy.ndarray
        Shape (2, rows, columns, subpixels squared).
    """
    inside = (np.arange(subpixels) + 0.5) / subpixels - 0.5
    rows, columns = (np.arange(size) - (size - 1) / 2 for size in shape)
    y = rows[:, None, None, None] + inside[:, None]
    x = columns[None, :, None, None] + inside
    x, y = (np.broadcast_to(one, (*shape, subpixels, subpixels)) for one in (x, y))
    turn = np.deg2rad(rotation)
    # y points down, so that counter-clockwise on the screen is from x towards -y.
    turned = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    return pixel_size * np.stack(turned).reshape(2, *shape, -1)


def low_loss_distribution(thickness: float, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Energies in eV and probabilities of the losses to plasmons.

    Parameters
    ----------
    thickness
        Of the specimen in inelastic mean free paths: the mean number of plasmons of an electron.
    step
        Width of a channel in eV.

    References
    ----------
    R.F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, Springer (2011),
    sections 3.3.1 and 3.4.
    """
    first, last = (int(round(one / step)) for one in LOW_LOSS)
    energies = step * np.arange(first, last + 1)
    zero = np.exp(-((energies / ZERO_LOSS_WIDTH) ** 2) / 2)
    loss = np.where(energies > 0, energies, 0.0)
    single = loss * PLASMON_WIDTH / ((loss**2 - PLASMON**2) ** 2 + (loss * PLASMON_WIDTH) ** 2)
    single /= single.sum()
    distribution = total = zero / zero.sum()
    for number in range(1, 30):
        distribution = fftconvolve(distribution, single)[-first : -first + len(energies)]
        distribution = distribution * thickness / number
        total = total + distribution
    return energies, np.maximum(total, 0.0) * np.exp(-thickness)


def spectra_of(fractions: np.ndarray, atoms: float, sections: np.ndarray) -> np.ndarray:
    """Probability that an electron is counted in each channel, shape (..., channels).

    Parameters
    ----------
    fractions
        Of the elements, shape (elements, ...).
    atoms
        Atoms per square Angstrom along the beam.
    sections
        Cross-section of each element into each channel in barn, shape (elements, channels).
    """
    return atoms * ANGSTROM2_PER_BARN * np.einsum("k...,ke->...e", fractions, sections)
