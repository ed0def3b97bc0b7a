"""Regions between the edges of an image, without parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hyperspy_twin.grid import Grid
from hyperspy_twin.segmentation.merging import (
    Borders,
    basins,
    find_borders,
    merge_small,
    merge_weak,
)
from hyperspy_twin.segmentation.noise import gradient_noise
from hyperspy_twin.segmentation.placement import depth_inside, place_borders
from hyperspy_twin.segmentation.scales import (
    choose_smoothing,
    cosine_spectrum,
    resample,
    sample,
)

_SMALLEST_SIDE = 16
# Working pixel in smoothing lengths: the Gaussian leaves 1e-3 beyond its band limit.
_WORKING_PIXEL = 0.6
# Smallest region (edge of a square) and thinnest layer in smoothing lengths.
_SMALLEST_REGION = 4.5
_THINNEST = 2.4
# Coarsest smoothing that is tried, in image sides.
_COARSEST = 1 / 24
# Share of the variance that a doubling of the number of regions must explain to be worth it, and
# the difference below which the finer of two scales is taken.
_REGION_PENALTY = 0.03
_MERIT_TIE = 0.01
# Median of a Rayleigh distribution of unit scale: gradient magnitude of pure noise.
_RAYLEIGH_MEDIAN = 1.17741


@dataclass(frozen=True)
class Segmentation:
    """Regions of an image.

    Attributes
    ----------
    labels : numpy.ndarray
        Regions 1..n, int32, shape (rows, columns), ordered by the row of their centroid (top to
        bottom), then by its column; every pixel has one.
    smoothing : float
        Smoothing length used (standard deviation of the Gaussian) in the unit of the grid (nm).
    thresholds : tuple of float
        Smallest and largest gradient (image units per unit of length) that counted as noise
        anywhere in the image.
    """

    labels: np.ndarray
    smoothing: float
    thresholds: tuple[float, float]


@dataclass(frozen=True)
class _Split:
    """Regions found at one scale on its working grid."""

    regions: np.ndarray
    working: np.ndarray
    smoothing: float
    noise: tuple[float, float]


def segment_edges(
    image: np.ndarray,
    grid: Grid,
    *,
    smoothing: float | None = None,
    min_area: float | None = None,
) -> Segmentation:
    """Regions between the edges of an image.

    The image is smoothed until lattice and noise are gone, its gradient measured in units of its
    own noise (Canny 1986), closed to basins by a watershed, and basins are merged, weakest border
    first, until each border that is left is stronger than noise and texture explain. Several
    scales are tried from the finest that the noise allows (Elder & Zucker 1998), each twice the
    one before; the one whose regions explain the image best with few regions is taken. Borders
    are then placed on the full image where the brightness is half-way between the two sides.

    Parameters
    ----------
    image : numpy.ndarray
        Image, shape (rows, columns), at least 16 pixels each.
    grid : Grid
        Its calibrated grid.
    smoothing : float, optional
        Smoothing length in the unit of the grid; only this scale is used. By default it comes from
        the image: the longest lattice period, the noise and the image size decide.
    min_area : float, optional
        Regions below this area (unit of the grid squared) join the neighbour behind their weakest
        border. By default the square of 4.5 smoothing lengths.

    Returns
    -------
    Segmentation
        One region that covers all if the image shows no edge.

    Raises
    ------
    ValueError
        If the image is not a finite two-dimensional array on the grid, is smaller than 16 pixels
        on a side or has no contrast, or a parameter is not positive.

    References
    ----------
    Canny, IEEE Trans. Pattern Anal. Mach. Intell. 8 (1986) 679.
    Elder & Zucker, IEEE Trans. Pattern Anal. Mach. Intell. 20 (1998) 699.
    Haris et al., IEEE Trans. Image Process. 7 (1998) 1684 (watershed and merging).
    """
    image = _checked(image, grid)
    for name, value in (("smoothing", smoothing), ("min_area", min_area)):
        if value is not None and not 0 < value < np.inf:
            raise ValueError(f"{name} must be a positive number, not {value}")
    spectrum = cosine_spectrum(image)
    pixel = float(np.sqrt(grid.scale[0] * grid.scale[1]))
    if smoothing is not None:
        scales = [smoothing / pixel]
    else:
        first = choose_smoothing(spectrum)
        doublings = max(int(np.log2(max(min(image.shape) * _COARSEST / first, 1))), 0)
        scales = [first * 2**k for k in range(doublings + 1)]
    splits = [
        _split(
            spectrum, s, (_SMALLEST_REGION * s) ** 2 if min_area is None else min_area / pixel**2
        )
        for s in scales
    ]
    merits = np.array([_merit(split, splits[0].working) for split in splits])
    best = int(np.argmax(merits >= merits.max() - _MERIT_TIE))
    split = splits[best]
    step = scales[best] / split.smoothing * pixel
    labels = place_borders(split.regions, split.working, image.shape, split.smoothing)
    return Segmentation(
        _ordered(labels), scales[best] * pixel, (split.noise[0] / step, split.noise[1] / step)
    )


def _checked(image: np.ndarray, grid: Grid) -> np.ndarray:
    image = np.asarray(image)
    if image.ndim != 2 or image.shape != tuple(grid.shape):
        raise ValueError(f"image has shape {image.shape} but the grid has {grid.shape}")
    if min(image.shape) < _SMALLEST_SIDE:
        raise ValueError(
            f"image has shape {image.shape}: edges need at least {_SMALLEST_SIDE} pixels on each "
            "side; take a larger crop"
        )
    if not np.isfinite(image).all():
        raise ValueError("image holds NaN or infinity: fill or crop these pixels first")
    centred = image - np.mean(image, dtype=float)
    spread = float(np.abs(centred).max())
    if spread <= 1e-7 * float(np.abs(image).max()):
        raise ValueError("image is constant: it has no contrast, so that no edge can be found")
    return centred.astype(np.float32)


def _split(spectrum: np.ndarray, pixels: float, least: float) -> _Split:
    """Regions at one smoothing length, on a grid of 0.6 smoothing lengths."""
    rows, columns = spectrum.shape
    shape = tuple(int(np.ceil(n / max(_WORKING_PIXEL * pixels, 1))) for n in (rows, columns))
    step = float(np.sqrt(rows * columns / (shape[0] * shape[1])))
    smoothing = pixels / step
    working = _without_slope(resample(spectrum, shape, pixels))
    along_y, along_x = np.gradient(working)
    noise = gradient_noise(np.hypot(along_x, along_y), working, smoothing)
    along_x /= noise
    along_y /= noise
    magnitude = np.hypot(along_x, along_y)
    leaves, count = basins(magnitude)
    level = ndimage.minimum(magnitude, leaves, np.arange(count))
    borders = _with_steps(find_borders(leaves, along_x, along_y), leaves, working, noise, smoothing)
    region, borders = merge_weak(borders, level, 3 * smoothing)
    regions = region[leaves]
    region, borders = merge_weak(borders, _slope_inside(magnitude, regions), 3 * smoothing)
    regions = region[regions]
    area = np.bincount(regions.ravel()).astype(float)
    deepest = ndimage.maximum(depth_inside(regions), regions, np.arange(area.size))
    area[deepest < _THINNEST / 2 * smoothing] = 0  # the flank of an edge, not a layer
    region, _ = merge_small(borders, area, least / step**2)
    return _Split(region[regions], working, smoothing, (float(noise.min()), float(noise.max())))


def _without_slope(working: np.ndarray) -> np.ndarray:
    """Take off the slope that most of the image shares: uneven illumination or thickness."""
    down, across = (np.median(component) for component in np.gradient(working))
    rows, columns = (np.arange(n, dtype=np.float32) for n in working.shape)
    return working - down * rows[:, None] - across * columns


def _with_steps(
    borders: Borders, leaves: np.ndarray, working: np.ndarray, noise: np.ndarray, smoothing: float
) -> Borders:
    """Let the difference in mean of the basins on either side count as much as the gradient.

    A gradient on the border alone sees half a smoothing length on either side; the basins see
    two. In white noise the difference is 2.1 gradient scales times the smoothing length, in
    texture that outlasts the smoothing more, which its lower quartile tells.
    """
    flat = leaves.ravel()
    area = np.bincount(flat)
    mean = np.bincount(flat, working.ravel()) / area
    scale = np.bincount(flat, noise.ravel()) / area
    step = (mean[borders.second] - mean[borders.first]) / smoothing
    step /= (scale[borders.second] + scale[borders.first]) / 2
    if step.size:
        step /= np.clip(np.quantile(np.abs(step), 0.25) / 0.3186, 2.1, 4.0)
    flux = (borders.flux + step * borders.length) / 2
    return Borders(borders.first, borders.second, flux, borders.length)


def _slope_inside(magnitude: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Half of the typical gradient in each region, beyond that of noise.

    It tells a strip on the flank of a broad interface, where the gradient is larger than on the
    strip's outer border, from a layer.
    """
    typical = ndimage.median(magnitude, regions, np.arange(regions.max() + 1))
    return 0.5 * np.sqrt(np.maximum(typical**2 - _RAYLEIGH_MEDIAN**2, 0))


def _merit(split: _Split, working: np.ndarray) -> float:
    """Share of the variance that lies between regions, less a price for their number."""
    flat = sample(split.regions, working.shape).ravel()
    area = np.bincount(flat)
    mean = np.bincount(flat, working.ravel()) / np.maximum(area, 1)
    between = np.sum(area * (mean - working.mean()) ** 2)
    return float(between / (working.size * working.var()) - _REGION_PENALTY * np.log2(area.size))


def _ordered(regions: np.ndarray) -> np.ndarray:
    """Labels 1..n by the centroid's row, then column."""
    rows, columns = regions.shape
    flat = regions.ravel()
    area = np.bincount(flat)
    row = np.bincount(flat, np.repeat(np.arange(rows), columns))
    column = np.bincount(flat, np.tile(np.arange(columns), rows))
    present = np.flatnonzero(area)
    order = present[np.lexsort((column[present] / area[present], row[present] / area[present]))]
    rank = np.zeros(area.size, np.int32)
    rank[order] = np.arange(1, order.size + 1)
    return rank[regions]
