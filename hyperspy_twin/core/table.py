"""Tables of results: named columns with units that a person can read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from math import floor, isfinite, log10
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas

MOST_ROWS = 60  # of a table that are printed
_WIDEST = 60  # characters of a cell; longer ones are cut
# Decimals and size from which powers of ten are easier to read.
_MOST_DECIMALS = 7
_SMALL = 1e-4
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*(e[-+]?\d+)?|inf)%?")


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Columns of equal length under their names.

    ``table["x"]`` is a column, ``table[3]`` a row, and ``table[mask]`` or ``table[2:5]`` a table of
    some rows.

    Attributes
    ----------
    records
        The rows, a structured array of shape (n,).
    units
        Unit of each column that has one.
    """

    records: np.ndarray
    units: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_columns(
        cls, columns: Mapping[str, Any], units: Mapping[str, str] | None = None
    ) -> Table:
        """Table of columns, each of shape (n, ...).

        Parameters
        ----------
        columns
            Values of each column.
        units
            Unit of each column that has one.
        """
        arrays = {name: np.asarray(values) for name, values in columns.items()}
        kinds = [(name, values.dtype, values.shape[1:]) for name, values in arrays.items()]
        records = np.zeros(len(next(iter(arrays.values()))), dtype=kinds)
        for name, values in arrays.items():
            records[name] = values
        return cls(records, {name: unit for name, unit in (units or {}).items() if name in arrays})

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self.records.dtype.names or ()

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.records)

    def __getitem__(self, key: Any) -> Any:
        """Give a column by its name, a row by its number, or a table of some rows."""
        if isinstance(key, str):
            if key not in self.columns:
                raise KeyError(f"there is no column {key!r}: there are {', '.join(self.columns)}")
            return self.records[key]
        chosen = self.records[key]
        return Table(chosen, self.units) if isinstance(chosen, np.ndarray) else chosen

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Give the rows as a structured array."""
        return np.array(self.records, dtype=dtype, copy=bool(copy))

    def to_dataframe(self) -> pandas.DataFrame:
        """Convert to pandas, with the columns of vectors as lists.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            from pandas import DataFrame
        except ImportError as error:
            raise ImportError("to_dataframe needs pandas: pip install pandas") from error
        columns = {name: self.records[name] for name in self.columns}
        frame = DataFrame({name: v.tolist() if v.ndim > 1 else v for name, v in columns.items()})
        frame.attrs["units"] = dict(self.units)
        return frame

    def __repr__(self) -> str:
        shown = text_table(self._heads(), self._rows(MOST_ROWS))
        more = len(self) - MOST_ROWS
        return f"{shown}\n… {more} more rows" if more > 0 else shown

    def _repr_html_(self) -> str:
        return html_table(self._heads(), self._rows(len(self)))

    def _heads(self) -> list[str]:
        return [
            f"{name} ({self.units[name]})" if self.units.get(name) else name
            for name in self.columns
        ]

    def _rows(self, most: int) -> list[list[str]]:
        errors = {name: self._error_column(name) for name in self.columns}
        return [
            [_cell(row[name], row[errors[name]] if errors[name] else None) for name in self.columns]
            for row in self.records[:most]
        ]

    def _error_column(self, name: str) -> str:
        """Column with the standard error of another one, or of itself; empty where none is."""
        if self.records.dtype[name].kind != "f":
            return ""
        if name == "sigma" or "error" in name.split("_"):
            return name
        return next((one for one in (f"error_{name}", f"{name}_error") if one in self.columns), "")


def _cell(value: Any, error: float | None = None) -> str:
    """Text of a value, with the digits that its standard error leaves."""
    if isinstance(value, np.ndarray):
        return " ".join(_cell(item) for item in value)
    if not isinstance(value, (float, np.floating)):
        return str(value)
    number = float(value)
    if np.isnan(number):
        return ""
    if error is not None and 0 < error < np.inf:
        return _rounded(number, _decimals(float(error)))
    return f"{number:.0f}" if 1e4 <= abs(number) < 1e7 else f"{number:.4g}"


def with_error(value: float, error: float, *, sign: bool = False) -> str:
    """Value and standard error, the error with two significant digits.

    Parameters
    ----------
    value
        The value.
    error
        Its standard error; the value alone is given where it is not a positive number.
    sign
        Whether a positive value gets its sign.

    Returns
    -------
    str
        Such as ``"0.03600 ± 0.00012"``.
    """
    plus = "+" if sign and value > 0 else ""
    if not (isfinite(error) and error > 0):
        return f"{plus}{value:.4g}"
    decimals = _decimals(error)
    return f"{plus}{_rounded(value, decimals)} ± {_rounded(error, decimals)}"


def two_digits(error: float) -> str:
    """Give a standard error with two significant digits, a value that is none as it is."""
    known = isfinite(error) and error > 0
    return _rounded(error, _decimals(error)) if known else f"{error:.4g}"


def _decimals(error: float) -> int:
    """Decimals of two significant digits of an error, negative for tens."""
    return 1 - floor(log10(float(f"{error:.1e}")))


def _rounded(value: float, decimals: int) -> str:
    if decimals > _MOST_DECIMALS and 0 < abs(value) < _SMALL:
        return f"{value:.{max(decimals + floor(log10(abs(value))), 0)}e}"
    text = f"{round(value, decimals):.{max(decimals, 0)}f}"
    return text.lstrip("-") if float(text) == 0 else text


def counted(number: int, noun: str, plural: str = "") -> str:
    """Give a number and its noun, such as ``"1 region"`` and ``"2 regions"``."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def text_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lines of aligned columns under their names, numbers to the right; long cells are cut."""
    cells = [tuple(map(_shorten, row)) for row in (columns, *rows)]
    aligned = []
    for head, *column in zip(*cells, strict=True):
        width = max(map(len, (head, *column)))
        justify = str.rjust if _are_numbers(column) else str.ljust
        aligned.append([justify(cell, width) for cell in (head, *column)])
    return "\n".join("  ".join(row).rstrip() for row in zip(*aligned, strict=True))


def _are_numbers(cells: Sequence[str]) -> bool:
    """Whether cells hold nothing but numbers, vectors among them, or are empty."""
    parts = [part for cell in cells for part in cell.split()]
    return bool(parts) and all(_NUMBER.fullmatch(part) for part in parts)


def html_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give the same as HTML, escaped."""

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f"<table><thead>{line(columns, 'th')}</thead><tbody>{body}</tbody></table>"


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
