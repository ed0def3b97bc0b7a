"""Atomic fractions of amounts, with the variance that the amounts' covariance gives them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

NO_COMPOSITION = "nothing was measured: all amounts are zero"
NOT_SIGNIFICANT = "the sum of all elements is not three standard errors above zero"
# Below it the quotient of two noisy numbers has no useful first-order error, and its mean is biased
# by more than a tenth of its value: the second-order term is 1 / significance squared.
LOWEST_SIGNIFICANCE = 3.0


@dataclass(frozen=True, eq=False)
class Fractions:
    """Atomic fractions and their variance.

    Attributes
    ----------
    values, variance
        NaN where a fraction is not known, shape (elements, ...).
    withheld
        Number of pixels without a fraction, by the reason.
    """

    values: np.ndarray
    variance: np.ndarray
    withheld: dict[str, int] = field(default_factory=dict)


def fractions_of_amounts(amounts: np.ndarray, covariance: np.ndarray) -> Fractions:
    """Divide amounts of atoms by their sum.

    Parameters
    ----------
    amounts
        Numbers proportional to those of the atoms, shape (elements, ...).
    covariance
        Of the amounts, shape (elements, elements, ...).

    Returns
    -------
    Fractions
        The variance is that of first order: errors of the elements of a pixel are correlated by
        the sum, and by what they were measured with.
    """
    amounts, covariance = np.asarray(amounts, float), np.asarray(covariance, float)
    total = amounts.sum(axis=0)
    total_error = np.sqrt(np.maximum(covariance.sum(axis=(0, 1)), 0.0))
    empty = ~(np.abs(amounts).max(axis=0) > 0)
    unsure = ~empty & ~(total > LOWEST_SIGNIFICANCE * total_error)
    known = ~(empty | unsure)
    safe = np.where(known, total, 1.0)
    values = np.where(known, amounts / safe, np.nan)
    # dx_i = (dn_i - x_i dN) / N with N the sum of all.
    shared = covariance.sum(axis=1)
    own = np.einsum("ii...->i...", covariance)
    variance = (own - 2 * values * shared + values**2 * covariance.sum(axis=(0, 1))) / safe**2
    counts = {NO_COMPOSITION: empty, NOT_SIGNIFICANT: unsure}
    withheld = {reason: int(where.sum()) for reason, where in counts.items() if where.any()}
    return Fractions(values, np.where(known, np.maximum(variance, 0.0), np.nan), withheld)
