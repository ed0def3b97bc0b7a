"""The crystal structures that an indexing can choose among: list, search, download and add."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from hyperspy_twin.core import Crystal
from hyperspy_twin.crystals import (
    PhaseList,
    alloys,
    are_several,
    as_candidates,
    catalogue,
    space_group_name,
    user_phases,
)

__all__ = ["add", "download", "folder", "get", "list", "remove", "search"]

_logger = logging.getLogger(__name__)


def list() -> PhaseList:
    """List the bundled structures and those that were added.

    Returns
    -------
    PhaseList
        Prints as a table of name, formula, space group, lattice parameters and source.
    """
    bundled = (catalogue.get(name) for name in catalogue.names())
    return PhaseList((*bundled, *user_phases.added().values()))


def search(text: str = "", *, elements: Iterable[str] | str | None = None) -> PhaseList:
    """Search the structures of :func:`list`, and the alloys, shown at x = 0.5.

    Parameters
    ----------
    text
        Words that must all occur in the name, an alias, the formula, the space group or the
        source; upper and lower case are the same.
    elements
        Chemical symbols; only structures made of nothing but these are given.

    Returns
    -------
    PhaseList
        The structures found, possibly none.

    Raises
    ------
    ValueError
        If a symbol is not that of a chemical element.

    Examples
    --------
    >>> ht.phases.search("wurtzite")
    >>> ht.phases.search(elements=["Ga", "As"])
    """
    words = text.lower().split()
    allowed = None if elements is None else _symbols(elements)
    families = [family.crystal() for family in alloys.FAMILIES if words or allowed is not None]
    return PhaseList(
        phase
        for phase in (*list(), *families)
        if all(word in _described(phase) for word in words)
        and (allowed is None or set(phase.elements) <= allowed)
    )


def get(name: str) -> Crystal:
    """Structure of this name.

    Parameters
    ----------
    name
        Name or alias of a bundled structure, name of an added one, or of an alloy: a family at
        x = 0.5 (``"Si1-xGex"``), or one of a stated composition (``"Si0.3Ge0.7"``).

    Returns
    -------
    Crystal
        The expanded conventional cell.

    Raises
    ------
    ValueError
        If there is no such structure; the message lists close matches.
    """
    found = user_phases.added().get(name) or alloys.find(name)
    return catalogue.get(name) if found is None else found


def add(structures: Any, *, name: str | None = None, save: bool = False) -> PhaseList:
    """Add structures, so that they can be named and are searched too.

    Parameters
    ----------
    structures
        Path of a CIF or of a folder of CIFs, :class:`diffpy.structure.Structure`,
        :class:`ase.Atoms`, what :func:`download` gives, or a list of these.
    name
        Name of the structure, where it is a single one; by default that of the file, or the
        formula. An added structure of the same name is replaced.
    save
        Keep them for later sessions, in :func:`folder`.

    Returns
    -------
    PhaseList
        The structures as they were added.

    Raises
    ------
    ValueError
        If a structure cannot be read, or has the name of a bundled one; then none is added.
    FileNotFoundError
        If a path does not exist.
    TypeError
        If something is no structure.
    """
    crystals = PhaseList(_crystals(structures))
    if not crystals:
        raise ValueError("there is no structure to add: the folder or list is empty")
    if name is not None:
        if len(crystals) > 1:
            raise ValueError(f"one name cannot be given to {len(crystals)} structures")
        crystals = PhaseList([replace(crystals[0], name=name)])
    if len(set(crystals.names)) < len(crystals):
        raise ValueError("two of the structures have the same name: add them one by one by name")
    for crystal in crystals:
        user_phases.check_name(crystal.name)
    for crystal in crystals:
        user_phases.add(crystal, save=save)
    return crystals


remove = user_phases.remove
folder = user_phases.folder


def download(
    wanted: str | Sequence[str],
    *,
    provider: str = "cod",
    limit: int = 50,
    refresh: bool = False,
    timeout: float = 30.0,
) -> PhaseList:
    """Structures from an online database, through the OPTIMADE protocol.

    The answer is kept on disk with its provenance; the same query is then answered from there,
    without network.

    Parameters
    ----------
    wanted
        Formula, such as ``"SrTiO3"``, or chemical symbols for compounds of exactly these.
    provider
        ``"cod"`` (Crystallography Open Database), ``"mp"`` (Materials Project), ``"oqmd"``,
        ``"alexandria"``, ``"jarvis"``, ``"tcod"``, or the base address of another database. All
        but the first hold computed structures, whose cells differ from measured ones by up to
        a few per cent.
    limit
        Largest number of entries.
    refresh
        Ask the database again even if the answer is on disk.
    timeout
        Longest wait for each page in s.

    Returns
    -------
    PhaseList
        Named after formula and identifier, with the provenance as source. Give it to
        :meth:`~hyperspy_twin.IndexedFFT.index_phases`, or to :func:`add`.

    Raises
    ------
    ValueError
        If an argument is wrong, or the server refuses the query or does not follow OPTIMADE.
    ConnectionError
        If the server cannot be reached and the answer is not on disk.

    References
    ----------
    Andersen et al., Sci. Data 8 (2021) 217; Evans et al., Digit. Discov. 3 (2024) 1509.
    """
    from hyperspy_twin.crystals import query_structures

    answer = query_structures(
        wanted, provider=provider, limit=limit, refresh=refresh, timeout=timeout
    )
    if answer.left_out:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in answer.left_out[:5])
        _logger.warning("%d structures are left out (%s)", len(answer.left_out), reasons)
    return PhaseList(answer.crystals)


def _crystals(structures: Any) -> Iterable[Crystal]:
    if are_several(structures):
        for structure in structures:
            yield from _crystals(structure)
    elif isinstance(structures, (str, PathLike)) and Path(structures).is_dir():
        files = (path for path in Path(structures).iterdir() if path.suffix.lower() == ".cif")
        for path in sorted(files):
            yield from as_candidates(path, ())
    else:
        yield from as_candidates(structures, ())


def _described(phase: Crystal) -> str:
    parts = (
        phase.name,
        *catalogue.aliases(phase.name),
        phase.formula,
        space_group_name(phase),
        phase.source,
    )
    return "\n".join(parts).lower()


def _symbols(elements: Iterable[str] | str) -> set[str]:
    from ase.data import atomic_numbers

    symbols = {elements} if isinstance(elements, str) else set(elements)
    unknown = sorted(str(symbol) for symbol in symbols - set(atomic_numbers))
    if unknown or "X" in symbols:
        raise ValueError(f"'{unknown[0] if unknown else 'X'}' names no chemical element")
    return symbols
