"""The deformation of a lattice around each of its atoms, and how a strain map compares with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import map_coordinates

from hyperspy_twin.atoms.neighbours.neighbour_list import find_neighbours
from hyperspy_twin.core import Grid, RegisteredLattice, Table, kernel
from hyperspy_twin.registration import RepeatCell, find_repeat_cell

# Translations up to this many times the longer one of the two shortest in the plane are used: the
# first shell of the lattice, and no more of the second one than belongs to it by symmetry.
TRANSLATION_RANGE = 1.05
# Strain by which translations of the model may be longer than those of the reference.
LARGEST_STRAIN = 0.15
# Ratio of the widths of a set of vectors, squared, below which they lie on one line.
COLLINEAR = 1e-3
# Names of the differences in a table of strain.
DIFFERENCES = ("e_xx", "e_yy", "e_xy", "rotation")


def measure_deformation(
    positions: np.ndarray, cell: np.ndarray, pbc: Sequence[bool], lattice: RegisteredLattice
) -> np.ndarray:
    """Measure the deformation gradient around each atom, as seen along the beam.

    Atoms stand at lattice translations from one another if the vector between them is nearer to a
    translation of the reference than half of the shortest distance of atoms. The gradient takes
    the projected translations to these vectors in the sense of least squares.

    Parameters
    ----------
    positions, cell, pbc
        Of the model, as for :func:`find_neighbours`.
    lattice
        The reference.

    Returns
    -------
    numpy.ndarray
        F, as of a strain map, shape (2, 2, n); NaN where fewer than two translations are found.

    References
    ----------
    M. L. Falk, J. S. Langer, Phys. Rev. E 57 (1998) 7192-7205, equations 2.11 to 2.14.
    """
    repeat = find_repeat_cell(lattice.crystal, lattice.base, lattice.zone_axis)
    translations = _short_translations(repeat)
    longest = np.linalg.norm(translations, axis=1).max()
    near = find_neighbours(positions, cell, pbc, (1 + LARGEST_STRAIN) * longest)
    found = np.full((len(near), 2, 2), np.nan)
    _fit_gradients(
        near.start,
        near.index,
        near.shift,
        near.cell,
        np.ascontiguousarray(positions, float),
        translations,
        0.5 * _shortest_distance(repeat),
        found,
    )
    return np.moveaxis(found, 0, -1)


def compare_deformation(
    measured: np.ndarray,
    expected: np.ndarray,
    grid: Grid,
    points: np.ndarray,
    region: np.ndarray,
    refused: dict[int, str],
) -> Table:
    """Compare deformation gradients of atoms with those of a map.

    Parameters
    ----------
    measured
        At the atoms, shape (2, 2, n).
    expected, grid
        The map, NaN where it knows none, shape (2, 2, rows, columns), and its grid.
    points, region
        Positions (x, y) of the atoms in the unit of the grid and their regions, shapes (n, 2) and
        (n,).
    refused
        Why a region is not compared.

    Returns
    -------
    Table
        For each ``region`` the number of ``atoms`` that were compared, the root mean square of the
        differences in ``e_xx``, ``e_yy``, ``e_xy`` (Lagrangian) and ``rotation`` (degrees), and
        the ``reason`` where there are none.
    """
    pixels = grid.to_pixels(points)[:, ::-1].T
    there = np.array(
        [
            [map_coordinates(one, pixels, order=1, cval=np.nan) for one in row]
            for row in np.asarray(expected, float)
        ]
    )
    apart = _lagrangian(measured) - _lagrangian(there)
    known = np.isfinite(apart).all(axis=0)
    regions = np.unique(region)
    rows = []
    for number in regions.tolist():
        chosen = (region == number) & known & (number not in refused)
        reason = refused.get(number, "" if chosen.any() else "the map knows no strain there")
        rms = np.sqrt((apart[:, chosen] ** 2).mean(axis=1)) if chosen.any() else np.full(4, np.nan)
        rows.append((int(chosen.sum()), *rms, reason))
    atoms, *rms, reasons = zip(*rows, strict=True)
    columns = {"region": regions, "atoms": atoms, **dict(zip(DIFFERENCES, rms, strict=True))}
    return Table.from_columns({**columns, "reason": reasons}, {"rotation": "°"})


def _lagrangian(gradient: np.ndarray) -> np.ndarray:
    """e_xx, e_yy, e_xy and the rotation in degrees of gradients (2, 2, n), shape (4, n)."""
    (a, b), (c, d) = gradient
    return np.array([a - 1, d - 1, 0.5 * (b + c), np.degrees(np.arctan2(b - c, a + d))])


def _short_translations(repeat: RepeatCell) -> np.ndarray:
    """Find the translations of the first shell that are seen along the beam, shape (k, 3)."""
    longest = np.linalg.norm(repeat.base[:2], axis=1).max() * TRANSLATION_RANGE
    along = int(np.ceil(2 * longest / repeat.length)) + 1
    steps = np.array(
        [
            (i, j, k)
            for i in (-2, -1, 0, 1, 2)
            for j in (-2, -1, 0, 1, 2)
            for k in range(-along, along + 1)
            if (i, j) != (0, 0)
        ]
    )
    found = steps @ repeat.base
    return np.ascontiguousarray(found[np.linalg.norm(found, axis=1) <= longest])


def _shortest_distance(repeat: RepeatCell) -> float:
    """Shortest distance of two atoms of a crystal in Å."""
    positions = repeat.sites.fractional @ repeat.base
    radius = np.linalg.norm(repeat.base, axis=1).min() * (1 + LARGEST_STRAIN)
    near = find_neighbours(positions, repeat.base, (True,) * 3, float(radius))
    return float(near.distances(positions).min())


@kernel
def _fit_gradients(
    start: np.ndarray,
    index: np.ndarray,
    shift: np.ndarray,
    cell: np.ndarray,
    positions: np.ndarray,
    translations: np.ndarray,
    tolerance: float,
    found: np.ndarray,
) -> None:
    for i in range(len(start) - 1):
        xx, xy, yy = 0.0, 0.0, 0.0
        products = np.zeros((2, 2))
        for k in range(start[i], start[i + 1]):
            apart = np.empty(3)
            for d in range(3):
                apart[d] = (
                    positions[index[k], d]
                    - positions[i, d]
                    + (
                        shift[k, 0] * cell[0, d]
                        + shift[k, 1] * cell[1, d]
                        + shift[k, 2] * cell[2, d]
                    )
                )
            for t in range(len(translations)):
                x, y = translations[t, 0], translations[t, 1]
                off = (
                    (apart[0] - x) ** 2 + (apart[1] - y) ** 2 + (apart[2] - translations[t, 2]) ** 2
                )
                if off < tolerance * tolerance:
                    xx += x * x
                    xy += x * y
                    yy += y * y
                    for d in range(2):
                        products[d, 0] += apart[d] * x
                        products[d, 1] += apart[d] * y
        determinant = xx * yy - xy * xy
        if determinant > COLLINEAR * (xx + yy) ** 2:
            for d in range(2):
                a, b = products[d, 0], products[d, 1]
                found[i, d, 0] = (a * yy - b * xy) / determinant
                found[i, d, 1] = (b * xx - a * xy) / determinant
