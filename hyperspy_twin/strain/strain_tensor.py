"""From local lattice frequencies to strain, rotation and their standard error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import Definition
from hyperspy_twin.strain.gaussian_windows import IDENTITY, invert
from hyperspy_twin.strain.lattice_waves import LatticeWaves
from hyperspy_twin.strain.noise import Noise, is_significant

# Squared sine of the angle between two vectors that determine a strain, at least: 8 degrees.
MINIMUM_SQUARED_SINE = 0.02


@dataclass(frozen=True)
class NodeStrain:
    """Strain at the nodes of one piece, every field of shape (rows, columns).

    Attributes
    ----------
    components
        e_xx, e_yy, e_xy, rotation and sigma of :class:`~hyperspy_twin.core.StrainField`.
    solution
        Matrix that turns phases over -2 pi into displacements, shape (2, k, rows, columns).
    valid
        Nodes at which the lattice is present.
    significant
        Nodes at which each wave is present, shape (k, rows, columns).
    """

    components: dict[str, np.ndarray]
    solution: np.ndarray
    valid: np.ndarray
    significant: np.ndarray


def compute_strain(
    region: LatticeWaves, noise: Noise, reference: np.ndarray, definition: Definition
) -> NodeStrain:
    """Strain, rotation and standard error at the nodes of one piece.

    ``reference`` holds the reciprocal vectors (x, y) of the unstrained lattice, shape (k, 2).
    """
    significant = np.array(
        [is_significant(region, noise, index) for index in range(len(reference))]
    )
    unit = reference / np.linalg.norm(reference, axis=1, keepdims=True)
    normal = np.einsum("k...,ki,kj->ij...", significant.astype(np.float32), unit, unit)
    valid = normal[0, 0] * normal[1, 1] - normal[0, 1] ** 2 > MINIMUM_SQUARED_SINE
    solution = _solution(region, noise, reference, significant & valid, valid)

    change = np.array(
        [
            wave.frequency - g.astype(np.float32)[:, None, None]
            for wave, g in zip(region.waves, reference, strict=True)
        ]
    )
    eulerian = -np.einsum("ik...,kj...->ij...", solution, change)
    if definition == "lagrangian":
        deformation = invert(IDENTITY - np.where(valid, eulerian, 0.0))
        gradient = deformation - IDENTITY
        # The rotation of the polar decomposition, anticlockwise where y points down.
        rotation = np.arctan2(
            deformation[0, 1] - deformation[1, 0], deformation[0, 0] + deformation[1, 1]
        )
    else:
        deformation = np.broadcast_to(IDENTITY, eulerian.shape)
        gradient = eulerian
        rotation = 0.5 * (eulerian[0, 1] - eulerian[1, 0])
    components = {
        "e_xx": gradient[0, 0],
        "e_yy": gradient[1, 1],
        "e_xy": 0.5 * (gradient[0, 1] + gradient[1, 0]),
        "rotation": np.degrees(rotation),
        "sigma": _standard_error(region, noise, solution, deformation, significant),
    }
    return NodeStrain(components, solution, valid, significant)


def _solution(
    region: LatticeWaves,
    noise: Noise,
    reference: np.ndarray,
    used: np.ndarray,
    valid: np.ndarray,
) -> np.ndarray:
    """Weighted least-squares inverse of the vectors at each node, shape (2, k, rows, columns)."""
    if len(reference) == 2:
        inverse = np.linalg.inv(reference).astype(np.float32)
        return np.broadcast_to(inverse[..., None, None], (2, 2, *valid.shape))
    power = np.array([np.abs(wave.amplitude) ** 2 for wave in region.waves])
    # Without noise at all the waves count by their intensity.
    floor = max(float(noise.white.max()), float(np.finfo(np.float32).tiny)) * 1e-6
    weights = used * power / np.maximum(noise.white, floor)[:, None, None]
    weights = weights / np.where(valid, weights.sum(axis=0), 1.0)
    normal = np.einsum("k...,ki,kj->ij...", weights, reference, reference)
    normal = np.where(valid, normal, IDENTITY)
    return np.einsum("ij...,k...,kj->ik...", invert(normal), weights, reference)


def _standard_error(
    region: LatticeWaves,
    noise: Noise,
    solution: np.ndarray,
    deformation: np.ndarray,
    significant: np.ndarray,
) -> np.ndarray:
    """Root mean square of the standard errors of e_xx and e_yy at the nodes."""
    rows = np.einsum("ij...,jk...->ik...", deformation, solution)
    gradient = region.window.gradient_noise
    variance = np.zeros(region.window.mass.shape, np.float32)
    for index, wave in enumerate(region.waves):
        power = np.where(significant[index], np.abs(wave.amplitude) ** 2, np.float32(1.0))
        covariance = gradient * (np.float32(noise.white[index]) / power)
        along = np.einsum("ai...,ab...,bi...->i...", deformation, covariance, deformation)
        variance += (rows[:, index] ** 2 * along).sum(axis=0)
    if noise.lines.any():
        # White noise per row passes the window as 1 / (4 sqrt(pi) s^3), white noise per pixel as
        # 1 / (16 pi s^4); both grow alike where an outline cuts the window along y.
        area = region.coarse.scale[0] * region.coarse.scale[1]
        width = region.coarse.resolution
        line = 4.0 * np.sqrt(np.pi) * width * region.coarse.scale[1] / area
        lines = np.einsum("ik...,kl,il...->i...", rows, noise.lines * line, rows)
        variance += (lines * deformation[1] ** 2).sum(axis=0) * gradient[1, 1]
    return np.sqrt(np.maximum(variance, 0.0) / 2.0) / (2.0 * np.pi)
