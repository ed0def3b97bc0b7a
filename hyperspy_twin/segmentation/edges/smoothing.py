"""How much to smooth an image before its edges are sought, read from its spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numba import njit
from scipy import ndimage
from scipy.special import ndtri

_RINGS_PER_OCTAVE = 8
# Mean of ln(x) for x chi-squared with one degree of freedom: a cosine coefficient of noise.
_MEAN_LOG_CHI_SQUARED = -1.2703628
# Share of the image that shows the contrast between large areas; half the share of a layer across
# the image, in smoothing lengths over image sides.
_LARGE_AREA = 0.01
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


def continued(
    working: np.ndarray, certain: np.ndarray, own: np.ndarray, factor: int, smoothing: float
) -> tuple[np.ndarray, np.ndarray]:
    """Smooth one region further from its certain pixels alone, and carry it on beyond its border.

    Parameters
    ----------
    working : numpy.ndarray
        Image, shape (rows, columns).
    certain, own : numpy.ndarray
        Pixels whose brightness counts, and all pixels of the region, bool.
    factor : int
        Pixels that become one.
    smoothing : float
        Standard deviation of the Gaussian in pixels of ``working``.

    Returns
    -------
    value : numpy.ndarray
        Smoothed image on a grid coarser by the factor, float32.
    inside : numpy.ndarray
        The region on that grid, bool.

    References
    ----------
    Knutsson & Westin, Proc. IEEE CVPR (1993) 515 (normalised convolution).
    """
    sigma = _left_over(factor, smoothing)
    mean = working[certain].mean()
    weight = _blocks(certain.astype(np.float32), factor)
    total = _blocks(np.where(certain, working - mean, 0).astype(np.float32), factor)
    weight, total = (
        ndimage.gaussian_filter(array, sigma, mode="constant") for array in (weight, total)
    )
    # Far from all certain pixels the mean of the region stands in.
    value = mean + total / np.maximum(weight, np.float32(1e-4))
    return value, _blocks(own.astype(np.float32), factor) >= 0.5


def coarser(working: np.ndarray, factor: int, smoothing: float) -> np.ndarray:
    """Image smoothed further on a grid coarser by the factor; what `continued` has, unmasked."""
    padding = [(0, -n % factor) for n in working.shape]
    padded = np.pad(working, padding, mode="edge")
    return ndimage.gaussian_filter(
        _blocks(padded, factor), _left_over(factor, smoothing), mode="nearest"
    )


def _left_over(factor: int, smoothing: float) -> float:
    """Smoothing in blocks that remains to be done after the mean over blocks."""
    return float(np.sqrt(max(smoothing**2 / factor**2 - (1 - 1 / factor**2) / 12, 0.0)))


def _blocks(values: np.ndarray, factor: int) -> np.ndarray:
    """Mean over blocks of factor x factor pixels; the last ones are filled with zero."""
    rows, columns = (-(-n // factor) for n in values.shape)
    padding = [(0, m * factor - n) for n, m in zip(values.shape, (rows, columns), strict=True)]
    padded = np.pad(values, padding)
    return padded.reshape(rows, factor, columns, factor).mean(axis=(1, 3))


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


def suppress_lattice(spectrum: np.ndarray, rings: RadialSpectrum, period: float) -> np.ndarray:
    """Spectrum without the coefficients that a lattice lifts out of the noise.

    From 0.7 reciprocal periods on, no coefficient may exceed three times the noise of its ring.
    That takes off all lattices of all orientations and leaves the steps between regions, whose
    power is spread, so that far less smoothing has to remove what is left of the columns.

    Parameters
    ----------
    spectrum : numpy.ndarray
        Cosine spectrum of the image.
    rings : RadialSpectrum
        Its ring statistics.
    period : float
        Longest period of the lattice in pixels.
    """
    rows, columns = spectrum.shape
    middle = rings.frequency * 2 ** (0.5 / _RINGS_PER_OCTAVE)
    grid = np.linspace(0, 0.5 * np.sqrt(2), 1024)
    limit = 3 * np.sqrt(np.interp(grid, middle, rings.floor)).astype(np.float32)
    limit[grid < 0.7 / period] = np.inf
    radius = np.hypot(
        np.arange(rows, dtype=np.float32)[:, None] / (2 * rows),
        np.arange(columns, dtype=np.float32) / (2 * columns),
    )
    limit = limit[(radius * (1023 / (0.5 * np.sqrt(2)))).astype(np.int32)]
    return np.clip(spectrum, -limit, limit)


def choose_smoothing(spectrum: np.ndarray, rings: RadialSpectrum, period: float | None) -> float:
    """Choose the smoothing, in pixels, that leaves regions and removes lattice and noise.

    The largest of three lengths: 0.4 periods of the lattice (`suppress_lattice` leaves little of
    it, and this a fifth of that), the length at which the noise falls to a tenth of the contrast
    between regions (Elder & Zucker 1998 call it the minimum reliable scale), and 1.5 pixels or
    1/400 of the image. Noise alone never asks for more than 1/40 of the image.

    A thin layer loses contrast where it is smoothed to more than its thickness. The contrast is
    therefore measured first between large areas, then at finer and finer scales for as long as it
    still stands out ten times from the noise there.

    Parameters
    ----------
    spectrum : numpy.ndarray
        Cosine spectrum of the image, its lattice suppressed.
    rings : RadialSpectrum
        Ring statistics of the image.
    period : float, optional
        Longest lattice period in pixels, None where there is no lattice.

    References
    ----------
    Elder & Zucker, IEEE Trans. Pattern Anal. Mach. Intell. 20 (1998) 699.
    """
    shape = spectrum.shape
    size = float(np.sqrt(shape[0] * shape[1]))
    from_lattice = 0.4 * period if period else 0.0
    least = max(1.5, size / 400, from_lattice)
    noise = float(np.sqrt(np.median(rings.floor[rings.frequency > 0.1]) / (4 * np.pi)))
    broad = max(min(shape) / 64, size / 400, 2.5 * from_lattice)
    smoothing = max(min(_needed(spectrum, noise, broad), size / 40), least)
    while smoothing > _STEP_DOWN * least:
        finer = smoothing / _STEP_DOWN
        needed = _needed(spectrum, noise, finer)
        smoothing = max(min(smoothing, needed), finer)
        if needed > finer:
            break
    return float(min(smoothing, min(shape) / 8))


def _needed(spectrum: np.ndarray, noise: float, smoothing: float) -> float:
    """Smoothing at which the noise falls to a tenth of the contrast that is seen at a smoothing."""
    size = float(np.sqrt(spectrum.size))
    shape = tuple(max(int(np.ceil(n / max(0.6 * smoothing, 1))), 1) for n in spectrum.shape)
    share = min(_LARGE_AREA, _LAYER * smoothing / size)
    low, high = np.quantile(resample(spectrum, shape, smoothing), [share, 1 - share])
    of_noise = float(ndtri(1 - share)) * noise / smoothing
    contrast = np.sqrt(max((high - low) ** 2 / 4 - of_noise**2, 0.0))
    return noise / (0.1 * contrast) if contrast > 0 else np.inf
