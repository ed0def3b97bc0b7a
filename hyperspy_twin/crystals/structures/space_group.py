"""Symmetry operations of a structure file: those listed, or those of its Hall symbol or name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hyperspy_twin.crystals.structures.cif_items import stated_text, stated_values

# Relative: cells are published with lengths and angles that fit their symmetry better than this.
CELL_TOLERANCE = 0.01
_OPERATIONS = (
    "_space_group_symop_operation_xyz",
    "_space_group_symop.operation_xyz",
    "_symmetry_equiv_pos_as_xyz",
    "_symmetry_equiv.pos_as_xyz",
)
_MAGNETIC = ("_space_group_symop_magn_operation.xyz", "_space_group_symop_magn_operation_xyz")
_HALL = ("_space_group_name_Hall", "_symmetry_space_group_name_Hall")
_NAMES = (
    "_space_group_name_H-M_alt",
    "_symmetry_space_group_name_H-M",
    "_space_group_name_H-M_full",
    "_symmetry_space_group_name_H-M_full",
    "_space_group_name_H-M_ref",
)
_NUMBERS = ("_space_group_IT_number", "_symmetry_Int_Tables_number")
_ORIGIN_CODE = "_space_group_IT_coordinate_system_code"
# Origins and axes as programs append them: Z and S of the ICSD are the second and first origin.
_ENDING = re.compile(r"\s*:?\s*\(?(O?[12]|[HRSZ])\)?$", re.IGNORECASE)
_ENDINGS = {"1": "1", "O1": "1", "S": "1", "2": "2", "O2": "2", "Z": "2", "H": "H", "R": "R"}
_FULL_PART = re.compile(r"^[2346][1-5]?/(?=[a-e]|[mn])")


@dataclass(frozen=True)
class Symmetry:
    """Symmetry operations, and where they come from.

    Attributes
    ----------
    operations
        Operations of gemmi, the identity among them, centring included.
    symbol
        Short Hermann-Mauguin symbol; None for P 1 and for groups in no setting of the tables.
    origin
        What a message calls them.
    """

    operations: tuple[Any, ...]
    symbol: str | None
    origin: str


def possible_symmetries(block: Any, lattice: Sequence[float]) -> list[Symmetry]:
    """Symmetries that a data block of a CIF leaves open: one, or one for each choice of origin.

    Parameters
    ----------
    block
        Data block of gemmi.
    lattice
        Cell lengths in Å and angles in degrees; it tells rhombohedral from hexagonal axes.

    Raises
    ------
    ValueError
        If no symmetry is stated, or what is stated is not known.
    """
    import gemmi

    listed = stated_values(block, *_OPERATIONS)
    if listed:
        return [_from_operations(listed)]
    if stated_values(block, *_MAGNETIC):
        raise ValueError(
            "it lists magnetic symmetry operations only: export the structure without magnetism"
        )
    hall = stated_text(block, *_HALL)
    if hall:
        try:
            group = gemmi.symops_from_hall(hall)
        except Exception:
            group = None  # misspelt in some files; the name beside it is read instead
        if group is not None:
            return [_symmetry(group, f"the Hall symbol '{hall}'")]
    number = _space_group_number(block)
    names = stated_values(block, *_NAMES)
    code = stated_text(block, _ORIGIN_CODE)
    for name in names:
        settings = _settings_of_name(name, code, lattice)
        if settings:
            return [_of_setting(setting) for setting in settings]
    if names and not number:
        raise ValueError(
            f"its space group '{names[0]}' is not known: write the symmetry operations into it"
        )
    if not number:
        raise ValueError(
            "it states no symmetry: write the operations, or the space group (P 1 if every atom "
            "of the cell is listed), into the file"
        )
    reference = gemmi.find_spacegroup_by_number(number)
    if names and sum(group.number == number for group in gemmi.spacegroup_table()) > 1:
        raise ValueError(
            f"its space group '{names[0]}' is not known, and number {number} has several settings: "
            "write the symmetry operations into the file"
        )
    return [_of_setting(s) for s in _settings_of_name(reference.hm, "", lattice)]


def preserves_cell(operations: Sequence[Any], lattice: Sequence[float]) -> bool:
    """Whether operations map a cell on itself, so that distances are kept."""
    from diffpy.structure import Lattice

    metric = np.array(Lattice(*lattice).metrics)
    rotations = np.array([operation.rot for operation in operations]) / operations[0].DEN
    turned = np.swapaxes(rotations, 1, 2) @ metric @ rotations
    lengths = np.sqrt(np.diag(metric))
    return bool((np.abs(turned - metric) <= 2 * CELL_TOLERANCE * np.outer(lengths, lengths)).all())


def number_of_space_group(symbol: str) -> int:
    """Give the number in the International Tables of a short symbol in any setting."""
    import gemmi

    return gemmi.SpaceGroup(symbol).number


def _from_operations(listed: list[str]) -> Symmetry:
    import gemmi

    try:
        operations = [gemmi.Op(text.strip().strip("'\"")) for text in listed]
    except Exception as error:
        raise ValueError(f"a symmetry operation cannot be read: {error}") from error
    try:
        group = gemmi.GroupOps(operations)
        group.add_missing_elements()
    except Exception as error:
        raise ValueError(f"its symmetry operations form no space group: {error}") from error
    if len(group) < len(set(operations)):
        raise ValueError("its symmetry operations form no space group")
    return _symmetry(group, "the list in the file")


def _symmetry(group: Any, origin: str) -> Symmetry:
    import gemmi

    return Symmetry(tuple(group), _symbol(gemmi.find_spacegroup_by_ops(group)), origin)


def _of_setting(setting: Any) -> Symmetry:
    return Symmetry(tuple(setting.operations()), _symbol(setting), setting.xhm())


def _symbol(setting: Any) -> str | None:
    """Short symbol that is read back as the same group."""
    import gemmi

    if setting is None or setting.number == 1:
        return None
    for symbol in (setting.short_name(), setting.xhm()):
        found = gemmi.find_spacegroup_by_name(symbol)
        if found is not None and found.number == setting.number:
            return symbol
    return None


def _settings_of_name(name: str, code: str, lattice: Sequence[float]) -> list[Any]:
    """List the settings that a Hermann-Mauguin symbol may mean; none where it is not known."""
    import gemmi

    candidates = [(name, code if code in ("1", "2") else "")]
    ending = _ENDING.search(name)
    if ending:
        candidates.append((name[: ending.start()], _ENDINGS[ending.group(1).upper()]))
    for bare, extension in candidates:
        for spelling in (bare, _short_form(bare)):
            alpha, gamma = lattice[3], lattice[5]
            if extension in ("H", "R"):
                found = gemmi.find_spacegroup_by_name(f"{spelling}:{extension}")
            else:
                found = gemmi.find_spacegroup_by_name(spelling, alpha, gamma)
            if found is None:
                continue
            if found.ext not in ("1", "2"):
                return [found]
            if extension in ("1", "2"):
                return [gemmi.find_spacegroup_by_name(f"{found.hm}:{extension}")]
            if ":" in spelling:
                return [found]
            return [gemmi.find_spacegroup_by_name(f"{found.hm}:{k}") for k in "12"]
    return []


def _short_form(name: str) -> str:
    """Short symbol of a full one: ``F 4/m -3 2/m`` is ``F m -3 m``."""
    lattice, *parts = name.replace("_", "").split() or [""]
    if not 2 <= len(parts) <= 3 or parts.count("1") > 1:
        return name
    is_cubic = len(parts) > 1 and parts[1] in ("3", "-3")
    keeps_first = not is_cubic and parts[0][:1] in "346-"
    short = [
        part if k == 0 and keeps_first else _FULL_PART.sub("", part) for k, part in enumerate(parts)
    ]
    return " ".join([lattice, *short])


def _space_group_number(block: Any) -> int:
    text = stated_text(block, *_NUMBERS)
    if text and not (text.isdigit() and 1 <= int(text) <= 230):
        raise ValueError(f"its space group has the number {text}; they run from 1 to 230")
    return int(text) if text else 0
