"""Which pixels of an image are no measurement, and how many of each kind."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.pixels.empty_areas import find_constant_areas, find_empty_areas
from hyperspy_twin.pixels.lines import find_lines
from hyperspy_twin.pixels.outliers import find_outliers

# Fraction of the pixels of a row that makes it a bad row in the count.
MOST_OF_A_LINE = 0.9
# An image of which more is bad has no good part to judge by, and nothing in it is called bad.
LARGEST_FRACTION = 0.98


def detect_bad_pixels(image: np.ndarray) -> np.ndarray:
    """Find the pixels of an image that hold no measured value.

    These are values that are not finite; areas and lines of one constant value (borders that
    aligning or turning leaves, dead or saturated rows and columns); rows and columns that stand out
    of their neighbours over their whole length; and single pixels or clusters of up to three that
    are sharper than a probe and beyond the noise.

    Parameters
    ----------
    image
        Real image of any type, shape (rows, columns).

    Returns
    -------
    numpy.ndarray
        Boolean, shape (rows, columns). Nothing but values that are not finite is marked where
        hardly a pixel would be left.

    Notes
    -----
    ``find_constant_areas``, ``find_lines`` and ``find_outliers`` are the three rules, with their
    false alarms.
    """
    values = np.asarray(image)
    wrong = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    if wrong.all():
        return wrong
    middle = float(np.median(values[~wrong])) if wrong.any() else 0.0
    exact = np.where(wrong, values.dtype.type(middle), values) if wrong.any() else values
    bad = wrong | find_constant_areas(exact)
    plain = exact.astype(np.float32)
    if not np.isfinite(plain).all():
        plain = np.clip(exact, *np.array([-1e30, 1e30])).astype(np.float32)
    plain = plain - np.float32(np.median(plain[:: max(len(plain) // 256, 1)]))
    if bad.any():
        plain[bad] = np.median(plain[~bad])
    bad = bad | find_lines(plain, bad)
    bad |= find_outliers(plain, bad if bad.any() else None)
    return bad if bad.mean() <= LARGEST_FRACTION else wrong


def describe_bad_pixels(bad: np.ndarray) -> str:
    """Numbers of bad pixels by kind, as one phrase, empty where there are none.

    Parameters
    ----------
    bad
        Bad pixels, boolean, shape (rows, columns) or a stack of such images.

    Returns
    -------
    str
        Such as ``"23 bad pixels (0.0088 %), 2 rows, border 18 %"``.
    """
    pixels = rows = columns = empty = 0
    for one in bad.reshape(-1, *bad.shape[-2:]):
        if not one.any():
            continue
        area = find_empty_areas(one)
        rest = one & ~area
        row = rest.mean(axis=1) > MOST_OF_A_LINE * np.maximum((~area).mean(axis=1), 0.1)
        column = rest.mean(axis=0) > MOST_OF_A_LINE * np.maximum((~area).mean(axis=0), 0.1)
        pixels += int(np.count_nonzero(rest[np.ix_(~row, ~column)]))
        rows += int(np.count_nonzero(row))
        columns += int(np.count_nonzero(column))
        empty += int(np.count_nonzero(area))
    parts = []
    if pixels:
        parts.append(f"{_count(pixels, 'bad pixel')} ({100 * pixels / bad.size:.2g} %)")
    parts += [_count(n, word) for n, word in ((rows, "row"), (columns, "column")) if n]
    if empty:
        parts.append(f"border {100 * empty / bad.size:.2g} %")
    return ", ".join(parts)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
