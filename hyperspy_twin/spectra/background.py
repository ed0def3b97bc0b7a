"""Noise model of a power spectrum: a radial mean, and the streaks of scanning."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hyperspy_twin.core import Grid, kernel
from hyperspy_twin.spectra.ring_sums import CROSS, VARIANCE_OF_LOGARITHM, find_ellipse

# Power of circular Gaussian noise is exponential: its logarithm averages to
# ln(mean) - EULER_GAMMA, and its median is mean * ln 2.
MEDIAN_OF_EXPONENTIAL = float(np.log(2.0))
# Radii in bins of the ring around a frequency in which its noise is judged: outside the lobes of a
# peak there, and wide enough for a median. This and the constants below without another reason are
# set on the tuning half of benchmarks/spots.py.
RING_INNER = 5
RING_OUTER = 10
# Distances in bins along the lines in which streaks are judged.
LINE_INNER = 4
LINE_OUTER = 24
# Estimates of the noise, the later ones without what stands out.
PASSES = 3
# Multiple of the noise from which power is taken to be a peak.
PEAK = 6.0
# Pixels that give a mean within a few per cent: 1.28 / sqrt(800) for the logarithm of noise.
ENOUGH = 800
# Pixels that a window correlates, for each independent one.
CORRELATED = 4.0
# Standard errors from which a ring is brighter than those around it.
CLEAR = 1.0
# Variance of the logarithm beyond that of noise from which a transfer function swings in a ring.
SWINGING = 0.4
# Standard errors of that variance that chance explains.
UNSURE = 1.0
# The logarithm of sin^2 has the variance pi^2 / 3 and lies ln 4 below that of its maximum.
SWING = float(np.log(4) / (np.pi**2 / 3))
# A line this much above its surroundings is a streak, not chance.
STREAK = 2.0
# The same on the cross through zero frequency that rows and columns of a scan make which are
# brighter than others.
STREAK_ON_CROSS = 1.2


def estimate_radial_background(power: np.ndarray, grid: Grid) -> np.ndarray:
    """Estimate the noise power at every frequency from the logarithmic mean over rings.

    The rings are ellipses where an astigmatic transfer function makes them so. Pixels far above
    the mean hold Bragg peaks and are left out of a second pass.

    Parameters
    ----------
    power
        Half-plane power spectrum of an image on ``grid``, shape (rows, columns // 2 + 1).
    grid
        Grid of the image.

    Returns
    -------
    numpy.ndarray
        float32, shape of ``power``.
    """
    step = 1.0 / min(grid.extent)
    along_y = (grid.frequency_y / step).astype(np.float32)
    along_x = (np.fft.rfftfreq(grid.shape[1], grid.scale[0]) / step).astype(np.float32)
    ellipse = find_ellipse(power, grid)
    form = np.array([1 - 2 * ellipse[0], 1 + 2 * ellipse[0], -4 * ellipse[1]], np.float32)
    widest = np.sqrt(1 + 2 * np.hypot(*ellipse))
    rings = int(widest * np.hypot(np.abs(along_y).max(), along_x.max())) + 2
    logarithm = np.log(np.maximum(power, np.finfo(np.float32).tiny))
    profile = np.full(rings, np.inf, np.float32)
    for _ in range(PASSES):
        highest = profile + np.float32(np.log(PEAK))
        count, mean, variance = measure_rings(logarithm, along_y, along_x, form, highest)
        profile = (mean + np.euler_gamma).astype(np.float32)
    # What stands clear of the scatter is structure: a halo's maximum stays, and so does its flank,
    # since the noise there changes within the width of a ring.
    smooth = _smoothed(profile, count)
    scatter = np.sqrt(CORRELATED * VARIANCE_OF_LOGARITHM / np.maximum(count, 1))
    clear = ndimage.maximum_filter1d(profile - CLEAR * scatter, 3)
    level = np.exp(np.maximum(smooth, clear))
    # Where a transfer function swings within a ring, its maxima count, not its mean.
    uneven = variance - VARIANCE_OF_LOGARITHM - UNSURE * scatter
    swinging = ndimage.maximum_filter1d(uneven, 3) > SWINGING
    level *= np.exp(np.where(swinging, SWING * np.maximum(uneven, 0), 0))
    adjacent = 0.5 * (np.roll(level, 1) + np.roll(level, -1))
    level[1:-1] = np.maximum(level, adjacent)[1:-1]
    level = np.where(swinging, ndimage.maximum_filter1d(level, 3), level)
    return spread_rings(level.astype(np.float32), along_y, along_x, form)


def _smoothed(profile: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Profile averaged over as many rings as hold enough pixels for a precise mean."""
    ring = np.arange(len(profile))
    reach = np.clip(ENOUGH // np.maximum(2 * count, 1), 0, np.maximum(ring // 3, 1)).astype(int)
    sums = np.concatenate([[0], np.cumsum(count * profile)])
    counts = np.concatenate([[0], np.cumsum(count)])
    first, last = ring - np.minimum(reach, ring), np.minimum(ring + reach, len(ring) - 1) + 1
    return (sums[last] - sums[first]) / np.maximum(counts[last] - counts[first], 1)


@kernel
def measure_rings(
    logarithm: np.ndarray,
    along_y: np.ndarray,
    along_x: np.ndarray,
    form: np.ndarray,
    highest: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take number, mean and variance of the pixels below ``highest`` in rings of unit width.

    The squared radius is the quadratic form (xx, yy, xy).
    """
    count, mean, variance = np.zeros((3, highest.size))
    for row in range(along_y.size):
        for column in range(along_x.size):
            y, x = along_y[row], along_x[column]
            ring = int(np.sqrt(form[0] * x * x + y * (form[1] * y + form[2] * x)))
            value = logarithm[row, column]
            if value < highest[ring]:
                count[ring] += 1
                mean[ring] += value
                variance[ring] += value * value
    for ring in range(highest.size):
        mean[ring] /= max(count[ring], 1.0)
        variance[ring] = variance[ring] / max(count[ring], 1.0) - mean[ring] ** 2
    return count, mean, variance


@kernel
def spread_rings(
    profile: np.ndarray, along_y: np.ndarray, along_x: np.ndarray, form: np.ndarray
) -> np.ndarray:
    """Profile at every frequency, linear between the middles of its rings."""
    level = np.empty((along_y.size, along_x.size), np.float32)
    for row in range(along_y.size):
        for column in range(along_x.size):
            y, x = along_y[row], along_x[column]
            radius = np.sqrt(form[0] * x * x + y * (form[1] * y + form[2] * x)) - np.float32(0.5)
            inner = max(int(radius), 0)
            outer = min(inner + 1, profile.size - 1)
            fraction = min(max(radius - inner, np.float32(0)), np.float32(1))
            level[row, column] = profile[inner] + fraction * (profile[outer] - profile[inner])
    return level


def estimate_local_background(
    power: np.ndarray, rows: np.ndarray, columns: np.ndarray, height: int, width: int
) -> np.ndarray:
    """Estimate the noise power next to single frequencies, streaks included.

    The median over a ring, or that over the pixels above and below or left and right where it
    is clearly higher: scan noise and sharp outlines spread a peak's power along lines, and a
    maximum on such a line is not a lattice peak.

    Parameters
    ----------
    power
        Half-plane power spectrum, shape (height, width // 2 + 1).
    rows, columns
        Indices of the frequencies, each shape (n,).
    height, width
        Shape of the image.

    Returns
    -------
    numpy.ndarray
        Shape (n,).
    """
    medians = []
    for offsets in _neighbourhoods():
        row, column = on_half_plane(
            rows[:, None] + offsets[:, 0], columns[:, None] + offsets[:, 1], height, width
        )
        medians.append(_median_of_noise(power[row, column]) / MEDIAN_OF_EXPONENTIAL)
    ring, line = medians[0], np.maximum(*medians[1:])
    on_cross = np.minimum(np.abs(wrap(rows, height)), columns) <= CROSS
    return np.where(line > np.where(on_cross, STREAK_ON_CROSS, STREAK) * ring, line, ring)


def on_half_plane(
    rows: np.ndarray, columns: np.ndarray, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Index a half-plane spectrum at frequencies anywhere, through their mirror images."""
    columns = columns % width
    mirrored = columns > width // 2
    return np.where(mirrored, -rows, rows) % height, np.where(mirrored, width - columns, columns)


def wrap(index: np.ndarray, size: int | np.ndarray) -> np.ndarray:
    """Frequency in bins, between plus and minus half of ``size``, of any index."""
    return (index + size // 2) % size - size // 2


def _median_of_noise(power: np.ndarray) -> np.ndarray:
    """Median of each row of power, without the peaks that stand in it."""
    ordered = np.sort(power, axis=1)
    count = power.shape[1]
    middle = ordered[:, count // 2]
    noise = (ordered < PEAK * middle[:, None] / MEDIAN_OF_EXPONENTIAL).sum(axis=1)
    return ordered[np.arange(len(power)), noise // 2]


def _neighbourhoods() -> list[np.ndarray]:
    """Offsets (row, column) of the ring, the vertical and the horizontal line."""
    span = np.arange(-RING_OUTER, RING_OUTER + 1)
    grid = np.stack(np.meshgrid(span, span, indexing="ij"), axis=-1).reshape(-1, 2)
    distance = np.hypot(grid[:, 0], grid[:, 1])
    ring = grid[(distance >= RING_INNER) & (distance <= RING_OUTER)]
    line = np.concatenate(
        [np.arange(-LINE_OUTER, -LINE_INNER + 1), np.arange(LINE_INNER, LINE_OUTER + 1)]
    )
    still = np.zeros_like(line)
    return [ring, np.stack([line, still], axis=1), np.stack([still, line], axis=1)]
