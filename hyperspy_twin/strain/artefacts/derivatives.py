"""Derivatives of the displacement along x and along y, at samples of a strain map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import Grid, StrainField

# Distance of the samples in resolutions.
SAMPLE = 0.25


@dataclass(frozen=True, eq=False)
class Derivatives:
    """Derivatives of the displacement at samples of an image.

    Attributes
    ----------
    along_x, along_y
        (du_x/dx, du_y/dx) and (du_x/dy, du_y/dy), shape (2, rows, columns).
    error
        Standard errors of those along x, of the same shape.
    known
        Samples in a region where these are known, boolean, shape (rows, columns).
    every
        The samples as an index of the image.
    steps
        Their distance along y and along x in resolutions.
    """

    along_x: np.ndarray
    along_y: np.ndarray
    error: np.ndarray
    known: np.ndarray
    every: tuple[slice, slice]
    steps: tuple[float, float]


def sample_derivatives(field: StrainField, labels: np.ndarray, grid: Grid) -> Derivatives:
    """Sample the derivatives of a strain map inside its regions.

    Parameters
    ----------
    field
        Strain with its standard errors.
    labels
        Region of each pixel, shape (rows, columns), 0 where unassigned.
    grid
        Pixel grid.
    """
    every_y, every_x = (max(1, int(SAMPLE * field.resolution / step)) for step in grid.scale[::-1])
    every = slice(None, None, every_y), slice(None, None, every_x)
    e_xx, e_yy, e_xy, rotation, sigma_xx, sigma_yy, sigma_xy, sigma_rotation = (
        np.asarray(getattr(field, name)[every], float)
        for name in (
            "e_xx", "e_yy", "e_xy", "rotation",
            "sigma_xx", "sigma_yy", "sigma_xy", "sigma_rotation",
        )
    )  # fmt: skip
    rotation = np.radians(rotation)
    along_x, along_y = np.stack([e_xx, e_xy - rotation]), np.stack([e_xy + rotation, e_yy])
    error = np.stack([sigma_xx, np.hypot(sigma_xy, np.radians(sigma_rotation))])
    known = np.isfinite(along_x + along_y + error + sigma_yy).all(axis=0) & (labels[every] > 0)
    steps = every_y * grid.scale[1] / field.resolution, every_x * grid.scale[0] / field.resolution
    return Derivatives(along_x, along_y, error, known, every, steps)
