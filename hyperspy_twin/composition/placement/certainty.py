"""How well a fitted place is known: covariance, and directions that the images leave open.

The Hessian of a fit takes noise of the micrograph for structure. Two halves of the micrograph, the
black and the white fields of a chessboard, have independent noise, and the product of their slopes
is that of the structure alone. What the map itself does along the same slopes tells whether it
shares the structure.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import convolve

from hyperspy_twin.composition.placement.fit import Fit
from hyperspy_twin.composition.placement.recorded import MapImage, look_under
from hyperspy_twin.composition.placement.scenes import prepare_scene
from hyperspy_twin.core import Grid

# Fraction of the squared slope of the micrograph that is structure, at least. Without any texture
# along layers it is -.05 to .07, with one of .2 % .05 to .11, of .5 % .27 to .32.
SMALLEST_STRUCTURE = 0.2
# Fraction of that slope that the map shows as well, at least. At the right place it is .65 to 1,
# and at others up to .51, since the search seeks it.
SMALLEST_SHARE = 0.6
# Blocks per side of the map whose shifts are compared.
BLOCKS = 4
# Free parameters of the affine map, which the blocks fit too.
AFFINE = 6


class Certainty(NamedTuple):
    """How well a place is known.

    Attributes
    ----------
    covariance
        Of a position, shape (2, 2), with the variance of the whole field along directions that are
        not determined.
    directions
        Unit vectors (x, y) on the micrograph as rows, the worst determined first.
    determined
        Whether a shift along each is determined.
    share
        Fraction of the slope along each that the map shows, shape (2,).
    """

    covariance: np.ndarray
    directions: np.ndarray
    determined: np.ndarray
    share: np.ndarray


def judge_fit(
    image: np.ndarray, grid: Grid, recorded: MapImage, fit: Fit, *, field: float
) -> Certainty:
    """Judge a fit by what micrograph and map have in common.

    Parameters
    ----------
    image, grid
        The micrograph and its grid.
    recorded
        What was recorded with the map.
    fit
        Of the two.
    field
        Standard deviation of a position about which nothing is known.
    """
    used = np.isfinite(fit.residual)
    slope = _without_values(fit.slope[used], fit.model[used])
    values, vectors = np.linalg.eigh(slope.T @ slope)
    # Columns are shifts for which the squared change of the model is 1.
    shifts = vectors / np.sqrt(np.maximum(values, values[-1] * 1e-12 + np.finfo(float).tiny))
    halves = [
        _without_values(one[used], fit.model[used])
        for one in _slopes_of_halves(image, grid, recorded, fit)
    ]
    structure = np.einsum("ni,ni->i", halves[0] @ shifts, halves[1] @ shifts)
    share = _share(recorded, fit, vectors)
    determined = (structure >= SMALLEST_STRUCTURE) & (share >= SMALLEST_SHARE)
    stretch = np.where(determined, 1 / np.clip(structure, SMALLEST_STRUCTURE, 1.0), 1.0)
    wider = vectors @ np.diag(stretch) @ vectors.T
    covariance = wider @ fit.covariance @ wider.T * _excess_of_blocks(fit, shifts)
    for direction in vectors.T[~determined]:
        covariance = covariance + field**2 * np.outer(direction, direction)
    return Certainty(covariance, vectors.T, determined, share)


def _without_values(slope: np.ndarray, model: np.ndarray) -> np.ndarray:
    """Slopes less what a change of gain and offset does."""
    free = np.column_stack([model - model.mean(), np.ones(len(model))])
    basis, _ = np.linalg.qr(free)
    return slope - basis @ (basis.T @ slope)


def _slopes_of_halves(
    image: np.ndarray, grid: Grid, recorded: MapImage, fit: Fit
) -> list[np.ndarray]:
    """Slope under the map in two halves of the micrograph with independent noise."""
    black = np.indices(image.shape).sum(axis=0) % 2 == 0
    kernel = np.array([[0.0, 0.25, 0.0], [0.25, 0.0, 0.25], [0.0, 0.25, 0.0]])
    around = convolve(np.asarray(image, float), kernel, mode="mirror")
    pixel = np.sqrt(abs(np.linalg.det(fit.matrix[:, :2]))) * recorded.grid.pixel_size
    found = []
    for half in (np.where(black, image, around), np.where(black, around, image)):
        scene = prepare_scene(half, grid, pixel)
        _, slope, _ = look_under(scene, recorded, fit.matrix, fit.row_shifts)
        found.append(fit.gain * slope.reshape(fit.slope.shape))
    return found


def _share(recorded: MapImage, fit: Fit, vectors: np.ndarray) -> np.ndarray:
    """Fraction of the slope of the model along each direction that the map shows."""
    inverse = np.linalg.inv(fit.matrix[:, :2])
    own, model = (
        _differences(np.where(np.isfinite(fit.residual), one, np.nan), recorded.grid) @ inverse
        for one in (recorded.values, fit.model)
    )
    true = fit.slope.reshape(-1, 2)
    good = np.isfinite(own).all(axis=1) & np.isfinite(model).all(axis=1)
    if not good.any():
        return np.zeros(2)
    weight = (true[good] - true[good].mean(axis=0)) @ vectors
    shown = np.einsum("ni,ni->i", weight, own[good] @ vectors)
    expected = np.einsum("ni,ni->i", weight, model[good] @ vectors)
    return np.divide(shown, expected, out=np.zeros(2), where=expected > 0)


def _differences(image: np.ndarray, grid: Grid) -> np.ndarray:
    """Central differences along x and y per unit of the grid, NaN at the border."""
    found = np.full((*image.shape, 2), np.nan)
    found[:, 1:-1, 0] = (image[:, 2:] - image[:, :-2]) / (2 * grid.scale[0])
    found[1:-1, :, 1] = (image[2:] - image[:-2]) / (2 * grid.scale[1])
    return found.reshape(-1, 2)


def _excess_of_blocks(fit: Fit, shifts: np.ndarray) -> float:
    """Scatter of the shifts of independent blocks over that of the residual, at least 1."""
    pull = np.nan_to_num(fit.slope @ shifts * fit.residual[..., None])
    sums = [
        part.sum(axis=(0, 1))
        for lines in np.array_split(pull, BLOCKS, axis=0)
        for part in np.array_split(lines, BLOCKS, axis=1)
    ]
    freedom = max(len(sums) * 2 - AFFINE, 1) / (len(sums) * 2)
    expected = 2 * fit.variance * fit.excess * freedom
    return max(1.0, float(np.square(sums).sum()) / max(expected, np.finfo(float).tiny))
