"""The smallest cell of a crystal whose third vector is the repeat along the beam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np
from scipy.spatial import cKDTree

from hyperspy_twin.core import (
    ANGSTROM_PER_NM,
    Crystal,
    Sites,
    complete_basis,
    integer_row_basis,
    merge_sites,
    reduce_basis,
)

# Fractional coordinates of CIF files carry four or five digits.
SAME_POSITION = 1e-3
# Translations times their number are integers; a larger deviation from one is not rounding.
LARGEST_ROUNDING = 0.1


@dataclass(frozen=True)
class RepeatCell:
    """A primitive cell with two short vectors across the beam and one exactly along it.

    Attributes
    ----------
    base
        Rows: two vectors that are shortest across the beam, and the beam vector (0, 0, length);
        Angstrom, image frame, right-handed, shape (3, 3).
    sites
        Its sites, with fractional coordinates in [0, 1).
    """

    base: np.ndarray
    sites: Sites

    @property
    def length(self) -> float:
        """Repeat along the beam in Angstrom."""
        return float(self.base[2, 2])

    @property
    def plane(self) -> np.ndarray:
        """In-plane parts of the first two vectors as rows in nm, shape (2, 2)."""
        return self.base[:2, :2] / ANGSTROM_PER_NM


def find_translations(crystal: Crystal) -> tuple[int, np.ndarray]:
    """Find the translations inside the cell that leave a crystal unchanged.

    They are ``steps / order`` of the returned order, 1 for a primitive cell, and integers of shape
    (order, 3).

    Raises
    ------
    ValueError
        If the crystal holds an atom twice, or its coordinates are too imprecise.
    """
    labelled = _labelled_points(crystal, np.asarray(crystal.fractional))
    labels = labelled[:, 3].astype(int)
    members = np.flatnonzero(labels == np.argmin(np.bincount(labels)))
    tree = cKDTree(labelled, boxsize=[1, 1, 1, 0])
    if tree.query_pairs(SAME_POSITION):
        raise ValueError("the structure holds an atom twice: remove duplicates from the cell")
    found = []
    for member in members:
        shift = labelled[member] - labelled[members[0]]
        distance, _ = tree.query(_wrap(labelled + shift), distance_upper_bound=SAME_POSITION)
        if np.all(np.isfinite(distance)):
            found.append(shift[:3])
    order = len(found)
    scaled = order * np.array(found)
    steps = np.rint(scaled).astype(np.int64)
    if np.max(np.abs(scaled - steps)) > LARGEST_ROUNDING:
        raise ValueError(
            "the structure almost repeats inside its cell: give fractional coordinates to at "
            "least four digits"
        )
    return order, steps % order


def find_beam_translation(
    crystal: Crystal, base: np.ndarray, zone_axis: Sequence[int] | np.ndarray
) -> np.ndarray:
    """Find the shortest translation of a crystal along a zone axis.

    The translations of centred cells count: along [110] of diamond it is a / sqrt(2).

    Parameters
    ----------
    crystal
        The crystal.
    base
        Its lattice vectors a, b, c as rows, Angstrom, shape (3, 3).
    zone_axis
        Lattice direction [uvw], integers, shape (3,).

    Returns
    -------
    numpy.ndarray
        The translation vector in Angstrom, in the frame of ``base``, shape (3,).

    Raises
    ------
    ValueError
        If the zone axis is not three integers, or is [000].
    """
    order, steps = find_translations(crystal)
    return _beam_steps(zone_axis, order, steps) @ np.asarray(base, float) / order


def count_repeats(length: float, thickness: float) -> int:
    """Count the repeats along the beam, at least one, that come nearest to a thickness.

    Parameters
    ----------
    length
        Repeat along the beam in Angstrom.
    thickness
        Wanted thickness in nm.

    Returns
    -------
    int
        Number of repeats.

    Raises
    ------
    ValueError
        If ``length`` or ``thickness`` is not a finite number above zero.
    """
    for name, value in (("thickness", thickness), ("repeat length", length)):
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a finite number above zero, not {value}")
    return max(1, int(np.rint(ANGSTROM_PER_NM * thickness / length)))


def find_repeat_cell(
    crystal: Crystal, base: np.ndarray, zone_axis: Sequence[int] | np.ndarray
) -> RepeatCell:
    """Find the primitive cell whose third vector is the repeat along the beam.

    Parameters
    ----------
    crystal
        The crystal.
    base
        Its lattice vectors a, b, c as rows in the image frame, Angstrom, shape (3, 3).
    zone_axis
        Lattice direction [uvw] along +z, integers, shape (3,).

    Returns
    -------
    RepeatCell
        Cell and its sites.

    Raises
    ------
    ValueError
        If the zone axis is not along +z (see ``align_to_zone_axis``), the lattice is left-handed,
        or a site is occupied more than once.
    """
    base = np.asarray(base, float)
    if not np.linalg.det(base) > 0:
        raise ValueError("the lattice vectors must be right-handed in the image frame")
    order, steps = find_translations(crystal)
    beam = _beam_steps(zone_axis, order, steps)
    vector = beam @ base / order
    if np.hypot(vector[0], vector[1]) > 1e-6 * np.linalg.norm(vector) or vector[2] <= 0:
        raise ValueError(
            f"zone axis {tuple(np.asarray(zone_axis).tolist())} does not point along the beam: "
            "align the orientation first (align_to_zone_axis)"
        )
    primitive = integer_row_basis([*steps, *(order * np.eye(3, dtype=np.int64))])
    coordinates = np.rint(beam @ np.linalg.inv(primitive)).astype(np.int64)
    oriented = complete_basis(coordinates.tolist()) @ primitive
    cell = _reduce_across_beam(oriented @ base / order)
    inside = np.asarray(crystal.fractional) @ base @ np.linalg.inv(cell)
    labelled = _labelled_points(crystal, inside)
    pairs = cKDTree(labelled, boxsize=[1, 1, 1, 0]).query_pairs(
        10 * SAME_POSITION, output_type="ndarray"
    )
    keep = np.ones(len(labelled), bool)
    keep[pairs.max(axis=1)] = False
    if order * keep.sum() != len(labelled):
        raise ValueError("the structure holds equal atoms less than 1 % of the cell apart")
    occupancy = np.asarray(crystal.occupancy)
    return RepeatCell(cell, merge_sites(crystal.numbers[keep], labelled[keep, :3], occupancy[keep]))


def _reduce_across_beam(cell: np.ndarray) -> np.ndarray:
    """Shorten the first two vectors across the beam."""
    plane, change = reduce_basis(np.ascontiguousarray(cell[:2, :2], float))
    length = np.linalg.norm(cell[2])
    height = change @ cell[:2, 2]
    height -= np.rint(height / length) * length
    return np.array([[*plane[0], height[0]], [*plane[1], height[1]], [0.0, 0.0, length]])


def _beam_steps(zone_axis: Sequence[int] | np.ndarray, order: int, steps: np.ndarray) -> np.ndarray:
    """Return the shortest translation along a direction in units of 1/order of the cell."""
    direction = np.asarray(zone_axis, float)
    if direction.shape != (3,) or not np.array_equal(direction, np.rint(direction)):
        raise ValueError(f"zone axis must be three integers [uvw], not {zone_axis}")
    whole = [int(value) for value in direction]
    divisor = gcd(*whole)
    if divisor == 0:
        raise ValueError("the zone axis [000] has no direction: give a lattice direction [uvw]")
    shortest = np.array(whole, dtype=np.int64) // divisor
    known = {tuple(step) for step in steps.tolist()}
    # The translations form a group of this order, so each one's multiple by the order is a whole
    # lattice vector: only multiples of [uvw] / order can be translations.
    multiple = next(
        m for m in range(1, order + 1) if tuple(((m * shortest) % order).tolist()) in known
    )
    return multiple * shortest


def _labelled_points(crystal: Crystal, fractional: np.ndarray) -> np.ndarray:
    """Return wrapped fractional coordinates with the kind of atom as a fourth coordinate."""
    kinds = np.column_stack([crystal.numbers, np.round(crystal.occupancy, 6)])
    _, labels = np.unique(kinds, axis=0, return_inverse=True)
    return _wrap(np.column_stack([fractional, labels.ravel()]))


def _wrap(points: np.ndarray) -> np.ndarray:
    points = points.copy()
    points[:, :3] -= np.floor(points[:, :3])
    points[:, :3][points[:, :3] >= 1 - 1e-9] = 0.0
    return points
