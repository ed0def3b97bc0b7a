"""Lattice waves of one piece of the image: amplitude, phase and frequency, without unwrapping."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hyperspy_twin.strain.coarse_grid import (
    EVERY,
    CoarseGrid,
    Rows,
    Splines,
    make_coarse_grid,
)
from hyperspy_twin.strain.gaussian_windows import (
    Window,
    fit_background,
    gaussian_mask,
    measure_window,
    normalise,
)
from hyperspy_twin.strain.pieces import Piece
from hyperspy_twin.strain.vectors import LARGEST_DRIFT

# Fraction of another wave that a window may let through, at which the strain is wrong by about as
# much. Half a window at a straight outline, with a resolution of one spacing, lets 1 % through,
# and a strip of two atomic rows 20 %.
LARGEST_LEAKAGE = 0.03
# Standard deviation of a window times the distance of another wave at which only exp(-2 pi^2 0.6^2)
# = 0.08 % gets through.
SAFE_SEPARATION = 0.6
# The same at which 1.5 % of a Gaussian gets through: what is narrower in any direction keeps
# nothing apart. Half a window at a straight outline with a resolution of one spacing has 0.52; in
# a layer of two to three atomic rows of SrRuO3 the strain was 2 to 15 % off where it has less.
SMALLEST_SEPARATION = 0.46
# Other waves that are farther than this many times the nearest do not matter beside it.
NEAREST_OTHERS = 1.5
# Distances in reciprocal space that differ by less than this over the resolution are one and the
# same but for rounding, as those from one wave to another and back.
SAME_DISTANCE = 1e-6
# Distance in units of the length of a vector below which two vectors are of the same wave.
SAME_WAVE = 0.2


@dataclass(frozen=True)
class Wave:
    """One lattice wave A exp(2 pi i carrier.r + i phase) at the nodes of a coarse grid.

    Attributes
    ----------
    carrier
        Frequency (x, y) that is taken out of the phase.
    amplitude
        Complex amplitude relative to the carrier, normalised to the window's mass.
    frequency
        Local frequency (x, y) of the lattice, shape (2, rows, columns).
    field
        What the mask lets through, relative to the Fourier coefficient nearest to the carrier.
    """

    carrier: np.ndarray
    amplitude: np.ndarray
    frequency: np.ndarray
    field: np.ndarray


@dataclass(frozen=True)
class Residual:
    """Image less its mean and background, which is computed where it is needed.

    Attributes
    ----------
    image
        Shape (rows, columns).
    mean
        Its mean.
    background
        What varies slowly beside the mean.
    """

    image: np.ndarray
    mean: float
    background: Splines

    def rows(self, start: int, stop: int, columns: slice = EVERY) -> np.ndarray:
        """Values in some rows and columns, float32."""
        part = np.subtract(self.image[start:stop, columns], self.mean, dtype=np.float32)
        part -= self.background.rows(start, stop, columns)[0]
        return part


@dataclass(frozen=True)
class LatticeWaves:
    """The lattice waves of one piece.

    Attributes
    ----------
    piece
        The piece.
    window
        Moments of the Gaussian windows inside the piece.
    residual
        The image in the bounding box less its background.
    spectrum
        Spectrum of the weighted residual.
    waves
        One wave for each reciprocal vector.
    origin
        Position (x, y) of the first pixel of the piece relative to that of the image.
    spacing
        Longest lattice spacing of the vectors.
    """

    piece: Piece
    window: Window
    residual: Residual
    spectrum: np.ndarray
    waves: tuple[Wave, ...]
    origin: np.ndarray
    spacing: float

    def __len__(self) -> int:
        """Count the waves."""
        return len(self.waves)

    @property
    def weights(self) -> Rows:
        """Weights of the pixels, which fall to 0 at the outline."""
        return self.piece.weights(self.spacing, self.coarse.scale)

    @property
    def coarse(self) -> CoarseGrid:
        """Coarse grid of the piece."""
        return self.window.coarse

    def mean_frequency(self, index: int, weights: np.ndarray) -> np.ndarray:
        """Mean local frequency (x, y), weighted with intensity and ``weights`` of the nodes."""
        total = weights * np.abs(self.waves[index].amplitude) ** 2
        if not total.sum() > 0.0:
            return self.waves[index].carrier
        return np.einsum("ijk,jk->i", self.waves[index].frequency, total) / total.sum()

    def mean_frequencies(self) -> np.ndarray:
        """Mean local frequencies (x, y) of all waves in the piece, shape (k, 2)."""
        return np.array([self.mean_frequency(i, self.window.mass) for i in range(len(self))])

    def resolved(self, others: np.ndarray) -> np.ndarray:
        """Nodes at which each wave is kept apart from other waves, shape (k, rows, columns).

        In a narrow piece the windows are narrower than the resolution, and their masks in
        reciprocal space are so much wider.

        ``others`` holds further reflections: reciprocal vector (x, y), and amplitude over that of
        the first wave, shape (m, 3).
        """
        carriers = np.array([wave.carrier for wave in self.waves])
        heights = np.array([np.sqrt(np.mean(np.abs(wave.amplitude) ** 2)) for wave in self.waves])
        disturbing = np.concatenate([carriers, others[:, :2], -carriers, -others[:, :2]])
        amplitudes = np.tile(np.concatenate([heights, heights[0] * others[:, 2]]), 2)
        result = np.ones((len(self), *self.window.mass.shape), bool)
        width = self.window.width
        passed = _Transmission(self, np.abs(disturbing).max(axis=0) + np.abs(carriers).max(axis=0))
        for index, (carrier, height) in enumerate(zip(carriers, heights, strict=True)):
            distance = np.linalg.norm(disturbing - carrier, axis=1)
            apart = distance > SAME_WAVE * np.linalg.norm(carrier)
            nearest = distance[apart].min()
            if (width * nearest >= SAFE_SEPARATION).all():
                continue
            result[index] &= width * nearest >= SMALLEST_SEPARATION
            for other in np.flatnonzero(apart & (distance <= NEAREST_OTHERS * nearest)):
                leak = amplitudes[other] * passed.at(disturbing[other] - carrier)
                result[index] &= leak <= LARGEST_LEAKAGE * height
        return result

    def take(self, kept: np.ndarray) -> LatticeWaves:
        """Lattice waves without some, ``kept`` being boolean of shape (k,)."""
        waves = tuple(wave for wave, stays in zip(self.waves, kept, strict=True) if stays)
        return replace(self, waves=waves)

    def without_pixels(self) -> LatticeWaves:
        """Lattice waves at the nodes alone, in a small part of the memory."""
        nothing = np.empty((0, 0), np.float32)
        piece = replace(self.piece, distance=nothing)
        residual = replace(self.residual, image=nothing)
        return replace(self, piece=piece, residual=residual, spectrum=nothing)

    def recentre(self, carriers: np.ndarray) -> LatticeWaves:
        """Centre the masks on other carriers."""
        waves = tuple(
            demodulate(self.window, self.spectrum, carrier, self.origin) for carrier in carriers
        )
        return replace(self, waves=waves)


def longest_spacing(vectors: np.ndarray) -> float:
    """Longest lattice spacing of reciprocal vectors (x, y), shape (k, 2)."""
    return 1.0 / float(np.linalg.norm(vectors, axis=1).min())


class _Transmission:
    """What the windows of a region let through, kept for distances that occur again."""

    def __init__(self, region: LatticeWaves, farthest: np.ndarray) -> None:
        self._region, self._farthest = region, farthest
        self._found: list[tuple[np.ndarray, np.ndarray]] = []

    @cached_property
    def _weights(self) -> np.ndarray:
        coarse = self._region.coarse
        return coarse.spectrum_of_rows(
            self._region.weights, coarse.columns_of(self._farthest[None])
        )

    def at(self, distance: np.ndarray) -> np.ndarray:
        """Fraction of a wave that windows let through at a distance (x, y)."""
        for known, passed in self._found:
            nearest = min(np.linalg.norm(known - distance), np.linalg.norm(known + distance))
            if nearest * self._region.coarse.resolution <= SAME_DISTANCE:
                return passed
        self._found.append((distance, self._region.window.transmission(self._weights, distance)))
        return self._found[-1][1]


def measure_lattice_waves(
    image: np.ndarray,
    piece: Piece,
    scale: tuple[float, float],
    vectors: np.ndarray,
    resolution: float,
) -> LatticeWaves:
    """Measure the waves, carried by reciprocal vectors (k, 2), of one piece of the image."""
    part = image[piece.box]
    mean = part.mean(dtype=float, where=piece.inside)
    coarse = make_coarse_grid(part.shape, scale, resolution)
    spacing = longest_spacing(vectors)
    weights = piece.weights(spacing, scale)
    window = measure_window(coarse, weights)

    def weighted(start: int, stop: int) -> np.ndarray:
        return np.subtract(part[start:stop], mean, dtype=np.float32) * weights(start, stop)

    columns = coarse.columns_of(np.zeros((1, 2)))
    background = fit_background(window, coarse.spectrum_of_rows(weighted, columns))
    residual = Residual(part, mean, coarse.splines(background[None]))

    def weighted_residual(start: int, stop: int) -> np.ndarray:
        return residual.rows(start, stop) * weights(start, stop)

    # Masks may move by the largest drift that is followed.
    reach = np.abs(vectors) + LARGEST_DRIFT / resolution
    spectrum = coarse.spectrum_of_rows(weighted_residual, coarse.columns_of(reach))
    origin = np.array([part.start for part in piece.box[::-1]]) * np.array(scale)
    waves = tuple(demodulate(window, spectrum, vector, origin) for vector in vectors)
    return LatticeWaves(piece, window, residual, spectrum, waves, origin, spacing)


def demodulate(
    window: Window, spectrum: np.ndarray, carrier: np.ndarray, origin: np.ndarray
) -> Wave:
    """Measure the complex amplitude and local frequency of the lattice wave near a carrier.

    The phase gradient is obtained without unwrapping [1]_. ``spectrum`` is that of the image with
    the weights of the window, ``carrier`` the frequency (x, y) on which the Gaussian mask is
    centred, and ``origin`` the position (x, y) of the first pixel, where the phase is zero.

    References
    ----------
    .. [1] M. J. Hytch, E. Snoeck, R. Kilaas, Ultramicroscopy 74 (1998) 131-146.
    """
    coarse = window.coarse
    centre = coarse.nearest_bin(carrier)
    offset = np.asarray(carrier) - coarse.bin_frequency(centre)
    masked = coarse.crop(spectrum, centre) * gaussian_mask(coarse, offset, coarse.resolution)
    half_way = coarse.along_y(masked)
    field = coarse.along_x(half_way)
    x, y = coarse.frequencies()
    # d(field)/d(axis) / field is 2 pi i times the local frequency about the crop's centre.
    slopes = (
        coarse.along_x(half_way * (x - offset[0]).astype(np.float32)),
        coarse.to_nodes(masked * (y - offset[1]).astype(np.float32)),
    )
    node_x, node_y = coarse.node_positions()
    start = float(np.dot(carrier, origin)) % 1.0
    amplitude, deviation = normalise(
        field,
        *slopes,
        window.mass,
        window.centroid,
        window.jacobian_inverse,
        offset[0] * node_x + start,
        offset[1] * node_y,
        coarse.resolution / node_x[1],
        coarse.resolution / node_y[1],
        2.0 * np.pi * coarse.resolution,
    )
    return Wave(
        carrier=np.asarray(carrier, float),
        amplitude=amplitude,
        frequency=deviation + np.asarray(carrier, np.float32)[:, None, None],
        field=field,
    )
