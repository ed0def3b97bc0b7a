"""Lattice waves of one piece of the image."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hyperspy_twin.strain.coarse_grid import CoarseGrid, make_coarse_grid
from hyperspy_twin.strain.demodulation import Wave, demodulate
from hyperspy_twin.strain.gaussian_windows import Window, fit_background, measure_window
from hyperspy_twin.strain.pieces import Piece, taper

# The weights rise over this many of the longest lattice spacings at an outline, which keeps
# the leakage of the other reflections into a cut window small.
TAPER_SPACINGS = 1.5


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
    """

    piece: Piece
    window: Window
    residual: np.ndarray
    spectrum: np.ndarray
    waves: tuple[Wave, ...]
    origin: np.ndarray

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

    def recentre(self, carriers: np.ndarray) -> LatticeWaves:
        """Centre the masks on other carriers."""
        waves = tuple(
            demodulate(self.window, self.spectrum, carrier, self.origin) for carrier in carriers
        )
        return replace(self, waves=waves)


def measure_lattice_waves(
    image: np.ndarray,
    piece: Piece,
    scale: tuple[float, float],
    vectors: np.ndarray,
    resolution: float,
) -> LatticeWaves:
    """Measure the lattice waves of one piece of the image.

    Parameters
    ----------
    image
        Image, shape (rows, columns).
    piece
        The piece.
    scale
        Pixel size (x, y).
    vectors
        Reciprocal vectors (x, y), shape (k, 2).
    resolution
        Standard deviation of the Gaussian window, in the unit of ``scale``.

    Returns
    -------
    LatticeWaves
        The waves, carried by ``vectors``.
    """
    part = image[piece.box]
    part = (part - part[piece.mask].mean(dtype=float)).astype(np.float32)
    coarse = make_coarse_grid(part.shape, scale, resolution)
    spacing = 1.0 / np.linalg.norm(vectors, axis=1).min()
    weights = taper(piece.distance, TAPER_SPACINGS * spacing)
    window = measure_window(coarse, weights)

    part -= coarse.to_pixels(fit_background(window, coarse.spectrum(weights * part)))
    spectrum = coarse.spectrum(weights * part)
    origin = np.array([piece.columns.start, piece.rows.start]) * np.array(scale)

    waves = tuple(demodulate(window, spectrum, vector, origin) for vector in vectors)
    return LatticeWaves(piece, window, part, spectrum, waves, origin)
