"""Symbols of elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

INSTALL = 'pip install "hyperspy_twin[spectroscopy]"'


def known_elements() -> Any:
    """Edges and lines of the elements, as exspy has them.

    Raises
    ------
    ImportError
        If exspy is not installed.
    """
    try:
        from exspy.material import elements
    except ImportError as error:
        raise ImportError(f"edges and X-ray lines come from exspy: {INSTALL}") from error
    return elements


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
