"""Atoms of one column, which have the same place and fractions and follow each other in a table."""

from __future__ import annotations

import numpy as np


def equal_runs(*values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find where any of some arrays begins to have another value.

    Filling stacks the atoms of a column on one another, so that what depends on their place alone
    is found once for each column. Atoms in any other order are runs of one.

    Parameters
    ----------
    values
        Arrays of the same length, each of shape (n,).

    Returns
    -------
    first : numpy.ndarray
        Index of the first of each run of equal values, shape (runs,).
    count : numpy.ndarray
        Length of each run, shape (runs,).
    """
    new = np.zeros(len(values[0]), bool)
    new[:1] = True
    for one in values:
        new[1:] |= one[1:] != one[:-1]
    first = np.flatnonzero(new)
    return first, np.diff(first, append=len(new))
