"""Means of strain over regions, with errors for noise that neighbouring pixels share.

The mean of a gradient over an area is what happens at its border, so that its error falls with the
area times the length of the border, far faster than with the number of windows. A mean with
weights w(r) is a sum over the noise with the kernel K_j(r') = sum over r of w(r) k_j(r, r'), where
k_j is the window's derivative along j, cut at the outline:

    k_j(r, r') = m(r') G(r' - r) / N(r)  sum over l of (J^-1)_jl (r' - r - c(r))_l / s^2

with the weights m of the pixels, mass N, centroid c and covariance s^2 J of
``strain/gaussian_windows.py``. The error of the mean of T_ij and that of T_ab have the covariance
white_ia <K_j K_b> plus lines_ia <R_j R_b>, R being the sum of K over a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft

from hyperspy_twin.strain.coarse_grid import CoarseGrid
from hyperspy_twin.strain.gaussian_windows import Window, gaussian_mask
from hyperspy_twin.strain.lattice_waves import longest_spacing
from hyperspy_twin.strain.mechanics.deformation import Gradients, frame_axes
from hyperspy_twin.strain.mechanics.gradient_errors import Analysis
from hyperspy_twin.strain.pieces import Piece
from hyperspy_twin.strain.plan import MARGIN
from hyperspy_twin.strain.reference import reference_mask


@dataclass(frozen=True, eq=False)
class RegionMeans:
    """Means of the components over each region, in the order e_xx, e_yy, e_xy, rotation (degrees).

    Attributes
    ----------
    region
        Numbers, shape (n,).
    pixels
        Pixels that show a lattice, shape (n,).
    mean, deviation
        Mean and standard deviation over these pixels, shape (4, n).
    error
        Standard error of the mean relative to the lattice of the reference, shape (4, n); NaN
        where the noise is not known.
    """

    region: np.ndarray
    pixels: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    error: np.ndarray


@dataclass(frozen=True, eq=False)
class Kernel:
    """Kernel K_j of a sum of gradients over the noise, for the derivatives along x and y.

    Attributes
    ----------
    white
        Integrals of the products <K_j K_b>, shape (2, 2).
    rows
        Sums over the rows of the image, shape (2, rows).
    step
        Distance of the rows.
    """

    white: np.ndarray
    rows: np.ndarray
    step: float


def mean_strains(
    components: np.ndarray,
    labels: np.ndarray,
    analysis: Analysis | None = None,
    *,
    gradients: Gradients | None = None,
    angle: float = 0.0,
) -> RegionMeans:
    """Mean, standard deviation and standard error of each component in each region.

    Parameters
    ----------
    components
        e_xx, e_yy, e_xy and rotation (degrees), shape (4, rows, columns), NaN where there is no
        lattice.
    labels
        Region of each pixel, shape (rows, columns).
    analysis
        How the strain was measured; None where that is not known.
    gradients
        Of the strain, for the errors.
    angle
        Of the axes of the components above those of the image.
    """
    regions = np.unique(labels[labels > 0])
    known = np.isfinite(components).all(axis=0)
    index = np.where(known & (labels > 0), np.searchsorted(regions, labels), len(regions))
    count = np.bincount(index.ravel(), minlength=len(regions) + 1)[:-1]
    values = np.where(known, components, 0.0).reshape(4, -1)
    size = len(regions) + 1
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.array([np.bincount(index.ravel(), v, size)[:-1] for v in values]) / count
        centred = values - np.pad(mean, ((0, 0), (0, 1)))[:, index.ravel()]
        square = np.array([np.bincount(index.ravel(), v, size)[:-1] for v in centred**2])
        deviation = np.sqrt(square / np.maximum(count - 1, 0))
    error = np.full_like(mean, np.nan)
    if analysis is not None and gradients is not None:
        covariances = _mean_covariances(known, analysis, regions)
        for number, label in enumerate(regions):
            if int(label) in covariances:
                at_mean = gradients.mean((labels == label) & known)
                variances = component_variances(covariances[int(label)], at_mean, angle)
                error[:, number] = np.sqrt(np.maximum(variances, 0.0))
    return RegionMeans(regions, count, mean, deviation, error)


def join_means(parts: Sequence[RegionMeans]) -> RegionMeans:
    """Means over the regions of several blocks, by their numbers."""
    region, pixels = (
        np.concatenate([getattr(one, name) for one in parts]) for name in ("region", "pixels")
    )
    mean, deviation, error = (
        np.concatenate([getattr(one, name) for one in parts], axis=1)
        for name in ("mean", "deviation", "error")
    )
    order = np.argsort(region)
    return RegionMeans(
        region[order], pixels[order], mean[:, order], deviation[:, order], error[:, order]
    )


def component_variances(covariance: np.ndarray, at: Gradients, angle: float = 0.0) -> np.ndarray:
    """Variances of e_xx, e_yy, e_xy and rotation (degrees) from the covariance of a gradient.

    Parameters
    ----------
    covariance
        Of S_ij and S_ab, shape (2, 2, 2, 2): of the gradient of the displacement with respect to
        the image.
    at
        Deformation at which the errors are needed, shape (2, 2) each.
    angle
        Of the axes of the components.
    """
    left, right = (np.asarray(one, float) for one in at.factors)
    covariance = np.einsum("ip,qj,pqrs,ar,sb->ijab", left, right, covariance, left, right)
    slopes = component_slopes(at, angle)
    return np.einsum("kij,ijab,kab->k", slopes, covariance, slopes)


def component_slopes(at: Gradients, angle: float = 0.0) -> np.ndarray:
    """Differentiate e_xx, e_yy, e_xy and rotation (degrees) by the gradient T_ij in the image.

    ``angle`` is that of the axes of the components. The shape is (4, 2, 2, ...).
    """
    axes = frame_axes(angle)
    along, across = at.rotation_slope
    one = np.ones_like(along)
    x, y = axes
    strains = [np.outer(x, x), np.outer(y, y), 0.5 * (np.outer(x, y) + np.outer(y, x))]
    rotation = np.degrees(np.array([[-across, along], [-along, -across]]))
    return np.array([*(np.multiply.outer(slope, one) for slope in strains), rotation])


def reference_variances(analysis: Analysis, gradients: Gradients, angle: float) -> np.ndarray:
    """Variances that the components have from the mean of the reference, (4, rows, columns).

    The finite strain is taken as that of the mean of the map.
    """
    known = np.isfinite(gradients.own).all(axis=(0, 1))
    single = component_variances(reference_covariance(analysis), gradients.mean(known), angle)
    return np.broadcast_to(single[:, None, None], (4, *known.shape))


def reference_covariance(analysis: Analysis) -> np.ndarray:
    """Covariance of the mean gradient of the reference, from which strain is counted."""
    label = analysis.reference
    origin = _reference_kernel(analysis, analysis.windows())
    if origin is None:
        return np.zeros((2, 2, 2, 2))
    return _covariance(origin, *analysis.noise_of(label))


def mean_covariance(
    analysis: Analysis, windows: list[tuple[int, Piece, Window]], label: int, mask: np.ndarray
) -> np.ndarray:
    """Covariance of the mean gradient over some pixels of one region, shape (2, 2, 2, 2).

    Parameters
    ----------
    analysis, windows
        How the strain was measured, and its windows.
    label
        Number of the region, which has windows.
    mask
        Pixels, boolean, shape (rows, columns).
    """
    weights = np.zeros(mask.shape)
    for one, piece, _ in windows:
        if one == label:
            weights[piece.box] += piece.mask & mask[piece.box]
    kernel = sum_kernel(analysis, windows, label, weights / weights.sum())
    return _covariance(kernel, *analysis.noise_of(label))


def sum_kernel(
    analysis: Analysis,
    windows: list[tuple[int, Piece, Window]],
    label: int,
    weights: np.ndarray,
    subtracted: Sequence[np.ndarray] | None = None,
) -> Kernel:
    """Kernel of the sum of the gradient over one region with weights of the pixels.

    Parameters
    ----------
    analysis, windows
        How the strain was measured, and its windows.
    label
        Number of the region, which has windows.
    weights
        Of the pixels, shape (rows, columns); those outside the region do not count.
    subtracted
        Weights at the nodes of each piece of the region, of a sum that is taken off.
    """
    own = [(piece, window) for one, piece, window in windows if one == label]
    less: list[np.ndarray | None] = [None for _ in own]
    if subtracted is not None:
        less = list(subtracted)
    parts = [
        _kernel(analysis, piece, window, np.where(piece.mask, weights[piece.box], 0.0), nodes)
        for (piece, window), nodes in zip(own, less, strict=True)
    ]
    white = np.sum([one.white for one in parts], axis=0)
    return Kernel(white, np.sum([one.rows for one in parts], axis=0), parts[0].step)


def _mean_covariances(
    known: np.ndarray, analysis: Analysis, regions: np.ndarray
) -> dict[int, np.ndarray]:
    """Covariance of the mean gradient of each region less that of the reference."""
    windows = analysis.windows()
    total = np.bincount(np.where(known, analysis.labels, 0).ravel(), minlength=regions.max() + 1)
    origin = _reference_kernel(analysis, windows)
    found = {}
    for label in {label for label, _, _ in windows}:
        if not total[label]:
            continue
        weights = known / float(total[label])
        if label == analysis.reference and not analysis.fixed:
            subtracted = _reference_weights(analysis, windows)
            kernel = sum_kernel(analysis, windows, label, weights, subtracted)
            found[label] = _covariance(kernel, *analysis.noise_of(label))
        else:
            kernel = sum_kernel(analysis, windows, label, weights)
            found[label] = _covariance(kernel, *analysis.noise_of(label))
            if origin is not None:
                found[label] += _covariance(origin, *analysis.noise_of(analysis.reference))
    return found


def _reference_kernel(
    analysis: Analysis, windows: list[tuple[int, Piece, Window]]
) -> Kernel | None:
    subtracted = _reference_weights(analysis, windows)
    if not subtracted:
        return None
    nothing = np.zeros(analysis.grid.shape)
    return sum_kernel(analysis, windows, analysis.reference, nothing, subtracted)


def _reference_weights(
    analysis: Analysis, windows: list[tuple[int, Piece, Window]]
) -> list[np.ndarray]:
    """Weights at the nodes with which each piece of the reference gives the mean lattice."""
    label = analysis.reference
    if not any(one == label for one, _, _ in windows):
        return []
    if analysis.area is None:
        margin = MARGIN * analysis.resolution / min(analysis.grid.scale)
        mask = reference_mask(analysis.labels, label, margin)
    else:
        mask = analysis.area & (analysis.labels == label)
    found = [
        window.coarse.node_weights(mask[piece.box] & piece.mask) * window.mass**2
        for one, piece, window in windows
        if one == label
    ]
    total = sum(float(one.sum()) for one in found)
    return [one / total for one in found]


def _kernel(
    analysis: Analysis,
    piece: Piece,
    window: Window,
    weights: np.ndarray,
    subtracted: np.ndarray | None = None,
) -> Kernel:
    """Kernel of the mean with weights of the pixels, less one with weights of the nodes."""
    coarse = window.coarse
    nodes = coarse.node_weights(weights).astype(float)
    if subtracted is not None:
        nodes = nodes - subtracted
    inside = window.mass > 0.0
    share = np.where(inside, nodes / np.where(inside, window.mass, 1.0), 0.0)
    width = coarse.resolution
    x, y = coarse.frequencies()
    smooth = gaussian_mask(coarse, np.zeros(2), width)
    # The Fourier transform of G(d) d_l / s^2 is -2 pi i k_l times that of G, and the kernel is
    # correlated, not convolved, with the weights: r' - r counts from r.
    slopes = [-2j * np.pi * frequency for frequency in (x, y)]

    def spread(field: np.ndarray, factor: np.ndarray | float) -> np.ndarray:
        return np.asarray(coarse.to_nodes(_node_spectrum(coarse, field) * (smooth * factor)).real)

    kernel = np.empty((2, *piece.mask.shape))
    weights_of = piece.weights(longest_spacing(analysis.vectors), analysis.grid.scale)
    pixel_weights = weights_of(0, len(piece.mask))
    for axis in (0, 1):
        scaled = share * window.jacobian_inverse[axis]
        level = np.einsum("l...,l...->...", scaled, window.centroid) / width**2
        total = sum(map(spread, scaled, slopes)) - spread(level, 1.0)
        kernel[axis] = coarse.to_pixels(total) * pixel_weights
    area = coarse.scale[0] * coarse.scale[1]
    rows = np.zeros((2, len(analysis.labels)))
    rows[:, piece.box[0]] = kernel.sum(axis=2) * coarse.scale[0]
    white = np.einsum("arc,brc->ab", kernel, kernel) * area
    return Kernel(white, rows, coarse.scale[1])


def _node_spectrum(coarse: CoarseGrid, field: np.ndarray) -> np.ndarray:
    """Spectrum of a density of weights: a delta function at each node."""
    padded = np.zeros(coarse.reduced)
    padded[: field.shape[0], : field.shape[1]] = field
    return scipy.fft.fft2(padded) / (coarse.scale[0] * coarse.scale[1])


def _covariance(kernel: Kernel, white: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Covariance of a sum of the gradient, shape (2, 2, 2, 2): of T_ij and T_ab."""
    of_lines = kernel.rows @ kernel.rows.T * kernel.step
    return np.einsum("ia,jb->ijab", white, kernel.white) + np.einsum("ia,jb->ijab", lines, of_lines)
