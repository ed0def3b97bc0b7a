"""Maps that others have quantified: fractions or percent, and whether they can be true."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hyperspy_twin.composition.quantification.fractions import Fractions

# Vendors round to 1 %: of ten elements the sum is off by at most ten halves of it.
LARGEST_DEFECT = 0.05
# Standard errors by which noise takes a fraction below 0 or above 1; one of two million is beyond.
SIGMAS = 5.0
ROUNDING = 1e-6  # of numbers in single precision
NO_SUM = "the maps hold no composition there: their sum is zero"
NOT_FINITE = "the maps hold no number there"


def check_given(
    maps: np.ndarray, errors: np.ndarray | None, names: Sequence[str]
) -> tuple[Fractions, bool]:
    """Fractions of maps that are in percent or fractions.

    Parameters
    ----------
    maps
        Shape (elements, rows, columns).
    errors
        Standard errors in the same unit and shape; None where they are not known.
    names
        Symbols of the elements.

    Returns
    -------
    fractions : Fractions
        As they are: not clipped, and not divided by their sum.
    percent : bool
        Whether the maps were in percent.

    Raises
    ------
    ValueError
        If the sum of the elements is neither 1 nor 100 %, or a fraction is negative or above 1 by
        more than its error.
    """
    maps = np.asarray(maps, float)
    finite = np.isfinite(maps).all(axis=0)
    total = maps.sum(axis=0)
    empty = finite & (np.abs(maps).max(axis=0) == 0)
    known = finite & ~empty
    if not known.any():
        raise ValueError("the maps hold no composition: all pixels are zero or not finite")
    middle = float(np.median(total[known]))
    error = np.zeros_like(maps) if errors is None else np.asarray(errors, float)
    noise = SIGMAS * np.nan_to_num(error)
    _refuse(known & (maps < -noise - ROUNDING), maps, names, "negative")
    scale = _scale(middle, names)
    values, error, noise = (np.where(known, one, np.nan) / scale for one in (maps, error, noise))
    _refuse(values > 1 + LARGEST_DEFECT + noise, values, names, "above 1")
    allowed = LARGEST_DEFECT + SIGMAS * np.sqrt(np.nansum(error**2, axis=0))
    wrong = known & (np.abs(total / scale - 1) > allowed)
    if wrong.any():
        y, x = np.argwhere(wrong)[0]
        raise ValueError(
            f"the elements do not add up to 1 in {wrong.sum()} of {known.sum()} pixels, such as "
            f"{total[y, x] / scale:.3g} at column {x}, row {y}: give the maps of all elements, or "
            "NaN where nothing was measured"
        )
    counts = {NO_SUM: empty, NOT_FINITE: ~finite}
    withheld = {reason: int(where.sum()) for reason, where in counts.items() if where.any()}
    variance = np.full(values.shape, np.nan) if errors is None else error**2
    return Fractions(values, variance, withheld), scale != 1.0


def _scale(middle: float, names: Sequence[str]) -> float:
    for scale in (1.0, 100.0):
        if abs(middle / scale - 1) <= LARGEST_DEFECT:
            return scale
    raise ValueError(
        f"the maps of {', '.join(names)} add up to {middle:.4g} in the median of the pixels, which "
        "is neither 1 nor 100 %: give atomic fractions or atomic percent of all elements; "
        "intensities are quantified first, as by ht.composition.from_eds(...)"
    )


def _refuse(wrong: np.ndarray, values: np.ndarray, names: Sequence[str], what: str) -> None:
    if not wrong.any():
        return
    number, y, x = np.argwhere(wrong)[0]
    raise ValueError(
        f"the fraction of {names[number]} is {what} in {wrong[number].sum()} pixels, such as "
        f"{values[number, y, x]:.3g} at column {x}, row {y}; if noise explains that, give the "
        "standard errors as errors=..."
    )
