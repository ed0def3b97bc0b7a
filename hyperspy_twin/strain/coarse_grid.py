"""Band-limited fields of an image: Fourier crops on a coarse grid and their way back to pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numba
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
# Rows that are transformed at once: they stay in the cache.
STRIP = 32
EVERY = slice(None)
# Gives the rows of an image from a first one to before a last one, shape (rows, columns).
Rows = Callable[[int, int], np.ndarray]


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

    def columns_of(self, vectors: np.ndarray) -> int:
        """Columns of the half spectrum that hold the surroundings of frequencies (x, y)."""
        farthest = int(np.ceil(np.abs(vectors[:, 0]).max() * self.padded[1] * self.scale[0]))
        return min(farthest + self.reduced[1] // 2 + 2, self.padded[1] // 2 + 1)

    def spectrum(
        self, image: np.ndarray, weights: np.ndarray | None = None, columns: int | None = None
    ) -> np.ndarray:
        """Half spectrum of the zero-padded image, complex64.

        Parameters
        ----------
        image
            Shape (rows, columns) of the pixels.
        weights
            Factor of each pixel, of the same shape; 1 by default.
        columns
            How many columns of the half spectrum are needed, from the first; all by default.
        """

        def rows(start: int, stop: int) -> np.ndarray:
            part = image[start:stop].astype(np.float32, copy=False)
            return part if weights is None else part * weights[start:stop]

        return self.spectrum_of_rows(rows, columns)

    def spectrum_of_rows(self, rows: Rows, columns: int | None = None) -> np.ndarray:
        """Half spectrum as of :meth:`spectrum` of an image that is never in memory as a whole."""
        columns = self.padded[1] // 2 + 1 if columns is None else columns
        result = np.zeros((self.padded[0], columns), np.complex64)

        def transform_rows(start: int, stop: int) -> None:
            part = rows(start, stop)
            if (part[1:] == part[0]).all():
                part = part[:1]
            result[start:stop] = scipy.fft.rfft(part, self.padded[1])[:, :columns]

        run_on_strips(transform_rows, self.shape[0], STRIP)
        return scipy.fft.fft(result, axis=0, overwrite_x=True, workers=count_threads())

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
        if max(np.where(behind, columns - column, column)) >= spectrum.shape[1]:
            raise IndexError("this part of the spectrum was not computed")
        found = np.empty((len(row), len(column)), spectrum.dtype)
        gather(
            spectrum,
            row % rows,
            -row % rows,
            np.where(behind, columns - column, column),
            behind,
            found,
        )
        return found

    def to_nodes(self, cropped: np.ndarray) -> np.ndarray:
        """Complex field at the nodes of a cropped spectrum."""
        return self.along_x(self.along_y(cropped.astype(np.complex64, copy=False)))

    def along_y(self, cropped: np.ndarray) -> np.ndarray:
        """First half of :meth:`to_nodes`: from frequencies to nodes along y."""
        gain = np.float32(np.prod(self.reduced) / np.prod(self.padded))
        field = scipy.fft.ifft(cropped, axis=0, workers=count_threads())
        return field[: self.nodes[0]] * gain

    def along_x(self, half_way: np.ndarray) -> np.ndarray:
        """Second half of :meth:`to_nodes`: from frequencies to nodes along x."""
        return scipy.fft.ifft(half_way, axis=1, workers=count_threads())[:, : self.nodes[1]]

    def gaussian_averages(
        self, spectrum: np.ndarray, width: float, orders: Sequence[tuple[int, int]]
    ) -> np.ndarray:
        """Average a real image with a Gaussian window, and take derivatives of that, at the nodes.

        Parameters
        ----------
        spectrum
            Half spectrum of the image.
        width
            Standard deviation of the window.
        orders
            Order of each derivative along x and along y.

        Returns
        -------
        ndarray
            Float32, shape (n, rows, columns).
        """
        row, column = _integer_frequencies(self.reduced[0]), np.arange(self.reduced[1] // 2 + 1)
        x, y = self.frequencies()
        x, y = np.abs(x[:, : len(column)]), y
        smooth_x, smooth_y = (np.exp(-2.0 * (np.pi * width * k) ** 2) for k in (x, y))
        cropped = self.coefficients(spectrum, row, column)
        half_way = {
            order: self.along_y(
                cropped * (smooth_y * (2j * np.pi * y) ** order).astype(np.complex64)
            )
            for order in {order for _, order in orders}
        }
        result = np.empty((len(orders), *self.nodes), np.float32)
        for number, (along_x, along_y) in enumerate(orders):
            factor = (smooth_x * (2j * np.pi * x) ** along_x).astype(np.complex64)
            field = scipy.fft.irfft(
                half_way[along_y] * factor, self.reduced[1], workers=count_threads()
            )
            result[number] = field[:, : self.nodes[1]]
        return result

    def to_pixels(self, field: np.ndarray, degree: int = 3) -> np.ndarray:
        """Spline interpolation of a real field from the nodes to the pixels, float32."""
        result = np.empty((1, *self.shape), np.float32)
        self.interpolate(field[None], None, result, degree)
        return result[0]

    def interpolate(
        self,
        fields: np.ndarray,
        mask: np.ndarray | None,
        result: np.ndarray,
        degree: int = 3,
        *,
        corner: tuple[int, int] = (0, 0),
    ) -> None:
        """Spline interpolation of real fields from the nodes to some pixels, in one pass.

        Parameters
        ----------
        fields
            Shape (n, rows, columns) of the nodes.
        mask
            Pixels to write, shape (rows, columns); None for all.
        result
            Where to write, float32, shape (n, rows, columns) of at least the pixels.
        degree
            Of the spline: 1 or 3.
        corner
            Row and column of the first pixel in ``result``.
        """
        splines = self.splines(fields, degree)

        def evaluate_rows(start: int, stop: int) -> None:
            part = None if mask is None else mask[start:stop]
            splines.write(start, stop, part, result, (corner[0] + start, corner[1]))

        run_on_strips(evaluate_rows, self.shape[0])

    def splines(self, fields: np.ndarray, degree: int = 3) -> Splines:
        """Splines of real fields, shape (n, rows, columns) of the nodes, for any rows of pixels."""
        y, x = (self._spline(axis, degree) for axis in (0, 1))
        found = np.ascontiguousarray(fields, np.float32)
        found = y.coefficients(found.transpose(1, 0, 2)).transpose(1, 0, 2)
        found = x.coefficients(found.transpose(2, 0, 1)).transpose(1, 2, 0)
        return Splines(np.ascontiguousarray(found), y, x)

    def nearly(self, nodes: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """Which of some pixels lie among some of the nodes, rather than the others.

        Both are boolean, of the shape of the nodes and of the pixels.
        """
        y, x = (self._spline(axis, 1) for axis in (0, 1))
        result = np.empty(self.shape, bool)
        choose_pixels(nodes, pixels, y.first, y.weights, x.first, x.weights, result)
        return result

    def node_weights(self, pixels: np.ndarray) -> np.ndarray:
        """Share each pixel's weight among the nodes around it, so that sums are kept."""
        if pixels.dtype == bool and pixels.all():
            along_y, along_x = (self._shared(np.ones(size), i) for i, size in enumerate(self.shape))
            return np.outer(along_y, along_x)
        result = self._shared(pixels.astype(np.float32, copy=False), 0)
        return self._shared(result.T, 1).T

    def _shared(self, values: np.ndarray, axis: int) -> np.ndarray:
        """Share values of the pixels along an axis, which lie along the first, among its nodes."""
        if self.reduced[axis] == self.padded[axis]:
            return values.astype(np.float32, copy=False)
        return self._spline(axis, 1).matrix.T @ values.astype(np.float32, copy=False)

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


@dataclass(frozen=True, eq=False)
class Splines:
    """Interpolation of real fields from the nodes to the pixels, some rows at a time.

    Attributes
    ----------
    coefficients
        Of the B-splines, float32, shape (n, rows, columns) of the nodes.
    y, x
        Splines along the two axes.
    """

    coefficients: np.ndarray
    y: Spline
    x: Spline

    def rows(self, start: int, stop: int, columns: slice = EVERY) -> np.ndarray:
        """Fields in some rows and columns of pixels, float32, shape (n, rows, columns)."""
        x = Spline(self.x.matrix, self.x.first[columns], self.x.weights[columns], self.x.filter)
        part = Splines(self.coefficients, self.y, x)
        result = np.empty((len(self.coefficients), stop - start, len(x.first)), np.float32)
        part.write(start, stop, None, result)
        return result

    def write(
        self,
        start: int,
        stop: int,
        mask: np.ndarray | None,
        result: np.ndarray,
        corner: tuple[int, int] = (0, 0),
        fields: slice = EVERY,
    ) -> None:
        """Write some fields in some rows of pixels.

        Parameters
        ----------
        start, stop
            First row, and that after the last.
        mask
            Pixels to write, shape (rows, columns); None for all.
        result
            Where to write, float32, shape (n, rows, columns) of at least the pixels.
        corner
            Row and column of the first pixel in ``result``.
        fields
            Which fields.
        """
        rows = slice(start, stop)
        evaluate_splines(
            self.coefficients[fields], self.y.first[rows], self.y.weights[rows],
            self.x.first, self.x.weights, np.ones((1, 1), bool) if mask is None else mask,
            result, *corner,
        )  # fmt: skip


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
    first_row: int = 0,
    first_column: int = 0,
) -> None:
    """Values of splines at some pixels.

    Parameters
    ----------
    coefficients
        Shape (n, rows, columns) of the nodes.
    first_y, weights_y, first_x, weights_x
        As of :class:`Spline`, along each axis.
    mask
        Pixels to write, shape (rows, columns), or of another shape for all.
    result
        Where to write, shape (n, rows, columns) of at least the pixels.
    first_row, first_column
        Of the pixels in ``result``.
    """
    count = len(coefficients)
    rows, columns = len(first_y), len(first_x)
    order_y, order_x = weights_y.shape[1], weights_x.shape[1]
    everywhere = mask.shape[0] != rows or mask.shape[1] != columns
    # Node rows at the pixels along x: each is needed for some rows of pixels.
    lines = np.empty((order_y, count, columns), np.float32)
    ready = -1
    for row in range(rows):
        node = first_y[row]
        for needed in range(max(node, ready + 1), node + order_y):
            for field in range(count):
                line, source = lines[needed % order_y, field], coefficients[field, needed]
                if order_x == 4:
                    for column in range(columns):
                        first = first_x[column]
                        line[column] = (
                            weights_x[column, 0] * source[first]
                            + weights_x[column, 1] * source[first + 1]
                            + weights_x[column, 2] * source[first + 2]
                            + weights_x[column, 3] * source[first + 3]
                        )
                else:
                    line[:] = 0.0
                    for j in range(order_x):
                        for column in range(columns):
                            line[column] += weights_x[column, j] * source[first_x[column] + j]
        ready = max(ready, node + order_y - 1)
        stop = 0
        while stop < columns:
            start = stop
            stop = columns
            if not everywhere:
                while start < columns and not mask[row, start]:
                    start += 1
                stop = start
                while stop < columns and mask[row, stop]:
                    stop += 1
            for field in range(count):
                target = result[field, first_row + row, first_column + start : first_column + stop]
                if order_y == 4:
                    w_0, w_1 = weights_y[row, 0], weights_y[row, 1]
                    w_2, w_3 = weights_y[row, 2], weights_y[row, 3]
                    l_0 = lines[node % 4, field, start:stop]
                    l_1 = lines[(node + 1) % 4, field, start:stop]
                    l_2 = lines[(node + 2) % 4, field, start:stop]
                    l_3 = lines[(node + 3) % 4, field, start:stop]
                    for i in range(len(target)):
                        target[i] = w_0 * l_0[i] + w_1 * l_1[i] + w_2 * l_2[i] + w_3 * l_3[i]
                else:
                    target[:] = 0.0
                    for j in range(order_y):
                        weight = weights_y[row, j]
                        line = lines[(node + j) % order_y, field, start:stop]
                        for i in range(len(target)):
                            target[i] += weight * line[i]


@kernel
def choose_pixels(
    nodes: np.ndarray,
    pixels: np.ndarray,
    first_y: np.ndarray,
    weights_y: np.ndarray,
    first_x: np.ndarray,
    weights_x: np.ndarray,
    result: np.ndarray,
) -> None:
    """Pixels at which linear interpolation of the nodes is over a half."""
    rows, columns = result.shape
    for row in range(rows):
        near = nodes[first_y[row] : first_y[row] + weights_y.shape[1]]
        if near.all():
            result[row] = pixels[row]
            continue
        for column in range(columns):
            total = np.float32(0.0)
            if pixels[row, column]:
                for i in range(weights_y.shape[1]):
                    for j in range(weights_x.shape[1]):
                        if near[i, first_x[column] + j]:
                            total += weights_y[row, i] * weights_x[column, j]
            result[row, column] = total > 0.5


@kernel
def gather(
    spectrum: np.ndarray,
    row: np.ndarray,
    opposite: np.ndarray,
    column: np.ndarray,
    behind: np.ndarray,
    result: np.ndarray,
) -> None:
    """Coefficients of rows and columns of a half spectrum, conjugate ones behind the half plane."""
    for i in range(len(row)):
        for j in range(len(column)):
            if behind[j]:
                result[i, j] = np.conj(spectrum[opposite[i], column[j]])
            else:
                result[i, j] = spectrum[row[i], column[j]]


def fill_nearest(field: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Replace invalid nodes by the nearest valid one, so that interpolation stays local.

    The last two axes of ``field`` are those of ``valid``.
    """
    if valid.all() or not valid.any():
        return field
    return field[(..., *nearest_nodes(valid))]


def nearest_nodes(valid: np.ndarray) -> np.ndarray:
    """Row and column of the nearest valid node of each, shape (2, rows, columns)."""
    from scipy.ndimage import distance_transform_edt

    return distance_transform_edt(~valid, return_distances=False, return_indices=True)


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


def count_threads() -> int:
    """Threads that may be used: as many as kernels have (``NUMBA_NUM_THREADS``)."""
    return numba.get_num_threads()


def run_on_strips(work: Callable[[int, int], None], rows: int, strip: int | None = None) -> None:
    """Call ``work(start, stop)`` for strips of rows, which it does without the others.

    Strips have at most ``strip`` rows, and each thread has its share of rows.
    """
    threads = min(count_threads(), rows)
    band = -(-rows // threads)
    strip = band if strip is None else strip

    def work_on_band(first: int) -> None:
        last = min(first + band, rows)
        for start in range(first, last, strip):
            work(start, min(start + strip, last))

    if threads == 1:
        work_on_band(0)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work_on_band, range(0, rows, band)))
