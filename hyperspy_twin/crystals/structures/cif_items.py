"""Items of a data block of a CIF, read by gemmi."""

from __future__ import annotations

from typing import Any

_UNKNOWN = ("?", ".", "")


def is_unknown(text: str) -> bool:
    """Whether a value is one of those by which a CIF says nothing."""
    return text in _UNKNOWN


def stated_values(block: Any, *keys: str) -> list[str]:
    """List the values of the first of some items that is stated, looped or not."""
    from gemmi import cif

    for key in keys:
        values = [cif.as_string(value).strip() for value in block.find_values(key)]
        values = [value for value in values if not is_unknown(value)]
        if values:
            return values
    return []


def stated_text(block: Any, *keys: str) -> str:
    """Give the first value of the first of some items that is stated; empty where none is."""
    return next(iter(stated_values(block, *keys)), "")
