"""The bundled structures: cited lattice constants, space groups and Wyckoff sites."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from hyperspy_twin.core import Crystal


def names(*, aliases: bool = False) -> tuple[str, ...]:
    """Names of the bundled structures, with their other names if ``aliases``."""
    table = _table()
    if not aliases:
        return tuple(table)
    return (*table, *(alias for entry in table.values() for alias in entry.get("aliases", ())))


def aliases(name: str) -> tuple[str, ...]:
    """Other names of a bundled structure; none where it is not bundled."""
    return tuple(_table().get(name, {}).get("aliases", ()))


@cache
def get(name: str) -> Crystal:
    """Bundled structure of this name or alias: the expanded cell, its citation as ``source``.

    A ValueError for another name lists close matches and all names.
    """
    table = _table()
    key = next((k for k, entry in table.items() if name in (k, *entry.get("aliases", ()))), None)
    if key is None:
        raise ValueError(describe_unknown(name))
    return _expand(key, table[key])


def with_elements(elements: Iterable[str]) -> tuple[str, ...]:
    """Names of the structures made of nothing but these elements."""
    allowed = set(elements)
    return tuple(
        name for name, entry in _table().items() if {site[0] for site in entry["sites"]} <= allowed
    )


@cache
def _table() -> dict[str, dict[str, Any]]:
    text = files(__package__).joinpath("catalogue.json").read_text(encoding="utf-8")
    return json.loads(text)


def _expand(name: str, entry: dict[str, Any]) -> Crystal:
    from diffpy.structure.spacegroups import GetSpaceGroup
    from diffpy.structure.symmetryutilities import ExpandAsymmetricUnit

    positions = [site[1:4] for site in entry["sites"]]
    expanded = ExpandAsymmetricUnit(GetSpaceGroup(entry["space_group"]), positions).expandedpos
    cells = [(float(x), float(y), float(z)) for orbit in expanded for x, y, z in orbit]
    orbits = list(zip(entry["sites"], expanded, strict=True))
    symbols = [site[0] for site, orbit in orbits for _ in orbit]
    # A fifth number of a site is its occupancy, which is 1 elsewhere.
    occupancy = [site[4] if len(site) > 4 else 1.0 for site, orbit in orbits for _ in orbit]
    return Crystal(
        name=name,
        lattice=tuple(entry["lattice"]),
        symbols=tuple(symbols),
        fractional=tuple(cells),
        occupancy=tuple(occupancy),
        space_group=entry["space_group"],
        source=entry["source"],
    )


def describe_unknown(name: str, added: Iterable[str] = ()) -> str:
    """Say that no structure has this name, and which of the bundled and added ones are close."""
    added = tuple(added)
    known = (*names(aliases=True), *added)
    lower = {k.lower(): k for k in known}
    close = [lower[k] for k in get_close_matches(name.lower(), lower, n=3, cutoff=0.5)]
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    return (
        f"no bundled structure is called '{name}'.{hint} Known: {', '.join((*names(), *added))}. "
        "Or give the path of a CIF."
    )
