"""Regions between the edges of an image, without parameters."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.segmentation.checks import centred_image
from hyperspy_twin.segmentation.edges.gradient_noise import brightness_range
from hyperspy_twin.segmentation.edges.inflection import at_inflection
from hyperspy_twin.segmentation.edges.inner_edges import Field, lay_out, least_area, refine_regions
from hyperspy_twin.segmentation.edges.merging import whole_parts
from hyperspy_twin.segmentation.edges.partition import order_regions
from hyperspy_twin.segmentation.edges.placement import place_borders, relax
from hyperspy_twin.segmentation.edges.smoothing import (
    choose_smoothing,
    cosine_spectrum,
    lattice_period,
    radial_spectrum,
    resample,
    sample,
    suppress_lattice,
)
from hyperspy_twin.segmentation.edges.specks import join_specks
from hyperspy_twin.segmentation.edges.spherical_particles import end_domes_at_foot
from hyperspy_twin.segmentation.edges.splitting import split, without_slope

_SMALLEST_SIDE = 16
# Working pixel in smoothing lengths: the Gaussian leaves 1e-3 beyond its band limit.
_WORKING_PIXEL = 0.6
# Coarsest smoothing that is tried, in image sides.
_COARSEST = 1 / 24
# Octaves of scales from which on doublings are close enough.
_MANY_OCTAVES = 2.0
# Share of the variance that a doubling of the number of regions must explain to be worth it, and
# the difference below which the finer of two scales is taken.
_REGION_PENALTY = 0.03
_MERIT_TIE = 0.01


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
    brightness is nearer (Chan & Vese 2001). Then each region is looked at alone, at coarser
    scales, for fainter and more blurred edges within. At last regions that bulge like a ball are
    ended where their thickness begins, because half the brightness is well inside them.

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
    found = regions_between_edges(image, grid, smoothing=smoothing, min_area=min_area)
    return with_whole_domes(found.segmentation, found)


@dataclass(frozen=True)
class EdgeRegions:
    """Regions that end half-way between two brightnesses, and the image without its lattice.

    Attributes
    ----------
    segmentation : Segmentation
        The regions.
    flat : numpy.ndarray
        Image without lattice, on a grid over the same field.
    blur : float
        What that is smoothed by, in pixels of the image.
    least_area : float
        Smallest region in pixels of the image.
    """

    segmentation: Segmentation
    flat: np.ndarray
    blur: float
    least_area: float


def with_whole_domes(segmentation: Segmentation, found: EdgeRegions) -> Segmentation:
    """Regions of one image of which those that bulge like a ball end where they begin to rise."""
    before = segmentation.labels - 1
    labels = end_domes_at_foot(before, found.flat, found.blur)
    if np.array_equal(labels, before):
        return segmentation
    return replace(segmentation, labels=order_regions(whole_parts(labels, found.least_area)))


def regions_between_edges(
    image: np.ndarray,
    grid: Grid,
    *,
    smoothing: float | None = None,
    min_area: float | None = None,
) -> EdgeRegions:
    """All that `segment_edges` does but for the outlines of domes; same parameters and errors."""
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
        scales = scales_to_try(choose_smoothing(spectrum, rings, period), min(image.shape))
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
        regions = whole_parts(regions, least_area(scales[best], area) / step**2)
    labels = place_borders(regions, working, image.shape, scales[best] / step)
    field = Field(working, scales[best] / step, brightness_range(working), step)
    layout = None
    for doubling in range(1, int(np.log2(scales[-1] / scales[best]) + 1e-6) + 1):
        layout = layout or lay_out(labels, working.shape)
        if refine_regions(labels, field, layout, doubling, area):
            layout = None
    labels = join_specks(labels, working, scales[best] / step)
    labels = at_inflection(labels, working, scales[best] / step)
    smallest = least_area(scales[best], area)
    labels = whole_parts(labels, smallest)
    step *= pixel
    segmentation = Segmentation(
        order_regions(labels),
        scales[best] * pixel,
        (float(noise.min()) / step, float(noise.max()) / step),
    )
    flat, blur = (image, 0.0) if period is None else (working, scales[best])
    return EdgeRegions(segmentation, flat, blur, smallest)


def scales_to_try(first: float, side: int) -> list[float]:
    """Smoothing lengths to try: doubled up to 1/24 of the side, in half steps where they are few.

    Where noise already asks for so much smoothing, a layer may show at one scale alone.
    """
    octaves = float(np.log2(max(side * _COARSEST / first, 1)))
    step = 1.0 if octaves >= _MANY_OCTAVES else 0.5
    return [float(first * 2 ** (step * k)) for k in range(int(octaves / step) + 1)]


def _whole(
    spectrum: np.ndarray, pixels: float, area: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Regions of the whole image at one smoothing length, on a grid of 0.6 smoothing lengths."""
    rows, columns = spectrum.shape
    shape = tuple(int(np.ceil(n / max(_WORKING_PIXEL * pixels, 1))) for n in (rows, columns))
    step = float(np.sqrt(rows * columns / (shape[0] * shape[1])))
    inside = np.ones(shape, bool)
    working = without_slope(resample(spectrum, shape, pixels), inside)
    least = least_area(pixels, area)
    regions, noise = split(
        working, inside, pixels / step, brightness_range(working), least / step**2
    )
    return regions, working, noise


def _merit(regions: np.ndarray, working: np.ndarray) -> float:
    """Share of the variance that lies between regions, less a price for their number."""
    flat = sample(regions, working.shape).ravel()
    area = np.bincount(flat)
    mean = np.bincount(flat, working.ravel()) / np.maximum(area, 1)
    between = np.sum(area * (mean - working.mean()) ** 2)
    return float(between / (working.size * working.var()) - _REGION_PENALTY * np.log2(area.size))
