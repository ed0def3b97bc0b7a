"""Orientations of indexed regions as orix objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_twin.crystals.indexing import Match
from hyperspy_twin.crystals.structures import Crystal
from hyperspy_twin.crystals.zones import laue_rotations

if TYPE_CHECKING:
    from orix.quaternion import Orientation, Symmetry


def orientation_of(match: Match) -> Orientation:
    """Orientation of a match in the convention of orix.

    Parameters
    ----------
    match
        Result of the indexing.

    Returns
    -------
    orix.quaternion.Orientation
        Rotation O from the laboratory to the crystal, ``v_crystal = O * v_laboratory``, with the
        point group of the crystal. The laboratory is the image frame: x right, y down, z into the
        screen. The crystal frame is that of orix: e1 along a, e3 along c*; it differs from the
        frame of ``Crystal.base``, so O is not simply the transpose of ``match.orientation``.

    Notes
    -----
    Without a known space group the symmetry is the proper part of the Laue group, which is all
    that a diffractogram shows.
    """
    from orix.quaternion import Orientation

    to_crystal = _frame_change(match.crystal) @ match.orientation.T
    return Orientation.from_matrix(to_crystal, symmetry=_point_group(match.crystal))


def _frame_change(crystal: Crystal) -> np.ndarray:
    """Rotation from the Cartesian frame of ``Crystal.base`` to that of orix."""
    base = crystal.base
    e1 = base[0] / np.linalg.norm(base[0])
    e3 = np.cross(base[0], base[1])
    e3 /= np.linalg.norm(e3)
    return np.array([e1, np.cross(e3, e1), e3])


def _point_group(crystal: Crystal) -> Symmetry:
    from diffpy.structure.spacegroups import GetSpaceGroup
    from orix.quaternion import Rotation, Symmetry
    from orix.quaternion.symmetry import get_point_group

    if crystal.space_group is not None:
        return get_point_group(GetSpaceGroup(crystal.space_group).number)
    to_cartesian = _frame_change(crystal) @ crystal.base.T
    matrices = to_cartesian @ laue_rotations(crystal) @ np.linalg.inv(to_cartesian)
    return Symmetry(Rotation.from_matrix(matrices).data)
