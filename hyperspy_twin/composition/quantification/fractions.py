"""Atomic fractions of amounts, with the variance that the amounts' covariance gives them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

NO_COMPOSITION = "nothing was measured: all amounts are zero"
NOT_SIGNIFICANT = "too few counts: the sum of all elements is not five standard errors above zero"
NO_INFORMATION = "too few counts: the error is larger than that of a guess"
# Standard errors of the sum of all elements that are expected from it. Above it, the correction for
# the bias of a quotient leaves less than a tenth of the standard error.
LOWEST_SIGNIFICANCE = 5.0
# The same of the sum as it was measured, where the expected one is known by other means: to keep
# the pixels that happen to be bright would bias their fractions, so that only accidents are left
# out, one in 40 of the pixels that are at the limit above.
LOWEST_MEASURED = 3.0
# Standard deviation of a number that is anywhere between 0 and 1.
LARGEST_ERROR = 1 / np.sqrt(12)


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


def fractions_of_amounts(
    amounts: np.ndarray, covariance: np.ndarray, expected: np.ndarray | None = None
) -> Fractions:
    """Divide amounts of atoms by their sum.

    Parameters
    ----------
    amounts
        Numbers proportional to those of the atoms, shape (elements, ...).
    covariance
        Of the amounts, shape (elements, elements, ...).
    expected
        Sum of the amounts as it is expected by something with less noise, such as the counts of the
        whole spectrum, shape (...). By default the sum itself.

    Returns
    -------
    Fractions
        The variance is that of first order: errors of the elements of a pixel are correlated by
        the sum, and by what they were measured with. The bias that a quotient of noisy numbers has
        in second order is taken off [1]_. Pixels whose sum is not significant, or whose error is
        that of a guess, are withheld for all elements.

    References
    ----------
    .. [1] M. Tin, J. Am. Stat. Assoc. 60 (1965) 294.
    """
    amounts, covariance = np.asarray(amounts, float), np.asarray(covariance, float)
    total = amounts.sum(axis=0)
    total_error = np.sqrt(np.maximum(covariance.sum(axis=(0, 1)), 0.0))
    empty = ~(np.abs(amounts).max(axis=0) > 0)
    unsure = ~(total > LOWEST_MEASURED * total_error)
    unsure |= ~((total if expected is None else expected) > LOWEST_SIGNIFICANCE * total_error)
    unsure &= ~empty
    known = ~(empty | unsure)
    safe = np.where(known, total, 1.0)
    plain = amounts / safe
    # dx_i = (dn_i - x_i dN) / N with N the sum of all.
    shared, sum_variance = covariance.sum(axis=1), covariance.sum(axis=(0, 1))
    own = np.einsum("ii...->i...", covariance)
    variance = np.maximum(own - 2 * plain * shared + plain**2 * sum_variance, 0.0) / safe**2
    values = plain - (plain * sum_variance - shared) / safe**2
    guessed = known & (variance.max(axis=0) > LARGEST_ERROR**2)
    known &= ~guessed
    counts = {NO_COMPOSITION: empty, NOT_SIGNIFICANT: unsure, NO_INFORMATION: guessed}
    withheld = {reason: int(where.sum()) for reason, where in counts.items() if where.any()}
    return Fractions(np.where(known, values, np.nan), np.where(known, variance, np.nan), withheld)
