"""Maps of the local amplitude of lattice waves."""

from __future__ import annotations

import numpy as np
import scipy.fft

# Padding in standard deviations of the Gaussian window in space, which has fallen to 1 %.
_PADDING = 3.0
# Band limit in its standard deviations in frequency, at which it has fallen to 0.2 %.
_BAND = 3.5
# Least weight of the window inside the image; in a corner it is a quarter.
_MIN_WEIGHT = 0.2


class AmplitudeMaps:
    """Amplitudes of waves of an image, averaged with a Gaussian window, on a coarse grid.

    Parameters
    ----------
    image : numpy.ndarray
        Shape (rows, columns), about zero.
    resolution : float
        Standard deviation of the Gaussian window in pixels.
    """

    def __init__(self, image: np.ndarray, resolution: float) -> None:
        self._resolution = resolution
        padding = int(np.ceil(_PADDING * resolution))
        self._padded = tuple(scipy.fft.next_fast_len(n + padding) for n in image.shape)
        self._spectrum = scipy.fft.rfft2(image, self._padded, workers=-1)
        # A field reaches _BAND / (2 pi resolution) cycles per pixel either way, its amplitude twice
        # as far.
        band = 4 * _BAND / (2 * np.pi * resolution)
        self._reduced = tuple(
            min(scipy.fft.next_fast_len(int(np.ceil(n * band))), n) for n in self._padded
        )
        self.shape = tuple(
            int(np.ceil(n * small / large))
            for n, small, large in zip(image.shape, self._reduced, self._padded, strict=True)
        )
        inside = np.zeros(self._padded, np.float32)
        inside[: image.shape[0], : image.shape[1]] = 1
        weight = self._field(scipy.fft.rfft2(inside, workers=-1), (0.0, 0.0)).real
        self._weight = np.maximum(weight, _MIN_WEIGHT)

    @property
    def rows(self) -> np.ndarray:
        """Positions of the rows of nodes in pixels."""
        return np.arange(self.shape[0]) * (self._padded[0] / self._reduced[0])

    @property
    def columns(self) -> np.ndarray:
        """Positions of the columns of nodes in pixels."""
        return np.arange(self.shape[1]) * (self._padded[1] / self._reduced[1])

    def mean(self) -> np.ndarray:
        """Averaged image, float32, shape of the nodes."""
        return (self._field(self._spectrum, (0.0, 0.0)).real / self._weight).astype(np.float32)

    def amplitude(self, frequency: tuple[float, float]) -> np.ndarray:
        """Amplitude of a wave of the frequency (x, y) in cycles per pixel, float32."""
        field = np.abs(self._field(self._spectrum, frequency)) / self._weight
        return (2 * field).astype(np.float32)

    def _field(self, spectrum: np.ndarray, frequency: tuple[float, float]) -> np.ndarray:
        rows, columns = self._padded
        down, across = (
            np.rint(f * n).astype(int) + np.rint(np.fft.fftfreq(m) * m).astype(int)
            for f, n, m in zip(frequency[::-1], self._padded, self._reduced, strict=True)
        )
        falloff = -2 * (np.pi * self._resolution) ** 2
        window = np.outer(
            np.exp(falloff * (down / rows - frequency[1]) ** 2),
            np.exp(falloff * (across / columns - frequency[0]) ** 2),
        ).astype(np.float32)
        behind = (across % columns) > columns // 2
        cropped = np.empty(self._reduced, spectrum.dtype)
        cropped[:, ~behind] = spectrum[np.ix_(down % rows, across[~behind] % columns)]
        cropped[:, behind] = spectrum[np.ix_(-down % rows, -across[behind] % columns)].conj()
        field = scipy.fft.ifft2(cropped * window, workers=-1)
        gain = np.prod(self._reduced) / np.prod(self._padded)
        return field[: self.shape[0], : self.shape[1]] * np.float32(gain)
