"""Positions of dislocation cores: where the lattice waves that wind once vanish.

Columns of a width make waves weaker the longer their reciprocal vectors. Where a core compresses
the lattice its waves are then weaker than where it expands it, which shifts their zeros, those of
each wave in another direction. An envelope exp(-2 pi^2 t k^2) of the spectrum and a mask that is
centred on c make a mask that is centred on c / (1 + t / s^2), so that one on c (1 + t / s^2) undoes
it. The width t is that with which the zeros of the waves of all cores coincide best.
"""

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


# Squared width of columns, in squared resolutions, with which the shift of zeros is measured:
# columns of a seventh of the resolution, as they are.
TRIAL_WIDTH = 0.02
# Deviation of zeros beside that of the noise, in resolutions, by discrete columns and what else a
# core is: .08-.12 in benchmarks/dislocations.py at high dose. The waves of a core have it in
# common.
OWN_DEVIATION = 0.1


@dataclass(frozen=True, eq=False)
class Zeros:
    """Zeros of the waves that wind once around a core.

    Attributes
    ----------
    position
        x and y of each relative to the first pixel of the image, shape (n, 2).
    shift
        How they move per squared width of the columns over the squared resolution, shape (n, 2).
    variance
        Mean variance of x and y by the noise of the image, shape (n,).
    own
        That of another kind, which they have in common.
    """

    position: np.ndarray
    shift: np.ndarray
    variance: np.ndarray
    own: float

    @property
    def weights(self) -> np.ndarray:
        """Weights in a mean, shape (n,)."""
        return 1.0 / (self.variance + self.own)


def locate_zeros(
    region: LatticeWaves, noise: Noise, indices: np.ndarray, start: np.ndarray
) -> tuple[Zeros, np.ndarray]:
    """Find the zeros of some waves near a position, and the indices of those that have one."""
    known, seen = [], []
    for index in indices:
        carrier = _ring_frequency(region, int(index), start)
        first = _locate_zero(region, noise.white[index], carrier, start)
        second = _locate_zero(region, noise.white[index], carrier * (1.0 + TRIAL_WIDTH), start)
        if first is not None and second is not None:
            known.append((first[0], (second[0] - first[0]) / TRIAL_WIDTH, first[1]))
            seen.append(int(index))
    own = (OWN_DEVIATION * region.coarse.resolution) ** 2
    zeros = Zeros(
        np.array([one[0] for one in known]).reshape(-1, 2),
        np.array([one[1] for one in known]).reshape(-1, 2),
        np.array([one[2] for one in known]),
        own,
    )
    return zeros, np.array(seen, int)


def column_width(cores: list[Zeros]) -> float:
    """Squared width of columns over the squared resolution for which zeros coincide best."""
    across = along = 0.0
    for zeros in cores:
        if len(zeros.variance) > 1:
            weights = zeros.weights
            position = zeros.position - np.average(zeros.position, axis=0, weights=weights)
            shift = zeros.shift - np.average(zeros.shift, axis=0, weights=weights)
            across -= float(weights @ np.sum(position * shift, axis=1))
            along += float(weights @ np.sum(shift**2, axis=1))
    return max(across / along, 0.0) if along > 0.0 else 0.0


def mean_zero(zeros: Zeros, width: float) -> tuple[np.ndarray, float]:
    """Mean position of the zeros for a squared width of the columns, and its standard error."""
    weights = zeros.weights / zeros.weights.sum()
    position = weights @ (zeros.position + width * zeros.shift)
    return position, float(np.sqrt(weights**2 @ zeros.variance + zeros.own))


def _locate_zero(
    region: LatticeWaves, white: float, carrier: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, float] | None:
    """Zero of a wave that is demodulated with a carrier, and its mean variance along x and y.

    The carrier is what the lattice around the core has, so that strain does not shift the zero.
    """
    width, scale = region.coarse.resolution, np.array(region.coarse.scale)
    local = start - region.origin
    low = np.maximum(np.floor((local - (EXTENT + REACH) * width) / scale), 0).astype(int)
    high = np.ceil((local + (EXTENT + REACH) * width) / scale).astype(int) + 1
    high = np.minimum(high, region.coarse.shape[::-1])
    part = np.s_[low[1] : high[1], low[0] : high[0]]
    residual = region.residual.rows(low[1], high[1], part[1])
    values = np.where(region.piece.mask[part], residual, 0.0)
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
        point = point + step * min(
            1.0, 0.5 * width / max(float(np.linalg.norm(step)), np.finfo(float).tiny)
        )
        if np.linalg.norm(point - local) > REACH * width:
            return None
        if np.linalg.norm(step) < SMALLEST_STEP * width:
            break
    else:
        return None
    # The window is not normalised: its squares sum to pi s^2 over the area of a pixel.
    power = 0.5 * white * np.pi * width**2 / float(np.prod(scale))
    inverse = np.linalg.inv(jacobian)
    return point + region.origin, 0.5 * power * float(np.sum(inverse**2))


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
