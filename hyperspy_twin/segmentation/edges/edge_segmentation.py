"""Regions between the edges of an image, without parameters."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from hyperspy_twin.core import Grid
from hyperspy_twin.segmentation.border_placement import place_borders
from hyperspy_twin.segmentation.checks import centred_image, check_positive
from hyperspy_twin.segmentation.edges.faint_edges import Field, lay_out, split_at_faint_edges
from hyperspy_twin.segmentation.edges.inflection import move_to_inflection
from hyperspy_twin.segmentation.edges.region_merging import separate_parts
from hyperspy_twin.segmentation.edges.significance import (
    join_chance_protrusions,
    join_chance_regions,
)
from hyperspy_twin.segmentation.edges.spherical_particles import outline_spherical_particles
from hyperspy_twin.segmentation.edges.threshold_dynamics import relax_borders
from hyperspy_twin.segmentation.edges.watershed import divide_area, remove_slope
from hyperspy_twin.segmentation.gradient_noise import brightness_range
from hyperspy_twin.segmentation.labels import order_regions
from hyperspy_twin.segmentation.resampling import resample, sample, working_shape
from hyperspy_twin.segmentation.result import Segmentation
from hyperspy_twin.segmentation.smoothing import choose_smoothing, minimum_area, remove_lattice

# Pixels on each side that edges need.
_SMALLEST_SIDE = 16
# The others are set on the tuning half of benchmarks/segmentation.py.
# Coarsest smoothing that is tried, in image sides.
_COARSEST = 1 / 24
# Octaves of scales from which on doublings are close enough.
_MANY_OCTAVES = 2.0
# Fraction of the variance that a doubling of the number of regions must explain to be worth it.
_REGION_PENALTY = 0.03
# Difference in that fraction below which the finer of two scales is taken.
_MERIT_TIE = 0.01


def segment_edges(
    image: np.ndarray, grid: Grid, *, smoothing: float | None = None, min_area: float | None = None
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
    return outline_whole_particles(found.segmentation, found)


@dataclass(frozen=True)
class EdgeRegions:
    """Regions that end half-way between two brightnesses, and what balls are told by.

    ``flat`` is the image without its lattice, on a grid over the same field, ``blur`` what that is
    smoothed by and ``smallest`` the area of the smallest region, both in pixels of the image.
    """

    segmentation: Segmentation
    flat: np.ndarray
    blur: float
    smallest: float


def outline_whole_particles(segmentation: Segmentation, found: EdgeRegions) -> Segmentation:
    """Regions of one image of which those that bulge like a ball end where they begin to rise."""
    before = segmentation.labels - 1
    labels = outline_spherical_particles(before, found.flat, found.blur)
    if np.array_equal(labels, before):
        return segmentation
    return replace(segmentation, labels=order_regions(separate_parts(labels, found.smallest)))


def regions_between_edges(
    image: np.ndarray, grid: Grid, *, smoothing: float | None = None, min_area: float | None = None
) -> EdgeRegions:
    """All that `segment_edges` does but for outlining spherical particles; same parameters."""
    constant = "it has no contrast, so that no edge can be found"
    image = centred_image(image, grid, _SMALLEST_SIDE, "edges need", constant)
    check_positive(smoothing=smoothing, min_area=min_area)
    flat, pixel = remove_lattice(image), grid.pixel_size
    if smoothing is not None:
        scales = [smoothing / pixel]
    else:
        scales = scales_to_try(choose_smoothing(flat), min(image.shape))
    area = None if min_area is None else min_area / pixel**2
    with ThreadPoolExecutor() as pool:
        whole = list(pool.map(lambda s: _segment_whole(flat.spectrum, s, area), scales))
    merits = np.array([_rate(regions, whole[0][1]) for regions, _, _ in whole])
    best = int(np.argmax(merits >= merits.max() - _MERIT_TIE))
    regions, working, noise = whole[best]
    step = float(np.sqrt(image.size / working.size))
    length, smallest = scales[best] / step, minimum_area(scales[best], area)
    if regions.max():
        relaxed = relax_borders(regions, working, length)
        if np.unique(relaxed).size > regions.max():  # else the pull to short borders took a layer
            regions = relaxed
        regions = join_chance_protrusions(regions, working, length)
        regions = separate_parts(regions, smallest / step**2)
    labels = place_borders(regions, working, image.shape, length)
    field = Field(working, length, brightness_range(working), step)
    layout = None
    for doubling in range(1, int(np.log2(scales[-1] / scales[best]) + 1e-6) + 1):
        layout = layout or lay_out(labels, working.shape)
        if split_at_faint_edges(labels, field, layout, doubling=doubling, area=area):
            layout = None
    labels = join_chance_regions(labels, working, length)
    labels = separate_parts(move_to_inflection(labels, working, length), smallest)
    step *= pixel
    thresholds = float(noise.min()) / step, float(noise.max()) / step
    segmentation = Segmentation(order_regions(labels), scales[best] * pixel, thresholds)
    flattened = (image, 0.0) if flat.period is None else (working, scales[best])
    return EdgeRegions(segmentation, *flattened, smallest)


def scales_to_try(first: float, side: int) -> list[float]:
    """Smoothing lengths to try: doubled up to 1/24 of the side, in half steps where they are few.

    Where noise already asks for so much smoothing, a layer may show at one scale alone.
    """
    octaves = float(np.log2(max(side * _COARSEST / first, 1)))
    step = 1.0 if octaves >= _MANY_OCTAVES else 0.5
    return [float(first * 2 ** (step * k)) for k in range(int(octaves / step) + 1)]


def _segment_whole(
    spectrum: np.ndarray, pixels: float, area: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Regions of the whole image at one smoothing length, on a grid of 0.6 smoothing lengths."""
    shape = working_shape(spectrum.shape, pixels)
    step = float(np.sqrt(spectrum.size / (shape[0] * shape[1])))
    inside = np.ones(shape, bool)
    working = remove_slope(resample(spectrum, shape, pixels), inside)
    span, smallest = brightness_range(working), minimum_area(pixels, area) / step**2
    regions, noise = divide_area(
        working, inside, smoothing=pixels / step, span=span, smallest=smallest
    )
    return regions, working, noise


def _rate(regions: np.ndarray, working: np.ndarray) -> float:
    """Fraction of the variance that lies between regions, less a price for their number."""
    flat = sample(regions, working.shape).ravel()
    area = np.bincount(flat)
    mean = np.bincount(flat, working.ravel()) / np.maximum(area, 1)
    between = np.sum(area * (mean - working.mean()) ** 2)
    return float(between / (working.size * working.var()) - _REGION_PENALTY * np.log2(area.size))
