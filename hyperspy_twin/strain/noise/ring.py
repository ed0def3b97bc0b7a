"""Fourier coefficients in a ring around the reflections, where there is nothing but noise."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.strain.lattice_waves import LatticeWaves
from hyperspy_twin.strain.vectors import separation

# Radius of the ring around the peak in standard deviations of the Gaussian mask, inside: the peak
# itself lies within, also one that strain has moved or broadened.
INNER = 3.0
# The same outside: the ring then holds three times the area that it leaves out.
OUTER = 6.0
# The same where another reflection is near: enough for a ring, and never less.
NARROW = 4.5
# The main lobe of a squared sine of length L reaches to this over L.
LOBE = 2.0
# Half a width of the streak of scan lines through the spectrum of a squared sine of length L, over
# L: what lies farther from its middle is below 3 % of its power.
STREAK = 1.5
# Fraction of the ring that has to lie beside the streak of scan lines to count without it.
BESIDE_STREAK = 0.5
# Power above this many medians belongs to another reflection or a streak: noise alone exceeds it
# once in 256 coefficients.
OUTLIER = 8.0
# Mean power of noise below that limit over its mean: 1 - t / (exp(t) - 1) with t = 8 ln 2.
KEPT_POWER = 1.0 - OUTLIER * np.log(2.0) / (2.0**OUTLIER - 1.0)


def find_ring(region: LatticeWaves) -> np.ndarray:
    """Coefficients of the half spectrum of the nodes that lie in the ring, beside the streak."""
    rows, columns = region.coarse.reduced
    step_x, step_y = (1.0 / (size * step) for size, step in padded_lengths(region))
    along = (np.arange(columns // 2 + 1) * step_x)[None, :]
    distance = np.hypot(along, (np.fft.fftfreq(rows) * rows * step_y)[:, None])
    inner, outer = ring_radii(region)
    ring = (distance >= inner) & (distance <= outer)
    beside = ring & (along > STREAK / (region.coarse.shape[1] * region.coarse.scale[0]))
    enough = np.count_nonzero(beside) >= BESIDE_STREAK * np.count_nonzero(ring)
    return beside if enough else ring


def ring_frequencies(region: LatticeWaves, ring: np.ndarray) -> np.ndarray:
    """Frequencies (x, y) of the coefficients of the ring, shape (2, n)."""
    step_x, step_y = (1.0 / (size * step) for size, step in padded_lengths(region))
    rows, columns = region.coarse.reduced
    y, x = np.fft.fftfreq(rows) * rows * step_y, np.arange(columns // 2 + 1) * step_x
    return np.array(
        [np.broadcast_to(x, ring.shape)[ring], np.broadcast_to(y[:, None], ring.shape)[ring]]
    )


def ring_radii(region: LatticeWaves) -> tuple[float, float]:
    """Inner and outer radius of the ring, which stays clear of the other reflections."""
    coarse = region.coarse
    width = 1.0 / (2.0 * np.pi * coarse.resolution)
    carriers = np.array([wave.carrier for wave in region.waves])
    lobe = LOBE / min(
        size * step for size, step in zip(coarse.shape, coarse.scale[::-1], strict=True)
    )
    outer = min(OUTER * width, separation(carriers, coarse.scale) - lobe)
    return INNER * width, max(outer, NARROW * width)


def padded_lengths(region: LatticeWaves) -> tuple[tuple[int, float], tuple[int, float]]:
    """Give number and distance of the padded pixels along x, and along y."""
    coarse = region.coarse
    return (coarse.padded[1], coarse.scale[0]), (coarse.padded[0], coarse.scale[1])


def node_area(region: LatticeWaves) -> float:
    """Area of the image that one node stands for."""
    (columns, step_x), (rows, step_y) = padded_lengths(region)
    return columns * step_x * rows * step_y / float(np.prod(region.coarse.reduced))


def are_ordinary(coefficients: np.ndarray) -> np.ndarray:
    """Which coefficients are of ordinary power in all waves, shape (n,)."""
    power = np.abs(coefficients) ** 2
    return (power <= OUTLIER * np.median(power, axis=1, keepdims=True)).all(axis=0)


def mean_product(ordinary: np.ndarray) -> np.ndarray:
    """Covariance of coefficients of which those of extraordinary power were left out."""
    product = (ordinary @ ordinary.conj().T).real.astype(float)
    return product / (KEPT_POWER * ordinary.shape[1])
