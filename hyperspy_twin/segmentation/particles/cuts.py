"""Cuts between particles: necks of their outline and valleys of their brightness."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage
from skimage.measure import label as connected_parts
from skimage.segmentation import relabel_sequential

from hyperspy_twin.core import kernel
from hyperspy_twin.segmentation.basins import find_basins
from hyperspy_twin.segmentation.labels import fill_from_nearest
from hyperspy_twin.segmentation.particles.contrast import SIGNIFICANT

# No benchmark varies these; tests/segmentation/test_particles.py checks what follows from them.
# Widest neck between two parts that stay apart, as a fraction of the smaller width: two discs of
# one size at 0.8 have their centres 1.2 radii apart.
NECK = 0.8
# Width above which there is no neck: sampled ellipses and facets lie there.
_STRAIGHT = 0.9
# The neck must also be narrower by this many pixels on each side, which is what sampling can do.
_SAMPLING = 0.5
# Radius of a bump that is roughness of the outline, as a fraction of that of what it sits on.
_ROUGHNESS = 0.15
# Depth of a valley that separates, as a fraction of the height of the fainter top: that between two
# balls of one size whose centres are 1.2 radii apart. A wider neck and a shallower valley add up.
_VALLEY = 0.2
# Smoothing of the distance to the outside in pixels, against steps of the outline.
_SOFTENING = 0.6
# Ratio of the levels at which the outline is taken.
_LEVEL_STEP = 1.2
# Fraction of its height up to which a particle may be cut: above it noise and lattice cut too.
_HALF = 0.6
# Top of the faintest particle in units of the lowest level.
_CLEAR = 2.0
# Area in pixels of the smallest part that may cut another.
_SMALLEST_AREA = 7


@dataclass(frozen=True)
class _Parts:
    """Parts 1, 2, ... of a mask and the borders between them.

    ``radius`` and ``top`` have one entry for each part from 0, the outside: the largest distance
    to the outside and the largest height. The others have one for each pair: ``neck`` is the
    largest distance to the outside on the border and ``crossing`` the largest height there.
    """

    radius: np.ndarray
    top: np.ndarray
    first: np.ndarray
    second: np.ndarray
    neck: np.ndarray
    crossing: np.ndarray


def cut_particles(
    mask: np.ndarray,
    height: np.ndarray,
    noise: float,
    *,
    neck: float = NECK,
    scale: tuple[float, float] = (1.0, 1.0),
) -> np.ndarray:
    """Cut the parts of a mask where they are narrow or where the brightness has a valley.

    Every maximum of the distance to the outside has a basin, and so has every maximum of the
    height whose valley is deep. The pieces between both sorts of borders are joined, most open
    pair first, until each border that is left is a neck or a valley.

    Parameters
    ----------
    mask : numpy.ndarray
        Pixels of particles, bool, shape (rows, columns).
    height : numpy.ndarray
        Brightness above the background, same shape.
    noise : float
        Its standard deviation.
    neck : float
        Largest width of a neck as a fraction of the smaller of the two widths next to it.
    scale : tuple of float
        Width and height of a pixel in units of the geometric mean of both.

    Returns
    -------
    numpy.ndarray
        Parts 1, 2, ..., int32, 0 outside the mask.

    References
    ----------
    Najman & Schmitt, IEEE Trans. Pattern Anal. Mach. Intell. 18 (1996) 1163 (dynamics).
    """
    if not mask.any():
        return np.zeros(mask.shape, np.int32)
    if mask.all():
        depth = np.full(mask.shape, float(max(mask.shape)))
    else:
        depth = ndimage.distance_transform_edt(mask, sampling=scale[::-1])
    wide = _flood(mask, ndimage.gaussian_filter(depth, _SOFTENING))
    bright = _flood(mask, height)
    found = _measure_parts(bright, depth, height)
    order = np.argsort(-found.crossing)
    first, second, crossing = (v[order] for v in (found.first, found.second, found.crossing))
    joined = _join_shallow(found.top.astype(float), first, second, crossing, _VALLEY, noise)
    both = np.where(mask, wide * np.int64(joined.size) + joined[bright], 0)
    pieces = connected_parts(both, connectivity=1)
    return _number(_join_open(_measure_parts(pieces, depth, height), neck, noise)[pieces])


def cut_at_levels(height: np.ndarray, level: float, noise: float, *, neck: float) -> np.ndarray:
    """Cut the particles that rise above a level, also at necks that show only higher up.

    Where particles are small, blur fills the necks between them at the foot of the brightness.
    The outline is taken at rising levels, up to half the height of the faintest particle that is
    cut there; each part found keeps what is nearest to it. Else as for :func:`cut_particles`.
    """
    particles = cut_particles(height > level, height, noise, neck=neck)
    particles[(_find_largest(height, particles) < _CLEAR * level)[particles]] = 0
    highest = float(height.max())
    while (level := level * _LEVEL_STEP) < _HALF * highest:
        parts = cut_particles(height > level, height, noise, neck=neck)
        clear = _HALF * _find_largest(height, parts) >= level
        clear &= np.bincount(parts.ravel()) >= _SMALLEST_AREA
        particles = _divide(particles, np.where(clear[parts], parts, 0))
    return particles


def _divide(particles: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Divide each particle that holds the middles of several seeds among them."""
    particles = particles.copy()
    next_label = int(particles.max()) + 1
    owner = np.zeros(int(seeds.max()) + 1, np.int32)
    for seed, box in enumerate(ndimage.find_objects(seeds), start=1):
        if box is not None:
            owner[seed] = np.bincount(particles[box][seeds[box] == seed]).argmax()
    for particle, box in enumerate(ndimage.find_objects(particles), start=1):
        if (owner == particle).sum() < 2:
            continue
        inside = particles[box] == particle
        own = np.where(inside & (owner[seeds[box]] == particle), seeds[box], 0)
        _, part = np.unique(fill_from_nearest(own, own > 0)[inside], return_inverse=True)
        particles[box][inside] = np.where(part == 0, particle, next_label + part - 1)
        next_label += int(part.max())
    return particles


def _find_largest(value: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Largest value in each part from 0."""
    result = np.full(int(parts.max()) + 1, -np.inf)
    np.maximum.at(result, parts.ravel(), value.ravel())
    return result


def _flood(mask: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Basins 1, 2, ... of the maxima of a value inside a mask."""
    flooded, _ = find_basins(np.where(mask, -value, np.inf).astype(np.float32))
    return _number(np.where(mask, flooded + 1, 0))


def _number(parts: np.ndarray) -> np.ndarray:
    """Parts 1, 2, ... without gaps; 0 stays."""
    return relabel_sequential(parts)[0].astype(np.int32)


def _measure_parts(parts: np.ndarray, depth: np.ndarray, height: np.ndarray) -> _Parts:
    """Width and top of each part; width and highest crossing of each border."""
    sides = []
    for here, there in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        a, b = parts[here], parts[there]
        apart = (a != b) & (a > 0) & (b > 0)
        neck = (depth[here][apart] + depth[there][apart]) / 2
        sides.append((a[apart], b[apart], neck, np.minimum(height[here], height[there])[apart]))
    first, second, width, crossing = (np.concatenate(side) for side in zip(*sides, strict=True))
    radius, top = _find_largest(depth, parts), _find_largest(height, parts)
    single = _Parts(radius, top, first, second, width, crossing.astype(float))
    return _merge_rows(single, np.arange(top.size))


def _merge_rows(parts: _Parts, joined: np.ndarray) -> _Parts:
    """Borders after joining, one row for each pair; those within one part fall away."""
    first, second = joined[parts.first], joined[parts.second]
    low, high = np.minimum(first, second).astype(np.int64), np.maximum(first, second)
    outer = low != high
    key, pair = np.unique((low * joined.size + high)[outer], return_inverse=True)
    neck, crossing = np.zeros(key.size), np.full(key.size, -np.inf)
    np.maximum.at(neck, pair, parts.neck[outer])
    np.maximum.at(crossing, pair, parts.crossing[outer])
    return _Parts(parts.radius, parts.top, key // joined.size, key % joined.size, neck, crossing)


@kernel
def _join_shallow(
    top: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    crossing: np.ndarray,
    fraction: float,
    noise: float,
) -> np.ndarray:
    """Join basins of the height over their crossings, highest first, unless the valley is deep.

    ``top`` is overwritten. Returns the basin that stands for each.
    """
    parent = np.arange(top.size)
    for row in range(first.size):
        a, b = first[row], second[row]
        while parent[a] != a:
            a = parent[a]
        while parent[b] != b:
            b = parent[b]
        low = min(top[a], top[b])
        if a != b and low - crossing[row] <= max(fraction * low, SIGNIFICANT * noise):
            kept, lost = min(a, b), max(a, b)
            parent[lost] = kept
            top[kept] = max(top[a], top[b])
    for node in range(top.size):
        parent[node] = parent[parent[node]]
    return parent


def _join_open(parts: _Parts, fraction: float, noise: float) -> np.ndarray:
    """Particle of each part: parts join over the most open border first, until none is open."""
    joined, tiny = np.arange(parts.radius.size), np.finfo(np.float32).tiny
    while parts.first.size:
        first, second = parts.first, parts.second
        smaller = np.minimum(parts.radius[first], parts.radius[second])
        larger = np.maximum(parts.radius[first], parts.radius[second])
        fainter = np.minimum(parts.top[first], parts.top[second])
        width = parts.neck / smaller
        narrow = (width < max(fraction, _STRAIGHT)) & (parts.neck < smaller - _SAMPLING)
        narrow &= smaller > _ROUGHNESS * larger
        drop = fainter - parts.crossing
        deep = (drop > SIGNIFICANT * noise) & (drop > 0)
        neck = np.where(narrow, (1 - width) / (1 - fraction), 0.0)
        valley = np.where(deep, drop / (_VALLEY * np.maximum(fainter, tiny)), 0.0)
        openness = np.where(neck + valley > 1, -np.inf, width - valley)
        best = int(np.argmax(openness))
        if openness[best] == -np.inf:
            break
        kept, lost = first[best], second[best]
        radius, top = parts.radius.copy(), parts.top.copy()
        radius[kept], top[kept] = larger[best], max(top[kept], top[lost])
        step = np.arange(joined.size)
        step[lost] = kept
        parts = _merge_rows(replace(parts, radius=radius, top=top), step)
        joined = step[joined]
    return joined
