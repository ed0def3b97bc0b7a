"""Errors of strain in any direction, from the noise behind them.

The error of the gradient T of the displacement is T_ij = sum over k of the noise n_k times the
window's derivative along j, so that its covariance is U_ia V_jb: U of the noise, V of the window
(see ``strain/gaussian_windows.py``). Noise of scan lines adds a second pair. Of a finite strain
the error is dT = F_rel (dS) F, with F_rel relative to the lattice of the vectors and F to that of
the strain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import erf

from hyperspy_twin.core import GradientNoise, Grid
from hyperspy_twin.strain.coarse_grid import fill_nearest, make_coarse_grid
from hyperspy_twin.strain.gaussian_windows import Window, measure_window
from hyperspy_twin.strain.lattice_waves import longest_spacing
from hyperspy_twin.strain.mechanics.deformation import (
    Gradients,
    product,
    transpose,
    turn,
)
from hyperspy_twin.strain.pieces import Piece, find_pieces

# Order of the covariances of the strains: xx xx, yy yy, xy xy, xx yy, xx xy, yy xy.
COVARIANCES = 6
# Half a width in resolutions below which a mean is that of a point: to 1e-8, far above rounding.
SHORTEST = 1e-4


@dataclass(frozen=True, eq=False)
class Analysis:
    """What a strain map knows of how it was measured.

    Attributes
    ----------
    labels
        Region of each pixel, shape (rows, columns).
    grid
        Pixel grid.
    resolution
        Standard deviation of the window.
    vectors
        Reciprocal vectors (x, y) of the reference, shape (k, 2).
    reference
        Number of the reference.
    noise
        Noise of the regions.
    fixed
        Whether the lattice of the reference was measured in another image of a series; its noise
        is taken to be that of this one.
    area
        Pixels that were drawn as the reference, boolean, shape (rows, columns); None where they
        are the inner ones of its region.
    """

    labels: np.ndarray
    grid: Grid
    resolution: float
    vectors: np.ndarray
    reference: int
    noise: GradientNoise
    fixed: bool = False
    area: np.ndarray | None = None

    def windows(self) -> list[tuple[int, Piece, Window]]:
        """Region, pixels and windows of each piece that was analysed."""
        spacing = longest_spacing(self.vectors)
        found = []
        for piece in find_pieces(self.labels, self.grid, self.resolution):
            label = int(self.labels[piece.box][piece.mask][0])
            if label in self.noise.region:
                coarse = make_coarse_grid(piece.mask.shape, self.grid.scale, self.resolution)
                weights = piece.weights(spacing, self.grid.scale)
                found.append((label, piece, measure_window(coarse, weights)))
        return found

    def noise_of(self, label: int) -> tuple[np.ndarray, np.ndarray]:
        """White noise and noise of lines of a region, shape (2, 2) each."""
        index = int(np.flatnonzero(np.asarray(self.noise.region) == label)[0])
        return np.asarray(self.noise.white)[index], np.asarray(self.noise.lines)[index]


def line_ratio(resolution: float) -> float:
    """Gradient noise of a noise of lines over that of white noise of the same density.

    1 / (4 sqrt(pi) s^3) over 1 / (8 pi s^4).
    """
    return 2.0 * np.sqrt(np.pi) * resolution


def window_gradient(window: Window) -> np.ndarray:
    """Gradient noise at the nodes of a window for white noise of unit density, (2, 2, ...)."""
    x, y = window.coarse.scale
    return 2.0 * window.gradient_noise / (x * y)


def strain_covariances(analysis: Analysis, gradients: Gradients) -> np.ndarray:
    """Covariances of the strains of each pixel in the axes of the image.

    Parameters
    ----------
    analysis
        How the strain was measured.
    gradients
        Of each pixel, shape (2, 2, rows, columns) each.

    Returns
    -------
    numpy.ndarray
        Of e_xx, e_yy and e_xy in the order of ``COVARIANCES``, shape (6, rows, columns), NaN where
        nothing is known.
    """
    found = np.full((COVARIANCES, *analysis.grid.shape), np.nan)
    for box, mask, parts in noise_of_pixels(analysis, gradients):
        found[(slice(None), *box)][:, mask] = sum(_covariances(*part) for part in parts)
    return found


def noise_of_pixels(
    analysis: Analysis, gradients: Gradients, averaging: Averaging | None = None
) -> Iterator[tuple[tuple[slice, slice], np.ndarray, list[tuple[np.ndarray, np.ndarray]]]]:
    """Covariances left_ia right_jb of T_ij and T_ab in the pixels of each piece.

    Parameters
    ----------
    analysis, gradients
        As for :func:`strain_covariances`.
    averaging
        Of the pixels, if the covariance of means is asked for.

    Yields
    ------
    box, mask
        Bounding box of the piece, and its pixels in it.
    parts
        Pairs of left and right, shape (2, 2, pixels) each: of white noise, and of scan lines.
    """
    for label, piece, window in analysis.windows():
        white, lines = analysis.noise_of(label)
        fields = fill_nearest(window_gradient(window)[(0, 0, 1), (0, 1, 1)], window.mass > 0.0)
        at_pixels = np.full((3, *piece.mask.shape), np.nan, np.float32)
        window.coarse.interpolate(fields, piece.mask, at_pixels)
        g_xx, g_xy, g_yy = (one[piece.mask].astype(float) for one in at_pixels)
        inside = (slice(None), slice(None), *piece.box)
        left, right = (one[inside][..., piece.mask] for one in gradients.factors)
        pixels = np.array([[g_xx, g_xy], [g_xy, g_yy]])
        rows = np.zeros_like(pixels)
        rows[1, 1] = line_ratio(analysis.resolution) * g_yy
        if averaging is not None:
            pixels, rows = averaging.reduce(piece.box, piece.mask, pixels, rows)
        yield (
            piece.box,
            piece.mask,
            [
                (
                    product(left, noise[..., None], transpose(left)),
                    product(transpose(right), one, right),
                )
                for noise, one in ((white, pixels), (lines, rows))
            ],
        )


@dataclass(frozen=True, eq=False)
class Averaging:
    """Means of pixels across a line, of gradients of white noise smoothed with a Gaussian.

    Attributes
    ----------
    angle
        Of the line, see :func:`~hyperspy_twin.strain.mechanics.deformation.frame_axes`.
    width
        Over which pixels are averaged across the line, at each pixel, shape (rows, columns).
    resolution
        Standard deviation of the Gaussian.
    """

    angle: float
    width: np.ndarray
    resolution: float

    def reduce(
        self,
        box: tuple[slice, slice],
        mask: np.ndarray,
        pixels: np.ndarray,
        rows: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Covariances of the gradient after the mean, in the axes of the image."""
        width = self.width[box][mask]
        along = np.sqrt(mean_of_smoothed(width, self.resolution))
        across = np.sqrt(mean_of_slopes(width, self.resolution))
        factors = np.array([along, across])
        turned = turn(pixels, self.angle) * factors[:, None] * factors[None]
        # Lines of the scan are constant along x: their means run over y alone.
        slant = abs(np.cos(np.radians(self.angle)))
        return turn(turned, -self.angle), rows * mean_of_slopes(slant * width, self.resolution)


def mean_of_smoothed(width: np.ndarray, resolution: float) -> np.ndarray:
    """Variance of the mean of noise along a line, over that of a point.

    The noise is smoothed with a Gaussian of standard deviation s, so that it has the
    autocorrelation exp(-d^2 / 4 s^2).
    """
    ratio = np.maximum(width / (2.0 * resolution), SHORTEST)
    integral = np.sqrt(np.pi) * ratio * erf(ratio) + np.expm1(-(ratio**2))
    return np.where(ratio > SHORTEST, integral / ratio**2, 1.0)


def mean_of_slopes(width: np.ndarray, resolution: float) -> np.ndarray:
    """Give the same of the derivative along the line: (1 - d^2 / 2 s^2) exp(-d^2 / 4 s^2)."""
    ratio = np.maximum(width / (2.0 * resolution), SHORTEST)
    return -np.expm1(-(ratio**2)) / ratio**2


def scale_covariances(covariances: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    """Covariances that agree with measured errors in the sum over all directions.

    The amplitudes of the waves change from pixel to pixel, and with them all errors alike; the sum
    of the variances of e_xx, e_yy and twice that of e_xy is the same in all axes.

    ``sigmas`` are the standard errors of e_xx, e_yy and e_xy, shape (3, rows, columns).
    """
    weights = np.array([1.0, 1.0, 2.0])
    total = np.tensordot(weights, covariances[:3], 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.tensordot(weights, np.asarray(sigmas, float) ** 2, 1) / total
    return covariances * np.where(total > 0.0, ratio, np.nan)


def largest_covariances(sigmas: np.ndarray) -> np.ndarray:
    """Covariances of errors that are one and the same, for a bound where none is known."""
    xx, yy, xy = np.asarray(sigmas, float)
    return np.array([xx**2, yy**2, xy**2, xx * yy, xx * xy, yy * xy])


def turn_variances(covariances: np.ndarray, angle: float | np.ndarray) -> np.ndarray:
    """Variances of e_xx, e_yy and e_xy in axes turned by an angle, shape (3, rows, columns).

    The angle is that of :func:`~hyperspy_twin.strain.mechanics.deformation.frame_axes`.
    """
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    both, twice = cosine * sine, 2.0 * cosine * sine
    return np.array(
        [
            combined_variance(covariances, cosine**2, sine**2, -twice),
            combined_variance(covariances, sine**2, cosine**2, twice),
            combined_variance(covariances, both, -both, cosine**2 - sine**2),
        ]
    )


def turn_bounds(sigmas: np.ndarray, angle: float | np.ndarray) -> np.ndarray:
    """Largest variances in turned axes that standard errors allow, shape (3, rows, columns)."""
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    both, twice = abs(cosine * sine), abs(2.0 * cosine * sine)
    bound = largest_covariances(sigmas)
    return np.array(
        [
            combined_variance(bound, cosine**2, sine**2, twice),
            combined_variance(bound, sine**2, cosine**2, twice),
            combined_variance(bound, both, both, abs(cosine**2 - sine**2)),
        ]
    )


def combined_variance(
    covariances: np.ndarray,
    xx: float | np.ndarray,
    yy: float | np.ndarray,
    xy: float | np.ndarray,
) -> np.ndarray:
    """Variance of the sum of e_xx, e_yy and e_xy with these weights."""
    return (
        xx**2 * covariances[0]
        + yy**2 * covariances[1]
        + xy**2 * covariances[2]
        + 2.0 * (xx * yy * covariances[3] + xx * xy * covariances[4] + yy * xy * covariances[5])
    )


def _covariances(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Covariances of the strains where T_ij and T_ab have left_ia right_jb, (2, 2, ...) each."""
    return np.array(
        [
            left[0, 0] * right[0, 0],
            left[1, 1] * right[1, 1],
            0.25
            * (
                left[0, 0] * right[1, 1] + left[1, 1] * right[0, 0] + 2.0 * left[0, 1] * right[0, 1]
            ),
            left[0, 1] * right[0, 1],
            0.5 * (left[0, 0] * right[0, 1] + left[0, 1] * right[0, 0]),
            0.5 * (left[0, 1] * right[1, 1] + left[1, 1] * right[0, 1]),
        ]
    )
