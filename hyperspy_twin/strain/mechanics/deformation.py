"""Strain components as a deformation gradient, and back; other axes and other reference cells.

The deformation gradient F takes vectors of the reference lattice to those of the lattice in the
image. Components of a map determine it: the strain is the symmetric part of F - I (Lagrangian) or
of I - F^-1 (Eulerian), and the rotation that of the polar decomposition or the antisymmetric part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import Definition


@dataclass(frozen=True, eq=False)
class Gradients:
    """Deformation gradients of a strain map in the axes of the image, shape (2, 2, ...) each.

    Attributes
    ----------
    relative
        From the lattice of the reference to that in the image.
    own
        From the cell that the strain refers to: the same, or the bulk cell of a phase.
    definition
        Of the strain.
    """

    relative: np.ndarray
    own: np.ndarray
    definition: Definition

    @property
    def factors(self) -> tuple[np.ndarray, np.ndarray]:
        """Left and right factor of dT = left dS right, S being the gradient in the image."""
        if self.definition == "lagrangian":
            return self.relative, self.own
        unity = np.eye(2).reshape(2, 2, *(1,) * (self.own.ndim - 2)) + 0.0 * self.own
        return unity, unity

    @property
    def rotation_slope(self) -> tuple[np.ndarray, np.ndarray]:
        """Numbers (a, b) of d(rotation) = a (dT_xy - dT_yx) - b (dT_xx + dT_yy)."""
        if self.definition == "eulerian":
            half = np.full(self.own.shape[2:], 0.5)
            return half, 0.0 * half
        trace, skew = self.own[0, 0] + self.own[1, 1], self.own[0, 1] - self.own[1, 0]
        length = trace**2 + skew**2
        return trace / length, skew / length

    def mean(self, mask: np.ndarray) -> Gradients:
        """Means over some pixels, shape (2, 2) each."""
        relative, own = (one[..., mask].mean(axis=-1) for one in (self.relative, self.own))
        return Gradients(relative, own, self.definition)


def deformation_gradient(components: np.ndarray, definition: Definition) -> np.ndarray:
    """Deformation gradient of a strain.

    Parameters
    ----------
    components
        e_xx, e_yy, e_xy and the rotation in degrees, shape (4, ...).
    definition
        Of the strain.

    Returns
    -------
    numpy.ndarray
        F, shape (2, 2, ...).
    """
    e_xx, e_yy, e_xy, rotation = np.asarray(components, float)
    angle = np.radians(rotation)
    if definition == "lagrangian":
        half = 0.5 * (2.0 + e_xx + e_yy) * np.tan(angle)
        return np.array([[1.0 + e_xx, e_xy + half], [e_xy - half, 1.0 + e_yy]])
    return invert(np.array([[1.0 - e_xx, -e_xy - angle], [-e_xy + angle, 1.0 - e_yy]]))


def strain_components(gradient: np.ndarray, definition: Definition) -> np.ndarray:
    """Components of :func:`deformation_gradient` of a deformation gradient (2, 2, ...)."""
    if definition == "lagrangian":
        (a, b), (c, d) = gradient
        rotation = np.arctan2(b - c, a + d)
        return np.array([a - 1.0, d - 1.0, 0.5 * (b + c), np.degrees(rotation)])
    (a, b), (c, d) = invert(gradient)
    return np.array([1.0 - a, 1.0 - d, -0.5 * (b + c), np.degrees(0.5 * (c - b))])


def frame_axes(angle: float | np.ndarray) -> np.ndarray:
    """Axes x' and y' as rows in the image frame, shape (2, 2, ...).

    ``angle`` is that of x' above x in degrees, counter-clockwise as seen on the screen; y' is a
    quarter of a turn clockwise of it, as y is of x.
    """
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return np.array([[cosine, -sine], [sine, cosine]])


def product(*matrices: np.ndarray) -> np.ndarray:
    """Product of fields of matrices, each of shape (2, 2, ...) or (2, 2)."""
    found = matrices[0]
    for matrix in matrices[1:]:
        found = np.array(
            [
                [found[i, 0] * matrix[0, j] + found[i, 1] * matrix[1, j] for j in (0, 1)]
                for i in (0, 1)
            ]
        )
    return found


def transpose(matrix: np.ndarray) -> np.ndarray:
    """Transpose of a field of matrices (2, 2, ...)."""
    return matrix.swapaxes(0, 1)


def turn(gradient: np.ndarray, angle: float) -> np.ndarray:
    """Components of a tensor (2, 2, ...) in axes turned by an angle, see :func:`frame_axes`."""
    axes = frame_axes(angle)
    return product(axes, gradient, transpose(axes))


def invert(matrix: np.ndarray) -> np.ndarray:
    """Inverse of a field of matrices (2, 2, ...)."""
    (a, b), (c, d) = matrix
    return np.array([[d, -b], [-c, a]]) / (a * d - b * c)


def principal_strains(components: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Largest and smallest strain, and the direction of the largest.

    Parameters
    ----------
    components
        e_xx, e_yy, e_xy, shape (3, ...).

    Returns
    -------
    largest, smallest
        Principal strains.
    angle
        Direction of the largest in degrees from x, counter-clockwise as seen on the screen, from
        -90 to 90.
    """
    e_xx, e_yy, e_xy = np.asarray(components, float)
    mean, half = 0.5 * (e_xx + e_yy), 0.5 * (e_xx - e_yy)
    radius = np.hypot(half, e_xy)
    # y points down, so that a shear e_xy > 0 stretches along the falling diagonal.
    return mean + radius, mean - radius, np.degrees(0.5 * np.arctan2(-e_xy, half))
