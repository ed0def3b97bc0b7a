"""Band-limited fields of an image: Fourier crops on a coarse grid and their way back to pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.sparse
from scipy.interpolate import BSpline, make_interp_spline

# Nodes per standard deviation of the Gaussian window: the band edge then lies where the
# mask is below 1e-13, and cubic interpolation between nodes adds less than 1e-4 of a field.
NODES_PER_RESOLUTION = 2.5
# Zero padding in standard deviations, so that opposite edges never meet in a window: it has fallen
# to exp(-12.5) = 4e-6 there.
PADDING = 5.0


@dataclass(frozen=True)
class CoarseGrid:
    """Coarse grid that carries every field smoothed with a Gaussian window exactly.

    Attributes
    ----------
    shape
        Rows and columns of the pixels that are described.
    padded
        Rows and columns of the zero-padded Fourier transform.
    reduced
        Rows and columns of the cropped spectrum.
    scale
        Pixel size (x, y).
    resolution
        Standard deviation of the Gaussian window, in the unit of ``scale``.
    """

    shape: tuple[int, int]
    padded: tuple[int, int]
    reduced: tuple[int, int]
    scale: tuple[float, float]
    resolution: float

    @property
    def nodes(self) -> tuple[int, int]:
        """Rows and columns of the nodes that cover the pixels."""
        rows, columns = (
            min(int(np.floor((size - 1) * small / large)) + 2, small) if small < large else size
            for size, small, large in zip(self.shape, self.reduced, self.padded, strict=True)
        )
        return rows, columns

    def node_positions(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the nodes along x and along y, in calibrated units."""
        rows, columns = self.nodes
        x = np.arange(columns) * self.padded[1] / self.reduced[1] * self.scale[0]
        y = np.arange(rows) * self.padded[0] / self.reduced[0] * self.scale[1]
        return x, y

    def frequencies(self) -> tuple[np.ndarray, np.ndarray]:
        """Frequencies (x as a row, y as a column) of the cropped spectrum about its centre."""
        step_x = 1.0 / (self.padded[1] * self.scale[0])
        step_y = 1.0 / (self.padded[0] * self.scale[1])
        x = _integer_frequencies(self.reduced[1]) * step_x
        y = _integer_frequencies(self.reduced[0]) * step_y
        return x[None, :], y[:, None]

    def nearest_bin(self, vector: np.ndarray) -> tuple[int, int]:
        """Column and row index of the Fourier coefficient nearest to a frequency (x, y)."""
        return (
            round(float(vector[0]) * self.padded[1] * self.scale[0]),
            round(float(vector[1]) * self.padded[0] * self.scale[1]),
        )

    def bin_frequency(self, centre: tuple[int, int]) -> np.ndarray:
        """Frequency (x, y) of a Fourier coefficient."""
        return np.array(centre) / (np.array(self.padded[::-1]) * np.array(self.scale))

    def spectrum(self, image: np.ndarray) -> np.ndarray:
        """Half spectrum of the zero-padded image, complex64."""
        return scipy.fft.rfft2(image.astype(np.float32, copy=False), self.padded, workers=-1)

    def crop(self, spectrum: np.ndarray, centre: tuple[int, int] = (0, 0)) -> np.ndarray:
        """Fourier coefficients around ``centre`` (column, row), in the order of ``fftfreq``."""
        row = centre[1] + _integer_frequencies(self.reduced[0])
        column = centre[0] + _integer_frequencies(self.reduced[1])
        return self.coefficients(spectrum, row, column)

    def coefficients(self, spectrum: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Fourier coefficients of some rows and columns, with those behind the half plane."""
        rows, columns = self.padded
        column = column % columns
        behind = column > columns // 2
        found = np.empty((len(row), len(column)), spectrum.dtype)
        found[:, ~behind] = spectrum[np.ix_(row % rows, column[~behind])]
        found[:, behind] = spectrum[np.ix_(-row % rows, columns - column[behind])].conj()
        return found

    def to_nodes(self, cropped: np.ndarray) -> np.ndarray:
        """Complex field at the nodes of a cropped spectrum."""
        rows, columns = self.nodes
        gain = np.float32(np.prod(self.reduced) / np.prod(self.padded))
        field = scipy.fft.ifft2(cropped.astype(np.complex64, copy=False), workers=-1)
        return field[:rows, :columns] * gain

    def to_pixels(self, field: np.ndarray, degree: int = 3) -> np.ndarray:
        """Spline interpolation of a real field from the nodes to the pixels, float32."""
        result = field.astype(np.float32, copy=False)
        for axis in (1, 0):
            if self.reduced[axis] < self.padded[axis]:
                result = np.moveaxis(result, axis, 0)
                spline = self._spline(axis, degree)
                coefficients = _coefficients(result, degree)
                result = np.moveaxis(spline @ coefficients.reshape(len(result), -1), 0, axis)
        return result

    def node_weights(self, pixels: np.ndarray) -> np.ndarray:
        """Share each pixel's weight among the nodes around it, so that sums are kept."""
        result = pixels.astype(np.float32, copy=False)
        for axis in (0, 1):
            if self.reduced[axis] < self.padded[axis]:
                spline = self._spline(axis, 1)
                result = np.moveaxis(spline.T @ np.moveaxis(result, axis, 0), 0, axis)
        return result

    def _spline(self, axis: int, degree: int) -> scipy.sparse.csr_array:
        """Matrix (pixels, nodes) of the B-splines along one array axis."""
        count = self.nodes[axis]
        pixels = np.arange(self.shape[axis]) * self.reduced[axis] / self.padded[axis]
        knots = make_interp_spline(np.arange(count), np.zeros(count), _degree(count, degree)).t
        matrix = BSpline.design_matrix(pixels, knots, _degree(count, degree))
        return matrix.astype(np.float32)


def make_coarse_grid(
    shape: tuple[int, int], scale: tuple[float, float], resolution: float
) -> CoarseGrid:
    """Choose padding and coarse grid for Gaussian windows of one width."""
    padded, reduced = [], []
    for size, step in zip(shape, scale[::-1], strict=True):
        length = scipy.fft.next_fast_len(size + int(np.ceil(PADDING * resolution / step)), True)
        wanted = int(np.ceil(length * step * NODES_PER_RESOLUTION / resolution))
        padded.append(length)
        reduced.append(min(scipy.fft.next_fast_len(wanted), length))
    whole, crop = (padded[0], padded[1]), (reduced[0], reduced[1])
    return CoarseGrid(shape, whole, crop, scale, resolution)


def _degree(count: int, degree: int) -> int:
    """Spline degree that ``count`` nodes allow."""
    return min(degree, count - 1)


def _coefficients(values: np.ndarray, degree: int) -> np.ndarray:
    """B-spline coefficients along the first axis of values at integer nodes, float32."""
    if degree == 1:
        return np.ascontiguousarray(values)
    spline = make_interp_spline(np.arange(len(values)), values, _degree(len(values), degree))
    return spline.c.astype(np.float32)


def _integer_frequencies(size: int) -> np.ndarray:
    """Integer frequencies in the order of ``numpy.fft.fftfreq``."""
    return np.rint(np.fft.fftfreq(size) * size).astype(int)
