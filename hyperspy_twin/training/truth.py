"""Which peaks a rendered image holds, and how far each stands above the noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

from hyperspy_twin.spectra import (
    WindowedRegion,
    estimate_local_background,
    network_input,
    on_half_plane,
)
from hyperspy_twin.training.lattices import ProjectedLattice

# Signal-to-noise ratio below which a peak is lost in the noise.
WEAKEST = 3.0
# Bins around a peak of the mean lattice within which bending carries it.
SEARCH = 2


@dataclass(frozen=True)
class TruePeaks:
    """Peaks of the noise-free lattices in the half plane, one of each Friedel pair.

    Attributes
    ----------
    position
        Frequencies (x, y) of the mean lattice in cycles per pixel, shape (n, 2).
    row, column
        Indices of the noise-free maximum in the half plane, each shape (n,).
    snr
        Noise-free power there over the expected noise power, shape (n,), above 3.
    resolved
        False where the peak is not a maximum of its own, shape (n,).
    """

    position: np.ndarray
    row: np.ndarray
    column: np.ndarray
    snr: np.ndarray
    resolved: np.ndarray

    def __len__(self) -> int:
        return len(self.snr)


@dataclass(frozen=True)
class Part:
    """One lattice as it lies in the image.

    Attributes
    ----------
    lattice
        The lattice, its basis as the mean over the region.
    image
        Its noise-free part of the image, shape (rows, columns).
    strength
        Mean over the window of what its contrast is multiplied with.
    """

    lattice: ProjectedLattice
    image: np.ndarray
    strength: float


def find_true_peaks(
    parts: list[Part], remainder: np.ndarray, region: WindowedRegion, noise: np.ndarray
) -> TruePeaks:
    """Find the peaks of known lattices in the windowed transform of their noise-free image.

    Parameters
    ----------
    parts
        The lattices, their images cut out like the region.
    remainder
        Noise-free image without the lattices, shape (rows, columns).
    region
        Window and grid.
    noise
        Expected noise power on the half plane. The streaks and side lobes of the noise-free
        image are added to it.

    Returns
    -------
    TruePeaks
        Those above a signal-to-noise ratio of 3, in the band of lattices.
    """
    transforms = [_transform(part.image, region) for part in parts]
    everything = np.abs(sum(transforms, _transform(remainder, region))) ** 2
    summit = network_input.find_summits(everything)
    found = [
        _of_lattice(part, np.abs(transform) ** 2, everything, summit, region, noise)
        for part, transform in zip(parts, transforms, strict=True)
    ]
    empty = (np.zeros((0, 2)), *[np.zeros(0, int)] * 2, np.zeros(0), np.zeros(0, bool))
    joined = [np.concatenate(columns) for columns in zip(empty, *found, strict=True)]
    return TruePeaks(*joined)


def _transform(image: np.ndarray, region: WindowedRegion) -> np.ndarray:
    window = region.window
    mean = (window * image).sum(dtype=float) / window.sum(dtype=float)
    return fft.rfft2(window * (image - mean))


def _of_lattice(
    part: Part,
    power: np.ndarray,
    everything: np.ndarray,
    summit: np.ndarray,
    region: WindowedRegion,
    noise: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    height, width = region.grid.shape
    position, coefficient = _in_band(part.lattice, height, width)
    bins = np.rint(position * (width, height)).astype(int)
    row, column = find_highest(power, bins[:, 1], bins[:, 0], SEARCH, (height, width))
    # The column of zero frequency holds both members of each pair; the upper half counts.
    row = np.where((column == 0) & (row > height // 2), (-row) % height, row)
    # A bin can hold more than the lattice put there: the flank of a strong neighbour.
    expected = (np.abs(coefficient) * part.strength * region.window.sum(dtype=float)) ** 2
    level = noise[row, column] + estimate_local_background(everything, row, column, height, width)
    snr = np.minimum(power[row, column], expected) / level
    resolved = summit[row, column] & (everything[row, column] < 4 * power[row, column])
    kept = snr > WEAKEST
    return position[kept], row[kept], column[kept], snr[kept], resolved[kept]


def _in_band(lattice: ProjectedLattice, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies on the half plane where lattices are sought, and their coefficients."""
    position = lattice.frequency
    position = np.where(position[:, :1] < 0, -position, position)
    far = np.hypot(position[:, 0] * width, position[:, 1] * height) >= network_input.FEWEST_PERIODS
    kept = far & (np.abs(position).max(axis=1, initial=0.0) < 1 / network_input.SHORTEST_PERIOD)
    return position[kept], lattice.coefficient[kept]


def neighbourhood(
    row: np.ndarray, column: np.ndarray, reach: int, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Find what lies around frequencies (n,), as indices of shape (n, (2 reach + 1)**2)."""
    span = np.arange(-reach, reach + 1)
    offset = np.stack(np.meshgrid(span, span, indexing="ij"), axis=-1).reshape(-1, 2)
    return on_half_plane(row[:, None] + offset[:, 0], column[:, None] + offset[:, 1], *shape)


def find_highest(
    power: np.ndarray, row: np.ndarray, column: np.ndarray, reach: int, shape: tuple[int, int]
) -> list[np.ndarray]:
    """Row and column, each (n,), of the highest power around frequencies."""
    around = neighbourhood(row, column, reach, shape)
    best = np.argmax(power[around], axis=1)[:, None]
    return [np.take_along_axis(index, best, axis=1)[:, 0] for index in around]
