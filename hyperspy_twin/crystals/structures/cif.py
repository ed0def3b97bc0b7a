"""Reading of CIF: the parser of diffpy.structure, and a check that nothing was lost."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyperspy_twin.core import Crystal, chemical_symbol

if TYPE_CHECKING:
    from diffpy.structure import Structure

# Relative difference between the sites and the stated formula: what rounding of occupancies leaves.
FORMULA_TOLERANCE = 0.03
_COORDINATES = tuple(f"_atom_site_fract_{axis}" for axis in "xyz")
_OPERATIONS = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
_SPACE_GROUP_NAMES = ("_space_group_name_H-M_alt", "_symmetry_space_group_name_H-M")
_SECOND_ORIGIN = re.compile(r":\s*(2|R)|\b[ZS]$", re.IGNORECASE)
_AMOUNT = re.compile(r"([A-Z][a-z]?)(\d+(?:\.\d+)?|\.\d+)?")


def read_cif(path: Path) -> Crystal:
    """First structure of a CIF, expanded to the whole cell.

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
        If the file cannot be parsed, a coordinate is unknown, or the sites do not add up to the
        formula that the file states; the message names the path and the reason.

    References
    ----------
    Hall, Allen & Brown, Acta Cryst. A47 (1991) 655 (CIF).
    """
    from diffpy.structure.parsers import getParser

    parser = getParser("cif")
    try:
        # utf-8-sig: files written on Windows may begin with a byte-order mark.
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        # The parser prints its complaints; the exception carries them already.
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            structure = parser.parse(text)
        if structure is None or not len(structure):
            raise ValueError("it holds no atom sites")
        blocks = (parser.ciffile[name] for name in parser.ciffile.keys())
        block = next(block for block in blocks if "_atom_site_label" in block)
        _check_sites(block)
        symbol = _known_symbol(parser.spacegroup)
        crystal = from_diffpy(structure, path.stem, f"CIF {path.name}", symbol)
        _check_formula(crystal, block.get("_chemical_formula_sum"))
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"cannot read the CIF '{path}': {reason}") from error
    return crystal


def from_diffpy(
    structure: Structure, name: str, source: str, space_group: str | None = None
) -> Crystal:
    """Crystal of the lattice and the atoms of a structure of diffpy."""
    return Crystal(
        name=name,
        lattice=structure.lattice.abcABG(),
        symbols=tuple(str(atom.element) for atom in structure),
        fractional=tuple(tuple(atom.xyz) for atom in structure),
        occupancy=tuple(float(atom.occupancy) for atom in structure),
        space_group=space_group,
        source=source,
    )


def _known_symbol(space_group: Any) -> str | None:
    from diffpy.structure.spacegroups import IsSpaceGroupIdentifier

    symbol = None if space_group is None else space_group.short_name
    return symbol if symbol and symbol != "P1" and IsSpaceGroupIdentifier(symbol) else None


def _check_sites(block: Any) -> None:
    """Refuse what the parser would silently read as zero."""
    if "_cell_length_a" not in block:
        raise ValueError("it states no unit cell (_cell_length_a)")
    for key in _COORDINATES:
        if key not in block:
            raise ValueError(f"it states no fractional coordinates ({key})")
        if any(value.strip() in ("?", ".") for value in block[key]):
            raise ValueError(f"an atom site has an unknown coordinate ({key})")

    listed = any(key in block for key in _OPERATIONS)
    named = " ".join(str(block.get(key, "")) for key in _SPACE_GROUP_NAMES)
    if not listed and _SECOND_ORIGIN.search(named):
        raise ValueError(
            f"its space group '{named.strip()}' is in a second setting and the symmetry "
            "operations are not listed: write them into the file"
        )


def _check_formula(crystal: Crystal, stated: str | None) -> None:
    """Compare sites and stated formula; hydrogen, often left out, is not compared."""
    expected: defaultdict[str, float] = defaultdict(float)
    for label, amount in _AMOUNT.findall(stated or ""):
        expected[chemical_symbol(label)] += float(amount or 1)
    expected.pop("H", None)
    if not expected:
        return
    found: defaultdict[str, float] = defaultdict(float)
    for symbol, occupancy in zip(crystal.symbols, crystal.occupancy, strict=True):
        found[symbol] += occupancy
    found.pop("H", None)
    ratio = sum(found.values()) / sum(expected.values())
    elements = set(found) | set(expected)
    if any(
        abs(found[e] - ratio * expected[e]) > FORMULA_TOLERANCE * ratio * expected[e]
        for e in elements
    ):
        raise ValueError(
            f"its atom sites add up to {crystal.formula}, but it states '{stated}': "
            "the list of sites is not whole"
        )
