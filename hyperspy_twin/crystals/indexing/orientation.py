"""Oriented crystals: their orientation as orix has it, and where their reflections lie."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.core.crystal import Crystal
from hyperspy_twin.crystals.diffraction.reflections import ANGSTROM_PER_NM
from hyperspy_twin.crystals.diffraction.zone_axes import laue_rotations
from hyperspy_twin.crystals.diffraction.zone_patterns import zone_patterns
from hyperspy_twin.crystals.indexing.matches import Match

if TYPE_CHECKING:
    from orix.quaternion import Orientation, Symmetry

LARGEST_AXIS_INDEX = 6
_SPACE_GROUPS = 230


@dataclass(frozen=True, eq=False)
class Pattern:
    """Zeroth-order Laue zone of an oriented crystal, both members of each Friedel pair.

    Attributes
    ----------
    hkl
        Miller indices, shape (n, 3).
    position
        Where each reflection lies in the spectrum (x right, y down), shape (n, 2), in 1/nm of
        the nominal pixel size.
    intensity
        Kinematical intensity relative to the strongest, shape (n,); 0 for what only double
        diffraction reaches.
    """

    hkl: np.ndarray
    position: np.ndarray
    intensity: np.ndarray


def predicted_pattern(
    match: Match,
    radius: float,
    scale: float | None = None,
    distortion: np.ndarray | None = None,
) -> Pattern:
    """Reflections that an explanation of a spectrum predicts.

    Parameters
    ----------
    match
        The explanation.
    radius
        Farthest reflection, in 1/nm of the nominal pixel size.
    scale, distortion
        Those of the image, by default those of the match: a reflection g of the crystal lies at
        scale * distortion @ (orientation @ g)[:2].

    Returns
    -------
    Pattern
        By increasing length of g.
    """
    scale = match.scale if scale is None else scale
    distortion = match.distortion if distortion is None else np.asarray(distortion, float)
    reach = radius / (scale * np.linalg.svd(distortion, compute_uv=False)[-1])
    (pattern,) = zone_patterns(match.crystal, 1, float(reach), (match.zone_axis,))
    half = pattern.index @ pattern.plane
    hkl = np.stack([half, -half], axis=1).reshape(-1, 3)
    intensity = np.repeat(pattern.amplitude**2, 2)
    g = hkl @ np.linalg.inv(match.crystal.base).T * ANGSTROM_PER_NM
    position = scale * (g @ match.orientation.T)[:, :2] @ distortion.T
    near = np.hypot(*position.T) <= radius
    strongest = intensity.max(initial=0.0) or 1.0
    return Pattern(hkl[near], position[near], intensity[near] / strongest)


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
    """
    from orix.quaternion import Orientation

    to_crystal = orix_frame(match.crystal) @ match.orientation.T
    return Orientation.from_matrix(to_crystal, symmetry=point_group(match.crystal))


def misorientation(first: Match, second: Match) -> tuple[float, tuple[int, int, int]]:
    """Smallest rotation that carries one crystal into the other.

    Parameters
    ----------
    first, second
        The crystals.

    Returns
    -------
    angle : float
        In degrees, reduced by the symmetry of both, and the smallest that the spots allow: a
        pattern of spots is the same after half a turn about the beam.
    axis : tuple of int
        Lattice direction [uvw] of the first crystal that is nearest to the axis.
    """
    from orix.quaternion import Misorientation

    one = orientation_of(first)
    half_turn = np.diag([-1.0, -1.0, 1.0])
    best = None
    for turn in (np.eye(3), half_turn):
        other = orientation_of(replace(second, orientation=turn @ second.orientation))
        groups = one.symmetry.proper_subgroup, other.symmetry.proper_subgroup
        reduced = Misorientation((other * ~one).data, symmetry=groups).reduce()
        if best is None or reduced.angle[0] < best.angle[0] - 1e-6:
            best = reduced
    assert best is not None
    return float(np.degrees(best.angle[0])), nearest_direction(first.crystal, best.axis.data[0])


def nearest_direction(crystal: Crystal, vector: np.ndarray) -> tuple[int, int, int]:
    """Lattice direction of lowest indices along a vector of the frame of orix, within 1 degree.

    The nearest of indices up to 6 where there is none.
    """
    grid = np.arange(-LARGEST_AXIS_INDEX, LARGEST_AXIS_INDEX + 1)
    uvw = np.stack(np.meshgrid(grid, grid, grid, indexing="ij"), -1).reshape(-1, 3)
    uvw = uvw[np.gcd.reduce(uvw, axis=1) == 1]
    directions = uvw @ crystal.base @ orix_frame(crystal).T
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    cosine = directions @ vector / np.linalg.norm(vector)
    near = np.flatnonzero(cosine > min(np.cos(np.radians(1.0)), cosine.max() - 1e-9))
    size = np.square(uvw[near]).sum(axis=1)
    u, v, w = uvw[near[np.lexsort((-cosine[near], size))[0]]].tolist()
    return u, v, w


def orix_frame(crystal: Crystal) -> np.ndarray:
    """Rotation from the Cartesian frame of ``Crystal.base`` to that of orix, shape (3, 3)."""
    base = crystal.base
    e1 = base[0] / np.linalg.norm(base[0])
    e3 = np.cross(base[0], base[1])
    e3 /= np.linalg.norm(e3)
    return np.array([e1, np.cross(e3, e1), e3])


@lru_cache(maxsize=256)
def point_group(crystal: Crystal) -> Symmetry:
    """Point group of a crystal in the frame of orix.

    Parameters
    ----------
    crystal
        The unit cell.

    Returns
    -------
    orix.quaternion.Symmetry
        That of the space group, turned to where the cell has its axes: orix puts the twofold
        axis of every monoclinic crystal along z, most cells have it along b. Without a known
        space group, the proper part of the Laue group, which is all that a diffractogram shows.
    """
    from diffpy.structure.spacegroups import GetSpaceGroup
    from orix.quaternion.symmetry import get_point_group

    to_cartesian = orix_frame(crystal) @ crystal.base.T
    found = to_cartesian @ laue_rotations(crystal) @ np.linalg.inv(to_cartesian)
    if crystal.space_group is not None:
        candidates = [get_point_group(GetSpaceGroup(crystal.space_group).number)]
    else:
        proper = (get_point_group(number, proper=True) for number in range(1, _SPACE_GROUPS + 1))
        named = {group.name: group for group in proper if group.size == len(found)}
        candidates = list(named.values())
    settings = (group for candidate in candidates for group in _settings(candidate))
    return next((group for group in settings if _within(group, found)), _symmetry(found))


def _settings(group: Symmetry) -> list[Symmetry]:
    """Give a point group with its axes where orix has them, and as other cells have them."""
    root = np.sqrt(0.5)
    turns = (
        np.eye(3),
        np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]),  # unique axis b
        np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]]),  # unique axis a
        np.array([[np.sqrt(0.75), -0.5, 0], [0.5, np.sqrt(0.75), 0], [0, 0, 1]]),  # -31m
        np.array([[root, -root, 0], [root, root, 0], [0, 0, 1]]),  # -4m2
    )
    settings = [group]
    for turn in turns[1:]:
        turned = _symmetry(turn @ group.to_matrix() @ turn.T)
        turned.improper = group.improper
        turned.name = group.name
        settings.append(turned)
    return settings


def _symmetry(matrices: np.ndarray) -> Symmetry:
    from orix.quaternion import Rotation, Symmetry

    return Symmetry(Rotation.from_matrix(matrices).data)


def _within(group: Any, rotations: np.ndarray) -> bool:
    """Whether the proper rotations of the Laue class of a group are all among given ones."""
    proper = group.to_matrix()
    away = np.abs(proper[:, None] - rotations).max(axis=(2, 3))
    return bool((away.min(axis=1) < 0.02).all())
