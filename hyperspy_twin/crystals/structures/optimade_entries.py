"""From an entry of an OPTIMADE database to a crystal, or the reason why not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hyperspy_twin.core import Crystal, chemical_symbol
from hyperspy_twin.crystals.structures.physical_check import check_physical
from hyperspy_twin.crystals.structures.symmetry import find_conventional_cell

FIELDS = (
    "dimension_types",
    "lattice_vectors",
    "cartesian_site_positions",
    "species",
    "species_at_sites",
    "structure_features",
)
MOST_SITES = 1000  # what comes from a server is bounded
LONGEST = 1000.0  # Å, of a cell vector, as above
# What makes the sites alone an incomplete account of the structure.
_INCOMPLETE = ("assemblies", "implicit_atoms", "site_attachments", "unknown_positions")
_HUGE = 1e6  # Å, of a coordinate: keeps what is computed of it finite

Mixture = tuple[tuple[str, float], ...]


def entry_id(entry: Any) -> str:
    """Give the identifier of an entry; a ValueError tells if it has none that can be shown."""
    name = entry.get("id") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= 200 or not name.isprintable():
        raise ValueError("an entry has no identifier: the server does not follow OPTIMADE")
    return name


def to_crystal(entry: dict[str, Any], source: str) -> Crystal:
    """Crystal of one entry of the endpoint ``structures``, with the attributes :data:`FIELDS`.

    In its conventional cell, or in that of the database where no symmetry is found. Partly and
    mixed occupied sites are kept with their occupancies. A ValueError tells if the entry is not
    three-dimensionally periodic, is incomplete or not physical.

    References
    ----------
    OPTIMADE specification, version 1.2, section "Structures Entries".
    """
    attributes = entry.get("attributes")
    if not isinstance(attributes, dict):
        raise ValueError("it has no attributes")
    features = attributes.get("structure_features") or []
    if not isinstance(features, list):
        raise ValueError("structure_features is not a list")
    lacking = [feature for feature in _INCOMPLETE if feature in features]
    if lacking:
        raise ValueError(f"its sites are not the whole structure ({', '.join(lacking)})")
    if (attributes.get("dimension_types") or [1, 1, 1]) != [1, 1, 1]:
        raise ValueError("it is not periodic in three dimensions")
    lattice, fractional = _geometry(attributes)
    mixtures = _mixtures(attributes, len(fractional))
    known = list(dict.fromkeys(mixtures))
    kinds = np.array([known.index(mixture) for mixture in mixtures])
    lattice, fractional, kinds, space_group = find_conventional_cell(lattice, fractional, kinds)
    atoms = [
        (symbol, tuple(position), occupancy)
        for position, kind in zip(fractional.tolist(), kinds, strict=True)
        for symbol, occupancy in known[kind]
    ]
    if not atoms:
        raise ValueError("it holds no atoms")
    symbols, positions, occupancies = zip(*atoms, strict=True)
    crystal = check_physical(
        Crystal("entry", _parameters(lattice), symbols, positions, occupancies)
    )
    name = f"{crystal.formula} ({entry_id(entry)})"
    return replace(crystal, name=name, space_group=space_group, source=source)


def _geometry(attributes: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Right-handed lattice, shape (3, 3), and fractional coordinates, shape (n, 3)."""
    lattice = _numbers(attributes.get("lattice_vectors"), "lattice_vectors")
    cartesian = _numbers(attributes.get("cartesian_site_positions"), "cartesian_site_positions")
    if lattice.shape != (3, 3):
        raise ValueError("lattice_vectors are not three vectors")
    lengths = np.linalg.norm(lattice, axis=1)
    if not 0 < lengths.min() <= lengths.max() <= LONGEST:
        raise ValueError(f"a cell vector is zero or longer than {LONGEST:g} Å")
    if abs(np.linalg.det(lattice / lengths[:, None])) < 1e-4:
        raise ValueError("its cell is flat")
    if np.linalg.det(lattice) < 0:
        lattice = lattice[[1, 0, 2]]  # the same crystal with a and b renamed
    fractional = cartesian @ np.linalg.inv(lattice)
    return lattice, fractional


def _numbers(value: Any, name: str) -> np.ndarray:
    if not isinstance(value, list) or not value:
        raise ValueError(f"{name} is missing")
    if len(value) > MOST_SITES:
        raise ValueError(f"it has {len(value)} sites, more than {MOST_SITES}")
    if not all(isinstance(row, list) and len(row) == 3 for row in value):
        raise ValueError(f"{name} does not hold triples")
    if not all(type(number) in (int, float) for row in value for number in row):
        raise ValueError(f"{name} holds something that is not a number")
    if not all(abs(number) < _HUGE for row in value for number in row):
        raise ValueError(f"{name} holds a number that is not finite")
    return np.array(value, float)


def _mixtures(attributes: dict[str, Any], count: int) -> list[Mixture]:
    """Elements and their occupancies on each site."""
    species = attributes.get("species")
    at_sites = attributes.get("species_at_sites")
    if not isinstance(species, list) or not isinstance(at_sites, list) or len(at_sites) != count:
        raise ValueError("species do not match the sites")
    known = {item["name"]: _mixture(item) for item in species if _is_named(item)}
    missing = [name for name in at_sites if not isinstance(name, str) or name not in known]
    if missing:
        raise ValueError(f"its species '{str(missing[0])[:40]}' is not described")
    return [known[name] for name in at_sites]


def _is_named(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("name"), str)


def _mixture(item: dict[str, Any]) -> Mixture:
    symbols, fractions = item.get("chemical_symbols"), item.get("concentration")
    if (
        not isinstance(symbols, list)
        or not isinstance(fractions, list)
        or len(symbols) != len(fractions)
    ):
        raise ValueError("a species has no elements with concentrations")
    if item.get("attached"):
        raise ValueError("a species has atoms attached that have no positions")
    parts = []
    for symbol, fraction in zip(symbols, fractions, strict=True):
        if type(fraction) not in (int, float) or not 0 <= fraction <= 1 + 1e-6:
            raise ValueError("a concentration is not between 0 and 1")
        if symbol != "vacancy" and fraction > 0:
            if not isinstance(symbol, str) or symbol == "X" or chemical_symbol(symbol) != symbol:
                raise ValueError(f"'{str(symbol)[:40]}' names no chemical element")
            parts.append((symbol, min(float(fraction), 1.0)))
    if sum(fraction for _, fraction in parts) > 1 + 1e-3:
        raise ValueError("a site is occupied by more than one atom")
    return tuple(parts)


def _parameters(lattice: np.ndarray) -> tuple[float, float, float, float, float, float]:
    a, b, c = lengths = np.linalg.norm(lattice, axis=1)
    unit = lattice / lengths[:, None]
    pairs = ((1, 2), (0, 2), (0, 1))
    alpha, beta, gamma = (
        float(np.degrees(np.arccos(np.clip(unit[i] @ unit[j], -1, 1)))) for i, j in pairs
    )
    return float(a), float(b), float(c), alpha, beta, gamma
