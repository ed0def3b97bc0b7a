"""Families of lattice planes that the symmetry of a crystal makes equal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hyperspy_twin.core import Crystal
from hyperspy_twin.crystals.diffraction import usual_member
from hyperspy_twin.crystals.notation import plane_family
from hyperspy_twin.crystals.structures import laue_rotations


def name_family(hkl: Sequence[int], crystal: Crystal) -> str:
    """Name of the family {hkl} of a reflection, such as ``{111}`` for (1 -1 1) of a cubic crystal.

    Parameters
    ----------
    hkl
        Miller indices.
    crystal
        Its Laue group tells which reflections are equivalent.
    """
    equal = np.asarray(hkl) @ laue_rotations(crystal)
    members = {(h, k, l_) for h, k, l_ in np.concatenate([equal, -equal]).tolist()}
    return plane_family(usual_member(members), crystal)
