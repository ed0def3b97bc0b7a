"""Pixel size and distortion of an image, measured by the crystals in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hyperspy_twin.crystals.diffraction.reflections import ANGSTROM_PER_NM
from hyperspy_twin.crystals.indexing.common_scale import REGION_SPREAD
from hyperspy_twin.crystals.indexing.matches import Match

Pair = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Stretch:
    """How the lattice of a region appears in the spectrum.

    Attributes
    ----------
    matrix
        Symmetric matrix S, shape (2, 2): nominal spot = S @ (R @ g)[:2] with a rotation R.
    variance
        Variances of S_xx, S_yy and S_xy, shape (3,).
    """

    matrix: np.ndarray
    variance: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class LatticeCalibration:
    """Pixel size of an image by its crystals.

    Attributes
    ----------
    scale
        True over nominal length, mean of x and y.
    scale_error
        Its standard error.
    anisotropy
        By how much the pixel is longer along x than its nominal size, less that along y, in %.
    anisotropy_error
        Its standard error in %.
    shear
        By how much the angle between +x and +y of the scan is below 90 degrees, in degrees.
    shear_error
        Its standard error in degrees.
    pixel_size
        Corrected pixel size (x, y).
    pixel_size_error
        Their standard errors.
    unit
        Unit of the pixel size.
    regions
        Numbers of the regions behind it.
    distortion
        Symmetric matrix D of trace 2, shape (2, 2): nominal spot = scale * D @ (M @ g)[:2].
    """

    scale: float
    scale_error: float
    anisotropy: float
    anisotropy_error: float
    shear: float
    shear_error: float
    pixel_size: Pair
    pixel_size_error: Pair
    unit: str
    regions: tuple[int, ...]
    distortion: np.ndarray

    def __repr__(self) -> str:
        sizes = (
            f"{name} {size:.6g} ± {error:.1g}"
            for name, size, error in zip("xy", self.pixel_size, self.pixel_size_error, strict=True)
        )
        regions = ", ".join(map(str, self.regions))
        return (
            f"<LatticeCalibration by region {regions}: pixel size {', '.join(sizes)} {self.unit}, "
            f"scale {self.scale:.5g} ± {self.scale_error:.1g}, "
            f"anisotropy {self.anisotropy:+.2f} ± {self.anisotropy_error:.2f} %, "
            f"shear {self.shear:+.2f} ± {self.shear_error:.2f}°>"
        )


def measure_stretch(
    match: Match, hkl: np.ndarray, position: np.ndarray, error: np.ndarray
) -> Stretch:
    """Fit the lattice of one region to its spots, and part the stretch from the rotation.

    Parameters
    ----------
    match, hkl, position, error
        As for :func:`fit_lattice`.

    Returns
    -------
    Stretch
        With the variances of that fit.
    """
    affine, covariance = fit_lattice(match, hkl, position, error)
    matrix = _root(affine @ affine.T)
    rotation = np.linalg.solve(matrix, affine)
    # Small changes dA of the fit change S by the symmetric part of dA @ R^T.
    xx, yy = np.diag(rotation @ covariance @ rotation.T)
    return Stretch(matrix, np.array([xx, yy, (xx + yy) / 4]))


def fit_lattice(
    match: Match, hkl: np.ndarray, position: np.ndarray, error: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Matrix that carries the reflections of an oriented crystal to the spots of a region.

    Parameters
    ----------
    match
        Crystal and orientation of the region.
    hkl
        Miller indices of its spots, shape (n, 3), not all along one line.
    position, error
        Spots and their standard errors in 1/nm, shape (n, 2).

    Returns
    -------
    affine : numpy.ndarray
        Matrix A, shape (2, 2), by weighted least squares: spot = A @ (M @ g)[:2].
    covariance : numpy.ndarray
        Of each row of A, shape (2, 2). It counts the scatter about the fit where that is larger
        than the standard errors.
    """
    g = (hkl @ np.linalg.inv(match.crystal.base).T * ANGSTROM_PER_NM @ match.orientation.T)[:, :2]
    weight = 1 / np.maximum(np.mean(error**2, axis=1), 1e-30)
    covariance = np.linalg.inv((g * weight[:, None]).T @ g)
    affine = (position * weight[:, None]).T @ g @ covariance
    away = position - g @ affine.T
    freedom = 2 * len(g) - 4
    scatter = float((weight[:, None] * away**2).sum() / freedom) if freedom > 0 else 1.0
    return affine, covariance * max(1.0, scatter)


def calibrate(
    stretches: Sequence[Stretch],
    regions: Sequence[int],
    pixel_size: Pair,
    unit: str,
) -> LatticeCalibration:
    """Pixel size on which the regions of an image agree.

    Parameters
    ----------
    stretches
        Of each region.
    regions
        Their numbers.
    pixel_size
        Nominal pixel size (x, y).
    unit
        Unit that the pixel size has once it is corrected.

    Returns
    -------
    LatticeCalibration
        Mean weighted by the inverse of variance from the spots plus variance between regions.
        The latter is estimated from the regions and the 0.8 % that strain usually leaves between
        them, which counts as one region more: a single region cannot tell strain from a wrong
        pixel size.

    Raises
    ------
    ValueError
        If there is no region.

    References
    ----------
    DerSimonian & Laird, Control. Clin. Trials 7 (1986) 177 (mean of unequal variances).
    """
    if not stretches:
        raise ValueError("no region is indexed: there is nothing to calibrate with")
    values = np.array([_components(stretch.matrix) for stretch in stretches])
    variance = np.array([stretch.variance for stretch in stretches])
    size = values[:, :2].mean()
    mean, total = np.zeros(3), np.zeros(3)
    for part in range(3):
        mean[part], total[part] = _mean(values[:, part], variance[:, part], REGION_SPREAD * size)
    xx, yy, xy = mean
    scale = (xx + yy) / 2
    error = np.sqrt(total)
    anisotropy = (xx - yy) / scale
    return LatticeCalibration(
        scale=float(scale),
        scale_error=float(np.hypot(error[0], error[1]) / 2),
        anisotropy=float(100 * anisotropy),
        anisotropy_error=float(100 * np.hypot(error[0], error[1]) / scale),
        shear=float(np.degrees(np.arctan2(xy, xx) + np.arctan2(xy, yy))),
        shear_error=float(np.degrees(2 * error[2] / scale)),
        pixel_size=(float(pixel_size[0] * xx), float(pixel_size[1] * yy)),
        pixel_size_error=(float(pixel_size[0] * error[0]), float(pixel_size[1] * error[1])),
        unit=unit,
        regions=tuple(map(int, regions)),
        distortion=np.array([[xx, xy], [xy, yy]]) / scale,
    )


def rescaled_match(match: Match, factors: Pair) -> Match:
    """Give the same explanation after the pixel sizes (x, y) were multiplied by factors."""
    affine = match.scale * match.distortion @ match.orientation[:2]
    scale, distortion, orientation = _rescaled(affine, factors)
    return replace(match, scale=scale, distortion=distortion, orientation=orientation)


def rescaled_distortion(
    scale: float, distortion: np.ndarray, factors: Pair
) -> tuple[float, np.ndarray]:
    """Scale and distortion of an image after its pixel sizes were multiplied by factors."""
    new_scale, new_distortion, _ = _rescaled(scale * distortion @ np.eye(3)[:2], factors)
    return new_scale, new_distortion


def _rescaled(affine: np.ndarray, factors: Pair) -> tuple[float, np.ndarray, np.ndarray]:
    """Scale, distortion and orientation of a plane map, shape (2, 3), in the new unit."""
    affine = affine / np.asarray(factors, float)[:, None]
    matrix = _root(affine @ affine.T)
    scale = float(np.trace(matrix) / 2)
    x, y = np.linalg.solve(matrix, affine)
    return scale, matrix / scale, np.array([x, y, np.cross(x, y)])


def _mean(values: np.ndarray, variance: np.ndarray, spread: float) -> tuple[float, float]:
    """Mean of unequal variances and its variance; ``spread`` counts as one value more."""
    weight = 1 / (variance + spread**2)
    centre = np.average(values, weights=weight)
    excess = np.maximum((values - centre) ** 2 - variance, 0.0).sum()
    between = (spread**2 + excess) / len(values)
    weight = 1 / (variance + between)
    return float(np.average(values, weights=weight)), float(1 / weight.sum())


def _components(matrix: np.ndarray) -> tuple[float, float, float]:
    return matrix[0, 0], matrix[1, 1], matrix[0, 1]


def _root(matrix: np.ndarray) -> np.ndarray:
    """Symmetric square root of a positive definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values)) @ vectors.T
