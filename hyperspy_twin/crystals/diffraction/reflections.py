"""Kinematical electron diffraction: reflections and their structure factors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from math import gcd

import numpy as np
from numpy.typing import ArrayLike

from hyperspy_twin.core import (
    ANGSTROM_PER_NM,
    HAADF_EXPONENT,
    Crystal,
    complete_basis,
    reduce_plane,
)

ABSENT = 1e-6  # of |F(000)|: a structure factor below it is that of an extinct reflection
_CHUNK = 2_000_000  # phases computed at once: bounds the memory for large cells
DEBYE_WALLER = 0.5  # Å², isotropic B of all atoms: a common value at room temperature


@dataclass(frozen=True)
class Reflections:
    """Reflections of a crystal, by increasing length.

    Attributes
    ----------
    hkl
        Miller indices, int, shape (n, 3).
    vector
        Reciprocal vectors in 1/nm in the Cartesian frame of ``Crystal.base``, shape (n, 3).
    structure_factor
        Complex structure factors in Å, shape (n,).
    """

    hkl: np.ndarray
    vector: np.ndarray
    structure_factor: np.ndarray

    def __len__(self) -> int:
        """Count the reflections."""
        return len(self.hkl)

    @property
    def length(self) -> np.ndarray:
        """Length of each reciprocal vector in 1/nm, shape (n,)."""
        return np.linalg.norm(self.vector, axis=1)


@cache
def _lobato(symbol: str) -> np.ndarray:
    from diffsims.utils.lobato_scattering_params import ATOMIC_SCATTERING_PARAMS_LOBATO as table

    if symbol not in table:
        raise ValueError(f"no electron scattering factor is tabulated for '{symbol}'")
    return np.asarray(table[symbol], float)


def electron_scattering_factor(symbol: str, g: ArrayLike) -> np.ndarray:
    """Electron scattering factor of a neutral atom at rest mass in Å, of the shape of ``g``.

    ``g`` is the length of the scattering vector, ``2 sin(theta) / wavelength``, in 1/Å. A
    ValueError names an element that is not tabulated.

    References
    ----------
    Lobato & Van Dyck, Acta Cryst. A70 (2014) 636.
    """
    amplitude, width = _lobato(symbol).T
    x = np.square(np.asarray(g, float))[..., None] * width
    return (amplitude * (2 + x) / np.square(1 + x)).sum(-1)


def structure_factors(
    crystal: Crystal, hkl: np.ndarray, debye_waller: float = DEBYE_WALLER
) -> np.ndarray:
    """Kinematical structure factors of given reflections.

    Parameters
    ----------
    crystal
        The unit cell.
    hkl
        Miller indices, shape (n, 3).
    debye_waller
        Isotropic B of all atoms in Å²; the amplitude falls as ``exp(-B s²)`` with ``s = g / 2``.

    Returns
    -------
    numpy.ndarray
        Complex structure factors in Å, shape (n,).
    """
    hkl = np.asarray(hkl, float).reshape(-1, 3)
    length = np.linalg.norm(hkl @ crystal.reciprocal_base, axis=1)
    damping = np.exp(-debye_waller * np.square(length / 2))
    fractional, occupancy = np.array(crystal.fractional), np.array(crystal.occupancy)
    symbols = np.array(crystal.symbols)
    result = np.zeros(len(hkl), complex)
    for symbol in crystal.elements:
        sites = symbols == symbol
        factor = electron_scattering_factor(symbol, length) * damping
        step = max(1, _CHUNK // int(sites.sum()))
        for start in range(0, len(hkl), step):
            rows = slice(start, start + step)
            phase = np.exp(2j * np.pi * (hkl[rows] @ fractional[sites].T))
            result[rows] += factor[rows] * (phase @ occupancy[sites])
    return result


def atomic_number_factors(
    crystal: Crystal, hkl: np.ndarray, debye_waller: float = DEBYE_WALLER
) -> np.ndarray:
    """Structure factors with which a high-angle annular detector weighs the columns.

    Parameters
    ----------
    crystal, hkl, debye_waller
        As for :func:`structure_factors`.

    Returns
    -------
    numpy.ndarray
        Complex, in Å, shape (n,): every atom scatters as the 1.7th power of its atomic number
        (``core.HAADF_EXPONENT``), and the sum over all atoms falls with g as for electrons.
    """
    hkl = np.asarray(hkl, float).reshape(-1, 3)
    length = np.linalg.norm(hkl @ crystal.reciprocal_base, axis=1)
    weight = crystal.numbers**HAADF_EXPONENT
    weight *= crystal.occupancy
    amounts = zip(crystal.symbols, crystal.occupancy, strict=True)
    total = Counter[str]()
    for symbol, occupancy in amounts:
        total[symbol] += occupancy  # type: ignore[assignment]
    mean = sum(n * electron_scattering_factor(symbol, length) for symbol, n in total.items())
    phase = np.exp(2j * np.pi * (hkl @ np.array(crystal.fractional).T))
    damping = np.exp(-debye_waller * np.square(length / 2))
    return (phase @ weight) / weight.sum() * mean * damping


def find_reflections(
    crystal: Crystal, g_max: float, debye_waller: float = DEBYE_WALLER
) -> Reflections:
    """All allowed reflections inside a sphere.

    Parameters
    ----------
    crystal
        The unit cell.
    g_max
        Radius of the sphere in 1/nm.
    debye_waller
        Isotropic B in Å².

    Returns
    -------
    Reflections
        Those with a structure factor above 1e-6 of that of (0, 0, 0), which is left out.

    Raises
    ------
    ValueError
        If ``g_max`` is not a positive number.
    """
    _check_radius(g_max)
    limit = np.floor(g_max / ANGSTROM_PER_NM * np.linalg.norm(crystal.base, axis=1)).astype(int)
    axes = [np.arange(-n, n + 1) for n in limit]
    hkl = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return _allowed(crystal, hkl, g_max, debye_waller)


def find_zone_reflections(
    crystal: Crystal, zone_axis: ArrayLike, g_max: float, debye_waller: float = DEBYE_WALLER
) -> Reflections:
    """Give the allowed reflections of the zeroth-order Laue zone, ``h u + k v + l w = 0``.

    Parameters
    ----------
    crystal
        The unit cell.
    zone_axis
        Lattice direction [uvw], three integers.
    g_max
        Largest length in 1/nm.
    debye_waller
        Isotropic B in Å².

    Returns
    -------
    Reflections
        As from :func:`find_reflections`, for one zone.

    Raises
    ------
    ValueError
        If ``g_max`` is not positive or the zone axis is not three integers, not all zero.
    """
    _check_radius(g_max)
    plane = zone_lattice(crystal, zone_axis)
    rows = plane @ crystal.reciprocal_base * ANGSTROM_PER_NM
    area = np.linalg.norm(np.cross(*rows))
    limit = np.floor(g_max * np.linalg.norm(rows, axis=1)[::-1] / area).astype(int)
    axes = [np.arange(-n, n + 1) for n in limit]
    index = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    return _allowed(crystal, index @ plane, g_max, debye_waller)


def zone_lattice(crystal: Crystal, zone_axis: ArrayLike) -> np.ndarray:
    """Two shortest integer vectors (h, k, l) that span the zeroth-order Laue zone.

    Parameters
    ----------
    crystal
        The unit cell, whose metric decides what is short.
    zone_axis
        Lattice direction [uvw].

    Returns
    -------
    numpy.ndarray
        Integers, shape (2, 3), extinct reflections included; right-handed about the zone axis.
    """
    u, v, w = primitive_zone_axis(zone_axis)
    common = gcd(u, v)
    if common == 0:
        plane = np.array([[1, 0, 0], [0, 1, 0]])
    else:
        s, t = complete_basis((v // common, u // common))[0] * (1, -1)
        plane = np.array([[v // common, -u // common, 0], [-s * w, -t * w, s * u + t * v]])
        plane[1] *= np.sign(plane[1, 2])
    plane = reduce_plane(plane, crystal.reciprocal_base)
    if np.dot(np.cross(*plane), (u, v, w)) < 0:
        plane[1] *= -1
    return plane


def primitive_zone_axis(zone_axis: ArrayLike) -> tuple[int, int, int]:
    """Zone axis divided by the common divisor of its indices."""
    values = np.asarray(zone_axis, float)
    if values.shape != (3,) or not np.array_equal(values, np.rint(values)) or not values.any():
        raise ValueError(f"a zone axis is three integers, not all zero; got {zone_axis!r}")
    indices = values.astype(int)
    u, v, w = (indices // np.gcd.reduce(indices)).tolist()
    return u, v, w


def _check_radius(g_max: float) -> None:
    if not (np.isfinite(g_max) and g_max > 0):
        raise ValueError(f"g_max must be a positive length in 1/nm, not {g_max}")


def _allowed(crystal: Crystal, hkl: np.ndarray, g_max: float, debye_waller: float) -> Reflections:
    vector = hkl @ crystal.reciprocal_base * ANGSTROM_PER_NM
    length = np.linalg.norm(vector, axis=1)
    inside = (length > 0) & (length <= g_max * (1 + 1e-9))
    hkl, vector, length = hkl[inside], vector[inside], length[inside]
    factor = structure_factors(crystal, hkl, debye_waller)
    size = np.abs(factor)
    forward = abs(structure_factors(crystal, np.zeros((1, 3)))[0])
    keep = np.flatnonzero(size > ABSENT * forward)
    # Lengths are rounded so that equivalent reflections keep one reproducible order.
    h, k, l_ = hkl[keep].T
    keep = keep[np.lexsort((-l_, -k, -h, np.round(length[keep], 6)))]
    return Reflections(hkl[keep], vector[keep], factor[keep])
