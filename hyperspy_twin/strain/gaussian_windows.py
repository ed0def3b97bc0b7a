"""Gaussian windows that stop at the outline of a region, and the background seen in them.

A Gaussian window of standard deviation s around r, restricted to a region by weights m, has
the mass N(r) = (w * m)(r), the centroid r + s^2 grad ln N and the covariance s^2 J with
J = 1 + s^2 Hessian(ln N). The phase gradient of the windowed lattice wave is J times the
phase gradient of the lattice, so that dividing by J removes the bias at outlines, where
J < 1; far from them J = 1 and this is the usual Gaussian mask in reciprocal space.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import kernel
from hyperspy_twin.strain.coarse_grid import CoarseGrid, Rows

# Windows with less than this fraction of their mass inside the region give no result. At the corner
# of an image windows of one lattice spacing hold 0.8 %.
MINIMUM_MASS = 0.005
# Area over which a window averages noise, in squared resolutions.
PATCH = 4.0 * np.pi
# Orders of derivatives along x and y.
UP_TO_SECOND = ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))


@dataclass(frozen=True)
class Window:
    """Moments of the windows at the nodes of a coarse grid.

    Attributes
    ----------
    coarse
        The coarse grid.
    mass
        Fraction of the window inside the region.
    centroid
        Offset (x, y) of the centroid from the node, shape (2, rows, columns).
    jacobian_inverse
        Inverse of J, shape (2, 2, rows, columns).
    amplitude_noise
        Variance of the normalised complex amplitude for white noise of unit variance per pixel.
    gradient_noise
        Covariance of the real and of the imaginary part of the complex amplitude's gradient,
        already divided by J, for white noise of unit variance per pixel; shape
        (2, 2, rows, columns). Half of the total, since noise is split between the parts.
    """

    coarse: CoarseGrid
    mass: np.ndarray
    centroid: np.ndarray
    jacobian_inverse: np.ndarray
    amplitude_noise: np.ndarray
    gradient_noise: np.ndarray

    @property
    def width(self) -> np.ndarray:
        """Standard deviation of each window in its narrowest direction, in the unit of the grid."""
        half_trace = 0.5 * (self.jacobian_inverse[0, 0] + self.jacobian_inverse[1, 1])
        inverse = self.jacobian_inverse
        determinant = inverse[0, 0] * inverse[1, 1] - inverse[0, 1] * inverse[1, 0]
        largest = half_trace + np.sqrt(np.maximum(half_trace**2 - determinant, 0.0))
        return self.coarse.resolution / np.sqrt(largest)

    def transmission(self, spectrum: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Fraction of a wave that the windows let through at a distance in reciprocal space.

        ``spectrum`` is that of the weights of the window, ``distance`` (x, y) in the reciprocal
        unit of the grid.
        """
        centre = self.coarse.nearest_bin(distance)
        offset = distance - self.coarse.bin_frequency(centre)
        mask = gaussian_mask(self.coarse, offset, self.coarse.resolution)
        passed = np.abs(self.coarse.to_nodes(self.coarse.crop(spectrum, centre) * mask))
        return np.divide(passed, self.mass, out=np.zeros_like(passed), where=self.mass > 0.0)


def gaussian_mask(coarse: CoarseGrid, offset: np.ndarray, resolution: float) -> np.ndarray:
    """Fourier transform of the Gaussian window about ``offset`` (x, y) from the crop's centre."""
    x, y = coarse.frequencies()
    along_x, along_y = (
        np.exp(-2.0 * (np.pi * resolution * (k - centre)) ** 2).astype(np.float32)
        for k, centre in zip((x, y), offset, strict=True)
    )
    return along_x * along_y


def measure_window(coarse: CoarseGrid, weights: Rows) -> Window:
    """Measure the moments of the windows in a region: pixels with weights between 0 and 1."""
    width = coarse.resolution
    columns = coarse.columns_of(np.zeros((1, 2)))
    moments = coarse.gaussian_averages(
        coarse.spectrum_of_rows(weights, columns), width, UP_TO_SECOND
    )
    # The squared window is a narrower window times 1 / (4 pi s^2) per unit of area.
    squared = coarse.gaussian_averages(
        coarse.spectrum_of_rows(lambda start, stop: weights(start, stop) ** 2, columns),
        width / np.sqrt(2.0),
        UP_TO_SECOND,
    )
    noise = coarse.scale[0] * coarse.scale[1] / (4.0 * np.pi * width**2)
    return Window(coarse, *combine_moments(moments, squared, width, noise))


@kernel
def combine_moments(
    moments: np.ndarray, squared: np.ndarray, width: float, noise: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Fields of a :class:`Window`, from mass to gradient noise, at each node.

    Parameters
    ----------
    moments
        Gaussian average of the weights, its gradient (x, y) and second derivatives (xx, xy, yy),
        shape (6, rows, columns).
    squared
        The same of the squared weights in a window narrower by the square root of two.
    width
        Standard deviation of the window.
    noise
        Integral of the squared window times the area of a pixel.
    """
    _, rows, columns = moments.shape
    mass = np.zeros((rows, columns), np.float32)
    centroid = np.zeros((2, rows, columns), np.float32)
    inverse = np.zeros((2, 2, rows, columns), np.float32)
    amplitude_noise = np.zeros((rows, columns), np.float32)
    gradient_noise = np.zeros((2, 2, rows, columns), np.float32)
    s_2 = width * width
    for row in range(rows):
        for column in range(columns):
            total = moments[0, row, column]
            c_x = c_y = 0.0
            j_00 = j_11 = 1.0
            j_01 = 0.0
            gain = 1.0
            if total > MINIMUM_MASS:
                mass[row, column] = total
                gain = 1.0 / total
                f_x, f_y = moments[1, row, column] * gain, moments[2, row, column] * gain
                c_x, c_y = s_2 * f_x, s_2 * f_y
                j_00 += s_2 * (moments[3, row, column] * gain - f_x * f_x)
                j_01 = s_2 * (moments[4, row, column] * gain - f_x * f_y)
                j_11 += s_2 * (moments[5, row, column] * gain - f_y * f_y)
            determinant = j_00 * j_11 - j_01 * j_01
            i_00, i_01, i_11 = j_11 / determinant, -j_01 / determinant, j_00 / determinant
            centroid[0, row, column], centroid[1, row, column] = c_x, c_y
            inverse[0, 0, row, column], inverse[1, 1, row, column] = i_00, i_11
            inverse[0, 1, row, column] = inverse[1, 0, row, column] = i_01
            # Second moments of the squared window about the centroid.
            density = squared[0, row, column]
            half = 0.5 * s_2
            a_x, a_y = half * squared[1, row, column], half * squared[2, row, column]
            m_00 = half * half * squared[3, row, column] + half * density
            m_01 = half * half * squared[4, row, column]
            m_11 = half * half * squared[5, row, column] + half * density
            m_00 += density * c_x * c_x - 2.0 * c_x * a_x
            m_01 += density * c_x * c_y - c_x * a_y - c_y * a_x
            m_11 += density * c_y * c_y - 2.0 * c_y * a_y
            power = noise * gain * gain
            amplitude_noise[row, column] = max(power * density, 0.0)
            power *= 0.5 / (s_2 * s_2)
            p_00, p_01 = i_00 * m_00 + i_01 * m_01, i_00 * m_01 + i_01 * m_11
            p_10, p_11 = i_01 * m_00 + i_11 * m_01, i_01 * m_01 + i_11 * m_11
            gradient_noise[0, 0, row, column] = power * (p_00 * i_00 + p_01 * i_01)
            gradient_noise[0, 1, row, column] = power * (p_00 * i_01 + p_01 * i_11)
            gradient_noise[1, 0, row, column] = power * (p_10 * i_00 + p_11 * i_01)
            gradient_noise[1, 1, row, column] = power * (p_10 * i_01 + p_11 * i_11)
    return mass, centroid, inverse, amplitude_noise, gradient_noise


def fit_background(window: Window, spectrum: np.ndarray) -> np.ndarray:
    """Gaussian average of an image at the nodes, exact for a plane up to the outline.

    ``spectrum`` is that of the image with the weights of the window. The average is 0 where no
    window lies inside the region.
    """
    inside = window.mass > 0.0
    gain = inside / np.where(inside, window.mass, np.float32(1.0))
    width = window.coarse.resolution
    total, *slopes = window.coarse.gaussian_averages(spectrum, width, UP_TO_SECOND[:3])
    mean = total * gain
    slope = np.array(slopes) * gain - mean * window.centroid / np.float32(width**2)
    inverse, centroid = window.jacobian_inverse, window.centroid
    for i in (0, 1):
        mean = mean - (inverse[i, 0] * slope[0] + inverse[i, 1] * slope[1]) * centroid[i]
    return mean


@kernel
def normalise(
    field: np.ndarray,
    slope_x: np.ndarray,
    slope_y: np.ndarray,
    mass: np.ndarray,
    centroid: np.ndarray,
    inverse: np.ndarray,
    turn_x: np.ndarray,
    turn_y: np.ndarray,
    width_x: float,
    width_y: float,
    phase: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Amplitude and deviation of the frequency from the carrier of what a mask lets through.

    Parameters
    ----------
    field, slope_x, slope_y
        What the mask lets through, and its gradient over 2 pi i, shape (rows, columns).
    mass, centroid, inverse
        Of the windows: mass, centroid and the inverse of J.
    turn_x, turn_y
        Turns from the centre of the crop to the carrier at the nodes along x and y.
    width_x, width_y
        Standard deviation of the window in nodes along x and y.
    phase
        Radians over the standard deviation of the window per unit of frequency.

    Returns
    -------
    amplitude
        Complex64, shape (rows, columns).
    deviation
        Float32, shape (2, rows, columns).
    """
    rows, columns = field.shape
    amplitude = np.zeros((rows, columns), np.complex64)
    deviation = np.zeros((2, rows, columns), np.float32)
    for row in range(rows):
        for column in range(columns):
            real, imaginary = field[row, column].real, field[row, column].imag
            power = real * real + imaginary * imaginary
            if mass[row, column] > 0.0 and power > 0.0:
                s_x, s_y = slope_x[row, column], slope_y[row, column]
                d_x = (s_x.real * real + s_x.imag * imaginary) / power
                d_y = (s_y.real * real + s_y.imag * imaginary) / power
                f_x = inverse[0, 0, row, column] * d_x + inverse[0, 1, row, column] * d_y
                f_y = inverse[1, 0, row, column] * d_x + inverse[1, 1, row, column] * d_y
                # A wave off the carrier sees windows that are moved by an imaginary distance: J is
                # less by a sixth of its second derivative along it.
                t_x, t_y = phase * f_x, phase * f_y
                whole = 0 < row < rows - 1 and 0 < column < columns - 1
                if whole and t_x * t_x + t_y * t_y < 1.0:
                    if mass[row - 1 : row + 2, column - 1 : column + 2].min() > 0.0:
                        t_x, t_y = t_x * width_x, t_y * width_y
                        i_00 = _curvature(inverse[0, 0], row, column, t_x, t_y)
                        i_01 = _curvature(inverse[0, 1], row, column, t_x, t_y)
                        i_11 = _curvature(inverse[1, 1], row, column, t_x, t_y)
                        f_x -= (i_00 * d_x + i_01 * d_y) / 6.0
                        f_y -= (i_01 * d_x + i_11 * d_y) / 6.0
                deviation[0, row, column], deviation[1, row, column] = f_x, f_y
                turn = turn_x[column] + turn_y[row]
                turn += f_x * centroid[0, row, column] + f_y * centroid[1, row, column]
                turn = 2.0 * np.pi * (turn - np.floor(turn))
                cosine, sine = np.cos(np.float32(turn)), np.sin(np.float32(turn))
                gain = np.float32(1.0) / mass[row, column]
                amplitude[row, column] = gain * complex(
                    real * cosine + imaginary * sine, imaginary * cosine - real * sine
                )
    return amplitude, deviation


@kernel
def _curvature(field: np.ndarray, row: int, column: int, along_x: float, along_y: float) -> float:
    """Second derivative of a field along a vector, times its squared length in nodes."""
    middle = 2.0 * field[row, column]
    return (
        along_x * along_x * (field[row, column - 1] + field[row, column + 1] - middle)
        + along_y * along_y * (field[row - 1, column] + field[row + 1, column] - middle)
        + 0.5 * along_x * along_y * (
            field[row + 1, column + 1] + field[row - 1, column - 1]
            - field[row + 1, column - 1] - field[row - 1, column + 1]
        )
    )  # fmt: skip
