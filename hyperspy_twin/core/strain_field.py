"""Strain and displacement of an image, whoever measured or computed them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Definition = Literal["lagrangian", "eulerian"]


@dataclass(frozen=True, eq=False)
class GradientNoise:
    """Noise behind the strain of each region: what errors of other directions and of means need.

    The error of the displacement is white noise n(r) that the window averages, with
    <n_i(r) n_j(r')> = white_ij delta(r - r'), and noise l(y) that all pixels of a scan line share,
    with <l_i(y) l_j(y')> = lines_ij delta(y - y').

    Attributes
    ----------
    region
        Number of each region, shape (n,).
    white
        Shape (n, 2, 2), in the fourth power of the unit of the grid.
    lines
        Shape (n, 2, 2), in its third power.
    """

    region: np.ndarray
    white: np.ndarray
    lines: np.ndarray


@dataclass(frozen=True)
class StrainField:
    """Strain of an image relative to its reference, NaN where the lattice is absent.

    Attributes
    ----------
    e_xx, e_yy, e_xy
        Components of the strain in the image frame (x right, y down), shape (rows, columns).
    rotation
        Rotation of the lattice in degrees, positive counter-clockwise as seen on the screen.
    u_x, u_y
        Displacement from the reference lattice in the unit of the grid, zero mean in the
        reference. It is defined up to a lattice vector for pieces that do not touch.
    sigma_xx, sigma_yy, sigma_xy
        Standard error of each strain in each pixel, from the noise and the jitter of scan lines
        (rows) that the image shows around the reflections. Errors of pixels closer than about two
        resolutions are correlated. The blur of the window and distortion that is smooth over many
        rows are not included.
    sigma_rotation
        Standard error of the rotation, in degrees.
    vectors
        Reciprocal vectors (x, y) of the reference lattice, refined, shape (k, 2).
    amplitudes
        Amplitude of each lattice wave in the reference, half that of the fringe, shape (k,).
    resolution
        Standard deviation of the Gaussian window in real space, in the unit of the grid.
    definition
        ``"lagrangian"`` or ``"eulerian"``.
    noise
        Noise behind the errors; None where it is not known.
    """

    e_xx: np.ndarray
    e_yy: np.ndarray
    e_xy: np.ndarray
    rotation: np.ndarray
    u_x: np.ndarray
    u_y: np.ndarray
    sigma_xx: np.ndarray
    sigma_yy: np.ndarray
    sigma_xy: np.ndarray
    sigma_rotation: np.ndarray
    vectors: np.ndarray
    amplitudes: np.ndarray
    resolution: float
    definition: Definition
    noise: GradientNoise | None = None

    @property
    def displacement(self) -> np.ndarray:
        """Displacement (u_x, u_y), shape (2, rows, columns)."""
        return np.stack([self.u_x, self.u_y])

    @property
    def sigma(self) -> np.ndarray:
        """Root mean square of the standard errors of e_xx and e_yy, shape (rows, columns)."""
        return np.sqrt((self.sigma_xx**2 + self.sigma_yy**2) / 2.0)
