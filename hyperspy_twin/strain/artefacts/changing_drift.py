"""Drift that changes while an image is taken: a strain that changes with the line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.strain.artefacts.derivatives import Derivatives
from hyperspy_twin.strain.mechanics import Analysis, Kernel, sum_kernel

# Standard errors by which a change or a fly-back stands out.
SIGNIFICANCE = 5.0
# Strain below which nothing is told: half of what other reflections leave in cut windows at a
# resolution of one spacing.
SMALLEST = 5e-4
# Part of the change that the derivatives along x may show, beside their errors.
LARGEST_ASIDE = 1.0 / 3.0
# Part by which regions may differ, beside their errors.
LARGEST_SPREAD = 0.25


@dataclass(frozen=True, eq=False)
class DriftChange:
    """Change of the derivatives (du_x/dy, du_y/dy) from the first line of an image to the last.

    Attributes
    ----------
    value, error
        With standard errors, shape (2,).
    told
        Whether it is drift: clear, alike in all regions and only along y, shape (2,).
    """

    value: np.ndarray
    error: np.ndarray
    told: np.ndarray


def measure_drift_change(derivatives: Derivatives, analysis: Analysis) -> DriftChange:
    """Measure the change of the derivatives along y with the line, common to all regions.

    The noise of a mean of derivatives is what it is at the ends of the lines and columns that are
    averaged, and that of scan lines is shared by whole lines. So errors are those of the weighted
    sums, by the noise of pixels and of lines (``strain/mechanics/means.py``).
    """
    windows = analysis.windows()
    labels = analysis.labels[derivatives.every]
    changes, kernels, noises = [], [], []
    for region in sorted({label for label, _, _ in windows}):
        weights = _lever(derivatives.known & (labels == region))
        used = weights != 0.0
        if not used.any():
            continue
        both = derivatives.along_x, derivatives.along_y
        changes.append([[weights[used] @ one[used] for one in along] for along in both])
        at_pixels = np.zeros(analysis.grid.shape)
        at_pixels[derivatives.every] = weights
        kernels.append(sum_kernel(analysis, windows, region, at_pixels))
        noises.append(analysis.noise_of(region))
    if not changes:
        return DriftChange(np.zeros(2), np.zeros(2), np.zeros(2, bool))
    along_x, along_y = np.moveaxis(np.array(changes), 1, 0)
    covariances = [_covariance(kernels, noises, axis, along=1) for axis in (0, 1)]
    variances = np.array([np.diag(one) for one in covariances]).T
    aside = np.array([np.diag(_covariance(kernels, noises, axis, along=0)) for axis in (0, 1)]).T
    weights = 1.0 / variances
    weights /= weights.sum(axis=0)
    value = np.sum(weights * along_y, axis=0)
    error = np.sqrt([w @ one @ w for w, one in zip(weights.T, covariances, strict=True)])
    allowed = LARGEST_ASIDE * np.abs(value).max() + SIGNIFICANCE * np.sqrt(aside)
    still = bool((np.abs(along_x) < allowed).all())
    allowed = LARGEST_SPREAD * np.abs(value) + SIGNIFICANCE * np.sqrt(variances)
    alike = (np.abs(along_y - value) < allowed).all(axis=0)
    clear = np.abs(value) > np.maximum(SMALLEST, SIGNIFICANCE * error)
    return DriftChange(value, error, clear & alike & still)


def _lever(counted: np.ndarray) -> np.ndarray:
    """Weights whose sum with a derivative is its change from the first line to the last.

    It is the displacement that has the noise, and its curvature by least squares is the sum of its
    slopes with the weights (y - y_0) (h² - (y - y_0)²), h being half the height of the region: they
    vanish at the ends, where windows are cut.
    """
    rows = len(counted)
    place = np.broadcast_to(((np.arange(rows) + 0.5) / rows - 0.5)[:, None], counted.shape)[counted]
    weights = np.zeros(counted.shape)
    if not len(place):
        return weights
    centred = place - (place.min() + place.max()) / 2.0
    lever = centred * ((np.ptp(place) / 2.0) ** 2 - centred**2)
    lever -= lever.mean()
    moment = float(lever @ place)
    if moment > 0.0:
        weights[counted] = lever / moment
    return weights


def _covariance(
    kernels: list[Kernel], noises: list[tuple[np.ndarray, np.ndarray]], axis: int, along: int
) -> np.ndarray:
    """Covariance between regions of sums of the derivative of u along x (0) or y.

    Regions share no pixels; those side by side share lines, which displace both alike.
    """
    smallest = float(np.finfo(np.float32).tiny)
    both = list(zip(kernels, noises, strict=True))
    of_pixels = [white[axis, axis] * one.white[along, along] for one, (white, _) in both]
    of_lines = np.array(
        [np.sqrt(one.step * lines[axis, axis]) * one.rows[along] for one, (_, lines) in both]
    )
    return np.diag(np.maximum(of_pixels, smallest)) + of_lines @ of_lines.T
