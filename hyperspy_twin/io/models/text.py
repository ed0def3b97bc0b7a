"""Lines of numbers as text, many at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase.data import chemical_symbols

from hyperspy_twin.core import kernel

SYMBOLS = np.array([f"{symbol:<2}" for symbol in chemical_symbols], "S2")
# Numbers are written with fixed decimals up to this size: with ten of them they still fit an
# integer of 64 bits.
LARGEST_FIXED = 1e8
# Numbers that are all smaller, but not zero, would lose their digits.
SMALLEST_FIXED = 1e-3
SPACE, NEW_LINE = 32, 10


def decimals(values: np.ndarray, digits: int) -> np.ndarray:
    """Numbers with fixed decimals, aligned to the right with a space before.

    Parameters
    ----------
    values
        Numbers, shape (n,) or (n, k).
    digits
        Decimals; with none there is no point.

    Returns
    -------
    numpy.ndarray
        Characters as uint8, shape (n, width).
    """
    table = np.ascontiguousarray(values, float).reshape(len(values), -1)
    known = np.abs(table[np.isfinite(table)])
    largest = known.max() if known.size else 0.0
    if largest >= LARGEST_FIXED or (digits > 0 and 0 < largest < SMALLEST_FIXED):
        return texts([[f"{one:.12g}" for one in row] for row in table.tolist()])
    whole = len(str(int(largest + 1)))
    width = max(whole + digits + (digits > 0) + 2, 4)
    characters = np.full((len(table), table.shape[1] * width), SPACE, np.uint8)
    _write_decimals(table, digits, width, characters)
    return characters


def integers(values: np.ndarray) -> np.ndarray:
    """Whole numbers, as :func:`decimals` without a point."""
    return decimals(values, 0)


def symbols(numbers: np.ndarray) -> np.ndarray:
    """Symbols of the elements with a space before, shape (n, 3)."""
    found = SYMBOLS[numbers].view(np.uint8).reshape(-1, 2)
    return np.concatenate([np.full((len(found), 1), SPACE, np.uint8), found], axis=1)


def texts(rows: Sequence[str] | Sequence[Sequence[str]] | np.ndarray) -> np.ndarray:
    """Words, one or several in a row, with a space before each; shape (n, width)."""
    words = np.char.encode(np.asarray(rows, dtype=str).reshape(len(rows), -1), "utf-8")
    wide = words.dtype.itemsize
    found = np.ascontiguousarray(words).view(np.uint8).reshape(len(words), -1, wide)
    found = np.where(found == 0, SPACE, found).astype(np.uint8)
    space = np.full((*found.shape[:2], 1), SPACE, np.uint8)
    return np.concatenate([space, found], axis=2).reshape(len(words), -1)


def repeated(text: str, count: int) -> np.ndarray:
    """Give the same text in each line, shape (count, width)."""
    return np.broadcast_to(np.frombuffer(text.encode(), np.uint8), (count, len(text)))


def lines(*columns: np.ndarray) -> bytes:
    """Lines of columns that stand next to each other."""
    end = np.full((len(columns[0]), 1), NEW_LINE, np.uint8)
    return np.concatenate([*columns, end], axis=1).tobytes()


@kernel
def _write_decimals(table: np.ndarray, digits: int, width: int, characters: np.ndarray) -> None:
    scale = 1.0
    for _ in range(digits):
        scale *= 10.0
    for row in range(table.shape[0]):
        for column in range(table.shape[1]):
            value = table[row, column]
            place = (column + 1) * width - 1
            if not np.isfinite(value):
                # "nan", or "inf" with its sign
                letters = (110, 97, 110) if np.isnan(value) else (102, 110, 105)
                for letter in letters:
                    characters[row, place] = letter
                    place -= 1
                if value < 0:
                    characters[row, place] = 45
                continue
            whole = np.int64(np.rint(abs(value) * scale))
            negative = value < 0 and whole > 0
            written = 0
            while written <= digits or whole > 0:
                if digits > 0 and written == digits:
                    characters[row, place] = 46
                    place -= 1
                characters[row, place] = 48 + whole % 10
                whole //= 10
                place -= 1
                written += 1
            if negative:
                characters[row, place] = 45
