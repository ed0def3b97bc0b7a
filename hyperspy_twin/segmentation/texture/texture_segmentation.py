"""Regions of different lattice or texture, without parameters."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.measure import label

from hyperspy_twin.core import Grid
from hyperspy_twin.segmentation.checks import centred_image, check_positive
from hyperspy_twin.segmentation.labels import fill_from_nearest, order_regions
from hyperspy_twin.segmentation.resampling import cosine_spectrum, resample
from hyperspy_twin.segmentation.result import Segmentation
from hyperspy_twin.segmentation.texture.amplitude_maps import AmplitudeMaps
from hyperspy_twin.segmentation.texture.lattice_classes import PeakPattern, classify_lattices
from hyperspy_twin.segmentation.texture.lattice_period import (
    LEVEL_SMOOTHING,
    PERIODS,
    find_longest_period,
)
from hyperspy_twin.segmentation.texture.local_spectra import TilePeaks, find_tile_peaks
from hyperspy_twin.segmentation.texture.peak_matching import peak_distance
from hyperspy_twin.segmentation.texture.texture_borders import place_texture_borders
from hyperspy_twin.segmentation.texture.tile_regions import (
    connect_tiles,
    find_texture_kinds,
    remove_mixtures,
)

# All but those with a reason of their own are set on the tuning half of benchmarks/segmentation.py.
# Pixels on each side that texture needs.
SMALLEST_SIDE = 32
# Pixels per lattice period in which the image is analysed: up to the fourth order of a lattice.
_PIXELS_PER_PERIOD = 8.0
# Ratio of the periods below which the image is not resampled to that.
_RESAMPLED = 1.1
# Tiles from which on they lie half a tile apart, instead of a quarter.
_MANY_TILES = 1600
# Strongest peaks of each lattice whose waves are compared.
_PEAKS_PER_LATTICE = 6
# Distance of the peaks of two lattices that are told apart, in standard deviations of the band that
# the maps pass.
_TOLD_APART = 1.2
# Fraction of the peaks of a lattice that lie nearer to one of the other lattice than the distance
# that tells them apart.
_TELLING = 0.75
# Widest window in lattice periods.
_WIDEST = 3.0
# Largest window that a user may ask for, as shorter sides of the image over it.
_LARGEST_WINDOW = 8
# Rounds in which the borders are placed: beyond the centres of the last tiles they may lie far off.
_PASSES = 3
# Stands in for the period of an image without a lattice, in image sides.
_NO_PERIOD = 1 / 80
# The same in pixels, at least.
_MIN_NO_PERIOD = 3.0
# Smallest region in squared lattice periods: the area of a tile.
_SMALLEST_REGION = PERIODS**2


def segment_texture(
    image: np.ndarray, grid: Grid, *, smoothing: float | None = None, min_area: float | None = None
) -> Segmentation:
    """Regions of equal lattice, or of equal texture where there is no lattice.

    The image is cut into overlapping tiles of eight lattice periods. Peaks in their spectra that
    noise does not explain are compared from tile to tile: lattices that differ by more than about
    4 % or 4 degrees, or that lack peaks of the other, found classes, and what has no lattice is
    told apart by the strength of its texture (amorphous film, vacuum). Borders are then placed
    where the amplitudes of the lattice waves (Hytch et al. 1998) cross from one side to the
    other. Connected tiles of one class form a region.

    Parameters
    ----------
    image : numpy.ndarray
        Image, shape (rows, columns), at least 32 pixels each.
    grid : Grid
        Its calibrated grid.
    smoothing : float, optional
        Standard deviation of the Gaussian window in which amplitudes are measured, in the unit of
        the grid. By default one lattice period, and up to three where lattices are alike.
    min_area : float, optional
        Regions below this area (unit of the grid squared) join their neighbours. By default 64
        squared lattice periods.

    Returns
    -------
    Segmentation
        One region that covers all if lattice and texture are the same everywhere; thresholds are
        (0, 0) as no gradient is used.

    Raises
    ------
    ValueError
        If the image is not a finite two-dimensional array on the grid, is smaller than 32 pixels
        on a side or has no contrast, or a parameter is not positive.

    References
    ----------
    Hytch, Snoeck & Kilaas, Ultramicroscopy 74 (1998) 131 (amplitude of a lattice wave).
    """
    constant = "it has no texture to compare"
    image = centred_image(image, grid, SMALLEST_SIDE, "texture needs", constant)
    check_positive(smoothing=smoothing, min_area=min_area)
    pixel = grid.pixel_size
    largest = min(image.shape) * pixel / _LARGEST_WINDOW
    if smoothing is not None and smoothing > largest:
        raise ValueError(
            f"smoothing {smoothing} is more than an eighth of the image's shorter side: choose "
            f"at most {largest:.3g}"
        )
    without = max(_NO_PERIOD * float(np.sqrt(image.size)), _MIN_NO_PERIOD)
    period = find_longest_period(image) or without
    working, peaks = _find_working_peaks(image, period)
    found = classify_lattices(peaks)
    if not found.members and period != without:
        period = without
        working, peaks = _find_working_peaks(image, period)
        found = classify_lattices(peaks)
    step = float(np.sqrt(image.size / working.size))
    kinds = find_texture_kinds(peaks.texture, found.assigned < 0)
    classes = np.where(found.assigned >= 0, found.assigned, len(found.members) + kinds)
    classes = remove_mixtures(classes, peaks)
    present = [part if np.any(classes == n) else [] for n, part in enumerate(found.members)]
    waves = _choose_waves(present, peaks.tile)
    if smoothing is None:
        resolution = period / step * _choose_resolution(present, classes)
    else:
        resolution = smoothing / (pixel * step)
    smallest = _SMALLEST_REGION * period**2 if min_area is None else min_area / pixel**2
    labels = np.zeros(image.shape, np.int32)
    if np.ptp(classes) > 0:
        maps = AmplitudeMaps(working, resolution)
        coarse, class_of = connect_tiles(classes, peaks, maps.rows, maps.columns)
        features = _measure_features(working, maps, waves, resolution)
        reach = peaks.tile / 2 / maps.rows[1]
        nodes = [np.arange(n, dtype=float) for n in maps.shape]
        for _ in range(_PASSES):
            coarse = place_texture_borders(coarse, features, reach, *nodes)
        spacings = maps.rows[1], maps.columns[1]
        pixels = (
            ((np.arange(n) + 0.5) * m / n - 0.5) / spacing
            for n, m, spacing in zip(image.shape, working.shape, spacings, strict=True)
        )
        labels = place_texture_borders(coarse, features, reach, *pixels)
        labels = _keep_whole_regions(labels, class_of, smallest)
    return Segmentation(order_regions(labels), resolution * step * pixel, (0.0, 0.0))


def _find_working_peaks(image: np.ndarray, period: float) -> tuple[np.ndarray, TilePeaks]:
    """Image with eight pixels to the period, if it is finer, and the peaks of its tiles."""
    factor = period / _PIXELS_PER_PERIOD
    if factor < _RESAMPLED:
        working, factor = image, 1.0
    else:
        shape = tuple(int(np.ceil(n / factor)) for n in image.shape)
        working = resample(cosine_spectrum(image), shape, LEVEL_SMOOTHING * factor)
    tile = min(int(round(PERIODS * period / factor / 2)) * 2, min(working.shape) // 2 * 2)
    stride = max(tile // 4, 1)
    if working.size / stride**2 > _MANY_TILES:
        stride = max(tile // 2, 1)
    return working, find_tile_peaks(working, tile, stride)


def _choose_waves(members: list[list[PeakPattern]], tile: int) -> list[tuple[float, float]]:
    """Frequencies, in cycles per pixel, of the strongest peaks of all lattices."""
    waves: list[tuple[float, float]] = []
    for lattice in (lattice for part in members for lattice in part):
        for x, y in lattice.frequency[np.argsort(-lattice.weight)[:_PEAKS_PER_LATTICE]]:
            if all(peak_distance(x, y, *wave) > 1 for wave in waves):
                waves.append((float(x), float(y)))
    return [(x / tile, y / tile) for x, y in waves]


def _choose_resolution(members: list[list[PeakPattern]], classes: np.ndarray) -> float:
    """Window, in lattice periods, that tells all neighbouring lattices from each other."""
    pairs = {
        (int(a), int(b))
        for first, second in ((classes[:, 1:], classes[:, :-1]), (classes[1:], classes[:-1]))
        for a, b in np.unique(np.stack([first.ravel(), second.ravel()]), axis=1).T
        if a != b and max(a, b) < len(members)
    }
    widths = [1.0]
    for a, b in pairs:
        first, second = members[a][0].frequency, members[b][0].frequency
        signed = np.stack([first[:, None] - second, first[:, None] + second])
        between = np.linalg.norm(signed, axis=-1).min(axis=(0, 2))
        apart = float(np.quantile(between, _TELLING)) / PERIODS
        widths.append(_TOLD_APART / (2 * np.pi * apart) if apart > 0 else _WIDEST)
    return min(max(widths), _WIDEST)


def _measure_features(
    working: np.ndarray, maps: AmplitudeMaps, waves: list[tuple[float, float]], resolution: float
) -> list[np.ndarray]:
    """Brightness, strength of the texture and amplitudes of the lattice waves."""
    fast = working - ndimage.gaussian_filter(working, resolution)
    # Roots, so that an edge does not outweigh the texture next to it.
    strength = np.maximum(AmplitudeMaps(np.sqrt(np.abs(fast)), resolution).mean(), 0) ** 2
    return [maps.mean(), strength, *(maps.amplitude(wave) for wave in waves)]


def _keep_whole_regions(labels: np.ndarray, class_of: np.ndarray, smallest: float) -> np.ndarray:
    """Keep the largest piece of each region if it has an area; the rest falls to the nearest.

    Regions of one class that meet after their borders were placed are one.
    """
    pieces = label(labels, connectivity=1, background=-1) - 1
    area = np.bincount(pieces.ravel())
    owner = np.zeros(area.size, int)
    owner[pieces] = labels
    largest = np.zeros(class_of.size, int)
    np.maximum.at(largest, owner, area)
    lost = ((area < smallest) | (area < largest[owner]))[pieces]
    if lost.all():
        return np.zeros(labels.shape, np.int32)
    return label(fill_from_nearest(class_of[labels], ~lost), connectivity=1, background=-1)
