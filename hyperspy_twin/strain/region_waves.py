"""Lattice waves of one piece of the image."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hyperspy_twin.strain.band import Band, make_band
from hyperspy_twin.strain.supports import Support, taper
from hyperspy_twin.strain.window import Wave, Window, background, demodulate, make_window

# The weights rise over this many of the longest lattice spacings at an outline, which keeps
# the leakage of the other reflections into a cut window small.
TAPER_SPACINGS = 1.5


@dataclass(frozen=True)
class RegionWaves:
    """The lattice waves of one piece.

    Attributes
    ----------
    support
        The piece.
    band
        Its coarse grid.
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

    support: Support
    band: Band
    window: Window
    residual: np.ndarray
    spectrum: np.ndarray
    waves: tuple[Wave, ...]
    origin: np.ndarray

    def mean_frequency(self, index: int, weights: np.ndarray) -> np.ndarray:
        """Mean local frequency (x, y), weighted with intensity and ``weights`` of the nodes."""
        total = weights * np.abs(self.waves[index].amplitude) ** 2
        if not total.sum() > 0.0:
            return self.waves[index].carrier
        return np.einsum("ijk,jk->i", self.waves[index].frequency, total) / total.sum()

    def recentred(self, carriers: np.ndarray) -> RegionWaves:
        """Return the same piece with the masks centred on other carriers."""
        waves = tuple(
            demodulate(self.band, self.spectrum, self.window, carrier, self.origin)
            for carrier in carriers
        )
        return replace(self, waves=waves)


def region_waves(
    image: np.ndarray,
    support: Support,
    scale: tuple[float, float],
    vectors: np.ndarray,
    resolution: float,
) -> RegionWaves:
    """Lattice waves of one piece of the image.

    Parameters
    ----------
    image
        Image, shape (rows, columns).
    support
        The piece.
    scale
        Pixel size (x, y).
    vectors
        Reciprocal vectors (x, y), shape (k, 2).
    resolution
        Standard deviation of the Gaussian window, in the unit of ``scale``.

    Returns
    -------
    RegionWaves
        The waves, carried by ``vectors``.
    """
    part = image[support.box]
    part = (part - part[support.mask].mean(dtype=float)).astype(np.float32)
    band = make_band(part.shape, scale, resolution)
    spacing = 1.0 / np.linalg.norm(vectors, axis=1).min()
    weights = taper(support.distance, TAPER_SPACINGS * spacing)
    window = make_window(band, weights)

    part -= band.to_pixels(background(band, band.spectrum(weights * part), window))
    spectrum = band.spectrum(weights * part)
    origin = np.array([support.columns.start, support.rows.start]) * np.array(scale)

    waves = tuple(demodulate(band, spectrum, window, vector, origin) for vector in vectors)
    return RegionWaves(support, band, window, part, spectrum, waves, origin)
