"""Band-limited fields of an image: Fourier crops on a coarse grid and their way back to pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from hyperspy_twin.strain.coarse_grid.splines import (
    Spline,
    Splines,
    choose_pixels,
    gather,
    make_spline,
)
from hyperspy_twin.strain.coarse_grid.strips import STRIP, Rows, count_threads, run_on_strips

if TYPE_CHECKING:
    import scipy.sparse

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
