"""Positions of dislocation cores: where the lattice waves that wind once vanish."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.strain.lattice_waves import LatticeWaves
from hyperspy_twin.strain.noise import Noise

# Inner and outer radius, in resolutions, of the ring that gives the carrier of a core: outside the
# zero, inside the next core of a close array.
RING = 1.2, 2.8
# Resolutions that a zero may lie from where windings were found.
REACH = 1.5
# The window reaches so many resolutions, where it has fallen to exp(-8) = 3e-4.
EXTENT = 4.0
# Steps of Newton's method, and the last one in resolutions.
MOST_STEPS, SMALLEST_STEP = 12, 1e-4


@dataclass(frozen=True, eq=False)
class Zero:
    """Zero of one wave.

    Attributes
    ----------
    position
        x and y relative to the first pixel of the image.
    variance
        Mean variance of x and y by the noise of the image.
    """

    position: np.ndarray
    variance: float


def locate_zero(
    region: LatticeWaves, noise: Noise, index: int, start: np.ndarray
) -> Zero | None:
    """Find the zero of one wave near a position, or None.

    The wave is demodulated again, with the mean frequency of a ring around the position: what the
    lattice around the core has, so that strain does not shift the zero.
    """
    carrier = _ring_frequency(region, index, start)
    width, scale = region.coarse.resolution, np.array(region.coarse.scale)
    local = start - region.origin
    low = np.maximum(np.floor((local - (EXTENT + REACH) * width) / scale), 0).astype(int)
    high = np.ceil((local + (EXTENT + REACH) * width) / scale).astype(int) + 1
    part = np.s_[low[1] : high[1], low[0] : high[0]]
    values = np.where(region.piece.mask[part], region.residual[part], 0.0)
    x = (low[0] + np.arange(values.shape[1])) * scale[0]
    y = (low[1] + np.arange(values.shape[0])) * scale[1]
    wave = np.exp(-2j * np.pi * carrier[1] * (y - local[1]))[:, None] * np.exp(
        -2j * np.pi * carrier[0] * (x - local[0])
    )
    values = values * wave
    point = local.copy()
    for _ in range(MOST_STEPS):
        field, jacobian = _field_at(values, x - point[0], y - point[1], width)
        if abs(np.linalg.det(jacobian)) < np.finfo(float).tiny:
            return None
        step = np.linalg.solve(jacobian, [-field.real, -field.imag])
        # A longer step leaves the part in which the field is nearly linear.
        point = point + step * min(1.0, 0.5 * width / max(np.linalg.norm(step), 1e-300))
        if np.linalg.norm(point - local) > REACH * width:
            return None
        if np.linalg.norm(step) < SMALLEST_STEP * width:
            break
    else:
        return None
    # The window is not normalised: its squares sum to pi s^2 over the area of a pixel.
    power = 0.5 * noise.white[index] * np.pi * width**2 / float(np.prod(scale))
    inverse = np.linalg.inv(jacobian)
    return Zero(point + region.origin, 0.5 * power * float(np.sum(inverse**2)))


def _field_at(
    values: np.ndarray, x: np.ndarray, y: np.ndarray, width: float
) -> tuple[complex, np.ndarray]:
    """Windowed sum of demodulated pixels, and the gradient of its real and imaginary part."""
    along_x, along_y = (np.exp(-(one**2) / (2.0 * width**2)) for one in (x, y))
    lines = values @ np.column_stack([along_x, along_x * x / width**2])
    field, slope_x = along_y @ lines
    slope_y = (along_y * y / width**2) @ lines[:, 0]
    gradient = np.array([slope_x, slope_y])
    return complex(field), np.array([gradient.real, gradient.imag])


def _ring_frequency(region: LatticeWaves, index: int, centre: np.ndarray) -> np.ndarray:
    """Mean frequency (x, y) of a wave in the ring around a position."""
    x, y = region.coarse.node_positions()
    distance = np.hypot(
        (x + region.origin[0] - centre[0])[None, :], (y + region.origin[1] - centre[1])[:, None]
    )
    inner, outer = (radius * region.coarse.resolution for radius in RING)
    ring = (distance >= inner) & (distance <= outer)
    return region.mean_frequency(index, ring * region.window.mass**2)
