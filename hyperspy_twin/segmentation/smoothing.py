"""Lattice and noise in the spectrum of an image, and how much to smooth it before edges are sought.

Factors without another reason are set on the tuning half of benchmarks/segmentation.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from hyperspy_twin.core import kernel
from hyperspy_twin.segmentation.resampling import cosine_spectrum, resample, working_shape

# Area, in squared smoothing lengths, that holds one independent value of smoothed white noise: the
# variance of the noise falls by 1 / (4 pi sigma^2).
INDEPENDENT_AREA = 4 * np.pi
# Smallest region, as the edge of a square, in smoothing lengths.
_SMALLEST_REGION = 4.5
# Thinnest region in smoothing lengths.
THINNEST = 2.4

_RINGS_PER_OCTAVE = 8
# Mean of ln(x) for x chi-squared with one degree of freedom, a squared cosine coefficient of noise:
# -(Euler's constant + ln 2).
_MEAN_LOG_CHI_SQUARED = -1.2703628
# Cycles per pixel from which on the spectrum tells the noise: edges hold little power there.
_NOISE_FREQUENCY = 0.1

# A lattice has at least this many periods in the longer side of the image.
_FEWEST_PERIODS = 10.0
# Coefficients that a ring needs before its mean power counts.
_FEWEST_COEFFICIENTS = 50
# Energy of a ring, as a fraction of that of a finer one, below which it is the foot of the latter.
_FOOT = 0.02
# Mean power of a ring of a lattice over that of any ring of the octave below it.
_LATTICE_RISE = 3.0
# Width of the rise itself, as a ratio of frequencies, that is no part of that octave.
_RISE_WIDTH = 1.2
# Reciprocal periods from which on the lattice is suppressed: all of its reflections.
_SUPPRESSED_FROM = 0.7
# What is left of a coefficient of the lattice, in standard deviations of the noise.
_SUPPRESSED_TO = 3
# Steps in which the limit of the coefficients is tabulated over the frequency.
_LIMIT_STEPS = 1024

# Smoothing that a lattice asks for, in periods: a fifth of what its suppression leaves stays,
# exp(-2 (0.4 pi)^2) = 0.04 of a wave at the full frequency and 0.2 of one at 0.7 of it.
LATTICE_SMOOTHING = 0.4
# Least smoothing in pixels.
_MIN_SMOOTHING = 1.5
# Image sides in units of the least smoothing.
_FINEST = 400
# Image sides in units of the largest smoothing that noise alone asks for.
_COARSEST = 40
# Shorter sides of the image in units of the largest smoothing of all.
_LARGEST = 8
# Shorter sides in units of the smoothing at which the contrast of large areas is measured.
_BROAD = 64
# The same smoothing in units of the one that the lattice asks for.
_BROAD_OF_LATTICE = 2.5
# Noise that is let pass, as a fraction of the contrast between regions.
_NOISE_LEFT = 0.1
# Fraction of the image that shows the contrast between large areas.
_LARGE_AREA = 0.01
# Half the fraction of a layer across the image, in smoothing lengths over image sides.
_LAYER = 1.0
# Ratio of two scales at which the contrast is measured.
_STEP_DOWN = float(np.sqrt(2))


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

    @property
    def noise_power(self) -> float:
        """Power of white noise: the variance of one pixel."""
        return float(np.median(self.floor[self.frequency > _NOISE_FREQUENCY]))


@dataclass(frozen=True)
class LatticeFreeSpectrum:
    """Cosine spectrum of an image without its lattice.

    Attributes
    ----------
    spectrum : numpy.ndarray
        Coefficients, shape of the image.
    rings : RadialSpectrum
        Of the image with its lattice.
    period : float or None
        Longest period of the lattice in pixels; None where there was none.
    """

    spectrum: np.ndarray
    rings: RadialSpectrum
    period: float | None


def remove_lattice(image: np.ndarray) -> LatticeFreeSpectrum:
    """Find the lattice of an image about zero, shape (rows, columns), and take it off."""
    spectrum = cosine_spectrum(image)
    rings = radial_spectrum(spectrum)
    period = lattice_period(rings, max(image.shape))
    if period is not None:
        spectrum = suppress_lattice(spectrum, rings, period)
    return LatticeFreeSpectrum(spectrum, rings, period)


def minimum_area(smoothing: float, area: float | None) -> float:
    """Smallest area of a region in pixels: the one that was asked for, or from the smoothing."""
    return (_SMALLEST_REGION * smoothing) ** 2 if area is None else area


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


@kernel
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
    energy = rings.mean * rings.count
    beyond = np.maximum.accumulate(energy[::-1])[::-1]
    strong = (energy > _FOOT * beyond) & (rings.count >= _FEWEST_COEFFICIENTS)
    for k in np.flatnonzero((rings.frequency >= _FEWEST_PERIODS / size) & strong):
        below = (rings.frequency >= rings.frequency[k] / 2) & (
            rings.frequency < rings.frequency[k] / _RISE_WIDTH
        )
        if below.any() and rings.mean[k] > _LATTICE_RISE * rings.mean[below].max():
            return float(1.0 / rings.frequency[k])
    return None


def suppress_lattice(spectrum: np.ndarray, rings: RadialSpectrum, period: float) -> np.ndarray:
    """Cosine spectrum without the coefficients that a lattice lifts out of the noise.

    From 0.7 reciprocal periods (of the longest period, in pixels) on, no coefficient may exceed
    three times the noise of its ring. That takes off all lattices of all orientations and leaves
    the steps between regions, whose power is spread, so that far less smoothing has to remove what
    is left of the columns.
    """
    rows, columns = spectrum.shape
    middle = rings.frequency * 2 ** (0.5 / _RINGS_PER_OCTAVE)
    grid = np.linspace(0, 0.5 * np.sqrt(2), _LIMIT_STEPS)
    limit = _SUPPRESSED_TO * np.sqrt(np.interp(grid, middle, rings.floor)).astype(np.float32)
    limit[grid < _SUPPRESSED_FROM / period] = np.inf
    radius = np.hypot(
        np.arange(rows, dtype=np.float32)[:, None] / (2 * rows),
        np.arange(columns, dtype=np.float32) / (2 * columns),
    )
    limit = limit[(radius * ((_LIMIT_STEPS - 1) / (0.5 * np.sqrt(2)))).astype(np.int32)]
    return np.clip(spectrum, -limit, limit)


def choose_smoothing(flat: LatticeFreeSpectrum) -> float:
    """Choose the smoothing, in pixels, that leaves regions and removes lattice and noise.

    The largest of three lengths: 0.4 periods of the lattice (`suppress_lattice` leaves little of
    it, and this a fifth of that), the length at which the noise falls to a tenth of the contrast
    between regions (Elder & Zucker 1998 call it the minimum reliable scale), and 1.5 pixels or
    1/400 of the image. Noise alone never asks for more than 1/40 of the image.

    A thin layer loses contrast where it is smoothed to more than its thickness. The contrast is
    therefore measured first between large areas, then at finer and finer scales for as long as it
    still stands out ten times from the noise there.

    References
    ----------
    Elder & Zucker, IEEE Trans. Pattern Anal. Mach. Intell. 20 (1998) 699.
    """
    spectrum, shape = flat.spectrum, flat.spectrum.shape
    size = float(np.sqrt(shape[0] * shape[1]))
    from_lattice = LATTICE_SMOOTHING * flat.period if flat.period else 0.0
    of_image = size / _FINEST
    minimum = max(_MIN_SMOOTHING, of_image, from_lattice)
    noise = float(np.sqrt(flat.rings.noise_power / INDEPENDENT_AREA))
    broad = max(min(shape) / _BROAD, of_image, _BROAD_OF_LATTICE * from_lattice)
    needed = _needed_smoothing(spectrum, noise, broad)
    smoothing = max(min(needed, size / _COARSEST), minimum)
    while smoothing > _STEP_DOWN * minimum:
        finer = smoothing / _STEP_DOWN
        needed = _needed_smoothing(spectrum, noise, finer)
        smoothing = max(min(smoothing, needed), finer)
        if needed > finer:
            break
    return float(min(smoothing, min(shape) / _LARGEST))


def _needed_smoothing(spectrum: np.ndarray, noise: float, smoothing: float) -> float:
    """Smoothing at which the noise falls to a tenth of the contrast that is seen at a smoothing."""
    size = float(np.sqrt(spectrum.size))
    shape = working_shape(spectrum.shape, smoothing)
    fraction = min(_LARGE_AREA, _LAYER * smoothing / size)
    low, high = np.quantile(resample(spectrum, shape, smoothing), [fraction, 1 - fraction])
    of_noise = float(ndtri(1 - fraction)) * noise / smoothing
    contrast = np.sqrt(max((high - low) ** 2 / 4 - of_noise**2, 0.0))
    return noise / (_NOISE_LEFT * contrast) if contrast > 0 else np.inf
