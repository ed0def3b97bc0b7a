"""Outlines of particles moved to where their thickness begins."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hyperspy_twin.segmentation.thickness_profiles import (
    APART,
    INNER,
    MIN_BLUR,
    MOVES,
    OUTER,
    POSITIONS,
    POWERS,
    bin_profile,
    blur_bodies,
    find_best_move,
    find_misfits,
)

# No benchmark varies these; tests/segmentation/test_particle_outlines.py checks what follows.
# Largest blur of an edge that is tried, in radii.
_LARGEST_BLUR = 0.25
# Number of blurs that are tried.
_BLURS = 8
# Pixels that a profile needs on either side of the outline.
_FEWEST_PIXELS = 12


def move_outlines(particles: np.ndarray, height: np.ndarray, blur: float = 0.0) -> np.ndarray:
    """Move the outline of each particle to where its thickness begins.

    A level of the brightness does not tell it: a plate has it at half its height, a ball near the
    foot. The mean brightness as a function of the distance to the outline is compared with that of
    bodies of thickness ``(1 - (1 - d)^2)^p``, d the depth in radii, between a plate (p = 0) and a
    ball (1/2), blurred. One p and one blur are taken for all particles, and one position for each.

    ``height`` is the brightness above the background; it need not be smoothed, ``blur`` is what it
    is smoothed by in pixels. Cuts between touching particles stay where they are.
    """
    inside = particles > 0
    if not inside.any() or inside.all():
        return particles
    depth = ndimage.distance_transform_edt(inside)
    distance, nearest = ndimage.distance_transform_edt(~inside, return_indices=True)
    owner = particles[tuple(nearest)]
    position = np.where(inside, depth - 0.5, 0.5 - distance)
    numbers = np.arange(int(particles.max()) + 1)
    radius = np.maximum(np.asarray(ndimage.maximum(depth, particles, numbers), float), 1.0)
    count, mean = _profiles(owner, position, radius, height)
    move = fit_moves(count, mean, radius, blur)
    return np.where(position > -(move * radius)[owner], owner, 0).astype(np.int32)


def fit_moves(
    count: np.ndarray, mean: np.ndarray, radius: np.ndarray, blur: float = 0.0
) -> np.ndarray:
    """Fit how far each outline moves outwards, in radii, shape (n,).

    ``count`` and ``mean`` are of the pixels at 40 distances from -0.5 (outside) to 0.7 radii, shape
    (n, 40), ``radius``, shape (n,), and ``blur``, the least one of the edge, are in pixels. Where a
    profile is too short, or fits best at the end of what is tried, the median of the others stands;
    without others, 0.
    """
    sides = count[:, POSITIONS < 0].sum(axis=1), count[:, POSITIONS > 0].sum(axis=1)
    known = np.flatnonzero(np.minimum(*sides) >= _FEWEST_PIXELS)
    moves = np.zeros(radius.size)
    if not known.size:
        return moves
    finest = max(MIN_BLUR, blur)
    blurs = np.geomspace(finest, max(finest, _LARGEST_BLUR * np.median(radius[known])), _BLURS)
    misfit = np.zeros((len(POWERS), _BLURS))
    best = np.zeros((known.size, len(POWERS), _BLURS))
    for index, particle in enumerate(known):
        weight = count[particle] / count[particle].sum()
        value = mean[particle] - weight @ mean[particle]
        for i, power in enumerate(POWERS):
            for j, width in enumerate(blurs):
                left = find_misfits(blur_bodies(power, width / radius[particle]), value, weight)
                best[index, i, j] = find_best_move(left)
                misfit[i, j] += left.min() * count[particle].sum()
    best_power, best_blur = divmod(int(np.argmin(misfit)), _BLURS)
    fitted = best[:, best_power, best_blur]
    trusted = np.abs(fitted) < MOVES[-1]
    if trusted.any():
        moves[:] = np.median(fitted[trusted])
        moves[known[trusted]] = fitted[trusted]
    return moves


def _profiles(
    owner: np.ndarray, position: np.ndarray, radius: np.ndarray, height: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Count pixels of each particle by their distance to its outline, and average their height."""
    between = np.zeros(owner.shape, bool)
    between[:, 1:] |= owner[:, 1:] != owner[:, :-1]
    between[1:] |= owner[1:] != owner[:-1]
    size = radius[owner]
    relative = position / size
    counted = (relative > OUTER) & (relative < INNER)
    if between.any():
        counted &= ndimage.distance_transform_edt(~between) > APART * size
    bins = POSITIONS.size
    key = owner[counted] * np.int64(bins) + bin_profile(relative[counted])
    count = np.bincount(key, minlength=radius.size * bins).reshape(-1, bins)
    total = np.bincount(key, height[counted], radius.size * bins).reshape(-1, bins)
    return count.astype(float), total / np.maximum(count, 1)
