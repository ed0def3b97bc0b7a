"""Symbols of elements."""

from __future__ import annotations

from collections.abc import Sequence


def check_elements(names: Sequence[str]) -> tuple[str, ...]:
    """Symbols of elements, each once.

    Raises
    ------
    ValueError
        If there is none, one is unknown, or one is named twice.
    """
    from ase.data import chemical_symbols

    found = tuple(map(str, [names] if isinstance(names, str) else names))
    unknown = [name for name in found if name not in chemical_symbols[1:]]
    if unknown:
        raise ValueError(f"unknown elements: {', '.join(unknown)}")
    if not found:
        raise ValueError("name at least one element")
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        raise ValueError(f"named more than once: {', '.join(twice)}")
    return found
