"""Touching particles told apart, and the size of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hyperspy_twin.grid import Grid
from hyperspy_twin.segmentation.merging import basins

# Two basins stay apart if the neck between them is narrower than this share of the smaller width.
# Sampled ellipses and facets stay above 0.9; two discs of one size at 0.8 have their centres 1.2
# radii apart.
_NECK = 0.8
# The neck must also be narrower by this many pixels on each side, which is what sampling can do.
_SAMPLING = 0.5
# A bump below this share of the radius of what it sits on is roughness of the outline.
_ROUGHNESS = 0.15
# Without a neck a valley of the brightness separates if it is deeper than this share of the fainter
# particle's height above the background.
_VALLEY = 0.2
# A border is compared with its particles at the middle, away from their thin rims.
_MIDDLE = 0.6
# Smoothing of the distance to the outside in pixels, against steps of the outline.
_SOFTENING = 0.6
# Equivalent diameter of the smallest particle in pixels.
_SMALLEST = 3.0


def find_background(labels: np.ndarray, image: np.ndarray | None = None) -> int:
    """Label of the region that lies behind the particles.

    Of the regions that hold most of the image's border (at least half as much as the first of
    them) it is the one that touches the largest number of other regions, then the darker one.

    Parameters
    ----------
    labels : numpy.ndarray
        Regions, integers from 0, shape (rows, columns); 0 counts as a region if present.
    image : numpy.ndarray, optional
        Brightness, same shape; decides ties.

    Returns
    -------
    int
        The label.

    Raises
    ------
    ValueError
        If ``labels`` is not a two-dimensional array of integers from 0.
    """
    labels = _checked_labels(labels)
    count = int(labels.max()) + 1
    frame = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    share = np.bincount(frame, minlength=count) / frame.size
    neighbours = np.zeros((count, count), bool)
    for a, b in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        neighbours[a, b] = neighbours[b, a] = True
    touched = neighbours.sum(axis=1)
    candidates = np.flatnonzero(share >= 0.5 * share.max())
    bright = np.zeros(candidates.size)
    if image is not None:
        bright = np.asarray(ndimage.mean(image, labels, candidates))
    return int(candidates[np.lexsort((bright, -touched[candidates]))[0]])


def separate_particles(
    labels: np.ndarray,
    image: np.ndarray,
    grid: Grid,
    *,
    background: int | None = None,
    neck: float = _NECK,
    min_diameter: float | None = None,
) -> np.ndarray:
    """Cut particles that touch or overlap at their necks.

    All that is not background is one mask. Widths are read from its distance transform: from each
    of its maxima a watershed spreads, and two basins stay apart only if the neck between them is
    narrow, relative to the smaller of the two (dynamics of the maxima; Najman & Schmitt 1996), or
    if the brightness has a clear valley there. Borders between regions inside the mask are not
    used: a particle of two grains stays one.

    Parameters
    ----------
    labels : numpy.ndarray
        Regions, or a boolean mask of the particles, shape (rows, columns).
    image : numpy.ndarray
        Brightness, same shape.
    grid : Grid
        Grid of both.
    background : int, optional
        Label of the background; by default as of :func:`find_background` (for a mask: False).
    neck : float, optional
        Two particles are separated if the neck between them is below this share of the smaller of
        their widths.
    min_diameter : float, optional
        Particles of a smaller equivalent diameter (unit of the grid) become background. By
        default 3 pixels.

    Returns
    -------
    numpy.ndarray
        Particles 1..n, int32, ordered by the row of their centroid, then the column; 0 is the
        background.

    Raises
    ------
    ValueError
        If the arrays do not fit the grid, or a parameter is out of range.

    References
    ----------
    Najman & Schmitt, IEEE Trans. Pattern Anal. Mach. Intell. 18 (1996) 1163 (dynamics).
    """
    image = np.asarray(image, np.float32)
    is_mask = np.asarray(labels).dtype == bool
    labels = _checked_labels(labels)
    if labels.shape != tuple(grid.shape) or image.shape != labels.shape:
        raise ValueError(
            f"labels {labels.shape} and image {image.shape} must have the shape of the grid "
            f"{tuple(grid.shape)}"
        )
    if not 0 < neck < 1:
        raise ValueError(f"neck must lie between 0 and 1, not {neck}")
    if min_diameter is not None and not 0 < min_diameter < np.inf:
        raise ValueError(f"min_diameter must be a positive number, not {min_diameter}")
    if background is None:
        background = 0 if is_mask else find_background(labels, image)
    pixel = float(np.sqrt(grid.scale[0] * grid.scale[1]))
    least = _SMALLEST if min_diameter is None else min_diameter / pixel
    mask = labels != background
    particles = np.zeros(labels.shape, np.int32)
    if mask.any() and not mask.all():
        depth = ndimage.distance_transform_edt(
            mask, sampling=(grid.scale[1] / pixel, grid.scale[0] / pixel)
        )
        parts = _parts(mask, depth)
        borders = _measure_borders(parts, depth, image)
        particles = _joined(borders, neck)[parts]
    elif mask.any():
        particles[:] = 1
    area = np.bincount(particles.ravel())
    particles[(area < np.pi / 4 * least**2)[particles]] = 0
    return _ordered(particles)


@dataclass(frozen=True)
class _Borders:
    """Widths of the basins of a distance map and of the necks between them.

    ``radius`` has one entry for each basin from 0, the background; the others one for each pair:
    ``neck`` is the largest distance to the outside on the border, ``valley`` the drop of the
    brightness there as a share of the fainter basin, ``length`` the number of pixels behind it.
    """

    radius: np.ndarray
    first: np.ndarray
    second: np.ndarray
    neck: np.ndarray
    valley: np.ndarray
    length: np.ndarray


def _checked_labels(labels: np.ndarray) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.dtype == bool:
        labels = labels.astype(np.int32)
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        raise ValueError("labels must be a two-dimensional array of integers from 0, or a mask")
    return labels


def _parts(mask: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Watershed basins 1, 2, ... of the distance to the outside, one for each of its maxima."""
    smooth = ndimage.gaussian_filter(depth, _SOFTENING)
    flooded, _ = basins(np.where(mask, -smooth, np.inf).astype(np.float32))
    _, inside = np.unique(flooded[mask], return_inverse=True)
    result = np.zeros(mask.shape, np.int32)
    result[mask] = inside + 1
    return result


def _measure_borders(parts: np.ndarray, depth: np.ndarray, image: np.ndarray) -> _Borders:
    count = int(parts.max()) + 1
    radius = np.asarray(ndimage.maximum(depth, parts, np.arange(count)))
    typical = float(np.median(radius[1:]))
    bright = ndimage.gaussian_filter(image, max(0.1 * typical, 0.7), truncate=2)
    dark = float(np.median(image[parts == 0]))
    inner = np.where(depth >= _MIDDLE * radius[parts], parts, 0)
    height = np.asarray(ndimage.mean(bright, inner, np.arange(count))) - dark
    sides = []
    for here, there in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1], np.s_[1:]),
    ):
        a, b = parts[here], parts[there]
        apart = (a != b) & (a > 0) & (b > 0)
        sides.append(
            (
                np.minimum(a[apart], b[apart]),
                np.maximum(a[apart], b[apart]),
                (depth[here][apart] + depth[there][apart]) / 2,
                (bright[here][apart] + bright[there][apart]) / 2 - dark,
            )
        )
    first, second, width, level = (np.concatenate(p) for p in zip(*sides, strict=True))
    key, pair = np.unique(first.astype(np.int64) * count + second, return_inverse=True)
    neck = np.zeros(key.size)
    np.maximum.at(neck, pair, width)
    middle = width >= _MIDDLE * neck[pair]
    length = np.bincount(pair[middle], minlength=key.size)
    level = np.bincount(pair[middle], level[middle], key.size) / np.maximum(length, 1)
    first, second = key // count, key % count
    fainter = np.maximum(np.minimum(height[first], height[second]), np.finfo(np.float32).tiny)
    return _Borders(radius, first, second, neck, 1 - level / fainter, length.astype(float))


def _joined(borders: _Borders, share: float) -> np.ndarray:
    """Particle of each basin: basins join over the widest neck first, until all are narrow."""
    radius = borders.radius.copy()
    first, second = borders.first.copy(), borders.second.copy()
    neck, valley, length = borders.neck.copy(), borders.valley.copy(), borders.length.copy()
    particle = np.arange(radius.size, dtype=np.int32)
    while first.size:
        smaller = np.minimum(radius[first], radius[second])
        narrow = (neck < share * smaller) & (neck < smaller - _SAMPLING)
        narrow &= smaller > _ROUGHNESS * np.maximum(radius[first], radius[second])
        openness = np.where(narrow | (valley > _VALLEY), -1.0, neck / smaller)
        best = int(np.argmax(openness))
        if openness[best] < 0:
            break
        kept, lost = first[best], second[best]
        particle[particle == lost] = kept
        radius[kept] = max(radius[kept], radius[lost])
        first[first == lost], second[second == lost] = kept, kept
        pairs = np.sort(np.stack([first, second]), axis=0)
        key, index = np.unique(pairs[0] * radius.size + pairs[1], return_inverse=True)
        total = np.bincount(index, length)
        valley = np.bincount(index, valley * length) / np.maximum(total, 1)
        widest = np.zeros(key.size)
        np.maximum.at(widest, index, neck)
        outer = key // radius.size != key % radius.size
        key, neck, valley, length = key[outer], widest[outer], valley[outer], total[outer]
        first, second = key // radius.size, key % radius.size
    return particle


def _ordered(particles: np.ndarray) -> np.ndarray:
    """Particles 1..n by the centroid's row, then column; 0 stays."""
    present = np.unique(particles[particles > 0])
    rank = np.zeros(int(particles.max()) + 1, np.int32)
    if present.size:
        centres = np.array(ndimage.center_of_mass(particles > 0, particles, present))
        rank[present[np.lexsort((centres[:, 1], centres[:, 0]))]] = np.arange(1, present.size + 1)
    return rank[particles]
