"""From fractional occupancies to definite atoms, with the right number of each element."""

from __future__ import annotations

import numpy as np


def collapse(
    fractions: np.ndarray, strata: np.ndarray, atoms: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Draw the element of each atom so that the numbers in each stratum are those expected.

    In each stratum the number of atoms of an element is its expected number, rounded up or down
    at random such that sums over consecutive strata (a layer, the whole model) are also within one
    atom of theirs. Which atoms they are is drawn by Pareto sampling: each with its own
    probability, otherwise at random. Independent draws would let the numbers scatter.

    Parameters
    ----------
    fractions
        Fraction of each element on the sites of each column, rows add up to 1, shape (n, e).
    strata
        Number of the stratum of each column, from 0; strata of one layer follow each other,
        shape (n,).
    atoms
        Number of atoms of each column, shape (n,).
    generator
        Source of random numbers.

    Returns
    -------
    numpy.ndarray
        Index of the element of each atom, column by column, shape (atoms,).

    References
    ----------
    B. Rosén, J. Stat. Plan. Inference 62 (1997) 159-191: Pareto sampling.
    W. G. Madow, Ann. Math. Stat. 20 (1949) 333-354: systematic sampling, here of the totals.
    """
    elements = fractions.shape[1]
    numbers = _whole_numbers(fractions, strata, atoms, generator)
    column = np.repeat(np.arange(len(atoms)), atoms)
    index = np.full(len(column), elements - 1, np.int8)
    left = np.arange(len(column))
    rest = np.ones(len(atoms))  # what the elements after the present one share
    for element in range(elements - 1):
        probability = np.clip(fractions[:, element] / np.maximum(rest, 1e-12), 0.0, 1.0)
        keys = _pareto_keys(probability[column], generator)
        taken = _smallest(keys, strata[column], numbers[:, element])
        index[left[taken]] = element
        rest -= fractions[:, element]
        left, column = left[~taken], column[~taken]
    return index


def _whole_numbers(
    fractions: np.ndarray, strata: np.ndarray, atoms: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Find the number of atoms of each element but the last in each stratum, shape (s, e - 1)."""
    left = np.bincount(strata, atoms).astype(np.int64)
    expected = np.stack([np.bincount(strata, atoms * one) for one in fractions.T], axis=1)
    numbers = np.zeros((len(left), fractions.shape[1] - 1), np.int64)
    for element in range(fractions.shape[1] - 1):
        share = expected[:, element] / np.maximum(expected[:, element:].sum(axis=1), 1e-12)
        # Without rounding errors of the sums, which are some 1e-9 of an atom.
        running = np.round(np.cumsum(left * share), 6) + generator.uniform(1e-5, 1 - 1e-5)
        numbers[:, element] = np.minimum(np.diff(np.floor(running), prepend=0.0), left)
        left = left - numbers[:, element]
    return numbers


def _pareto_keys(probability: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return sampling keys in [0, 1], 0 for what is certain and 1 for what is impossible."""
    drawn = generator.uniform(1e-12, 1 - 1e-12, len(probability))
    odds = drawn * (1 - probability)
    return odds / (odds + (1 - drawn) * probability)


def _smallest(keys: np.ndarray, stratum: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Mark the sites with the smallest keys, as many as are wanted in each stratum."""
    order = np.argsort(stratum + 0.5 * keys)
    present = np.bincount(stratum, minlength=len(wanted))
    rank = np.arange(len(keys)) - (np.cumsum(present) - present)[stratum[order]]
    taken = np.zeros(len(keys), bool)
    taken[order] = rank < wanted[stratum[order]]
    return taken
