"""Band-limited fields of an image: Fourier crops on a coarse grid and their way back to pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft
from scipy.interpolate import BSpline, make_interp_spline

from hyperspy_twin.core import kernel

if TYPE_CHECKING:
    import scipy.sparse

# Nodes per standard deviation of the Gaussian window: the band edge then lies where the
# mask is below 1e-13, and cubic interpolation between nodes adds less than 1e-4 of a field.
NODES_PER_RESOLUTION = 2.5
# Elements below this of the filter that makes spline coefficients, which fall by 0.27 from node to
# node, are lost in float32.
SMALLEST_COEFFICIENT = 1e-8
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
        result = np.empty((1, *self.shape), np.float32)
        self.interpolate(field[None], np.ones(self.shape, bool), result, degree)
        return result[0]

    def interpolate(
        self, fields: np.ndarray, mask: np.ndarray, result: np.ndarray, degree: int = 3
    ) -> None:
        """Spline interpolation of real fields from the nodes to some pixels, in one pass.

        Parameters
        ----------
        fields
            Shape (n, rows, columns) of the nodes.
        mask
            Pixels to write, shape (rows, columns).
        result
            Where to write, float32, shape (n, rows, columns).
        degree
            Of the spline: 1 or 3.
        """
        y, x = (self._spline(axis, degree) for axis in (0, 1))
        found = np.ascontiguousarray(fields, np.float32)
        found = y.coefficients(found.transpose(1, 0, 2)).transpose(1, 0, 2)
        found = x.coefficients(found.transpose(2, 0, 1)).transpose(1, 2, 0)
        evaluate_splines(
            np.ascontiguousarray(found), y.first, y.weights, x.first, x.weights, mask, result
        )

    def node_weights(self, pixels: np.ndarray) -> np.ndarray:
        """Share each pixel's weight among the nodes around it, so that sums are kept."""
        result = pixels.astype(np.float32, copy=False)
        for axis in (0, 1):
            if self.reduced[axis] < self.padded[axis]:
                matrix = self._spline(axis, 1).matrix
                result = np.moveaxis(matrix.T @ np.moveaxis(result, axis, 0), 0, axis)
        return result

    def _spline(self, axis: int, degree: int) -> Spline:
        """Splines along one array axis."""
        ratio = self.reduced[axis] / self.padded[axis]
        return make_spline(self.nodes[axis], self.shape[axis], ratio, degree)


@dataclass(frozen=True, eq=False)
class Spline:
    """Interpolation along one axis from nodes at whole numbers.

    Attributes
    ----------
    matrix
        B-splines of the nodes at the pixels, sparse, shape (pixels, nodes).
    first
        First node whose B-spline reaches each pixel, shape (pixels,).
    weights
        Values of the B-splines from there on, float32, shape (pixels, degree + 1).
    filter
        Matrix that makes B-spline coefficients of values at the nodes, sparse, shape
        (nodes, nodes); None where they are the same.
    """

    matrix: scipy.sparse.csr_array
    first: np.ndarray
    weights: np.ndarray
    filter: scipy.sparse.csr_array | None

    def coefficients(self, values: np.ndarray) -> np.ndarray:
        """B-spline coefficients along the first axis."""
        if self.filter is None:
            return values
        return (self.filter @ values.reshape(len(values), -1)).reshape(values.shape)


@lru_cache(maxsize=64)
def make_spline(count: int, size: int, ratio: float, degree: int) -> Spline:
    """Make the spline of ``count`` nodes at pixels that are ``ratio`` of a node apart."""
    import scipy.sparse

    nodes, pixels = np.arange(float(count)), np.arange(size) * ratio
    degree = min(degree, count - 1) if ratio < 1.0 else 1
    knots = make_interp_spline(nodes, np.zeros(count), degree).t
    matrix = BSpline.design_matrix(pixels, knots, degree).astype(np.float32)
    order = degree + 1
    prefilter = None
    if degree > 1:
        inverse = np.linalg.inv(BSpline.design_matrix(nodes, knots, degree).toarray())
        inverse[np.abs(inverse) < SMALLEST_COEFFICIENT] = 0.0
        prefilter = scipy.sparse.csr_array(inverse.astype(np.float32))
    first = matrix.indices.reshape(size, order)[:, 0].astype(np.int64)
    return Spline(matrix, first, matrix.data.reshape(size, order), prefilter)


@kernel
def evaluate_splines(
    coefficients: np.ndarray,
    first_y: np.ndarray,
    weights_y: np.ndarray,
    first_x: np.ndarray,
    weights_x: np.ndarray,
    mask: np.ndarray,
    result: np.ndarray,
) -> None:
    """Values of splines at some pixels.

    Parameters
    ----------
    coefficients
        Shape (n, rows, columns) of the nodes.
    first_y, weights_y, first_x, weights_x
        As of :class:`Spline`, along each axis.
    mask
        Pixels to write, shape (rows, columns).
    result
        Where to write, shape (n, rows, columns).
    """
    count, _, nodes = coefficients.shape
    rows, columns = mask.shape
    order_y, order_x = weights_y.shape[1], weights_x.shape[1]
    line = np.empty(nodes, np.float32)
    for field in range(count):
        for row in range(rows):
            line[:] = 0.0
            for j in range(order_y):
                weight, node = weights_y[row, j], first_y[row] + j
                for column in range(nodes):
                    line[column] += weight * coefficients[field, node, column]
            if order_x == 4:
                for column in range(columns):
                    if mask[row, column]:
                        node = first_x[column]
                        result[field, row, column] = (
                            weights_x[column, 0] * line[node]
                            + weights_x[column, 1] * line[node + 1]
                            + weights_x[column, 2] * line[node + 2]
                            + weights_x[column, 3] * line[node + 3]
                        )
            else:
                for column in range(columns):
                    if mask[row, column]:
                        total = np.float32(0.0)
                        for j in range(order_x):
                            total += weights_x[column, j] * line[first_x[column] + j]
                        result[field, row, column] = total


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


def _integer_frequencies(size: int) -> np.ndarray:
    """Integer frequencies in the order of ``numpy.fft.fftfreq``."""
    return np.rint(np.fft.fftfreq(size) * size).astype(int)
