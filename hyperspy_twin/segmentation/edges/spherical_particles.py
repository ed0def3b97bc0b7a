"""Regions that bulge like a ball, ended where their thickness begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage

from hyperspy_twin.segmentation.labels import grow_box, surrounding_label
from hyperspy_twin.segmentation.thickness_profiles import (
    APART,
    INNER,
    MIN_BLUR,
    OUTER,
    POSITIONS,
    POWERS,
    bin_profile,
    blur_bodies,
    find_best_move,
    find_misfits,
)

# All set on the tuning half of benchmarks/segmentation.py.
# Least radius of a particle in pixels.
_MIN_RADIUS = 5.0
# Radius of the largest circle inside over that of the circle of equal area, which tells a particle
# or a pair from a strip.
_COMPACT = 0.5
# Radius of the largest particle in image sides.
_LARGEST = 0.25
# Fraction of the border of a region that its background must have.
_MIN_BORDER = 0.6
# Profiles of larger radii than this, in pixels, are read from every second, third, ... pixel.
_RESOLVED = 30.0
# Bins of a profile that must hold pixels.
_FEWEST_BINS = 20
# Blurs of the rim that are tabulated, in radii.
_BLURS = np.geomspace(0.01, 0.35, 24)
# Blur above which a rim has no foot that could be seen, in radii.
_CLEAR_BLUR = 0.15
# Least power of the thickness of a ball (squared) that a dome has.
_MIN_POWER = 0.5
# Fraction of the variance of the profiles that a dome may leave open.
_WELL_FITTED = 0.05
# What a plate must leave open, in units of what a dome leaves.
_CLEARLY_DOME = 3.0


@dataclass(frozen=True)
class _Profile:
    """Mean brightness across the outline of one region, positive inwards."""

    region: int
    background: int
    sign: int
    box: tuple[slice, ...]
    every: int
    position: np.ndarray
    radius: float
    count: np.ndarray
    mean: np.ndarray


def outline_spherical_particles(labels: np.ndarray, image: np.ndarray, blur: float) -> np.ndarray:
    """Move the outline of compact regions that bulge like a ball to where their thickness begins.

    A border in the middle between two brightnesses is right for a plate, but lies 0.13 radii
    inside the outline of a ball. The profiles across the outlines of all compact regions in one
    background are compared with blurred bodies between plate and ball, as
    `particles.particle_outlines.move_outlines` does for particles. Only where the balls explain
    them clearly better than plates, and well, do the outlines move, and only outwards into the
    background. ``labels`` are regions from 0, ``image`` the brightness without its lattice, of the
    same shape or on a coarser grid over the same field, ``blur`` what it is smoothed by, in pixels
    of the labels.
    """
    groups: dict[tuple[int, int], list[_Profile]] = {}
    for profile in _read_profiles(labels, image):
        groups.setdefault((profile.background, profile.sign), []).append(profile)
    moved = labels.copy()
    nearest = np.zeros(labels.shape, np.float32)
    for group in groups.values():
        for profile, move in zip(group, fit_dome_moves(group, blur), strict=True):
            if move <= 0:
                continue
            here = nearest[profile.box]
            relative = profile.position / profile.radius + move
            beyond = _interpolate(relative, here.shape, profile.every)
            taken = (labels[profile.box] == profile.background) & (beyond > here)
            here[taken] = beyond[taken]
            moved[profile.box][taken] = profile.region
    return moved


def fit_dome_moves(profiles: list[_Profile], blur: float) -> np.ndarray:
    """How far each outline moves outwards, in radii; 0 for all if they are not clearly domes.

    One power of the ball's thickness and one blur, at least ``blur`` pixels, are taken for all.
    """
    table = _tabulate_bodies()
    radius = np.array([profile.radius for profile in profiles])
    finest = max(MIN_BLUR, blur)
    widths = np.geomspace(finest, max(finest, _BLURS[-1] * float(np.median(radius))), _BLURS.size)
    # What each power and each blur in pixels leaves open, and the move that is best for it.
    open_ = np.zeros((len(POWERS), _BLURS.size))
    move = np.zeros((len(profiles), *open_.shape))
    total = 0.0
    for index, profile in enumerate(profiles):
        weight = profile.count / profile.count.sum()
        value = profile.mean - weight @ profile.mean
        square = float(profile.count @ value**2)
        total += square
        nearest = np.abs(np.log(_BLURS[:, None] / (widths / profile.radius))).argmin(axis=0)
        for i, j in np.ndindex(*open_.shape):
            left = find_misfits(table[i, nearest[j]], value, weight)
            open_[i, j] += square * float(left.min())
            move[index, i, j] = find_best_move(left)
    power, width = np.unravel_index(int(np.argmin(open_)), open_.shape)
    best, plate = float(open_[power, width]), float(open_[0].min())
    clear = (
        POWERS[power] >= _MIN_POWER
        and best < _WELL_FITTED * total
        and plate > _CLEARLY_DOME * best
        and widths[width] < max(_CLEAR_BLUR * float(np.median(radius)), 1.01 * finest)
    )
    return np.maximum(move[:, power, width], 0) if clear else np.zeros(len(profiles))


def _read_profiles(labels: np.ndarray, image: np.ndarray) -> Iterator[_Profile]:
    side = min(labels.shape)
    for region, tight in enumerate(ndimage.find_objects(labels + 1)):
        if tight is None or max(s.stop - s.start for s in tight) > 2 * _LARGEST * max(side, 1):
            continue
        if any(s.start == 0 or s.stop == n for s, n in zip(tight, labels.shape, strict=True)):
            continue
        margin = max(int(-OUTER * _LARGEST * side), 2)
        margin = min(margin, int(-OUTER * min(s.stop - s.start for s in tight)) + 2)
        box = grow_box(tight, margin, labels.shape)
        found = _read_profile(labels[box], region, box, image, labels.shape)
        if found is not None:
            yield found


def _read_profile(
    near: np.ndarray, region: int, box: tuple[slice, ...], image: np.ndarray, shape: tuple[int, ...]
) -> _Profile | None:
    equal = float(np.sqrt(np.count_nonzero(near == region) / np.pi))
    every = max(int(equal / _RESOLVED), 1)
    near = near[::every, ::every]
    own = near == region
    depth = every * ndimage.distance_transform_edt(own)
    radius = float(depth.max())
    if radius < max(_MIN_RADIUS, _COMPACT * equal):
        return None
    background = surrounding_label(near, own, _MIN_BORDER)
    if background is None:
        return None
    outside = near == background
    distance = every * ndimage.distance_transform_edt(~own)
    position = np.where(own, depth - 0.5 * every, 0.5 * every - distance)
    relative = position / radius
    counted = (own | outside) & (relative > OUTER) & (relative < INNER)
    third = ~own & ~outside
    if third.any():
        counted &= every * ndimage.distance_transform_edt(~third) > APART * radius
    value = _read_brightness(image, box, shape, every)
    bins = bin_profile(relative[counted])
    count = np.bincount(bins, minlength=POSITIONS.size).astype(float)
    both = min(np.count_nonzero(count[POSITIONS < 0]), np.count_nonzero(count[POSITIONS > 0]))
    if 2 * both < _FEWEST_BINS:
        return None
    mean = np.bincount(bins, value[counted], POSITIONS.size) / np.maximum(count, 1)
    within, without = (
        np.average(mean[side], weights=count[side]) for side in (POSITIONS > 0, POSITIONS <= 0)
    )
    sign = -1 if within < without else 1
    return _Profile(region, background, sign, box, every, position, radius, count, sign * mean)


def _read_brightness(
    image: np.ndarray, box: tuple[slice, ...], shape: tuple[int, ...], every: int
) -> np.ndarray:
    """Brightness at every n-th pixel of a box of the full grid, linear between the image's own."""
    if image.shape == shape:
        return image[box][::every, ::every]
    sides = zip(box, image.shape, shape, strict=True)
    at = [(np.arange(s.start, s.stop, every) + 0.5) * m / n - 0.5 for s, m, n in sides]
    return _sample_at(image, at)


def _interpolate(values: np.ndarray, shape: tuple[int, ...], every: int) -> np.ndarray:
    """Values at all pixels, linear between those at every n-th."""
    if every == 1:
        return values
    return _sample_at(values, [np.arange(n) / every for n in shape])


def _sample_at(values: np.ndarray, at: list[np.ndarray]) -> np.ndarray:
    positions = np.meshgrid(*at, indexing="ij")
    return np.asarray(ndimage.map_coordinates(values, positions, order=1, mode="nearest"))


@lru_cache(maxsize=1)
def _tabulate_bodies() -> np.ndarray:
    """Blurred bodies for all powers and blurs, shape (powers, blurs, moves, 40)."""
    return np.array([[blur_bodies(power, blur) for blur in _BLURS] for power in POWERS])
