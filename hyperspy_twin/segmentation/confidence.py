"""How sure the regions of an image and the boundaries between them are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, optimize
from scipy.special import erf

from hyperspy_twin.core import Grid
from hyperspy_twin.segmentation.labels import adjacent_labels, depth_inside, grow_box
from hyperspy_twin.segmentation.resampling import resample
from hyperspy_twin.segmentation.smoothing import LATTICE_SMOOTHING, remove_lattice

# No benchmark varies these; tests/segmentation/test_confidence.py checks what follows from them.
# Reach of the profile across a boundary as a fraction of the shorter side.
_REACH = 1 / 5
# The same in pixels, at least.
_MIN_REACH = 12.0
# Widths on either side to which the profile is fitted: an error function has ended there.
_FITTED_WIDTHS = 4.0
# Widths on either side in which the segments of a boundary are compared.
_COMPARED_WIDTHS = 3.0
# Length of a segment in which a boundary is judged, in pixels.
_SEGMENT = 16
# Contrast, in standard errors, below which no blur width is given.
_MIN_SIGNIFICANCE = 5.0
# Bins of a profile that four parameters need.
_FEWEST_BINS = 5


@dataclass(frozen=True)
class BoundaryStatistics:
    """One entry per pair of regions that touch, in the order of the pairs.

    Attributes
    ----------
    pairs : numpy.ndarray
        Labels of the two regions, the smaller first, shape (m, 2).
    length : numpy.ndarray
        Length of the boundary as the sum of its pixel edges, unit of the grid, shape (m,). A
        slanted boundary counts up to 4/pi too long on average.
    contrast : numpy.ndarray
        Brightness of the second region less that of the first at the boundary, image units.
    contrast_to_noise : numpy.ndarray
        Its size in units of the noise of one pixel.
    blur_width : numpy.ndarray
        Standard deviation of the Gaussian that blurs the step, unit of the grid; NaN where the
        contrast is too weak or the regions too thin to tell.
    confidence : numpy.ndarray
        Probability, 0..1, that a segment of 16 pixels of the boundary shows the contrast of the
        whole boundary rather than none, from the scatter between the segments. It speaks of the
        brightness: a boundary between equally bright grains has none.
    """

    pairs: np.ndarray
    length: np.ndarray
    contrast: np.ndarray
    contrast_to_noise: np.ndarray
    blur_width: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True)
class _Flat:
    """Image whose lattice is taken off, what that smoothed, and the noise of a raw pixel."""

    image: np.ndarray
    smoothing: float
    noise: float


@dataclass(frozen=True)
class _Near:
    """Pixels on both sides of one boundary: signed distance, brightness and segment."""

    distance: np.ndarray
    brightness: np.ndarray
    segment: np.ndarray


def measure_boundaries(image: np.ndarray, labels: np.ndarray, grid: Grid) -> BoundaryStatistics:
    """Contrast, blur and confidence of each boundary between two regions.

    The mean brightness as a function of the distance from the boundary, with the lattice taken
    off, is fitted by an error function, as a step blurred by a Gaussian makes it.

    Parameters
    ----------
    image, labels : numpy.ndarray
        Image and regions, shape (rows, columns); label 0 is unassigned and bounds nothing.
    grid : Grid
        Grid of both.

    Returns
    -------
    BoundaryStatistics
        Empty for a single region.

    Raises
    ------
    ValueError
        If the shapes of image, labels and grid differ or the image is not finite.
    """
    image = np.asarray(image, np.float32)
    if image.shape != labels.shape or image.shape != tuple(grid.shape):
        raise ValueError(
            f"image {image.shape}, labels {labels.shape} and grid {grid.shape} must have one shape"
        )
    if not np.isfinite(image).all():
        raise ValueError("image holds NaN or infinity: fill or crop these pixels first")
    pairs, edges = adjacent_regions(labels)
    length = edges @ np.array(grid.scale[::-1], float)
    flat = _flatten(image)
    reach = max(_REACH * min(image.shape), _MIN_REACH)
    depth, boxes = depth_inside(labels), ndimage.find_objects(labels)
    near = (_pixels_near(flat, labels, boxes, depth, pair, reach) for pair in pairs)
    rows = [_judge_boundary(pixels, flat) for pixels in near]
    contrast, width, confidence = np.array(rows).reshape(-1, 3).T
    return BoundaryStatistics(
        pairs, length, contrast, np.abs(contrast) / flat.noise, width * grid.pixel_size, confidence
    )


def region_confidence(labels: np.ndarray, boundaries: BoundaryStatistics) -> np.ndarray:
    """Confidence of each region: that of its boundaries, weighted with their length.

    Parameters
    ----------
    labels : numpy.ndarray
        Regions, shape (rows, columns).
    boundaries : BoundaryStatistics
        Their boundaries.

    Returns
    -------
    numpy.ndarray
        Shape (n,) for the labels above 0 in rising order; NaN for a region without a boundary.
    """
    present = np.unique(labels)
    present = present[present > 0]
    size = int(present.max(initial=0)) + 1
    both, twice = boundaries.pairs.T.ravel(), np.tile(boundaries.length, 2)
    total = np.bincount(both, twice, size)
    weighted = np.bincount(both, twice * np.tile(boundaries.confidence, 2), size)
    with np.errstate(invalid="ignore"):
        return (weighted / total)[present]


def adjacent_regions(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of regions that touch and their pixel edges: `adjacent_labels` without label 0."""
    pairs, edges = adjacent_labels(labels)
    assigned = pairs[:, 0] > 0
    return pairs[assigned], edges[assigned]


def _flatten(image: np.ndarray) -> _Flat:
    found = remove_lattice(image - image.mean(dtype=float).astype(np.float32))
    noise = float(np.sqrt(found.rings.noise_power))
    noise = max(noise, float(np.finfo(np.float32).eps * np.abs(image).max()), 1e-300)
    if found.period is None:
        return _Flat(image, 0.0, noise)
    smoothing = LATTICE_SMOOTHING * found.period
    return _Flat(resample(found.spectrum, image.shape, smoothing), smoothing, noise)


def _pixels_near(
    flat: _Flat,
    labels: np.ndarray,
    boxes: list[tuple[slice, ...]],
    depth: np.ndarray,
    pair: np.ndarray,
    reach: float,
) -> _Near:
    """Pixels of the two regions that are nearer to their boundary than to any other."""
    sides = zip(*(boxes[region - 1] for region in pair), strict=True)
    contact = tuple(slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in sides)
    box = grow_box(contact, int(reach) + 2, labels.shape)
    first, second = labels[box] == pair[0], labels[box] == pair[1]
    touch = first & ndimage.binary_dilation(second), second & ndimage.binary_dilation(first)
    parts = []
    for sign, side, border in ((-1.0, first, touch[1]), (1.0, second, touch[0])):
        distance, nearest = ndimage.distance_transform_edt(~border, return_indices=True)
        distance = distance - 0.5
        kept = side & (distance < reach) & (distance <= depth[box] + 0.75)
        block = nearest[:, kept] // _SEGMENT
        segment = block[0] * (labels.shape[1] // _SEGMENT + 2) + block[1]
        parts.append((sign * distance[kept], flat.image[box][kept], segment))
    return _Near(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _judge_boundary(near: _Near, flat: _Flat) -> tuple[float, float, float]:
    """Contrast, blur width in pixels and confidence of one boundary."""
    contrast, width = _fit_step(near)
    reach = _MIN_REACH / 2 if np.isnan(width) else max(_COMPARED_WIDTHS * width, _MIN_REACH / 2)
    inner = np.abs(near.distance) <= reach
    steps = _measure_segments(near, inner)
    scatter = flat.noise * np.sqrt(4 * max(steps.size, 1) / max(inner.sum(), 1))
    if steps.size > 1:
        scatter = float(steps.std(ddof=1))
    scatter = max(scatter, 1e-300)
    found = float(steps.mean()) if steps.size else contrast
    confidence = float(erf(abs(found) / (np.sqrt(2) * scatter)))
    if np.isnan(width) or abs(found) * np.sqrt(steps.size) < _MIN_SIGNIFICANCE * scatter:
        return found, float("nan"), confidence
    return contrast, float(np.sqrt(max(width**2 - flat.smoothing**2, 0.0))), confidence


def _measure_segments(near: _Near, inner: np.ndarray) -> np.ndarray:
    """Difference of the mean brightness beyond and before the boundary, segment by segment."""
    _, segment = np.unique(near.segment[inner], return_inverse=True)
    beyond = near.distance[inner] > 0
    means, counts, size = [], [], segment.max(initial=0) + 1
    for side in (beyond, ~beyond):
        counts.append(np.bincount(segment[side], minlength=size))
        total = np.bincount(segment[side], near.brightness[inner][side], size)
        means.append(total / np.maximum(counts[-1], 1))
    usual = np.median(np.minimum(*counts))
    kept = np.minimum(*counts) >= max(usual / 2, 1)
    return (means[0] - means[1])[kept]


def _fit_step(near: _Near) -> tuple[float, float]:
    """Height and width (pixels) of an error function along the distance from the boundary."""
    _, bins, count = np.unique(np.floor(near.distance), return_inverse=True, return_counts=True)
    brightness, distance = (np.bincount(bins, v) / count for v in (near.brightness, near.distance))
    before, beyond = brightness[distance < 0], brightness[distance > 0]
    contrast = float(beyond[: max(beyond.size // 2, 1)].mean() - before[-before.size // 2 :].mean())
    width = float("nan")
    start = np.array([brightness.mean(), contrast, 0.0, max(distance.max() / 6, 1.0)])
    for _ in range(2):
        reach = _FITTED_WIDTHS * width if np.isfinite(width) else np.inf
        kept = np.abs(distance) <= max(reach, _MIN_REACH / 2)
        if kept.sum() < _FEWEST_BINS or not (distance[kept] < 0).any() or distance[kept].max() < 0:
            break
        weight = np.sqrt(count[kept])
        # The border is nearly right and the step no larger than what is seen.
        span = np.ptp(brightness[kept])
        limit = np.array([np.inf, 2 * span, max(np.ptp(distance[kept]) / 8, 2.0), np.inf])
        if span == 0:
            break
        begin = np.clip(start, -0.99 * limit, 0.99 * limit)
        fit = optimize.least_squares(
            _weigh_residual, begin, args=(distance[kept], brightness[kept], weight),
            bounds=(-limit, limit), x_scale=[span, span, 1.0, 1.0], max_nfev=400,
        )  # fmt: skip
        best = fit.x
        if not fit.success or abs(best[3]) > np.abs(distance).max():
            width = float("nan")
            break
        contrast, width, start = float(best[1]), float(abs(best[3])), best
    return contrast, width


def _weigh_residual(
    step: np.ndarray, distance: np.ndarray, brightness: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Weighted residual of a blurred step averaged over bins one pixel wide (variance 1/12).

    ``step`` holds the middle of the brightness, the contrast, the position and the width.
    """
    middle, contrast, position, width = step
    total = np.sqrt(2 * (width**2 + 1 / 12))
    expected = middle + contrast / 2 * erf((distance - position) / total)
    return (expected - brightness) * weight
