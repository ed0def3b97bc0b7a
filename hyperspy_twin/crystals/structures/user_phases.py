"""The phases that a user adds: for the session, or as files in a folder."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from hyperspy_twin.core import Crystal
from hyperspy_twin.crystals.structures import alloys, catalogue
from hyperspy_twin.crystals.structures.cif import read_cifs
from hyperspy_twin.crystals.structures.physical_check import check_physical

ENVIRONMENT_VARIABLE = "HYPERSPY_TWIN_PHASES"
_logger = logging.getLogger(__name__)
_session: dict[str, Crystal] = {}
# What a file held, by path and time of change: files are read once, and again when they change.
_read: dict[tuple[Path, int], list[Crystal]] = {}


def folder() -> Path:
    """Folder whose CIF and JSON files are phases in every session; it need not exist yet.

    Returns
    -------
    pathlib.Path
        That of the environment variable ``HYPERSPY_TWIN_PHASES``, or else ``phases`` in the
        user's data folder for the package.
    """
    from platformdirs import user_data_path

    chosen = os.environ.get(ENVIRONMENT_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return user_data_path("hyperspy_twin", appauthor=False) / "phases"


def added() -> dict[str, Crystal]:
    """Phases of the folder and of the session by name; the session's come last and win."""
    return {**{crystal.name: crystal for crystal in _saved()}, **_session}


def with_elements(elements: Iterable[str]) -> tuple[Crystal, ...]:
    """List the added phases that are made of nothing but these elements."""
    allowed = set(elements)
    return tuple(crystal for crystal in added().values() if set(crystal.elements) <= allowed)


def add(crystal: Crystal, *, save: bool = False) -> None:
    """Add a phase in place of one of the same name, with a file in :func:`folder` if ``save``."""
    check_name(crystal.name)
    if save:
        target = _file(crystal.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(crystal.to_json(), encoding="utf-8")
    _session[crystal.name] = crystal


def check_name(name: str) -> None:
    """Refuse the name of a bundled structure, and what cannot be the name of a file."""
    if name in (*catalogue.names(aliases=True), *alloys.names(aliases=True)):
        raise ValueError(f"'{name}' is the name of a bundled structure: choose another")
    _file(name)


def remove(name: str) -> None:
    """Remove a structure that was added, and the file that ``add(save=True)`` wrote.

    Parameters
    ----------
    name
        Its name.

    Raises
    ------
    ValueError
        If no added structure has this name, or its file was put into :func:`folder` by hand.
    """
    known = _session.pop(name, None)
    written = any(crystal.name == name for crystal in _saved((".json",)))
    if written:
        _file(name).unlink(missing_ok=True)
    left = next((crystal for crystal in _saved() if crystal.name == name), None)
    if left is not None:
        raise ValueError(f"'{name}' is a file in {folder()} ({left.source}): remove it there")
    if known is None and not written:
        raise ValueError(f"no added phase is called '{name}': {', '.join(added()) or 'none is'}")


def _file(name: str) -> Path:
    stem = re.sub(r"[^\w.,() +-]", "_", name).strip(" .")
    if not stem or len(stem) > 120:
        raise ValueError(f"'{name}' cannot be the name of a file: choose a shorter, plain name")
    return folder() / f"{stem}.json"


def _saved(suffixes: tuple[str, ...] = (".cif", ".json")) -> Iterator[Crystal]:
    if not folder().is_dir():
        return
    for path in sorted(folder().iterdir()):
        if path.suffix.lower() not in suffixes or not path.is_file():
            continue
        key = (path, path.stat().st_mtime_ns)
        if key not in _read:
            _read[key] = _parse(path)
        yield from _read[key]


def _parse(path: Path) -> list[Crystal]:
    """Phases of a file; a broken one, of which the log tells, must not hide the others."""
    try:
        if path.suffix.lower() == ".cif":
            crystals = read_cifs(path)
        else:
            crystals = [check_physical(Crystal.from_json(path.read_text(encoding="utf-8")))]
        for crystal in crystals:
            check_name(crystal.name)
    except (ValueError, TypeError, OSError) as error:
        _logger.warning("%s is left out of the phases: %s", path, error)
        return []
    return crystals
