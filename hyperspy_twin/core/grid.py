"""The calibrated pixel grid that every room shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Grid:
    """Calibrated pixel grid of an image.

    Attributes
    ----------
    shape
        Number of rows and columns.
    scale
        Pixel size (x, y) in nm; (1, 1) for an image without a scale.
    offset
        Position (x, y) of the centre of the first pixel, in the unit of ``scale``.
    """

    shape: tuple[int, int]
    scale: tuple[float, float]
    offset: tuple[float, float] = (0.0, 0.0)

    @property
    def x(self) -> np.ndarray:
        """Column positions, shape (columns,)."""
        return self.offset[0] + self.scale[0] * np.arange(self.shape[1])

    @property
    def y(self) -> np.ndarray:
        """Row positions, shape (rows,)."""
        return self.offset[1] + self.scale[1] * np.arange(self.shape[0])

    @property
    def pixel_size(self) -> float:
        """Geometric mean of the pixel sizes along x and y."""
        return float(np.sqrt(self.scale[0] * self.scale[1]))

    @property
    def frequency_x(self) -> np.ndarray:
        """Unshifted spatial frequencies along x, shape (columns,), in reciprocal units."""
        return np.fft.fftfreq(self.shape[1], self.scale[0])

    @property
    def frequency_y(self) -> np.ndarray:
        """Unshifted spatial frequencies along y, shape (rows,), in reciprocal units."""
        return np.fft.fftfreq(self.shape[0], self.scale[1])

    @property
    def extent(self) -> tuple[float, float]:
        """Field of view (x, y): number of pixels times pixel size."""
        return self.shape[1] * self.scale[0], self.shape[0] * self.scale[1]

    def to_pixels(self, points: np.ndarray) -> np.ndarray:
        """Fractional pixel indices (x, y) of calibrated points, shape (n, 2)."""
        return (np.asarray(points, float) - self.offset) / self.scale

    def to_units(self, pixels: np.ndarray) -> np.ndarray:
        """Calibrated positions of fractional pixel indices (x, y), shape (n, 2)."""
        return np.asarray(pixels, float) * self.scale + self.offset
