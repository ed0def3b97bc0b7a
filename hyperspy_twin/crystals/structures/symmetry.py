"""Conventional cell and space group of a cell that was given without them."""

from __future__ import annotations

import logging
import warnings
from importlib.util import find_spec

import numpy as np

_logger = logging.getLogger(__name__)
# Å; wider than the rounding of databases, narrower than any distortion that matters.
TOLERANCE = 0.01


def conventional(
    lattice: np.ndarray, fractional: np.ndarray, kinds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, str | None]:
    """Conventional cell of a structure, by spglib where it is installed.

    Databases often give the primitive cell, in which Miller indices and zone axes have
    unusual names.

    Parameters
    ----------
    lattice
        Right-handed cell vectors in rows, Å, shape (3, 3).
    fractional
        Fractional coordinates, shape (n, 3).
    kinds
        Integer that tells apart what occupies the sites, shape (n,).

    Returns
    -------
    tuple of numpy.ndarray and str or None
        The same three of the conventional cell, and the short Hermann-Mauguin symbol. Without
        spglib, or where it finds no symmetry, the cell as it was given and None.

    References
    ----------
    Togo, Shinohara & Tanaka, Sci. Technol. Adv. Mater. Meth. 4 (2024) 2384822.
    """
    if find_spec("spglib") is None:
        _logger.info(
            "the cell is taken as it was given, which may be primitive: with spglib "
            "(pip install hyperspy_twin[symmetry]) it is made conventional"
        )
        return lattice, fractional, kinds, None
    import spglib
    from diffpy.structure.spacegroups import GetSpaceGroup

    with warnings.catch_warnings():  # how it fails is changing: None so far, an error to come
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            cell = (lattice.tolist(), fractional.tolist(), kinds.tolist())
            found = spglib.get_symmetry_dataset(cell, symprec=TOLERANCE)
        except Exception as error:
            _logger.info("spglib finds no symmetry: %s", error)
            found = None
    if found is None:
        return lattice, fractional, kinds, None
    symbol = GetSpaceGroup(int(found.number)).short_name
    return found.std_lattice, found.std_positions, found.std_types, symbol
