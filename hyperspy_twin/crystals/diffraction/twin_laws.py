"""Twins: two crystals of one structure, each the mirror image of the other in a lattice plane.

A plane that stands edge-on is a line in the pattern of the zone, and the twin shows the pattern
mirrored across it. Twins in planes that are inclined to the beam have in general no zone axis
along it; they are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from hyperspy_twin.core import ANGSTROM_PER_NM, Crystal, OrientedCrystal, integer_row_basis
from hyperspy_twin.crystals.diffraction.orientation import measure_misorientations
from hyperspy_twin.crystals.diffraction.zone_axes import (
    centring_reflections,
    coprime_indices,
    leading_index,
    usual_member,
)
from hyperspy_twin.crystals.diffraction.zone_patterns import (
    ZonePattern,
    coordinates_in,
    make_zone_patterns,
)
from hyperspy_twin.crystals.notation import four_plane_indices, has_four_indices, plane_label
from hyperspy_twin.crystals.structures import laue_rotations

LARGEST_INDEX = 2  # of twin planes: {111}, {112}, {101}, {10-12}
LARGEST_DIRECTION = 3  # index of the lattice directions that may stand on a twin plane
# Part of the lattice points that both crystals share is one over this at least: 3 for {111} of a
# cubic lattice. Higher ones are seldom growth or deformation twins.
LARGEST_TWIN_INDEX = 3
# Degrees between the normal of a twin plane and the lattice direction next to it: the empirical
# limit of Friedel, Leçons de cristallographie (1926); 5.0 for {101} of rutile.
LARGEST_OBLIQUITY = 6.0
# Of its length: reflections of both crystals that are nearer make one peak, since bending and
# scan distortion leave errors of 0.7 %.
RESOLVED = 0.02
# Radius, in units of the inverse cube root of the cell's volume, within which a twin must show
# reflections of its own: images seldom reach farther.
SHOWN = 5.0
LARGEST_ORDER = 4  # of the first reflection of a plane of a centred lattice
_WHOLE = 0.02  # largest difference from a whole number
_SAME_ROTATION = 1e-3  # largest difference of an element of two matrices of one rotation
# Degrees from the orientation of a twin, as for other relations of regions; Σ3 boundaries may be
# off by 8.7 (Brandon, Acta Metall. 14 (1966) 1479-1484), but then hold dislocations.
LARGEST_TURN = 2.0
# Relative strengths of the twin's reflections, equally likely.
AMOUNTS = (1.0, 0.3, 0.1)


@dataclass(frozen=True)
class TwinLaw:
    """Plane in which two crystals mirror each other.

    Half a turn about its normal carries one lattice to the other as well, and so the plane has the
    same indices in both.

    Attributes
    ----------
    plane
        Miller indices of the twin plane, four for a hexagonal cell.
    family
        The member that names its family, such as (1, 1, 1).
    sigma
        One over the part of the lattice points that coincide, for cubic lattices; None for others,
        where none need do so.
    """

    plane: tuple[int, ...]
    family: tuple[int, ...]
    sigma: int | None = None

    @property
    def name(self) -> str:
        """The law as microscopists write it, such as ``"Σ3 {111} twin"``."""
        family = plane_label(self.family, brackets="{}")
        return f"{family} twin" if self.sigma is None else f"Σ{self.sigma} {family} twin"

    @property
    def hkl(self) -> np.ndarray:
        """Three Miller indices of the twin plane, int, shape (3,)."""
        return np.array([*self.plane[:2], self.plane[-1]])

    def __str__(self) -> str:
        return f"{self.name}, twin plane {plane_label(self.plane)}"

    def twin_of(self, oriented: OrientedCrystal) -> OrientedCrystal:
        """Give the twin of a crystal: half a turn about the normal of the plane."""
        normal = oriented.orientation @ (self.hkl @ oriented.crystal.reciprocal_base)
        u, v, w = oriented.zone_axis
        return OrientedCrystal(
            oriented.crystal, (-u, -v, -w), _half_turn(normal) @ oriented.orientation
        )


def find_twin_planes(
    first: OrientedCrystal, second: OrientedCrystal
) -> tuple[tuple[int, int, int], tuple[int, int, int]] | None:
    """Find the plane, seen edge on, in which two crystals of one structure mirror each other.

    Its three Miller indices in both; None where they are no twins to two degrees.
    """
    laws = [law for law in find_twin_laws(first.crystal) if not law.hkl @ first.zone_axis]
    twins = [law.twin_of(first) for law in laws]
    turns, _ = measure_misorientations(twins, [second] * len(twins))
    if not (turns <= LARGEST_TURN).any():
        return None
    plane = laws[int(turns.argmin())].hkl
    vector = first.orientation @ (plane @ first.crystal.reciprocal_base)
    other = np.rint(second.crystal.base @ second.orientation.T @ vector)
    a, b = (tuple(map(int, one)) for one in (plane, other))
    return a, b  # type: ignore[return-value]


class TwinPattern(NamedTuple):
    """Pattern of the twin of a zone, in the frame of the first crystal.

    Attributes
    ----------
    law
        How the two lie to each other.
    mirrored
        The pattern of the zone with the positions of the twin; coordinates stay the same.
    common
        Whether each reflection makes one peak with one of the first crystal, bool, shape (n,).
    normal
        Direction of the normal of the twin plane, complex, of length 1.
    both
        For each of the :data:`AMOUNTS` the intensities of both crystals, those of the twin in rows
        from n on.
    """

    law: TwinLaw
    mirrored: ZonePattern
    common: np.ndarray
    normal: complex
    both: tuple[ZonePattern, ...]


@lru_cache(maxsize=512)
def make_twin_patterns(
    crystal: Crystal, zone_axis: tuple[int, int, int], g_max: float
) -> tuple[TwinPattern, ...]:
    """Patterns of the twins of a zone whose planes stand edge-on and that differ from the zone.

    Parameters
    ----------
    crystal
        The unit cell.
    zone_axis
        Lattice direction [uvw].
    g_max
        Radius in 1/nm.

    Returns
    -------
    tuple of TwinPattern
        One for each twin law that the pattern shows: of equal patterns that of the plane of the
        widest spacing.

    References
    ----------
    Hahn & Klapper, International Tables for Crystallography D (2003), chapter 3.3.
    """
    (zone,) = make_zone_patterns(crystal, 1, g_max, (zone_axis,))
    laws, normals = edge_on_twins(crystal, zone_axis, g_max)
    found: list[TwinPattern] = []
    for law, normal in zip(laws, normals.tolist(), strict=True):
        mirrored = zone._replace(
            basis=normal**2 * zone.basis.conj(), vector=normal**2 * zone.vector.conj()
        )
        common = _coincide(zone, mirrored.vector, zone.length)
        both = tuple(_join(zone, amount) for amount in AMOUNTS)
        found.append(TwinPattern(law, mirrored, common, normal, both))
    return tuple(found)


@lru_cache(maxsize=1024)
def edge_on_twins(
    crystal: Crystal, zone_axis: tuple[int, int, int], g_max: float
) -> tuple[tuple[TwinLaw, ...], np.ndarray]:
    """Twins of a zone whose planes stand edge-on and that its pattern shows.

    Of those that show the same the one of the plane of the widest spacing. With the directions of
    their normals in the frame of the pattern, complex, of length 1, shape (n,).
    """
    laws = [law for law in find_twin_laws(crystal) if not law.hkl @ zone_axis]
    if not laws:
        return (), np.zeros(0, complex)
    (zone,) = make_zone_patterns(crystal, 1, g_max, (zone_axis,))
    found: list[TwinLaw] = []
    normals: list[complex] = []
    radius = SHOWN * ANGSTROM_PER_NM / np.cbrt(np.linalg.det(crystal.base))
    shown = zone.vector[(zone.amplitude > 0) & (zone.length <= radius)]
    for law in laws:
        normal = complex(*(zone.frame[:2] @ (law.hkl @ crystal.reciprocal_base)))
        normal /= abs(normal)
        turned = [normal**2 * shown.conj(), *((normal / one) ** 2 * shown for one in normals)]
        if not any(_coincide(zone, vector, np.abs(shown)).all() for vector in turned):
            found.append(law)
            normals.append(normal)
    return tuple(found), np.array(normals, complex)


def _coincide(zone: ZonePattern, vector: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Whether points of these lengths make one peak with a reflection of a zone, shape (n,)."""
    index = np.rint(coordinates_in(zone.basis, vector)).astype(int)
    deviation = np.abs(vector - index @ zone.basis)
    reach = len(zone.number) // 2
    inside = (np.abs(index) <= reach).all(axis=1)
    row = zone.number[tuple(np.where(inside[:, None], index, 0).T + reach)]
    return inside & (row >= 0) & (zone.amplitude[row] > 0) & (deviation < RESOLVED * length)


def _join(zone: ZonePattern, amount: float) -> ZonePattern:
    """Pattern with the intensities of a zone and, below them, those of its twin."""
    return zone._replace(
        squared=np.tile(zone.squared, 2),
        log_intensity=np.hstack([zone.log_intensity, zone.log_intensity + np.log(amount)]),
        path=np.tile(zone.path, 2),
    )


@lru_cache(maxsize=256)
def find_twin_laws(crystal: Crystal) -> tuple[TwinLaw, ...]:
    """Twin laws of a lattice by planes of low indices, widest spacing first.

    Those planes to which a lattice direction is nearly perpendicular, such that both lattices share
    at least a third of their points. Planes in which the crystal mirrors itself make no twin,
    and of planes that make the same twin the one of the widest spacing counts: {111} and not {112}
    of a face-centred, {112} and not {111} of a body-centred cubic lattice.
    """
    hkl = coprime_indices(LARGEST_INDEX)
    hkl = hkl[leading_index(hkl) > 0]
    normals = hkl @ crystal.reciprocal_base
    length = np.linalg.norm(normals, axis=1)
    orders = _first_orders(crystal, hkl)
    base = crystal.base.T
    symmetry = base @ laue_rotations(crystal) @ np.linalg.inv(base)
    index = _twin_indices(crystal, hkl, orders)
    found: list[TwinLaw] = []
    turns: list[np.ndarray] = []
    for row in np.argsort((orders * length).round(6), kind="stable"):
        if index[row] > LARGEST_TWIN_INDEX:
            continue
        turn = _half_turn(normals[row])
        # Twins are the same if a rotation of the crystal comes between them.
        between = [np.eye(3), *turns] @ turn
        same = (np.abs(between[:, None] - symmetry).max(axis=(2, 3)) < _SAME_ROTATION).any(axis=1)
        if not same[0]:
            turns.append(turn)
        if not same.any():
            found.append(_name(crystal, hkl[row], int(index[row])))
    return tuple(found)


def _twin_indices(crystal: Crystal, hkl: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """One over the part of the lattice points that the twin in each plane shares, shape (n,).

    With the lattice direction next to the normal that shares most: a direction that meets a plane
    after so many layers, or half as many where that is a whole number. Without one it is
    above the largest.
    """
    uvw = coprime_indices(LARGEST_DIRECTION)
    repeats = np.gcd.reduce(uvw @ centring_reflections(crystal).T, axis=1)
    along, normal = uvw @ crystal.base, hkl @ crystal.reciprocal_base
    cosine = along @ normal.T
    cosine /= np.linalg.norm(along, axis=1)[:, None] * np.linalg.norm(normal, axis=1)
    layers = orders * (uvw @ hkl.T) // repeats[:, None]
    index = np.where(layers % 2, layers, layers // 2)
    near = cosine > np.cos(np.radians(LARGEST_OBLIQUITY))
    return np.where(near, index, LARGEST_TWIN_INDEX + 1).min(axis=0)


def _name(crystal: Crystal, plane: np.ndarray, index: int) -> TwinLaw:
    orbit = plane @ laue_rotations(crystal)
    family = usual_member(map(tuple, np.vstack([orbit, -orbit]).tolist()))
    member: tuple[int, ...] = tuple(plane.tolist())
    if has_four_indices(crystal):
        member, family = four_plane_indices(member), four_plane_indices(family)
    return TwinLaw(member, family, index if _is_cubic(crystal) else None)


def _is_cubic(crystal: Crystal) -> bool:
    """Whether a crystal has four threefold axes."""
    traces = np.trace(laue_rotations(crystal), axis1=1, axis2=2)
    return int((traces == 0).sum()) == 8


def _half_turn(axis: np.ndarray) -> np.ndarray:
    """Rotation matrix of half a turn, shape (3, 3)."""
    return 2 * np.outer(axis, axis) / (axis @ axis) - np.eye(3)


def _first_orders(crystal: Crystal, hkl: np.ndarray) -> np.ndarray:
    """Order of the first reflection of each plane that the centring allows, shape (n,)."""
    inside = hkl @ np.linalg.inv(integer_row_basis(centring_reflections(crystal)))
    orders = np.arange(1, LARGEST_ORDER + 1)
    multiple = orders[:, None, None] * inside
    return orders[(np.abs(multiple - np.rint(multiple)) < _WHOLE).all(axis=2).argmax(axis=0)]
