"""Diffraction patterns of the zone axes of a crystal."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hyperspy_twin.core import (
    ANGSTROM_PER_NM,
    Crystal,
    integer_row_basis,
    reduce_basis,
    reduce_plane,
)
from hyperspy_twin.crystals.diffraction.reflections import (
    atomic_number_factors,
    find_zone_reflections,
    primitive_zone_axis,
)
from hyperspy_twin.crystals.diffraction.zone_axes import (
    centring_reflections,
    log_zone_weight,
    usual_zone_axes,
    zone_repeats,
)

# ln(amplitude): by so much at most is a reflection weaker for one kind of contrast than for the
# other, since none is exactly as computed.
LARGEST_RATIO = 2.0
# 1/nm: of a Laue zone at this height 1 / (1 + (pi t s)²) = 3.6 % is left in a crystal of t = 1 nm
# and 0.9 % in one of 2 nm, about the weakest that images show. Up to here [111] of face-centred
# cubic elements has it, from nickel (1.64) to lead (1.17).
HIGHEST = 1.65
# Projections of more points for each of the zone are too dense to tell anything.
MOST_POINTS = 4
SAME = 1e-4  # of a coordinate: numerical error


class ZonePattern(NamedTuple):
    """Zeroth-order Laue zone of one zone axis, a tuple for the sake of compiled functions.

    Attributes
    ----------
    zone_axis
        Lattice direction [uvw] along the beam (+z, into the screen).
    frame
        Rows: image x, y and z in the crystal's Cartesian frame, shape (3, 3), determinant +1.
    plane
        Miller indices of two vectors that generate the allowed reflections, shape (2, 3).
    basis
        The same two vectors as complex numbers x + i y in 1/nm, shape (2,).
    coordinates
        Integer coordinates in ``basis`` of one of each Friedel pair, by length, shape (n, 2).
    vector, length, squared
        The same as complex numbers in 1/nm, their lengths, and the squares of these, shape (n,).
    amplitude
        Expected amplitude in Å, shape (n,): geometric mean of the moduli of the structure factors
        for electrons and for atomic-number contrast; 0 for points of the generated lattice that
        only double diffraction reaches.
    log_intensity
        ln(intensity) for electrons and for atomic-number contrast, shape (2, n); -inf for those.
    path
        Strongest path of double diffraction to a forbidden reflection, 0 to 1: the product of two
        amplitudes over the square of the largest, shape (n,); 0 for allowed ones.
    number
        Row of the reflection at the coordinates (i, j), in [i + m, j + m], of shape
        (2 m + 1, 2 m + 1); -1 at the centre and beyond the radius.
    projected
        Vectors that generate the projections of low upper Laue zones as well, complex, shape (2,);
        zeros where these add no positions, or far too many.
    log_prior
        Logarithm of the prior probability of the zone among those tried, see
        :func:`log_zone_weight`.
    """

    zone_axis: tuple[int, int, int]
    frame: np.ndarray
    plane: np.ndarray
    basis: np.ndarray
    coordinates: np.ndarray
    vector: np.ndarray
    length: np.ndarray
    squared: np.ndarray
    amplitude: np.ndarray
    log_intensity: np.ndarray
    path: np.ndarray
    number: np.ndarray
    projected: np.ndarray
    log_prior: float


@lru_cache(maxsize=512)
def make_zone_patterns(
    crystal: Crystal,
    max_index: int,
    g_max: float,
    zone_axes: tuple[tuple[int, int, int], ...] | None = None,
) -> tuple[ZonePattern, ...]:
    """Patterns of all distinct zone axes that have reflections in two directions.

    Parameters
    ----------
    crystal
        The unit cell.
    max_index
        Largest index of the zone axes, where ``zone_axes`` is None.
    g_max
        Radius in 1/nm.
    zone_axes
        These zone axes only.

    Returns
    -------
    tuple of ZonePattern
        In the order of the axes.
    """
    axes = usual_zone_axes(crystal, max_index) if zone_axes is None else zone_axes
    found = [pattern for axis in axes if (pattern := _pattern(crystal, axis, g_max))]
    weight = sum(np.exp(pattern.log_prior) for pattern in found)
    return tuple(
        pattern._replace(log_prior=pattern.log_prior - float(np.log(weight))) for pattern in found
    )


def zone_frame(crystal: Crystal, zone_axis: ArrayLike, x_vector: np.ndarray) -> np.ndarray:
    """Rotation with the zone axis along +z and ``x_vector`` along +x.

    Parameters
    ----------
    crystal
        The unit cell.
    zone_axis
        Lattice direction [uvw].
    x_vector
        Cartesian vector perpendicular to the zone axis, shape (3,).

    Returns
    -------
    numpy.ndarray
        Rows: image x, y, z in the crystal's Cartesian frame, shape (3, 3).
    """
    z = np.asarray(zone_axis, float) @ crystal.base
    z /= np.linalg.norm(z)
    x = x_vector / np.linalg.norm(x_vector)
    return np.array([x, np.cross(z, x), z])


def _pattern(crystal: Crystal, zone_axis: ArrayLike, g_max: float) -> ZonePattern | None:
    axis = primitive_zone_axis(zone_axis)
    allowed = find_zone_reflections(crystal, axis, g_max)
    if len(allowed.hkl) < 2 or np.linalg.matrix_rank(allowed.hkl) < 2:
        return None
    plane = _generating_vectors(crystal, allowed.hkl)
    if np.dot(np.cross(*plane), axis) < 0:
        plane[1] *= -1
    vectors = plane @ crystal.reciprocal_base * ANGSTROM_PER_NM
    frame = zone_frame(crystal, axis, vectors[0])
    flat = vectors @ frame[:2].T
    basis = flat[:, 0] + 1j * flat[:, 1]
    allowed_index = np.rint(allowed.vector @ frame[:2].T @ np.linalg.inv(flat)).astype(int)
    reach = int(np.abs(allowed_index).max())
    half, number = half_plane(basis, reach, g_max)
    row = number[tuple(allowed_index.T + reach)]
    log_intensity = np.full((2, len(half)), -np.inf)
    log_intensity[:, row] = log_intensities(
        np.abs(allowed.structure_factor), np.abs(atomic_number_factors(crystal, allowed.hkl))
    )
    return ZonePattern(
        zone_axis=axis,
        frame=frame,
        plane=plane,
        **describe_reflections(basis, half, number, log_intensity),
        projected=_project_upper_zones(crystal, axis, frame, basis),
        log_prior=log_zone_weight(crystal, axis),
    )


def describe_reflections(
    basis: np.ndarray, half: np.ndarray, number: np.ndarray, log_intensity: np.ndarray
) -> dict[str, Any]:
    """Fields of a :class:`ZonePattern` that follow from the points of :func:`half_plane`."""
    vector, amplitude = half @ basis, np.exp(0.25 * log_intensity.sum(axis=0))
    return {
        "basis": basis,
        "coordinates": half,
        "vector": vector,
        "length": np.abs(vector),
        "squared": np.abs(vector) ** 2,
        "amplitude": amplitude,
        "log_intensity": log_intensity,
        "path": _double_diffraction(half, amplitude, number),
        "number": number,
    }


def half_plane(basis: np.ndarray, reach: int, g_max: float) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of one of each pair of points of a plane lattice within a radius, by length.

    With them comes the table of their rows, as ``coordinates`` and ``number`` of
    :class:`ZonePattern`; ``reach`` is the largest coordinate.
    """
    grid = np.arange(-reach, reach + 1)
    index = np.stack(np.meshgrid(grid, grid, indexing="ij"), -1).reshape(-1, 2)
    inside = np.abs(index @ basis) <= g_max * (1 + 1e-9)
    half = index[inside & ((index[:, 0] > 0) | ((index[:, 0] == 0) & (index[:, 1] > 0)))]
    half = half[np.argsort(np.round(np.abs(half @ basis), 6), kind="stable")]
    number = np.full((2 * reach + 1, 2 * reach + 1), -1)
    for sign in (1, -1):
        number[tuple(sign * half.T + reach)] = np.arange(len(half))
    return half, number


def log_intensities(electron: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    """Logarithmic intensities of amplitudes, for electrons and atomic numbers, shape (2, n)."""
    # A reflection that is extinct for one kind of contrast only is weak, not absent.
    weakest = np.exp(-LARGEST_RATIO) * np.stack([contrast, electron])
    return 2 * np.log(np.maximum([electron, contrast], weakest))


def _double_diffraction(index: np.ndarray, amplitude: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Strongest product of two amplitudes that add up to each forbidden reflection, shape (n,)."""
    reach = len(number) // 2
    both = np.concatenate([index, -index])
    strength = np.tile(amplitude, 2) / amplitude.max(initial=1e-300)
    path = np.zeros(len(index))
    for row in np.flatnonzero(amplitude == 0):
        rest = index[row] - both
        inside = (np.abs(rest) <= reach).all(axis=1)
        second = number[tuple(rest[inside].T + reach)]
        second_strength = np.where(second >= 0, strength[: len(index)][second], 0)
        path[row] = (strength[inside] * second_strength).max(initial=0)
    return path


def _generating_vectors(crystal: Crystal, hkl: np.ndarray) -> np.ndarray:
    """Shortest two integer vectors that generate the given coplanar ones, shape (2, 3)."""
    # Of equally short vectors the first reflections are taken, where they generate the others.
    second = next(row for row in hkl if np.cross(hkl[0], row).any())
    start, generated = np.array([hkl[0], second]), integer_row_basis(hkl)
    if np.abs(np.cross(*start)).max() == np.abs(np.cross(*generated)).max():
        generated = start
    return reduce_plane(generated, crystal.reciprocal_base)


def zone_height(crystal: Crystal, zone_axis: tuple[int, int, int]) -> float:
    """Distance of the first upper Laue zone from the zone, in 1/nm."""
    repeats = zone_repeats(crystal, zone_axis)
    return float(ANGSTROM_PER_NM * repeats / np.linalg.norm(np.asarray(zone_axis) @ crystal.base))


def _project_upper_zones(
    crystal: Crystal, axis: tuple[int, int, int], frame: np.ndarray, basis: np.ndarray
) -> np.ndarray:
    """Basis of the zone with the projections of low upper ones; zeros where they add nothing."""
    height = zone_height(crystal, axis)
    if height > HIGHEST:
        return np.zeros(2, complex)
    hkl = centring_reflections(crystal)
    order = hkl @ axis // zone_repeats(crystal, axis)
    near = hkl[(order > 0) & (order * height <= HIGHEST)]
    flat = near @ crystal.reciprocal_base * ANGSTROM_PER_NM @ frame[:2].T
    return _common_basis(basis, flat @ [1, 1j])


def coordinates_in(basis: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Real coordinates of complex points in a complex basis, shape (n, 2)."""
    rows = np.stack([basis.real, basis.imag], axis=1)
    return np.stack([position.real, position.imag], axis=1) @ np.linalg.inv(rows)


def _common_basis(zone: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Basis of the lattice of all projections; zeros where it is that of the zone, or too dense."""
    inside = coordinates_in(zone, position)
    for parts in range(1, MOST_POINTS + 1):
        whole = np.rint(parts * inside)
        if np.abs(parts * inside - whole).max(initial=0) < SAME * parts:
            break
    else:
        return np.zeros(2, complex)
    rows = np.unique(np.vstack([whole, parts * np.eye(2)]).astype(int), axis=0)
    spanned = integer_row_basis(rows[rows.any(axis=1)])
    points = parts**2 // abs(round(float(np.linalg.det(spanned))))
    if not 1 < points <= MOST_POINTS:
        return np.zeros(2, complex)
    vectors = spanned / parts @ np.stack([zone.real, zone.imag], axis=1)
    reduced, _ = reduce_basis(np.ascontiguousarray(vectors))
    return reduced @ [1, 1j]
