"""Brightness across the outline of bodies between plate and ball, blurred and compared."""

from __future__ import annotations

import numpy as np

# Outer end of a profile across an outline, in radii of the particle.
OUTER = -0.5
# Inner end.
INNER = 0.7
_BINS = 40
# Middles of the bins, shape (40,).
POSITIONS = OUTER + (np.arange(_BINS) + 0.5) * (INNER - OUTER) / _BINS
# Thickness of a particle as a power of that of a ball squared: a plate, in between, a ball, and
# slopes to a thin rim.
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)
# Moves of the outline that are tried, in radii.
MOVES = np.linspace(-0.3, 0.3, 31)
# Least blur of an edge in pixels; the mean over a pixel alone blurs by 0.29.
MIN_BLUR = 0.4
# Pixels nearer than this to another particle do not count, in radii; set on the tuning half of
# benchmarks/segmentation.py.
APART = 0.35
# Gauss-Hermite nodes in standard deviations of the blur, and their weights.
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def bin_profile(relative: np.ndarray) -> np.ndarray:
    """Bin of each distance from the outline, in radii between `OUTER` and `INNER`."""
    return ((relative - OUTER) / (INNER - OUTER) * _BINS).astype(np.int64)


def blur_bodies(power: float, blur: float) -> np.ndarray:
    """Blurred thickness at each position for each move of the outline, shape (moves, 40)."""
    move = MOVES[:, None, None]
    depth = (POSITIONS[:, None] + blur * _NODES + move) / (1 + move)
    ball = 1 - (1 - np.clip(depth, 0, 1)) ** 2
    return np.where(depth > 0, ball**power, 0.0) @ _WEIGHTS


def find_misfits(bodies: np.ndarray, value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Fraction of the profile that each body, scaled and lifted to fit best, leaves open."""
    bodies = bodies - (bodies @ weight)[:, None]
    along = bodies @ (weight * value)
    own = np.maximum(bodies**2 @ weight, 1e-12)
    total = max(float(weight @ value**2), np.finfo(float).tiny)
    return 1 - np.maximum(along, 0) ** 2 / (own * total)


def find_best_move(misfit: np.ndarray) -> float:
    """Move of the smallest misfit, between the tried ones by a parabola."""
    index = int(np.argmin(misfit))
    if not 0 < index < misfit.size - 1:
        return float(MOVES[index])
    before, here, after = misfit[index - 1 : index + 2]
    bend = before - 2 * here + after
    shift = 0.5 * (before - after) / bend if bend > 0 else 0.0
    return float(MOVES[index] + shift * (MOVES[1] - MOVES[0]))
