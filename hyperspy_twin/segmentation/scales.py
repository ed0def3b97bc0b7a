"""How much to smooth an image before its edges are sought, read from its spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numba import njit

_RINGS_PER_OCTAVE = 8
# Mean of ln(x) for x chi-squared with one degree of freedom: a cosine coefficient of noise.
_MEAN_LOG_CHI_SQUARED = -1.2703628


@dataclass(frozen=True)
class RadialSpectrum:
    """Power of an image on rings of equal spatial frequency, eight to the octave.

    Attributes
    ----------
    frequency : numpy.ndarray
        Inner radius of each ring in cycles per pixel.
    count : numpy.ndarray
        Number of cosine coefficients on each ring.
    mean : numpy.ndarray
        Mean power; white noise of standard deviation n has n^2.
    floor : numpy.ndarray
        Power of the noise alone, from the mean logarithm, which the few coefficients of a lattice
        or of a straight edge hardly move.
    """

    frequency: np.ndarray
    count: np.ndarray
    mean: np.ndarray
    floor: np.ndarray


def cosine_spectrum(image: np.ndarray) -> np.ndarray:
    """Orthonormal cosine transform (type II), float32: no false edge where the image ends."""
    return scipy.fft.dctn(image, type=2, norm="ortho", workers=-1)


def resample(spectrum: np.ndarray, shape: tuple[int, ...], smoothing: float) -> np.ndarray:
    """Gaussian-smoothed image on a coarser grid that covers the same field.

    Parameters
    ----------
    spectrum : numpy.ndarray
        Cosine spectrum of the image, shape (rows, columns).
    shape : tuple of int
        Size of the result; frequencies that it cannot hold are cut off.
    smoothing : float
        Standard deviation of the Gaussian in pixels of the image.
    """
    rows, columns = spectrum.shape
    falloff = -2 * (np.pi * smoothing) ** 2
    vertical = np.exp(falloff * (np.arange(shape[0]) / (2 * rows)) ** 2)
    horizontal = np.exp(falloff * (np.arange(shape[1]) / (2 * columns)) ** 2)
    kept = spectrum[: shape[0], : shape[1]] * np.outer(vertical, horizontal).astype(np.float32)
    kept *= np.sqrt(shape[0] * shape[1] / (rows * columns))
    return scipy.fft.idctn(kept, type=2, norm="ortho", workers=-1, overwrite_x=True)


def refine(coarse: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Band-limited interpolation of a coarse image to a finer grid over the same field."""
    spectrum = scipy.fft.dctn(coarse, type=2, norm="ortho", workers=-1)
    padded = np.zeros(shape, np.float32)
    padded[: coarse.shape[0], : coarse.shape[1]] = spectrum
    padded *= np.sqrt(shape[0] * shape[1] / coarse.size)
    return scipy.fft.idctn(padded, type=2, norm="ortho", workers=-1, overwrite_x=True)


def sample(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Value of the nearest pixel on another grid over the same field."""
    rows, columns = (
        np.minimum(((np.arange(n) + 0.5) * m / n).astype(int), m - 1)
        for n, m in zip(shape, values.shape, strict=True)
    )
    return values[np.ix_(rows, columns)]


def radial_spectrum(spectrum: np.ndarray) -> RadialSpectrum:
    """Ring statistics of a cosine spectrum up to half a cycle per pixel."""
    lowest = 1.0 / (2 * max(spectrum.shape))
    rings = int(np.ceil(_RINGS_PER_OCTAVE * np.log2(0.5 / lowest)))
    count, power, logarithm = _ring_sums(spectrum, lowest, rings, _RINGS_PER_OCTAVE)
    filled = count > 0
    count, power, logarithm = count[filled], power[filled], logarithm[filled]
    frequency = lowest * 2 ** (np.arange(rings)[filled] / _RINGS_PER_OCTAVE)
    floor = np.exp(logarithm / count - _MEAN_LOG_CHI_SQUARED)
    return RadialSpectrum(frequency, count, power / count, floor)


@njit(cache=True, nogil=True)
def _ring_sums(
    spectrum: np.ndarray, lowest: float, rings: int, per_octave: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows, columns = spectrum.shape
    count = np.zeros(rings, np.int64)
    power = np.zeros(rings)
    logarithm = np.zeros(rings)
    for row in range(rows):
        vertical = (row / (2.0 * rows)) ** 2
        for column in range(columns):
            squared = vertical + (column / (2.0 * columns)) ** 2
            if squared >= 0.25 or squared == 0.0:
                continue
            ring = int(np.floor(per_octave * 0.5 * np.log2(squared / lowest**2) + 1e-9))
            value = max(spectrum[row, column] ** 2, 1e-300)
            count[ring] += 1
            power[ring] += value
            logarithm[ring] += np.log(value)
    return count, power, logarithm


def lattice_period(rings: RadialSpectrum, size: int) -> float | None:
    """Longest period of a lattice or texture in pixels, None where there is none.

    The power of steps between regions only falls with frequency and that of white noise is flat:
    a ring that holds three times the power of the octave below it shows a period of its own. At
    least ten periods must fit into the longer side.
    """
    # A ring below 2 % of a finer one is only the foot of that one.
    energy = rings.mean * rings.count
    beyond = np.maximum.accumulate(energy[::-1])[::-1]
    strong = (energy > 0.02 * beyond) & (rings.count >= 50)
    for k in np.flatnonzero((rings.frequency >= 10.0 / size) & strong):
        below = (rings.frequency >= rings.frequency[k] / 2) & (
            rings.frequency < rings.frequency[k] / 1.2
        )
        if below.any() and rings.mean[k] > 3.0 * rings.mean[below].max():
            return float(1.0 / rings.frequency[k])
    return None


def choose_smoothing(spectrum: np.ndarray) -> float:
    """Choose the smoothing, in pixels, that leaves regions and removes lattice and noise.

    The largest of three lengths: 0.7 periods of the lattice (its contrast falls to 6e-5), the
    length at which the noise falls to a tenth of the contrast between large areas (Elder & Zucker
    1998 call it the minimum reliable scale), and 1.5 pixels or 1/400 of the image. Noise alone
    never asks for more than 1/40 of the image.

    Parameters
    ----------
    spectrum : numpy.ndarray
        Cosine spectrum of the image.

    References
    ----------
    Elder & Zucker, IEEE Trans. Pattern Anal. Mach. Intell. 20 (1998) 699.
    """
    rings, shape = radial_spectrum(spectrum), spectrum.shape
    size = float(np.sqrt(shape[0] * shape[1]))
    least = max(1.5, size / 400)
    period = lattice_period(rings, max(shape))
    from_lattice = 0.7 * period if period else 0.0
    broad = max(min(shape) / 64, least, 1.5 * from_lattice)
    small = tuple(max(int(np.ceil(n / max(0.6 * broad, 1))), 1) for n in shape)
    low, high = np.quantile(resample(spectrum, small, broad), [0.01, 0.99])
    noise = np.sqrt(np.median(rings.floor[rings.frequency > 0.1]) / (4 * np.pi))
    contrast = np.sqrt(max((high - low) ** 2 / 4 - (2.3 * noise / broad) ** 2, 0.0))
    from_noise = min(noise / (0.1 * contrast), size / 40) if contrast > 0 else least
    return float(min(max(least, from_lattice, from_noise), min(shape) / 8))
