"""The zone axes of a crystal that differ under its symmetry, and how often each is imaged."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TypeVar

import numpy as np

from hyperspy_twin.core import ANGSTROM_PER_NM, Crystal
from hyperspy_twin.crystals.diffraction.reflections import find_reflections
from hyperspy_twin.crystals.structures import laue_rotations

Indices = TypeVar("Indices", bound=tuple[int, ...])

VACUUM = 6.0  # Å; no crystal has such a gap between its layers
# Radius, in units of the inverse cube root of the cell's volume, that holds reflections enough to
# show the centring of any cell.
CENTRING_RADIUS = 5.0


def coprime_indices(largest: int) -> np.ndarray:
    """All directions or planes of indices up to the largest, int, shape (n, 3).

    Both signs of each, by rising first, second and third index, without those that have a common
    divisor.
    """
    grid = np.arange(-largest, largest + 1)
    indices = np.stack(np.meshgrid(grid, grid, grid, indexing="ij"), -1).reshape(-1, 3)
    return indices[np.gcd.reduce(indices, axis=1) == 1]


def leading_index(hkl: np.ndarray) -> np.ndarray:
    """First index that is not 0 of each plane or direction (n, 3), shape (n,)."""
    return hkl[np.arange(len(hkl)), (hkl != 0).argmax(axis=1)]


@lru_cache(maxsize=256)
def distinct_zone_axes(crystal: Crystal, max_index: int = 3) -> tuple[tuple[int, int, int], ...]:
    """Zone axes that no rotation of the Laue group carries into each other.

    Parameters
    ----------
    crystal
        The unit cell.
    max_index
        Largest absolute value of u, v, w.

    Returns
    -------
    tuple of (int, int, int)
        One of each family, lowest indices first.

    Raises
    ------
    ValueError
        If ``max_index`` is below 1.
    """
    if max_index < 1:
        raise ValueError(f"max_index must be at least 1, not {max_index}")
    axes = coprime_indices(max_index)
    rotations = laue_rotations(crystal)
    found: set[tuple[int, int, int]] = set()
    done: set[tuple[int, int, int]] = set()
    for axis in map(tuple, axes.tolist()):
        if axis in done:
            continue
        family = {tuple(row) for row in (rotations @ np.array(axis)).tolist()}
        done |= family
        found.add(usual_member(family))
    return tuple(sorted(found, key=lambda axis: (sum(np.square(axis)), _unusual(axis))))


def usual_zone_axes(crystal: Crystal, max_index: int = 3) -> tuple[tuple[int, int, int], ...]:
    """Distinct zone axes that are imaged: of a sheet, with vacuum along c, its normal only."""
    first, second, _ = crystal.base
    height = np.linalg.det(crystal.base) / np.linalg.norm(np.cross(first, second))
    levels = np.sort(np.array(crystal.fractional)[:, 2])
    if height * np.diff(levels, append=levels[0] + 1).max() > VACUUM:
        return ((0, 0, 1),)
    return distinct_zone_axes(crystal, max_index)


def usual_member(family: Iterable[Indices]) -> Indices:
    """Direction or plane by which a family is customarily named."""
    return min(family, key=_unusual)


def _unusual(axis: tuple[int, ...]) -> tuple:
    """Sort key that is least for the customary name: [001], [110], [112], [210]."""
    negative = sum(value < 0 for value in axis)
    size = tuple(map(abs, axis))
    zeros = size.count(0)
    if zeros == 2:
        order = size  # [001] before [010]
    elif zeros == 1:
        order = (size[2] != 0, -size[0])
    else:
        order = (size != tuple(sorted(size)), *size)
    return negative, order, tuple(-value for value in axis)


def log_zone_weight(crystal: Crystal, zone_axis: tuple[int, int, int]) -> float:
    """How often a zone is imaged: the inverse of the length of [uvw] up to the next lattice point.

    Zones of short translations show dense patterns: [110] of a face-centred and [111] of a
    body-centred cubic lattice before [001]. Natural logarithm, not normalised.
    """
    return float(
        np.log(zone_repeats(crystal, zone_axis)) - 0.5 * np.log(np.sum(np.square(zone_axis)))
    )


def zone_repeats(crystal: Crystal, zone_axis: tuple[int, int, int]) -> int:
    """Count the lattice points along [uvw]: ``h u + k v + l w`` is n times it in the n-th zone.

    It is 2 along [110] of a face-centred and 1 along that of a primitive lattice.
    """
    return int(np.gcd.reduce(centring_reflections(crystal) @ zone_axis))


@lru_cache(maxsize=256)
def centring_reflections(crystal: Crystal) -> np.ndarray:
    """Give allowed (h, k, l), shape (n, 3), enough of them to show the centring."""
    radius = CENTRING_RADIUS * ANGSTROM_PER_NM / np.cbrt(np.linalg.det(crystal.base))
    return find_reflections(crystal, radius).hkl
