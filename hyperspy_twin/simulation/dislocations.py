"""Displacement field of a periodic array of edge dislocations in an interface."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hyperspy_twin.core import kernel

# Steps of Newton's method, at most.
MOST_STEPS = 30
# Periods of the array: a distance that counts as none.
CONVERGED = 1e-9
# Of the deformation gradient; smaller ones are inside a core, where Newton's method is lost.
SMALLEST_DETERMINANT = 1e-3


class DislocationArray(NamedTuple):
    """Periodic array of edge dislocations along y = 0.

    Attributes
    ----------
    cores
        x of the dislocations of one period, shape (n,).
    period
        Of the array along x, in the unit of x.
    burgers
        Length of the Burgers vector.
    poisson
        Poisson's ratio.
    """

    cores: np.ndarray
    period: float
    burgers: float
    poisson: float


@kernel
def dislocation_field(
    x: float, y: float, array: DislocationArray
) -> tuple[float, float, float, float, float, float]:
    """Compute displacement and gradient, without what remains far from the interface.

    The sum of isotropic edge dislocations along y = 0, Burgers vectors along x and extra half
    planes at y > 0, repeated with ``period``, less the uniform strain of opposite sign that they
    leave on either side. It relates two lattices that are relaxed far away: between the cores
    it brings them into register, and it decays exponentially with the distance. The numbers are
    u_x, u_y, du_x/dx, du_x/dy, du_y/dx, du_y/dy; y = 0 belongs to the upper side (y > 0).

    References
    ----------
    J.P. Hirth, J. Lothe, Theory of Dislocations, Wiley (1982), chapters 3 and 19.
    """
    turn = 2 * np.pi / array.period
    side = 1.0 if y >= 0 else -1.0
    far = abs(y) * turn
    decay = np.exp(-far)
    # Closed forms of the sums over the repeats, with w = decay * exp(i angle).
    angle_sum = logarithm = ratio_real = ratio_imaginary = slope_real = slope_imaginary = 0.0
    for core in array.cores:
        angle = (x - core) * turn
        cosine, sine = np.cos(angle), np.sin(angle)
        distance = 1 - 2 * decay * cosine + decay * decay
        real = decay * (cosine - decay) / distance
        imaginary = decay * sine / distance
        angle_sum += np.arctan2(decay * sine, 1 - decay * cosine)
        logarithm += np.log(distance)
        ratio_real += real
        ratio_imaginary += imaginary
        slope_real += real + real * real - imaginary * imaginary
        slope_imaginary += imaginary + 2 * real * imaginary
    scale = array.burgers / (2 * np.pi)
    outer = 1 / (2 * (1 - array.poisson))
    inner = (1 - 2 * array.poisson) * outer
    u_x = scale * side * (outer * far * ratio_imaginary - angle_sum)
    u_y = scale * (outer * far * ratio_real - inner * logarithm / 2)
    scale *= turn
    x_x = scale * side * (outer * far * slope_real - ratio_real)
    x_y = scale * ((1 + outer) * ratio_imaginary - outer * far * slope_imaginary)
    y_x = -scale * (inner * ratio_imaginary + outer * far * slope_imaginary)
    y_y = scale * side * ((outer - inner) * ratio_real - outer * far * slope_real)
    return u_x, u_y, x_x, x_y, y_x, y_y


@kernel
def displace_points(points: np.ndarray, array: DislocationArray) -> np.ndarray:
    """Compute the displacement of many points.

    Parameters
    ----------
    points
        x and y, shape (n, 2).
    array
        The dislocations.

    Returns
    -------
    numpy.ndarray
        u_x and u_y, shape (n, 2).
    """
    moved = np.empty(points.shape)
    for i in range(points.shape[0]):
        field = dislocation_field(points[i, 0], points[i, 1], array)
        moved[i, 0] = field[0]
        moved[i, 1] = field[1]
    return moved


@kernel
def undo_displacement(points: np.ndarray, array: DislocationArray) -> tuple[np.ndarray, np.ndarray]:
    """Find where displaced points came from, by Newton's method, and the gradient there.

    Parameters
    ----------
    points
        Displaced x and y, shape (n, 2).
    array
        The dislocations.

    Returns
    -------
    origin : numpy.ndarray
        x and y before the displacement, shape (n, 2); where no origin is found, as in the core
        of a dislocation, the last attempt.
    gradient : numpy.ndarray
        du_x/dx, du_x/dy, du_y/dx, du_y/dy, shape (n, 4); NaN where no origin is found.
    """
    origin = points.copy()
    gradient = np.full((points.shape[0], 4), np.nan)
    for i in range(points.shape[0]):
        x, y = points[i, 0], points[i, 1]
        for _ in range(MOST_STEPS):
            u_x, u_y, x_x, x_y, y_x, y_y = dislocation_field(x, y, array)
            residual_x = x + u_x - points[i, 0]
            residual_y = y + u_y - points[i, 1]
            if abs(residual_x) + abs(residual_y) < CONVERGED * array.period:
                gradient[i] = (x_x, x_y, y_x, y_y)
                break
            determinant = (1 + x_x) * (1 + y_y) - x_y * y_x
            if abs(determinant) < SMALLEST_DETERMINANT:
                break
            x -= ((1 + y_y) * residual_x - x_y * residual_y) / determinant
            y -= ((1 + x_x) * residual_y - y_x * residual_x) / determinant
        origin[i, 0] = x
        origin[i, 1] = y
    return origin, gradient
