"""Symbols of elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hyperspy.signal import BaseSignal

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


def elements_of(
    si: BaseSignal, given: Sequence[str] | None, example: Sequence[str], advice: str = ""
) -> tuple[str, ...]:
    """Elements whose fractions are wanted, at least two.

    Parameters
    ----------
    si
        Spectra; the elements of their metadata are taken where none are given.
    given
        Symbols.
    example
        Symbols for the message where there are none.
    advice
        What the message says beside where there is only one.

    Raises
    ------
    ValueError
        If there are fewer than two, one is unknown, or one is named twice.
    """
    found = si.metadata.get_item("Sample.elements", ()) if given is None else given
    if not len(found):
        first, second = example
        raise ValueError(f'the elements are missing: give elements=["{first}", "{second}"]')
    names = check_elements(found)
    if len(names) < 2:
        raise ValueError(
            f"a fraction needs at least two elements, and {names[0]} is the only one{advice}"
        )
    return names
