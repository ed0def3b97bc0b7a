"""Oriented crystals: their orientation as orix has it, and where their reflections lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.core import Crystal, OrientedCrystal
from hyperspy_twin.crystals.diffraction.zone_axes import coprime_indices
from hyperspy_twin.crystals.diffraction.zone_patterns import make_zone_patterns
from hyperspy_twin.crystals.structures import laue_rotations, number_of_space_group

if TYPE_CHECKING:
    from orix.quaternion import Orientation, Symmetry

LARGEST_AXIS_INDEX = 6  # of the directions that axes of misorientation are named by
# Radians: above the rounding errors of angles near zero and half a turn, which are known to the
# square root of a 64-bit number's last digit, and below what a lattice shows.
SAME_TURN = 1e-6
AXIS_TOLERANCE = 1.0  # degrees; the simplest direction so close to an axis names it
_SPACE_GROUPS = 230
_AXIS_DIGITS = 6  # of a unit vector: more than tell equal axes apart, fewer than rounding changes
_SAME_ROTATION = 0.02  # largest difference of an element of two matrices of one rotation


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


def predict_pattern(
    oriented: OrientedCrystal,
    radius: float,
    *,
    scale: float = 1.0,
    distortion: np.ndarray | None = None,
) -> Pattern:
    """Reflections that an oriented crystal shows in the spectrum of an image.

    Parameters
    ----------
    oriented
        The crystal.
    radius
        Farthest reflection, in 1/nm of the nominal pixel size.
    scale, distortion
        Those of the image, by default none: a reflection g of the crystal lies at
        scale * distortion @ (orientation @ g)[:2].

    Returns
    -------
    Pattern
        By increasing length of g.
    """
    distortion = np.eye(2) if distortion is None else np.asarray(distortion, float)
    reach = radius / (scale * np.linalg.svd(distortion, compute_uv=False)[-1])
    (pattern,) = make_zone_patterns(oriented.crystal, 1, float(reach), (oriented.zone_axis,))
    half = pattern.coordinates @ pattern.plane
    hkl = np.stack([half, -half], axis=1).reshape(-1, 3)
    intensity = np.repeat(pattern.amplitude**2, 2)
    position = scale * oriented.reciprocal_vectors(hkl) @ distortion.T
    near = np.hypot(*position.T) <= radius
    strongest = intensity.max(initial=0.0) or 1.0
    return Pattern(hkl[near], position[near], intensity[near] / strongest)


def orix_orientation(oriented: OrientedCrystal) -> Orientation:
    """Orientation of a crystal in the convention of orix.

    Parameters
    ----------
    oriented
        The crystal.

    Returns
    -------
    orix.quaternion.Orientation
        Rotation O from the laboratory to the crystal, ``v_crystal = O * v_laboratory``, with the
        point group of the crystal. The laboratory is the image frame: x right, y down, z into the
        screen. The crystal frame is that of orix: e1 along a, e3 along c*; it differs from the
        frame of ``Crystal.base``, so O is not simply the transpose of ``oriented.orientation``.
    """
    from orix.quaternion import Orientation

    to_crystal = orix_frame(oriented.crystal) @ oriented.orientation.T
    return Orientation.from_matrix(to_crystal, symmetry=point_group(oriented.crystal))


def measure_misorientations(
    first: Sequence[OrientedCrystal], second: Sequence[OrientedCrystal]
) -> tuple[np.ndarray, np.ndarray]:
    """Smallest rotations that carry n crystals into n others.

    Their angles in degrees, shape (n,), are reduced by the Laue groups of both, and the smallest
    that the peaks allow: a pattern of peaks is the same after half a turn about the beam. Their
    axes are the nearest lattice directions [uvw] of the first crystals, int, shape (n, 3).
    """
    angle, axis = np.zeros(len(first)), np.zeros((len(first), 3), int)
    for number, (one, other) in enumerate(zip(first, second, strict=True)):
        angle[number], vector = _reduce(one, other)
        axis[number] = nearest_direction(one.crystal, vector)
    return np.degrees(angle), axis


def _reduce(first: OrientedCrystal, second: OrientedCrystal) -> tuple[float, np.ndarray]:
    """Smallest angle, in radians, that carries one crystal into another, and its axis.

    Symmetry makes several axes equal: the one of the fewest negative components, and of those the
    one of the largest first component, stands for them. That of no turn at all is z.
    """
    from scipy.spatial.transform import Rotation

    before, after = _rotations(first.crystal), _rotations(second.crystal)
    to_first, to_second = (orix_frame(one.crystal) @ one.orientation.T for one in (first, second))
    half_turns = np.stack([np.eye(3), np.diag([-1.0, -1.0, 1.0])])
    turned = (after[:, None] @ (to_second @ half_turns @ to_first.T)).reshape(-1, 3, 3)
    trace = turned.reshape(-1, 9) @ before.transpose(0, 2, 1).reshape(-1, 9).T
    angle = np.arccos(np.clip((trace - 1) / 2, -1, 1))
    smallest = float(angle.min())
    if smallest < SAME_TURN:
        return smallest, np.array([0.0, 0.0, 1.0])
    one, other = np.nonzero(angle < smallest + SAME_TURN)
    axis = Rotation.from_matrix(turned[one] @ before[other]).as_rotvec() / smallest
    if np.pi - smallest < SAME_TURN:
        axis = np.concatenate([axis, -axis])
    x, y, z = axis.round(_AXIS_DIGITS).T
    negative = (axis < -SAME_TURN).sum(axis=1)
    return smallest, axis[np.lexsort((-z, -y, -x, negative))[0]]


@lru_cache(maxsize=256)
def _rotations(crystal: Crystal) -> np.ndarray:
    """Proper rotations of the Laue group in the frame of orix, shape (n, 3, 3)."""
    to_cartesian = orix_frame(crystal) @ crystal.base.T
    return to_cartesian @ laue_rotations(crystal) @ np.linalg.inv(to_cartesian)


def nearest_direction(crystal: Crystal, vector: np.ndarray) -> tuple[int, int, int]:
    """Lattice direction of lowest indices along a vector in the frame of orix, within 1 degree.

    The nearest of indices up to 6 where there is none.
    """
    uvw, directions = _lattice_directions(crystal)
    cosine = directions @ vector / np.linalg.norm(vector)
    near = np.flatnonzero(cosine > min(np.cos(np.radians(AXIS_TOLERANCE)), cosine.max() - 1e-9))
    size = np.square(uvw[near]).sum(axis=1)
    u, v, w = uvw[near[np.lexsort((-cosine[near].round(9), size))[0]]].tolist()
    return u, v, w


@lru_cache(maxsize=256)
def _lattice_directions(crystal: Crystal) -> tuple[np.ndarray, np.ndarray]:
    """Give indices without common divisor, and unit vectors along them in the frame of orix."""
    uvw = coprime_indices(LARGEST_AXIS_INDEX)
    directions = uvw @ crystal.base @ orix_frame(crystal).T
    return uvw, directions / np.linalg.norm(directions, axis=1)[:, None]


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

    That of the space group, turned to where the cell has its axes: orix puts the twofold axis of
    every monoclinic crystal along z, most cells have it along b. Without a known space group, the
    proper part of the Laue group, which is all that a diffractogram shows.
    """
    from orix.quaternion.symmetry import get_point_group

    found = _rotations(crystal)
    if crystal.space_group is not None:
        candidates = [get_point_group(number_of_space_group(crystal.space_group))]
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
    difference = np.abs(proper[:, None] - rotations).max(axis=(2, 3))
    return bool((difference.min(axis=1) < _SAME_ROTATION).all())
