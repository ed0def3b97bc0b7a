"""Outlines of particles moved to where their thickness begins."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

# Profiles across an outline, in radii of the particle from its outside to its inside.
OUTER, INNER, _BINS = -0.5, 0.7, 40
PLACES = OUTER + (np.arange(_BINS) + 0.5) * (INNER - OUTER) / _BINS
# Thickness of a particle as a power of that of a ball squared: a plate, in between, a ball, and
# slopes to a thin rim.
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)
# Moves of the outline that are tried, in radii.
MOVES = np.linspace(-0.3, 0.3, 31)
# Blur of the edge: least in pixels, largest in radii, number of steps.
_LEAST_BLUR, _LARGEST_BLUR, _BLURS = 0.4, 0.25, 8
# Pixels nearer than this to the cut or the gap between two particles do not count, in radii; and
# the number of pixels that a profile needs on either side of the outline.
_APART = 0.35
_LEAST_PIXELS = 12
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def move_outlines(particles: np.ndarray, height: np.ndarray, blur: float = 0.0) -> np.ndarray:
    """Move the outline of each particle to where its thickness begins.

    A level of the brightness does not tell it: a plate has it at half its height, a ball near the
    foot. The mean brightness as a function of the distance to the outline is compared with that of
    bodies of thickness ``(1 - (1 - d)^2)^p``, d the depth in radii, between a plate (p = 0) and a
    ball (1/2), blurred. One p and one blur are taken for all particles, and one place for each.

    Parameters
    ----------
    particles : numpy.ndarray
        Particles 1, 2, ..., 0 is background, shape (rows, columns).
    height : numpy.ndarray
        Brightness above the background, same shape; it need not be smoothed.
    blur : float
        Smoothing that it has, in pixels.

    Returns
    -------
    numpy.ndarray
        Particles with the same numbers, int32. Cuts between touching ones stay where they are.
    """
    inside = particles > 0
    if not inside.any() or inside.all():
        return particles
    depth = ndimage.distance_transform_edt(inside)
    distance, nearest = ndimage.distance_transform_edt(~inside, return_indices=True)
    owner = particles[tuple(nearest)]
    place = np.where(inside, depth - 0.5, 0.5 - distance)
    numbers = np.arange(int(particles.max()) + 1)
    radius = np.maximum(np.asarray(ndimage.maximum(depth, particles, numbers), float), 1.0)
    count, mean = _profiles(owner, place, radius, height)
    move = fit_moves(count, mean, radius, blur)
    return np.where(place > -(move * radius)[owner], owner, 0).astype(np.int32)


def fit_moves(
    count: np.ndarray, mean: np.ndarray, radius: np.ndarray, blur: float = 0.0
) -> np.ndarray:
    """Fit how far each outline moves outwards.

    Parameters
    ----------
    count, mean : numpy.ndarray
        Number and mean of the pixels at 40 distances from -0.5 (outside) to 0.7 radii, shape
        (n, 40).
    radius : numpy.ndarray
        Radius of each particle in pixels, shape (n,).
    blur : float
        Least blur of the edge in pixels.

    Returns
    -------
    numpy.ndarray
        Moves in radii, positive outwards, shape (n,). Where a profile is too short, or fits best
        at the end of what is tried, the median of the others stands; without others, 0.
    """
    sides = count[:, PLACES < 0].sum(axis=1), count[:, PLACES > 0].sum(axis=1)
    known = np.flatnonzero(np.minimum(*sides) >= _LEAST_PIXELS)
    moves = np.zeros(radius.size)
    if not known.size:
        return moves
    least = max(_LEAST_BLUR, blur)
    blurs = np.geomspace(least, max(least, _LARGEST_BLUR * np.median(radius[known])), _BLURS)
    misfit = np.zeros((len(POWERS), _BLURS))
    place = np.zeros((known.size, len(POWERS), _BLURS))
    for index, particle in enumerate(known):
        weight = count[particle] / count[particle].sum()
        value = mean[particle] - weight @ mean[particle]
        for i, power in enumerate(POWERS):
            for j, width in enumerate(blurs):
                left = misfits(blurred_bodies(power, width / radius[particle]), value, weight)
                place[index, i, j] = lowest(left)
                misfit[i, j] += left.min() * count[particle].sum()
    best_power, best_blur = divmod(int(np.argmin(misfit)), _BLURS)
    fitted = place[:, best_power, best_blur]
    trusted = np.abs(fitted) < MOVES[-1]
    if trusted.any():
        moves[:] = np.median(fitted[trusted])
        moves[known[trusted]] = fitted[trusted]
    return moves


def _profiles(
    owner: np.ndarray, place: np.ndarray, radius: np.ndarray, height: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Count pixels of each particle by their distance to its outline, and average their height."""
    between = np.zeros(owner.shape, bool)
    between[:, 1:] |= owner[:, 1:] != owner[:, :-1]
    between[1:] |= owner[1:] != owner[:-1]
    size = radius[owner]
    relative = place / size
    counted = (relative > OUTER) & (relative < INNER)
    if between.any():
        counted &= ndimage.distance_transform_edt(~between) > _APART * size
    position = ((relative[counted] - OUTER) / (INNER - OUTER) * _BINS).astype(np.int64)
    key = owner[counted] * np.int64(_BINS) + position
    count = np.bincount(key, minlength=radius.size * _BINS).reshape(-1, _BINS)
    total = np.bincount(key, height[counted], radius.size * _BINS).reshape(-1, _BINS)
    return count.astype(float), total / np.maximum(count, 1)


def blurred_bodies(power: float, blur: float) -> np.ndarray:
    """Blurred thickness at each place for each move of the outline, shape (moves, places)."""
    move = MOVES[:, None, None]
    depth = (PLACES[:, None] + blur * _NODES + move) / (1 + move)
    ball = 1 - (1 - np.clip(depth, 0, 1)) ** 2
    return np.where(depth > 0, ball**power, 0.0) @ _WEIGHTS


def misfits(bodies: np.ndarray, value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Share of the profile that each body, scaled and lifted to fit best, leaves open."""
    bodies = bodies - (bodies @ weight)[:, None]
    along = bodies @ (weight * value)
    own = np.maximum(bodies**2 @ weight, 1e-12)
    total = max(float(weight @ value**2), np.finfo(float).tiny)
    return 1 - np.maximum(along, 0) ** 2 / (own * total)


def lowest(misfit: np.ndarray) -> float:
    """Move of the least misfit, between the tried ones by a parabola."""
    index = int(np.argmin(misfit))
    if not 0 < index < misfit.size - 1:
        return float(MOVES[index])
    before, here, after = misfit[index - 1 : index + 2]
    bend = before - 2 * here + after
    shift = 0.5 * (before - after) / bend if bend > 0 else 0.0
    return float(MOVES[index] + shift * (MOVES[1] - MOVES[0]))
