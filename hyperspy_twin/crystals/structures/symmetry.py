"""Symmetry of structures, by spglib: the Laue group, and the conventional cell."""

from __future__ import annotations

import logging
import warnings
from functools import lru_cache
from typing import Any

import numpy as np

from hyperspy_twin.core import Crystal, merge_sites

_logger = logging.getLogger(__name__)
# Å; wider than the rounding of databases, narrower than any distortion that matters.
TOLERANCE = 0.01


@lru_cache(maxsize=256)
def laue_rotations(crystal: Crystal) -> np.ndarray:
    """Proper rotations of the Laue group.

    Parameters
    ----------
    crystal
        The unit cell.

    Returns
    -------
    numpy.ndarray
        Integer matrices acting on lattice directions [uvw] as columns, shape (n, 3, 3), in order
        of their elements; only the identity where no symmetry is found.
    """
    sites = merge_sites(crystal.numbers, np.array(crystal.fractional), np.array(crystal.occupancy))
    occupied = np.hstack([sites.numbers, sites.probability.round(3)])
    kinds = np.unique(occupied, axis=0, return_inverse=True)[1].ravel()
    found = _symmetry_dataset(crystal.base, sites.fractional, kinds)
    if found is None:
        return np.eye(3, dtype=int)[None]
    # Diffraction adds the inversion to every point group, so that W and -W are both in the group.
    proper = found.rotations * np.rint(np.linalg.det(found.rotations)).astype(int)[:, None, None]
    return np.unique(proper.reshape(-1, 9), axis=0).reshape(-1, 3, 3).astype(int)


def find_conventional_cell(
    lattice: np.ndarray, fractional: np.ndarray, kinds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, str | None]:
    """Conventional cell of a structure, and its short Hermann-Mauguin symbol.

    Databases often give the primitive cell, in which Miller indices and zone axes have unusual
    names. A cell is three right-handed rows in Å, fractional coordinates, shape (n, 3), and an
    integer for each site that tells apart what occupies it. Without symmetry it stays, and the
    symbol is None.

    References
    ----------
    Togo, Shinohara & Tanaka, Sci. Technol. Adv. Mater. Meth. 4 (2024) 2384822.
    """
    from diffpy.structure.spacegroups import GetSpaceGroup

    found = _symmetry_dataset(lattice, fractional, kinds)
    if found is None:
        return lattice, fractional, kinds, None
    symbol = GetSpaceGroup(int(found.number)).short_name
    return found.std_lattice, found.std_positions, found.std_types, symbol


def _symmetry_dataset(lattice: np.ndarray, fractional: np.ndarray, kinds: np.ndarray) -> Any:
    """Give what spglib finds; None where it finds no symmetry."""
    import spglib

    with warnings.catch_warnings():  # how it fails is changing: None so far, an error to come
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            cell = (lattice.tolist(), fractional.tolist(), kinds.tolist())
            return spglib.get_symmetry_dataset(cell, symprec=TOLERANCE)
        except Exception as error:
            _logger.info("spglib finds no symmetry: %s", error)
            return None
