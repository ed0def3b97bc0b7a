"""Splines from the nodes of a coarse grid to the pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import BSpline, make_interp_spline

from hyperspy_twin.core import kernel

if TYPE_CHECKING:
    import scipy.sparse

# Elements below this of the filter that makes spline coefficients, which fall by 0.27 from node to
# node, are lost in float32.
SMALLEST_COEFFICIENT = 1e-8
EVERY = slice(None)


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
