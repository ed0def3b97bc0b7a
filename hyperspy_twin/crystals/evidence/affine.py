"""Peaks on a distorted lattice, in complex numbers: q = alpha g + beta conj(g).

With plane vectors written as x + i y, ``alpha`` is a rotation and a scale, and ``beta`` what the
scan adds to them: unequal x and y, and shear. Small ``|beta / alpha|`` means little distortion,
and a mirrored lattice would need a large one.
"""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import kernel


@kernel
def from_pairs(g1: complex, g2: complex, q1: complex, q2: complex) -> tuple[complex, complex]:
    """Solve for (alpha, beta) that carry g1 to q1 and g2 to q2; g1 and g2 not collinear."""
    determinant = g1 * g2.conjugate() - g1.conjugate() * g2
    alpha = (q1 * g2.conjugate() - q2 * g1.conjugate()) / determinant
    beta = (g1 * q2 - g2 * q1) / determinant
    return alpha, beta


@kernel
def forward(g: complex, alpha: complex, beta: complex) -> complex:
    """Carry a lattice vector to the spectrum."""
    return alpha * g + beta * g.conjugate()


@kernel
def backward(q: complex, alpha: complex, beta: complex) -> complex:
    """Carry a peak back to the undistorted lattice."""
    determinant = abs(alpha) ** 2 - abs(beta) ** 2
    return (alpha.conjugate() * q - beta * q.conjugate()) / determinant


@kernel
def nearest_index(g: complex, basis: np.ndarray) -> tuple[int, int]:
    """Integer coordinates of the lattice point next to g."""
    area = (basis[0].conjugate() * basis[1]).imag
    first = (g.conjugate() * basis[1]).imag / area
    second = (basis[0].conjugate() * g).imag / area
    return int(np.rint(first)), int(np.rint(second))


@kernel
def fit_affine(
    g: np.ndarray, q: np.ndarray, weight: np.ndarray, alpha: complex, distortion_sd: float
) -> tuple[complex, complex]:
    """Least squares for (alpha, beta) with a Gaussian prior on beta / alpha.

    ``g`` and ``q`` are lattice vectors and peaks, complex, shape (n,); ``weight`` is the inverse
    variance per component, and zero leaves a peak out. The current ``alpha`` sets the size of the
    prior, of which ``distortion_sd`` is the standard deviation of each component.
    """
    straight, crossed = 0.0, 0j
    right_alpha, right_beta = 0j, 0j
    for i in range(len(g)):
        straight += weight[i] * abs(g[i]) ** 2
        crossed += weight[i] * g[i] * g[i]
        right_alpha += weight[i] * g[i].conjugate() * q[i]
        right_beta += weight[i] * g[i] * q[i]
    held = straight + 1.0 / (distortion_sd * abs(alpha)) ** 2
    determinant = straight * held - abs(crossed) ** 2
    new_alpha = (held * right_alpha - crossed.conjugate() * right_beta) / determinant
    new_beta = (straight * right_beta - crossed * right_alpha) / determinant
    return new_alpha, new_beta
