"""Noise model of a power spectrum: a radial mean, and the streaks of scanning."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hyperspy_twin.grid import Grid

# Power of circular Gaussian noise is exponential: its logarithm averages to
# ln(mean) - EULER_GAMMA, and its median is mean * ln 2.
MEDIAN_OF_EXPONENTIAL = float(np.log(2.0))
RING_INNER, RING_OUTER = 5, 10
LINE_INNER, LINE_OUTER = 4, 24
PASSES, SPOT = 3, 6.0
STREAK = 2.0  # a line this much above its surroundings is a streak, not chance


def radial_background(power: np.ndarray, grid: Grid) -> np.ndarray:
    """Estimate the noise power at every frequency from the logarithmic mean over rings.

    Pixels far above the mean hold Bragg spots and are left out of a second pass.

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
    rows, columns = grid.shape
    step = 1.0 / min(grid.extent)
    frequency_x = np.fft.rfftfreq(columns, grid.scale[0]).astype(np.float32)
    frequency_y = grid.frequency_y.astype(np.float32)
    radius = np.hypot(frequency_x[None, :], frequency_y[:, None]) / np.float32(step)
    ring = radius.astype(np.int32)
    logarithm = np.log(np.maximum(power, np.finfo(np.float32).tiny))
    profile = np.full(ring.max() + 1, np.inf, np.float32)
    for _ in range(PASSES):
        noise = power < SPOT * profile[ring]
        count = np.bincount(ring[noise], minlength=len(profile))
        mean = np.bincount(ring[noise], logarithm[noise], len(profile)) / np.maximum(count, 1)
        profile = np.exp(mean + np.euler_gamma).astype(np.float32)
    # Between the maxima of a transfer function the noise changes within the width of a ring.
    return ndimage.maximum_filter1d(profile, 3)[ring]


def local_background(
    power: np.ndarray, rows: np.ndarray, columns: np.ndarray, height: int, width: int
) -> np.ndarray:
    """Noise power beside single frequencies, streaks included.

    The median over a ring, or that over the pixels above and below or left and right where it
    is clearly higher: scan noise and sharp outlines spread a spot's power along lines, and a
    maximum on such a line is not a lattice spot.

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
        row = rows[:, None] + offsets[:, 0]
        column = (columns[:, None] + offsets[:, 1]) % width
        mirrored = column > width // 2
        column = np.where(mirrored, width - column, column)
        row = np.where(mirrored, -row, row) % height
        medians.append(np.median(power[row, column], axis=1) / MEDIAN_OF_EXPONENTIAL)
    ring, line = medians[0], np.maximum(*medians[1:])
    return np.where(line > STREAK * ring, line, ring)


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
