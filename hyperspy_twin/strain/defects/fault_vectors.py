"""What a planar fault is in its crystal: its plane, and the shift of one side against the other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from hyperspy_twin.strain.defects.burgers import Translations, list_candidates

# Error of a jump, in turns, beside that of the noise: by the finite wall and the strain beside it,
# .002-.004 at high dose in benchmarks/planar_faults.py.
OWN_ERROR = 0.004
# Jumps that differ by less are of one named shift. Those of different ones differ by 1/12 and more.
SAME_JUMP = 0.01
# A jump agrees with a shift within so many of its standard errors.
AGREES = 3.0
# Smallest common denominators of the shifts of known faults: 1/2 of antiphase boundaries, 1/3 and
# 1/6 of stacking faults and 1/4 of crystallographic shear.
DENOMINATORS = (2, 3, 4, 6)
# Largest Miller index of a plane.
LARGEST_INDEX = 3
# Degrees by which the trace of a wall may differ from that of its plane.
SAME_DIRECTION = 2.5
# Whole turns that are tried in the jumps of two waves.
MOST_TURNS = 2
# Of the squared length of a vector: what is smaller is rounding.
ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Shift:
    """Shift of the lattice across a wall, modulo its translations.

    Attributes
    ----------
    vector
        The shortest (x, y) in the image.
    error
        Its standard error along any direction.
    misfit
        Largest difference of a jump from that of the vector, in turns.
    """

    vector: np.ndarray
    error: float
    misfit: float


def wrap(turns: np.ndarray) -> np.ndarray:
    """Take whole turns from a phase, from -1/2 to 1/2."""
    return turns - np.rint(turns)


def fit_shift(
    jumps: np.ndarray,
    errors: np.ndarray,
    vectors: np.ndarray,
    translations: np.ndarray,
) -> Shift | None:
    """Find the shift R whose phases -g.R agree with the jumps of all waves.

    Parameters
    ----------
    jumps, errors
        Jumps of the waves in turns, and their standard errors, shape (k,).
    vectors
        Reciprocal vectors (x, y), shape (k, 2).
    translations
        Translations (x, y) of the lattice in the image, shape (n, 2).

    Returns
    -------
    Shift or None
        None where the waves are collinear.
    """
    if np.linalg.matrix_rank(vectors, tol=ROUNDING * np.abs(vectors).max()) < 2:
        return None
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    sine = np.abs(unit[:, None, 0] * unit[None, :, 1] - unit[:, None, 1] * unit[None, :, 0])
    quality = sine / (errors[:, None] ** 2 + errors[None] ** 2)
    pair = list(np.unravel_index(quality.argmax(), quality.shape))
    weights = 1.0 / (errors**2 + OWN_ERROR**2)
    normal = (vectors * weights[:, None]).T @ vectors
    found = []
    for whole in product(range(-MOST_TURNS, MOST_TURNS + 1), repeat=2):
        shift = -np.linalg.solve(vectors[pair], jumps[pair] + whole)
        left = wrap(jumps + vectors @ shift)
        shift = shift - np.linalg.solve(normal, vectors.T @ (weights * left))
        left = wrap(jumps + vectors @ shift)
        found.append((float(weights @ left**2), float(np.abs(left).max()), shift))
    _, misfit, shift = min(found, key=lambda one: one[0])
    equal = np.concatenate([[shift], shift + translations])
    variance = np.trace(np.linalg.inv(normal)) / 2.0
    shortest = equal[np.linalg.norm(equal, axis=1).argmin()]
    return Shift(shortest, float(np.sqrt(variance)), misfit)


def translations_in_image(
    vectors: np.ndarray, hkl: np.ndarray | None, translations: Translations | None
) -> np.ndarray:
    """List translations (x, y) of a lattice in the image, and their opposites, shape (n, 2)."""
    found = list_candidates(vectors, hkl, translations).burgers
    both = np.concatenate([found, -found])
    return np.concatenate([both, (both[:, None] + both[None]).reshape(-1, 2)])


def name_shift(
    shift: np.ndarray, error: float, vectors: np.ndarray, hkl: np.ndarray, base: np.ndarray
) -> np.ndarray:
    """Simplest shift in the axes of the crystal that makes the same jumps, shape (3,).

    Among those at right angles to the beam it is that with the smallest common denominator and,
    of these, the shortest; NaN where there is none.

    Parameters
    ----------
    shift, error
        The shift (x, y) in the image and its standard error.
    vectors, hkl
        Reciprocal vectors (x, y), shape (k, 2), and their Miller indices, shape (k, 3).
    base
        Lattice vectors as rows, shape (3, 3).
    """
    beam = np.linalg.svd(hkl.astype(float))[2][2] @ base
    limit = AGREES * np.hypot(error * np.linalg.norm(vectors, axis=1), SAME_JUMP)
    for denominator in DENOMINATORS:
        steps = np.arange(-denominator, denominator + 1) / denominator
        named = np.array(list(product(steps, repeat=3)))
        cartesian = named @ base
        across = np.abs(cartesian @ beam) <= ROUNDING * np.linalg.norm(beam) * base.max()
        same = (np.abs(wrap(named @ hkl.T - vectors @ shift)) <= limit).all(axis=1)
        named, cartesian = named[across & same], cartesian[across & same]
        if len(named):
            return named[np.linalg.norm(cartesian, axis=1).argmin()]
    return np.full(3, np.nan)


def name_plane(normal: np.ndarray, vectors: np.ndarray, hkl: np.ndarray) -> np.ndarray:
    """Miller indices of the simplest plane along the beam with a normal (x, y); NaN without one."""
    to_image = np.linalg.lstsq(hkl.astype(float), vectors, rcond=None)[0]
    beam = np.linalg.svd(hkl.astype(float))[2][2]
    planes = np.array(list(product(range(-LARGEST_INDEX, LARGEST_INDEX + 1), repeat=3)))
    planes = planes[(np.abs(planes @ beam) < ROUNDING) & planes.any(axis=1)]
    planes = planes[np.gcd.reduce(planes, axis=1) == 1]
    direction = planes @ to_image
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    cosine = direction @ normal
    close = cosine >= np.cos(np.radians(SAME_DIRECTION))
    if not close.any():
        return np.full(3, np.nan)
    planes, cosine = planes[close], cosine[close]
    simplest = np.lexsort((-cosine, np.sum(planes**2, axis=1)))[0]
    first = planes[simplest][np.flatnonzero(planes[simplest])[0]]
    return (planes[simplest] * np.sign(first)).astype(float)
