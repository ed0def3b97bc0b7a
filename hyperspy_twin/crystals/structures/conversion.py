"""Crystals from whatever a user holds: names, files, structures of other packages."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.core import Crystal
from hyperspy_twin.crystals.structures import alloys, catalogue, user_phases
from hyperspy_twin.crystals.structures.cif import only_structure, read_cifs
from hyperspy_twin.crystals.structures.physical_check import check_physical

if TYPE_CHECKING:
    import ase
    from diffpy.structure import Structure


def as_crystal(candidate: Crystal | str | PathLike[str] | Any) -> Crystal:
    """Crystal from whatever a user holds.

    Parameters
    ----------
    candidate
        Name of a bundled or added structure or of an alloy, of open composition
        (``"Si1-xGex"``) or a stated one (``"Si0.3Ge0.7"``), path of a CIF,
        ``diffpy.structure.Structure``, three-dimensionally periodic ``ase.Atoms`` or
        :class:`~hyperspy_twin.core.Crystal`.

    Returns
    -------
    Crystal
        The expanded cell. Only cell lengths and angles are taken over, so that the Cartesian
        frame is always that of :attr:`hyperspy_twin.core.Crystal.base`.

    Raises
    ------
    ValueError
        If the name is not known, the file is not a whole CIF, or the structure is not physical.
    FileNotFoundError
        If the path does not exist.
    TypeError
        If the candidate is none of the above.
    """
    if isinstance(candidate, Crystal):
        return check_physical(candidate)
    if isinstance(candidate, (str, PathLike)):
        return only_structure(_from_text(candidate), Path(candidate))
    module = type(candidate).__module__.split(".")[0]
    if module == "diffpy":
        return check_physical(_from_diffpy(candidate))
    if module == "ase" or hasattr(candidate, "get_scaled_positions"):
        return check_physical(_from_ase(candidate))
    raise TypeError(
        f"cannot read a crystal structure from {type(candidate).__name__}: give the name of a "
        "bundled structure, the path of a CIF, a diffpy Structure or ase.Atoms"
    )


def are_several(candidates: Any) -> bool:
    """Tell a list of candidates from one; a diffpy Structure is a list of its atoms."""
    return isinstance(candidates, (list, tuple)) and not hasattr(candidates, "lattice")


def as_candidates(candidates: Any, elements: Sequence[str]) -> list[Crystal]:
    """Crystals of what a user names, or of the elements of the sample.

    Parameters
    ----------
    candidates
        One candidate or a sequence of them, each as :func:`as_crystal` takes it; None for the
        bundled and added structures, and the alloys, that consist of ``elements`` only.
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
        candidates = [
            *catalogue.with_elements(elements),
            *alloys.with_elements(elements),
            *user_phases.with_elements(elements),
        ]
        if not candidates:
            raise ValueError(
                f"no bundled or added structure consists of {', '.join(elements)} only: "
                "give names, CIF files or structures"
            )
    elif not are_several(candidates):
        candidates = [candidates]
    if not len(candidates):
        raise ValueError("no candidate phases: the list is empty")
    return [crystal for candidate in candidates for crystal in _as_crystals(candidate)]


def _as_crystals(candidate: Any) -> list[Crystal]:
    """Crystals of one candidate: several for a CIF with several data blocks."""
    if isinstance(candidate, (str, PathLike)):
        return _from_text(candidate)
    return [as_crystal(candidate)]


def _from_text(candidate: str | PathLike[str]) -> list[Crystal]:
    if isinstance(candidate, str):
        if candidate in catalogue.names(aliases=True):
            return [catalogue.get(candidate)]
        added = user_phases.added()
        if candidate in added:
            return [added[candidate]]
        alloy = alloys.find(candidate)
        if alloy is not None:
            return [alloy]
    text = str(candidate)
    path = Path(candidate)
    # The fraction in "Si0.3Ge0.7" is no suffix.
    suffix = path.suffix[1:2].isalpha()
    looks_like_path = not isinstance(candidate, str) or suffix or len(path.parts) > 1
    if path.is_file():
        return read_cifs(path)
    if looks_like_path:
        raise FileNotFoundError(f"structure file '{text}' does not exist")
    raise ValueError(catalogue.describe_unknown(text, user_phases.added()))


def _from_diffpy(structure: Structure) -> Crystal:
    return Crystal(
        name=structure.title or "structure",
        lattice=structure.lattice.abcABG(),
        symbols=tuple(str(atom.element) for atom in structure),
        fractional=tuple(tuple(atom.xyz) for atom in structure),
        occupancy=tuple(float(atom.occupancy) for atom in structure),
        source="diffpy.structure.Structure",
    )


def _from_ase(atoms: ase.Atoms) -> Crystal:
    if not all(atoms.pbc):
        raise ValueError("ase.Atoms must be periodic along all three axes: set atoms.pbc = True")
    if len(atoms) and np.linalg.det(atoms.cell) <= 0:
        raise ValueError(
            "the cell of the ase.Atoms is left-handed or flat: use three right-handed cell vectors"
        )
    return Crystal(
        name=atoms.get_chemical_formula("metal", empirical=True) if len(atoms) else "atoms",
        lattice=tuple(atoms.cell.cellpar()),
        symbols=tuple(atoms.get_chemical_symbols()),
        fractional=tuple(map(tuple, atoms.get_scaled_positions())),
        occupancy=(1.0,) * len(atoms),
        source="ase.Atoms",
    )
