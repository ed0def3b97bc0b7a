"""From local lattice frequencies to strain, rotation and their standard errors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hyperspy_twin.core import Definition, kernel
from hyperspy_twin.strain.coarse_grid import nearest_nodes
from hyperspy_twin.strain.lattice_waves import LatticeWaves
from hyperspy_twin.strain.noise import Noise
from hyperspy_twin.strain.wave_weights import combine_waves


@dataclass(frozen=True)
class NodeStrain:
    """Strain at the nodes of one piece, every field of shape (rows, columns).

    Attributes
    ----------
    components
        e_xx, e_yy, e_xy, rotation and their standard errors as of
        :class:`~hyperspy_twin.core.StrainField`, shape (8, rows, columns).
    solution
        Matrix that turns phases over -2 pi into displacements, shape (2, k, rows, columns).
    valid
        Nodes at which the lattice is present.
    significant
        Nodes at which each wave is present, shape (k, rows, columns).
    """

    components: np.ndarray
    solution: np.ndarray
    valid: np.ndarray
    significant: np.ndarray


@dataclass(frozen=True)
class AnalysedPiece:
    """One piece with its strain.

    Attributes
    ----------
    region
        The waves of the piece.
    strain
        Their strain.
    """

    region: LatticeWaves
    strain: NodeStrain

    @property
    def box(self) -> tuple[slice, slice]:
        """Bounding box as an index of the image."""
        return self.region.piece.box

    @cached_property
    def pixels(self) -> np.ndarray:
        """Pixels in which the lattice is present, in the bounding box."""
        if self.strain.valid.all():
            return self.region.piece.mask
        return self.region.coarse.nearly(self.strain.valid, self.region.piece.mask)

    @cached_property
    def nearest(self) -> np.ndarray:
        """Row and column of the nearest valid node, shape (2, rows, columns)."""
        return nearest_nodes(self.strain.valid)

    def filled(self, fields: np.ndarray) -> np.ndarray:
        """Fields of the nodes, invalid ones from the nearest valid, so that splines stay local."""
        if self.strain.valid.all() or not self.strain.valid.any():
            return fields
        return fields[(..., *self.nearest)]


def compute_strain(
    region: LatticeWaves,
    noise: Noise,
    reference: np.ndarray,
    significant: np.ndarray,
    definition: Definition,
) -> NodeStrain:
    """Strain, rotation and standard errors at the nodes of one piece.

    At each node the waves that are present are combined by generalised least squares: with the
    inverse of the covariance of their phases, which is right for correlated errors.

    ``reference`` holds the reciprocal vectors (x, y) of the unstrained lattice, shape (k, 2), and
    ``significant`` the nodes at which each wave is present, shape (k, rows, columns).
    """
    subset, inverses = combine_waves(significant, noise.covariance, reference)
    change = np.array(
        [
            wave.frequency - g.astype(np.float32)[:, None, None]
            for wave, g in zip(region.waves, reference, strict=True)
        ]
    )
    # White noise per row passes the window as 1 / (4 sqrt(pi) s^3), white noise per pixel as
    # 1 / (16 pi s^4); both grow alike where an outline cuts the window along y.
    area = region.coarse.scale[0] * region.coarse.scale[1]
    line = 4.0 * np.sqrt(np.pi) * region.coarse.resolution * region.coarse.scale[1] / area
    components, solution = solve_nodes(
        np.array([np.abs(wave.amplitude) for wave in region.waves]),
        change,
        subset,
        inverses,
        reference,
        noise.covariance,
        noise.lines * line,
        region.window.gradient_noise,
        definition == "lagrangian",
    )
    return NodeStrain(components, solution, subset >= 0, significant)


def displacement_noise(
    region: LatticeWaves, noise: Noise, strain: NodeStrain
) -> tuple[np.ndarray, np.ndarray, float]:
    """Mean noise of the displacement of one piece, see :class:`~hyperspy_twin.core.GradientNoise`.

    Returns
    -------
    white, lines
        Shape (2, 2) each.
    weight
        Of the piece among those of its region: the nodes that show a lattice.
    """
    weights = np.where(strain.valid, region.window.mass, 0.0).astype(float)
    weight = float(weights.sum())
    if not weight > 0.0:
        return np.zeros((2, 2)), np.zeros((2, 2)), 0.0
    solution = strain.solution.astype(float)
    magnitude = np.array([np.abs(wave.amplitude) for wave in region.waves], float)
    own = solution / np.where(strain.significant, magnitude, np.inf)
    turns = (2.0 * np.pi) ** 2 * weight
    white, lines = (
        np.einsum("ikrc,kl,jlrc,rc->ij", part, covariance, part, weights, optimize=True) / turns
        for part, covariance in ((own, noise.covariance), (solution, noise.lines))
    )
    x, y = region.coarse.scale
    return white * x * y, lines * y, weight


@kernel
def solve_nodes(
    magnitude: np.ndarray,
    change: np.ndarray,
    subset: np.ndarray,
    inverses: np.ndarray,
    vectors: np.ndarray,
    covariance: np.ndarray,
    lines: np.ndarray,
    gradient_noise: np.ndarray,
    lagrangian: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Strain, rotation, their standard errors and the solution at each node.

    Parameters
    ----------
    magnitude
        Amplitude of each wave, shape (k, rows, columns).
    change
        Frequency of each wave less its vector, shape (k, 2, rows, columns).
    subset, inverses
        As of :func:`combine_waves`.
    vectors
        Reciprocal vectors (x, y), shape (k, 2).
    covariance
        Of the quadratures of the waves, shape (k, k).
    lines
        Covariance of the phases by scan lines, scaled as noise per pixel, shape (k, k).
    gradient_noise
        Of the window, shape (2, 2, rows, columns).
    lagrangian
        Whether the strain is relative to the reference lattice.

    Returns
    -------
    fields
        e_xx, e_yy, e_xy, rotation and their standard errors, float32, shape (8, rows, columns);
        NaN at other nodes.
    solution
        Shape (2, k, rows, columns), float32.
    """
    count, rows, columns = magnitude.shape
    fields = np.full((8, rows, columns), np.nan, np.float32)
    solution = np.zeros((2, count, rows, columns), np.float32)
    weights = np.empty((2, count))
    inverse_turn = 1.0 / (2.0 * np.pi)
    degree = 180.0 / np.pi
    for row in range(rows):
        for column in range(columns):
            chosen = subset[row, column]
            if chosen < 0:
                continue
            # Weights G^T A M A of generalised least squares, and the normal matrix with them.
            n_xx = n_xy = n_yy = 0.0
            for k in range(count):
                w_x = w_y = 0.0
                for other in range(count):
                    weight = inverses[chosen, other, k]
                    if weight != 0.0:
                        weight *= magnitude[other, row, column]
                        w_x += weight * vectors[other, 0]
                        w_y += weight * vectors[other, 1]
                w_x *= magnitude[k, row, column]
                w_y *= magnitude[k, row, column]
                weights[0, k], weights[1, k] = w_x, w_y
                n_xx += w_x * vectors[k, 0]
                n_xy += w_x * vectors[k, 1]
                n_yy += w_y * vectors[k, 1]
            scale = 1.0 / (n_xx * n_yy - n_xy * n_xy)
            e_00 = e_01 = e_10 = e_11 = 0.0
            for k in range(count):
                s_x = scale * (n_yy * weights[0, k] - n_xy * weights[1, k])
                s_y = scale * (n_xx * weights[1, k] - n_xy * weights[0, k])
                weights[0, k], weights[1, k] = s_x, s_y
                solution[0, k, row, column] = s_x
                solution[1, k, row, column] = s_y
                e_00 -= s_x * change[k, 0, row, column]
                e_01 -= s_x * change[k, 1, row, column]
                e_10 -= s_y * change[k, 0, row, column]
                e_11 -= s_y * change[k, 1, row, column]
            f_00 = f_11 = 1.0
            f_01 = f_10 = 0.0
            if lagrangian:
                # F = (I - e)^-1, and the rotation of its polar decomposition, anticlockwise where
                # y points down.
                determinant = (1.0 - e_00) * (1.0 - e_11) - e_01 * e_10
                f_00, f_11 = (1.0 - e_11) / determinant, (1.0 - e_00) / determinant
                f_01, f_10 = e_01 / determinant, e_10 / determinant
                e_00, e_01, e_10, e_11 = f_00 - 1.0, f_01, f_10, f_11 - 1.0
                trace, skew = f_00 + f_11, f_01 - f_10
                rotation = np.arctan2(skew, trace)
                length = trace * trace + skew * skew
                along, across = trace / length, skew / length
            else:
                rotation = 0.5 * (e_01 - e_10)
                along, across = 0.5, 0.0
            fields[0, row, column] = e_00
            fields[1, row, column] = e_11
            fields[2, row, column] = 0.5 * (e_01 + e_10)
            fields[3, row, column] = degree * rotation

            # Errors of the gradient T = F S (frequencies) F: the covariance of T_ij and T_ab is
            # U_ia V_jb, with U from the waves and V from the window; scan lines add another pair.
            u_00 = u_01 = u_11 = l_00 = l_01 = l_11 = 0.0
            for k in range(count):
                if weights[0, k] == 0.0 and weights[1, k] == 0.0:
                    continue
                p_x = f_00 * weights[0, k] + f_01 * weights[1, k]
                p_y = f_10 * weights[0, k] + f_11 * weights[1, k]
                # Each pair once.
                for other in range(k + 1):
                    q_x = f_00 * weights[0, other] + f_01 * weights[1, other]
                    q_y = f_10 * weights[0, other] + f_11 * weights[1, other]
                    if q_x == 0.0 and q_y == 0.0:
                        continue
                    twice = 1.0 if other == k else 2.0
                    size = magnitude[k, row, column] * magnitude[other, row, column]
                    phases = twice * 2.0 * covariance[k, other] / size
                    of_lines = twice * lines[k, other]
                    crossed = 0.5 * (p_x * q_y + p_y * q_x)
                    u_00 += phases * p_x * q_x
                    u_01 += phases * crossed
                    u_11 += phases * p_y * q_y
                    l_00 += of_lines * p_x * q_x
                    l_01 += of_lines * crossed
                    l_11 += of_lines * p_y * q_y
            g_00 = gradient_noise[0, 0, row, column]
            g_01 = gradient_noise[0, 1, row, column]
            g_11 = gradient_noise[1, 1, row, column]
            v_00 = f_00 * f_00 * g_00 + 2.0 * f_00 * f_10 * g_01 + f_10 * f_10 * g_11
            v_11 = f_01 * f_01 * g_00 + 2.0 * f_01 * f_11 * g_01 + f_11 * f_11 * g_11
            v_01 = f_00 * f_01 * g_00 + (f_00 * f_11 + f_10 * f_01) * g_01 + f_10 * f_11 * g_11
            h_00, h_01, h_11 = f_10 * f_10 * g_11, f_10 * f_11 * g_11, f_11 * f_11 * g_11
            error_xx = u_00 * v_00 + l_00 * h_00
            error_yy = u_11 * v_11 + l_11 * h_11
            error_xy = 0.25 * (
                u_00 * v_11 + u_11 * v_00 + 2.0 * u_01 * v_01
                + l_00 * h_11 + l_11 * h_00 + 2.0 * l_01 * h_01
            )  # fmt: skip
            # d(rotation) = sum of a_ij dT_ij with a = ((-across, along), (-along, -across)).
            error_rotation = _turn(u_00, u_01, u_11, v_00, v_01, v_11, along, across)
            error_rotation += _turn(l_00, l_01, l_11, h_00, h_01, h_11, along, across)
            fields[4, row, column] = inverse_turn * np.sqrt(max(error_xx, 0.0))
            fields[5, row, column] = inverse_turn * np.sqrt(max(error_yy, 0.0))
            fields[6, row, column] = inverse_turn * np.sqrt(max(error_xy, 0.0))
            fields[7, row, column] = degree * inverse_turn * np.sqrt(max(error_rotation, 0.0))
    return fields, solution


@kernel
def _turn(
    u_00: float,
    u_01: float,
    u_11: float,
    v_00: float,
    v_01: float,
    v_11: float,
    along: float,
    across: float,
) -> float:
    """Variance of a rotation from the two covariances of the gradient."""
    first = across * across * v_00 - 2.0 * across * along * v_01 + along * along * v_11
    second = along * along * v_00 + 2.0 * across * along * v_01 + across * across * v_11
    mixed = across * along * (v_00 - v_11) + (across * across - along * along) * v_01
    return u_00 * first + u_11 * second + 2.0 * u_01 * mixed
