"""Burgers vectors: the lattice vectors that agree with the windings of all waves."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

# Largest index of a Burgers vector along each axis of the cell: twice any shortest lattice vector.
LARGEST_INDEX = 2
# Most windings of the two firm waves of a lattice that is not indexed.
MOST_TURNS = 3
# Distance from a whole number of what a lattice vector makes in each wave, where the lattice is
# known by its measured reflections only.
WHOLE = 0.15
# Squared difference of windings from those of the Burgers vector over the latter, each with the
# weight of its wave: one of a third of the amplitude of two others may miss a double winding, a
# strong one none.
LARGEST_RESIDUAL = 0.2
# Lengths of lattice vectors that differ by less, as a fraction, are equal.
SAME_LENGTH = 1e-3


@dataclass(frozen=True, eq=False)
class Translations:
    """What the crystal says of the translations of its lattice.

    Attributes
    ----------
    centring
        Translations in fractions of the cell, beside those of the whole cell, shape (n, 3).
    base
        Lattice vectors a, b, c as rows in Å, shape (3, 3).
    """

    centring: np.ndarray
    base: np.ndarray


@dataclass(frozen=True, eq=False)
class Candidates:
    """Burgers vectors that the waves can tell apart, from the shortest on.

    Attributes
    ----------
    turns
        Windings that each makes in the waves, integer, shape (n, k).
    burgers
        Components (x, y) in the image, of the lattice of the vectors, shape (n, 2).
    indices
        The same in the axes of the crystal, shape (n, 3): the shortest lattice vector, whose part
        along the beam is not seen; NaN where the lattice is not indexed.
    alternative
        Another one of the same length, shape (n, 3); NaN where there is none.
    """

    turns: np.ndarray
    burgers: np.ndarray
    indices: np.ndarray
    alternative: np.ndarray


def list_candidates(
    vectors: np.ndarray, hkl: np.ndarray | None, translations: Translations | None
) -> Candidates:
    """List Burgers vectors and what they make in waves of reciprocal vectors (k, 2)."""
    if hkl is None or translations is None:
        return _of_measured_lattice(vectors)
    return _list_of_crystal(vectors, hkl, translations, np.zeros(3, int))


def list_partials(
    vectors: np.ndarray, hkl: np.ndarray, translations: Translations, shift: np.ndarray
) -> Candidates:
    """List what a shift (3,) is modulo lattice vectors: windings are then no whole numbers."""
    return _list_of_crystal(vectors, hkl, translations, shift)


def _list_of_crystal(
    vectors: np.ndarray, hkl: np.ndarray, translations: Translations, shift: np.ndarray
) -> Candidates:
    cells = np.array(list(product(range(-LARGEST_INDEX, LARGEST_INDEX + 1), repeat=3)), float)
    shifts = np.concatenate([np.zeros((1, 3)), translations.centring.reshape(-1, 3)])
    whole = (cells[:, None] + shifts).reshape(-1, 3)
    indices = whole + shift
    length = np.linalg.norm(indices @ translations.base, axis=1)
    # The one with the larger first index stands first among those of equal length.
    order = np.lexsort((*-indices.T[::-1], np.round(length / (SAME_LENGTH * length.max()))))
    whole, indices, length = whole[order], indices[order], length[order]
    turns = -np.rint(whole @ hkl.T).astype(int) - hkl @ shift
    distinct, first, group = np.unique(turns, axis=0, return_index=True, return_inverse=True)
    alternative = np.full((len(distinct), 3), np.nan)
    group = group.ravel()
    for number in np.arange(len(indices))[::-1]:
        shortest = first[group[number]]
        if number != shortest and length[number] <= length[shortest] * (1.0 + SAME_LENGTH):
            alternative[group[number]] = indices[number]
    order = np.argsort(first)
    order = order[distinct[order].any(axis=1)]
    burgers = np.linalg.lstsq(vectors, -distinct[order].T, rcond=None)[0].T
    return Candidates(distinct[order], burgers, indices[first[order]], alternative[order])


def _of_measured_lattice(vectors: np.ndarray) -> Candidates:
    """Burgers vectors with whole windings in all waves."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    sine = np.abs(unit[:, None, 0] * unit[None, :, 1] - unit[:, None, 1] * unit[None, :, 0])
    pair = list(np.unravel_index(sine.argmax(), sine.shape))
    whole = np.array(list(product(range(-MOST_TURNS, MOST_TURNS + 1), repeat=2)))
    burgers = -whole @ np.linalg.inv(vectors[pair]).T
    turns = -burgers @ vectors.T
    good = (np.abs(turns - np.rint(turns)) <= WHOLE).all(axis=1) & whole.any(axis=1)
    burgers, turns = burgers[good], np.rint(turns[good]).astype(int)
    order = np.argsort(np.linalg.norm(burgers, axis=1), kind="stable")
    unknown = np.full((len(order), 3), np.nan)
    return Candidates(turns[order], burgers[order], unknown, unknown)


def match_burgers(
    turns: np.ndarray, weights: np.ndarray, vectors: np.ndarray, candidates: Candidates
) -> int | None:
    """Find the candidate that agrees with the windings of the waves that are present.

    Parameters
    ----------
    turns
        Windings, shape (k,), NaN where a wave is absent.
    weights
        What the winding of each wave says, shape (k,).
    vectors
        Reciprocal vectors (x, y), shape (k, 2).
    candidates
        The Burgers vectors.

    Returns
    -------
    int or None
        Index of the candidate; None where none agrees, or the waves that are present are collinear.
    """
    here = np.isfinite(turns)
    known = len(candidates.turns) > 0
    if not known or np.linalg.matrix_rank(vectors[here]) < 2 or not turns[here].any():
        return None
    expected = candidates.turns[:, here]
    difference = (expected - turns[here]) ** 2 @ weights[here]
    best = int(difference.argmin())
    if difference[best] > LARGEST_RESIDUAL * (expected[best] ** 2 @ weights[here]):
        return None
    return best
