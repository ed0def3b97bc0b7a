"""Reading of CIF by gemmi, and checks that nothing was lost or misread."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hyperspy_twin.core import LARGEST_EXCESS, Crystal, chemical_symbol
from hyperspy_twin.crystals.structures.cif_items import is_unknown, stated_text
from hyperspy_twin.crystals.structures.physical_check import check_physical
from hyperspy_twin.crystals.structures.space_group import (
    Symmetry,
    possible_symmetries,
    preserves_cell,
)

# Relative difference between the sites and the stated formula: what rounding of occupancies leaves.
FORMULA_TOLERANCE = 0.03
# Å; images of a site that are closer are one atom on a special position whose coordinates were
# rounded: 0.33 for 1/3 in a cell of 10 Å is off by 0.03 Å.
ROUNDING = 0.06
# Å; images closer than this exclude each other: no two atoms of any solid are so close.
CLOSEST = 0.4
_COORDINATES = tuple(f"_atom_site_fract_{axis}" for axis in "xyz")
_SITE_ITEMS = (
    *("fract_x", "fract_y", "fract_z"),
    *("?label", "?type_symbol", "?occupancy", "?calc_flag"),
)
_CELL = (
    *(f"_cell_length_{axis}" for axis in "abc"),
    *(f"_cell_angle_{angle}" for angle in ("alpha", "beta", "gamma")),
)
_AMOUNT = re.compile(r"([A-Z][a-z]?)(\d+(?:\.\d*)?|\.\d+)?")
_UPPER_CASE = re.compile(r"([A-Z]{2})(?=[\d.]|$)")
# Labels of water and hydroxyl groups in mineralogy, which stand for their oxygen.
_WATER = re.compile(r"(WAT|OW|OH|H2O)", re.IGNORECASE)


def read_cif(path: Path) -> Crystal:
    """Structure of a CIF with one structure, expanded to the whole cell.

    Symmetry operations that are listed win over a Hall symbol, that over the Hermann-Mauguin
    symbol with its setting and origin, and that over the number of the space group.

    Parameters
    ----------
    path
        Path of the file.

    Returns
    -------
    Crystal
        Structure named after the file.

    Raises
    ------
    ValueError
        If the file cannot be parsed, holds several structures, leaves the symmetry or the origin
        open, or the sites are unknown, not physical or do not add up to the formula that the
        file states; the message names the path and the reason.

    References
    ----------
    Hall, Allen & Brown, Acta Cryst. A47 (1991) 655 (CIF); Wojdyr, J. Open Source Softw. 7 (2022)
    4200 (gemmi).
    """
    return only_structure(read_cifs(path), path)


def only_structure(crystals: list[Crystal], path: Path) -> Crystal:
    """Give the one structure of a file; a ValueError names them where there are several."""
    if len(crystals) > 1:
        names = ", ".join(crystal.name for crystal in crystals)
        raise ValueError(
            f"the CIF '{path}' holds {len(crystals)} structures ({names}): write the right "
            "one into a file of its own; index_phases takes all of them as candidates"
        )
    return crystals[0]


def read_cifs(path: Path) -> list[Crystal]:
    """Structures of all data blocks of a CIF, each expanded to the whole cell.

    They are named after the file, and after the block too where there are several. For what is
    refused see :func:`read_cif`.
    """
    from gemmi import cif

    try:
        # utf-8-sig: files written on Windows may begin with a byte-order mark.
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        blocks = [block for block in cif.read_string(text) if _has_sites(block)]
        if not blocks:
            raise ValueError("it holds no atom sites")
    except Exception as error:
        raise _unreadable(path, error) from error
    crystals = []
    for block in blocks:
        name = path.stem if len(blocks) == 1 else f"{path.stem} {block.name}"
        try:
            crystals.append(_read_block(block, name, f"CIF {path.name}"))
        except Exception as error:
            where = "" if len(blocks) == 1 else f"data block '{block.name}': "
            raise _unreadable(path, error, where) from error
    return crystals


def _unreadable(path: Path, error: Exception, where: str = "") -> ValueError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ValueError(f"cannot read the CIF '{path}': {where}{reason}")


def _has_sites(block: Any) -> bool:
    return any(
        block.find_values(key)
        for key in ("_atom_site_label", "_atom_site_type_symbol", *_COORDINATES)
    )


def _read_block(block: Any, name: str, source: str) -> Crystal:
    if (_number(stated_text(block, "_cell_modulation_dimension") or "0", "dimension") or 0) > 0:
        raise ValueError("it is a modulated structure, of which the sites are an average only")
    lattice = _lattice(block)
    stated = stated_text(block, "_chemical_formula_sum")
    formula = _formula(stated)
    symbols, coordinates, occupancies = _sites(block, set(formula))

    failures: list[str] = []
    found: list[tuple[Symmetry, Crystal]] = []
    for symmetry in possible_symmetries(block, lattice):
        try:
            if not preserves_cell(symmetry.operations, lattice):
                raise ValueError(
                    f"the symmetry operations of {symmetry.origin} do not fit a cell of "
                    f"{', '.join(f'{value:g}' for value in lattice)}"
                )
            sites = _expand(symmetry.operations, lattice, symbols, coordinates, occupancies)
            crystal = Crystal(
                name, lattice, sites[0], sites[1], sites[2], symmetry.symbol, source=source
            )
            check_physical(crystal)
            _check_formula(crystal, formula, stated)
            found.append((symmetry, crystal))
        except ValueError as error:
            failures.append(str(error))
    if not found:
        raise ValueError(failures[0])
    found = _with_stated_count(found, block, formula) or found
    first = _nearest_distances(found[0][1]) if len(found) > 1 else None
    if first is not None and _nearest_distances(found[1][1]) != first:
        choices = " and ".join(symmetry.origin for symmetry, _ in found)
        raise ValueError(
            f"its space group does not tell the origin, and {choices} give different crystals: "
            "write the symmetry operations into the file, or the origin as ':1' or ':2'"
        )
    return found[0][1]


def _with_stated_count(
    found: list[tuple[Symmetry, Crystal]], block: Any, formula: dict[str, tuple[float, float]]
) -> list[tuple[Symmetry, Crystal]]:
    """Choose the crystals with as many atoms as formula and number of formula units say."""
    units = stated_text(block, "_cell_formula_units_Z")
    amounts = [amount for amount, _ in formula.values()]
    expected = _number(units, "_cell_formula_units_Z") * sum(amounts) if units else 0.0
    tolerance = FORMULA_TOLERANCE * expected
    return [pair for pair in found if abs(sum(pair[1].occupancy) - expected) <= tolerance]


def _nearest_distances(crystal: Crystal) -> list[tuple[str, float]]:
    """Sorted distances of the sites to their nearest neighbours in 0.01 Å, by element."""
    from ase import Atoms

    atoms = Atoms(crystal.symbols, scaled_positions=crystal.fractional, cell=crystal.base, pbc=True)
    distance = atoms.get_all_distances(mic=True)
    np.fill_diagonal(distance, min(crystal.lattice[:3]))
    return sorted(zip(crystal.symbols, distance.min(axis=1).round(2).tolist(), strict=True))


def _lattice(block: Any) -> tuple[float, float, float, float, float, float]:
    lattice = []
    for key in _CELL:
        text = stated_text(block, key)
        if not text and "angle" in key:
            text = "90"  # the default of the dictionary
        if not text:
            raise ValueError(f"it states no unit cell ({key})")
        value = _number(text, key)
        if not value > 0:
            raise ValueError(f"its unit cell is none: {key} is {text}")
        lattice.append(value)
    a, b, c, alpha, beta, gamma = lattice
    return a, b, c, alpha, beta, gamma


def _sites(block: Any, expected: set[str]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Symbol, fractional coordinates and occupancy of each site of the asymmetric unit."""
    for key in _COORDINATES:
        if not block.find_values(key):
            raise ValueError(f"it states no fractional coordinates ({key})")
    table = block.find("_atom_site_", list(_SITE_ITEMS))
    symbols, coordinates, occupancies = [], [], []
    for row in table:
        texts = [row.str(k) if row.has(k) else "" for k in range(len(_SITE_ITEMS))]
        xyz, (label, kind, occupancy, flag) = texts[:3], texts[3:]
        if flag == "dum":
            continue
        if any(map(is_unknown, xyz)):
            raise ValueError(f"atom site {label or kind} has an unknown coordinate")
        share = 1.0 if is_unknown(occupancy) else _number(occupancy, "occupancy")
        if share == 0:
            continue
        if not 0 < share <= 1 + LARGEST_EXCESS:
            raise ValueError(f"the occupancy of atom site {label or kind} is {share:g}")
        symbols.append(_element(label if is_unknown(kind) else kind, expected))
        coordinates.append([_number(text, f"coordinate of {label or kind}") for text in xyz])
        occupancies.append(min(share, 1.0))
    if not symbols:
        raise ValueError("it holds no atom sites")
    return symbols, np.array(coordinates), np.array(occupancies)


def _expand(
    operations: Sequence[Any],
    lattice: tuple[float, ...],
    symbols: list[str],
    coordinates: np.ndarray,
    occupancies: np.ndarray,
) -> tuple[tuple[str, ...], tuple[tuple[float, float, float], ...], tuple[float, ...]]:
    """Sites of the whole cell: each image of a site once, on its special position."""
    from diffpy.structure import Lattice

    base = Lattice(*lattice).base
    rotations = np.array([operation.rot for operation in operations]) / operations[0].DEN
    shifts = np.array([operation.tran for operation in operations]) / operations[0].DEN
    expanded = []
    for symbol, xyz, occupancy in zip(symbols, coordinates, occupancies, strict=True):
        images = rotations @ xyz + shifts
        difference = images[:, None] - images
        distance = np.linalg.norm((difference - np.round(difference)) @ base, axis=2)
        # Images of a full site that exclude each other are one atom, however far a coordinate
        # was rounded; those of a partly occupied one may be a split site.
        near = distance < ROUNDING
        crowded = (distance < CLOSEST).sum(axis=1) / near.sum(
            axis=1
        ) * occupancy > 1 + LARGEST_EXCESS
        near[crowded] |= distance[crowded] < CLOSEST
        for k in np.flatnonzero(np.argmax(near, axis=1) == np.arange(len(images))):
            members = images[near[k]]
            offsets = members - images[k]
            mean = images[k] + (offsets - np.round(offsets)).mean(axis=0)
            expanded.append((symbol, tuple(mean), occupancy))
    names, places, shares = zip(*expanded, strict=True)
    return names, places, shares


def _number(text: str, name: str) -> float:
    from gemmi import cif

    value = cif.as_number(text)
    if not np.isfinite(value):
        raise ValueError(f"{name}: '{text}' is no number of a CIF")
    return value


def _element(label: str, expected: set[str]) -> str:
    """Element of a type symbol or, where a file has none, of a label such as ``CaM2``.

    Among the readings of the letters the one is taken that the formula holds.
    """
    letters = re.match(r"[A-Za-z]*", label).group()  # type: ignore[union-attr]
    pair, single = letters[:2].capitalize(), letters[:1].upper()
    water = _WATER.match(label)
    if water and (len(letters) > 2 or "O" in expected) and "W" not in expected:
        return "O"
    readings = []
    for reading in (pair, single):
        try:
            if reading and chemical_symbol(reading) not in readings:
                readings.append(chemical_symbol(reading))
        except ValueError:
            continue
    if len(letters) > 1 and not letters[1].islower():
        readings.sort(key=len)  # "CA" alone is carbon A; the formula may tell otherwise
    named = [reading for reading in readings if reading in expected]
    if not readings:
        raise ValueError(f"'{label}' names no chemical element")
    return (named or readings)[0]


def _formula(text: str) -> dict[str, tuple[float, float]]:
    """Amount of each element of a stated formula and what its rounding leaves open.

    Empty where the text is no plain sum formula. Upper-case symbols, as old programs wrote them,
    need blanks between the elements.
    """
    found: Counter[str] = Counter()
    rounding: Counter[str] = Counter()
    tokens = text.split()
    if len(tokens) > 1 and text == text.upper():
        tokens = [_UPPER_CASE.sub(lambda found: found[1].capitalize(), token) for token in tokens]
    for token in tokens:
        parts = _AMOUNT.findall(token)
        if "".join(symbol + amount for symbol, amount in parts) != token:
            return {}
        for letters, amount in parts:
            try:
                symbol = chemical_symbol(letters)
            except ValueError:
                return {}
            decimals = len(amount.partition(".")[2])
            found[symbol] += float(amount or 1)  # type: ignore[assignment]
            rounding[symbol] += 0.5 * 10.0**-decimals if decimals else 0.0  # type: ignore[assignment]
    return {symbol: (found[symbol], float(rounding[symbol])) for symbol in found}


def _check_formula(crystal: Crystal, formula: dict[str, tuple[float, float]], stated: str) -> None:
    """Compare sites and stated formula; hydrogen, often left out, is not compared."""
    expected = {symbol: amount for symbol, amount in formula.items() if symbol != "H"}
    if not expected:
        return
    found: Counter[str] = Counter()
    for symbol, occupancy in zip(crystal.symbols, crystal.occupancy, strict=True):
        found[symbol] += occupancy  # type: ignore[assignment]
    found.pop("H", None)
    ratio = sum(found.values()) / sum(amount for amount, _ in expected.values())
    for symbol in set(found) | set(expected):
        amount, rounding = expected.get(symbol, (0.0, 0.0))
        if abs(found[symbol] - ratio * amount) > ratio * (FORMULA_TOLERANCE * amount + rounding):
            raise ValueError(
                f"its atom sites add up to {crystal.formula}, but it states '{stated}': "
                "the list of sites is not whole, or a site is misnamed"
            )
