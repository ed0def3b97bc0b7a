"""The crystals that an indexing chooses among."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hyperspy_twin.core import Crystal
from hyperspy_twin.crystals.structures import catalogue, user_phases
from hyperspy_twin.crystals.structures.conversion import as_crystal


def are_several(candidates: Any) -> bool:
    """Tell a list of candidates from one; a diffpy Structure is a list of its atoms."""
    return isinstance(candidates, (list, tuple)) and not hasattr(candidates, "lattice")


def as_candidates(candidates: Any, elements: Sequence[str]) -> list[Crystal]:
    """Crystals of what a user names, or of the elements of the sample.

    Parameters
    ----------
    candidates
        One candidate or a sequence of them, each as :func:`as_crystal` takes it; None for the
        bundled and added structures that consist of ``elements`` only.
    elements
        Chemical symbols of the sample, possibly none.

    Returns
    -------
    list of Crystal
        At least one.

    Raises
    ------
    ValueError
        If there is no candidate, or one is unknown or unreadable.
    """
    if candidates is None:
        if not len(elements):
            raise ValueError(
                "no candidate phases: name them, as in index_phases(['Si', 'Ge']), or set "
                "s.metadata.Sample.elements"
            )
        candidates = [*catalogue.with_elements(elements), *user_phases.with_elements(elements)]
        if not candidates:
            raise ValueError(
                f"no bundled or added structure consists of {', '.join(elements)} only: "
                "give names, CIF files or structures"
            )
    elif not are_several(candidates):
        candidates = [candidates]
    if not len(candidates):
        raise ValueError("no candidate phases: the list is empty")
    return [as_crystal(candidate) for candidate in candidates]
