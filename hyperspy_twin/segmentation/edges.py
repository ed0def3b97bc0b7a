"""Regions between the edges of an image, without parameters."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hyperspy_twin.grid import Grid
from hyperspy_twin.segmentation.checks import centred_image
from hyperspy_twin.segmentation.inflection import at_inflection
from hyperspy_twin.segmentation.merging import whole_parts
from hyperspy_twin.segmentation.noise import brightness_range
from hyperspy_twin.segmentation.partition import order_regions
from hyperspy_twin.segmentation.placement import (
    FineGrid,
    depth_inside,
    place_borders,
    place_inside,
    relax,
)
from hyperspy_twin.segmentation.scales import (
    choose_smoothing,
    coarser,
    continued,
    cosine_spectrum,
    lattice_period,
    radial_spectrum,
    resample,
    sample,
    suppress_lattice,
)
from hyperspy_twin.segmentation.splitting import THINNEST, split, without_slope

_SMALLEST_SIDE = 16
# Working pixel in smoothing lengths: the Gaussian leaves 1e-3 beyond its band limit.
_WORKING_PIXEL = 0.6
# Smallest region (edge of a square) in smoothing lengths.
_SMALLEST_REGION = 4.5
# Coarsest smoothing that is tried, in image sides.
_COARSEST = 1 / 24
# Share of the variance that a doubling of the number of regions must explain to be worth it, and
# the difference below which the finer of two scales is taken.
_REGION_PENALTY = 0.03
_MERIT_TIE = 0.01
# Pixels this near to a border (smoothing lengths) hold brightness from beyond it.
_EDGE_FOOT = 1.8


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


def segment_edges(
    image: np.ndarray,
    grid: Grid,
    *,
    smoothing: float | None = None,
    min_area: float | None = None,
) -> Segmentation:
    """Regions between the edges of an image.

    The spectrum loses what a lattice lifts out of the noise, the image is smoothed until the noise
    is gone, its gradient measured in units of its own noise (Canny 1986), closed to basins by a
    watershed, and basins are merged, weakest border first, until each border that is left is
    stronger than noise and texture explain. Several scales are tried from the finest that the
    noise allows (Elder & Zucker 1998), each twice the one before; the one whose regions explain
    the image best with few regions is taken. Each pixel near a border goes to the side whose
    brightness is nearer (Chan & Vese 2001). At last each region is looked at alone, at coarser
    scales, for fainter and more blurred edges within.

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
    Chan & Vese, IEEE Trans. Image Process. 10 (2001) 266.
    """
    image = centred_image(
        image,
        grid,
        _SMALLEST_SIDE,
        "edges need",
        "it has no contrast, so that no edge can be found",
    )
    for name, value in (("smoothing", smoothing), ("min_area", min_area)):
        if value is not None and not 0 < value < np.inf:
            raise ValueError(f"{name} must be a positive number, not {value}")
    spectrum = cosine_spectrum(image)
    rings = radial_spectrum(spectrum)
    period = lattice_period(rings, max(image.shape))
    if period is not None:
        spectrum = suppress_lattice(spectrum, rings, period)
    pixel = float(np.sqrt(grid.scale[0] * grid.scale[1]))
    if smoothing is not None:
        scales = [smoothing / pixel]
    else:
        first = choose_smoothing(spectrum, rings, period)
        doublings = max(int(np.log2(max(min(image.shape) * _COARSEST / first, 1))), 0)
        scales = [first * 2**k for k in range(doublings + 1)]
    area = None if min_area is None else min_area / pixel**2
    with ThreadPoolExecutor() as pool:
        whole = list(pool.map(lambda s: _whole(spectrum, s, area), scales))
    merits = np.array([_merit(regions, whole[0][1]) for regions, _, _ in whole])
    best = int(np.argmax(merits >= merits.max() - _MERIT_TIE))
    regions, working, noise = whole[best]
    step = float(np.sqrt(image.size / working.size))
    if regions.max():
        relaxed = relax(regions, working, scales[best] / step)
        if np.unique(relaxed).size > regions.max():  # else the pull to short borders took a layer
            regions = relaxed
        regions = whole_parts(regions, _least_area(scales[best], area) / step**2)
    labels = place_borders(regions, working, image.shape, scales[best] / step)
    field = _Field(working, scales[best] / step, brightness_range(working), step)
    layout = None
    for doubling in range(1, len(scales) - best):
        layout = layout or _layout(labels, working.shape)
        if _refine_regions(labels, field, layout, doubling, area):
            layout = None
    labels = at_inflection(labels, working, scales[best] / step)
    labels = whole_parts(labels, _least_area(scales[best], area))
    step *= pixel
    return Segmentation(
        order_regions(labels),
        scales[best] * pixel,
        (float(noise.min()) / step, float(noise.max()) / step),
    )


@dataclass(frozen=True)
class _Field:
    """Smoothed image on its working grid; ``step`` is its pixel in pixels of the image."""

    working: np.ndarray
    smoothing: float
    span: float
    step: float


@dataclass(frozen=True)
class _Layout:
    """Regions on the working grid, the depth of each pixel, and boxes around the regions."""

    coarse: np.ndarray
    depth: np.ndarray
    boxes: list[tuple[slice, ...]]
    coarse_boxes: list[tuple[slice, ...]]


def _layout(labels: np.ndarray, shape: tuple[int, ...]) -> _Layout:
    """Where the regions 0..n-1 of the full image lie on a working grid of the given shape."""
    coarse = sample(labels, shape)
    boxes, coarse_boxes = (ndimage.find_objects(regions + 1) for regions in (labels, coarse))
    return _Layout(coarse, depth_inside(coarse), boxes, coarse_boxes)


def _least_area(smoothing: float, area: float | None) -> float:
    """Smallest area of a region in pixels: the one that was asked for, or from the smoothing."""
    return (_SMALLEST_REGION * smoothing) ** 2 if area is None else area


def _whole(
    spectrum: np.ndarray, pixels: float, area: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Regions of the whole image at one smoothing length, on a grid of 0.6 smoothing lengths."""
    rows, columns = spectrum.shape
    shape = tuple(int(np.ceil(n / max(_WORKING_PIXEL * pixels, 1))) for n in (rows, columns))
    step = float(np.sqrt(rows * columns / (shape[0] * shape[1])))
    inside = np.ones(shape, bool)
    working = without_slope(resample(spectrum, shape, pixels), inside)
    least = _least_area(pixels, area)
    regions, noise = split(
        working, inside, pixels / step, brightness_range(working), least / step**2
    )
    return regions, working, noise


def _refine_regions(
    labels: np.ndarray, field: _Field, layout: _Layout, doubling: int, area: float | None
) -> bool:
    """Split regions along edges that show only inside them: fainter or more blurred ones.

    ``labels`` is changed in place; the result tells whether it was.

    Each region is smoothed further without what lies outside it (normalised convolution, Knutsson
    & Westin 1993), so that the strong edges around it neither hide a faint one nor set its noise.
    """
    coarse, depth = layout.coarse, layout.depth
    factor = 2**doubling
    smoothing = field.smoothing * factor
    further = float(np.sqrt(smoothing**2 - field.smoothing**2))
    least = (_SMALLEST_REGION * smoothing) ** 2 if area is None else area / field.step**2
    size = np.bincount(coarse.ravel(), minlength=int(labels.max()) + 1)
    changed = False
    for region in np.flatnonzero(size > 2 * least):
        near = _whole_blocks(layout.coarse_boxes[region], factor, coarse.shape)
        own = coarse[near] == region
        certain = own & (depth[near] > _EDGE_FOOT * field.smoothing)
        if depth[near][own].max() < THINNEST / 2 * smoothing or not certain.any():
            continue
        value, inside = continued(field.working[near], certain, own, factor, further)
        value = without_slope(value, inside)
        slope = np.hypot(*np.gradient(coarser(field.working[near], factor, further)))
        children, _ = split(value, inside, smoothing / factor, field.span, least / factor**2, slope)
        if children.max() < 1:
            continue
        place = FineGrid(
            *(
                ((np.arange(fine.start, fine.stop) + 0.5) * m / n - start.start) / factor - 0.5
                for fine, start, m, n in zip(
                    layout.boxes[region], near, coarse.shape, labels.shape, strict=True
                )
            )
        )
        target = labels[layout.boxes[region]]
        placed = place_inside(children, value, target == region, place, smoothing / factor)
        target[placed > 0] = placed[placed > 0] + labels.max()
        changed = True
    return changed


def _whole_blocks(box: tuple[slice, ...], factor: int, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Return the box grown to whole blocks, within the image."""
    return tuple(
        slice(side.start // factor * factor, min(-(-side.stop // factor) * factor, size))
        for side, size in zip(box, shape, strict=True)
    )


def _merit(regions: np.ndarray, working: np.ndarray) -> float:
    """Share of the variance that lies between regions, less a price for their number."""
    flat = sample(regions, working.shape).ravel()
    area = np.bincount(flat)
    mean = np.bincount(flat, working.ravel()) / np.maximum(area, 1)
    between = np.sum(area * (mean - working.mean()) ** 2)
    return float(between / (working.size * working.var()) - _REGION_PENALTY * np.log2(area.size))
