"""Errors of the displacement, from the noise behind those of the strain.

The displacement at a point is that at the centroid of the window, less what the gradient gives on
the way from the point: a mean of the noise n with the weights K = w m / N (1 - q.(r - c)) of the
window w in the region m, of mass N and centroid c, with q = J^-1 c / s^2 (see
``strain/gaussian_windows.py``). Far from outlines c is zero, and its variance the integral of the
squared window: 1 / (4 pi s^2) of that of white noise and 1 / (2 sqrt(pi) s) of that of scan lines.
"""

from __future__ import annotations

import numpy as np

from hyperspy_twin.strain.coarse_grid import fill_nearest
from hyperspy_twin.strain.gaussian_windows import UP_TO_SECOND, Window
from hyperspy_twin.strain.lattice_waves import longest_spacing
from hyperspy_twin.strain.mechanics.gradient_errors import Analysis
from hyperspy_twin.strain.pieces import Piece


def find_displacement_errors(analysis: Analysis) -> np.ndarray:
    """Find standard errors of the displacement along x and y of the image.

    They are those of one pixel by the noise of the image, on average over each region, and of the
    zero, the mean in the reference; errors of pixels closer than about two resolutions are
    correlated.

    Returns
    -------
    numpy.ndarray
        In the unit of the grid, shape (2, rows, columns), float32; NaN where nothing is known.
    """
    found = np.full((2, *analysis.grid.shape), np.nan, np.float32)
    spacing = longest_spacing(analysis.vectors)
    width = analysis.resolution
    zero = _error_of_zero(analysis)
    for label, piece, window in analysis.windows():
        white, lines = (np.diag(one)[:, None] for one in analysis.noise_of(label))
        fields = fill_nearest(_window_variances(window, piece, spacing), window.mass > 0.0)
        at_pixels = np.full((2, *piece.mask.shape), np.nan, np.float32)
        window.coarse.interpolate(fields, piece.mask, at_pixels)
        of_pixels, of_lines = at_pixels[:, piece.mask]
        variance = zero[:, None] + white / (4.0 * np.pi * width**2) * of_pixels
        variance += lines / (2.0 * np.sqrt(np.pi) * width) * of_lines
        found[(slice(None), *piece.box)][:, piece.mask] = np.sqrt(variance)
    return found


def _error_of_zero(analysis: Analysis) -> np.ndarray:
    """Variance of the mean displacement in the reference along x and y.

    Of the waves that determine it each sees other rows, those that are bright, so that it remains
    where another set of them, as for the origin of a cell, is compared with the displacement.
    """
    inside = analysis.labels == analysis.reference
    if not inside.any() or analysis.reference not in analysis.noise.region:
        return np.zeros(2)
    white, lines = (np.diag(one) for one in analysis.noise_of(analysis.reference))
    x, y = analysis.grid.scale
    return white / (inside.sum() * x * y) + lines / (inside.any(axis=1).sum() * y)


def _window_variances(window: Window, piece: Piece, spacing: float) -> np.ndarray:
    """Variance at the nodes over that far from outlines, of noise of pixels and of lines, (2, ...).

    Lines feel only that a window is cut along y.
    """
    coarse, width = window.coarse, window.coarse.resolution
    weights = piece.weights(spacing, coarse.scale)
    density, *slopes = coarse.gaussian_averages(
        coarse.spectrum_of_rows(
            lambda start, stop: weights(start, stop) ** 2, coarse.columns_of(np.zeros((1, 2)))
        ),
        width / np.sqrt(2.0),
        UP_TO_SECOND[:3],
    )
    density = np.maximum(density, np.finfo(np.float32).tiny)
    centroid = window.centroid
    # First moment of the squared window about the centroid of the window.
    moment = 0.5 * width**2 * np.array(slopes) / density - centroid
    steep = np.einsum("ij...,j...->i...", window.jacobian_inverse, centroid) / width**2
    excess = window.amplitude_noise * (1.0 - 2.0 * np.einsum("i...,i...->...", steep, moment))
    excess += 2.0 * np.einsum("i...,ij...,j...->...", centroid, window.gradient_noise, centroid)
    x, y = coarse.scale
    pixels = np.maximum(excess * 4.0 * np.pi * width**2 / (x * y), 1.0)
    squared = np.sum(centroid**2, axis=0)
    along_y = np.divide(centroid[1] ** 2, squared, out=np.ones_like(squared), where=squared > 0.0)
    return np.stack([pixels, 1.0 + (pixels - 1.0) * along_y])
