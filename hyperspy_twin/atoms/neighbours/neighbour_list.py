"""Lists of the neighbours of all atoms within a distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hyperspy_twin.atoms.box import complete_box
from hyperspy_twin.atoms.neighbours.cell_grid import (
    IMAGE_ZERO,
    assign_cells,
    count_pairs,
    sort_into_cells,
    write_pairs,
)
from hyperspy_twin.core import kernel, run_in_parts

# Relative width by which cells exceed the cutoff, so that rounding moves no neighbour out of the
# adjacent cells.
MARGIN = 1e-9
# Most cells for each atom: of a box that is almost empty the cells are made larger.
MOST_CELLS = 4


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Neighbours of each atom, in one array after the other.

    The neighbours of atom ``i`` are ``index[start[i] : start[i + 1]]``, sorted. Each pair is listed
    for both of its atoms, and an atom that is near in several periodic images once for each.

    Attributes
    ----------
    cutoff
        Distance in Å below which atoms are neighbours.
    start
        Where the neighbours of each atom begin, int64, shape (n + 1,).
    index
        The neighbours, int32, shape (m,).
    shift
        Box vectors from the stored position of each neighbour to the image that is near, int8,
        shape (m, 3).
    cell
        Box vectors as rows in Å, shape (3, 3).
    """

    cutoff: float
    start: np.ndarray
    index: np.ndarray
    shift: np.ndarray
    cell: np.ndarray

    def __len__(self) -> int:
        """Give the number of atoms."""
        return len(self.start) - 1

    @property
    def count(self) -> np.ndarray:
        """Number of neighbours of each atom, shape (n,)."""
        return np.diff(self.start)

    @property
    def atom(self) -> np.ndarray:
        """Atom whose neighbour each entry of ``index`` is, int32, shape (m,)."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.count)

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """Vectors from each atom to its neighbours.

        Parameters
        ----------
        positions
            Positions of the atoms in Å, also after they moved a little, shape (n, 3).

        Returns
        -------
        numpy.ndarray
            Vectors in Å, in the order of ``index``, shape (m, 3).
        """
        positions = np.ascontiguousarray(positions, float)
        found = np.empty((len(self.index), 3))

        def work(first: int, last: int) -> None:
            _vectors(first, last, self.start, self.index, self.shift, self.cell, positions, found)

        run_in_parts(work, len(self))
        return found

    def distances(self, positions: np.ndarray) -> np.ndarray:
        """Distances of each atom's neighbours in Å, shape (m,), see :meth:`vectors`."""
        positions = np.ascontiguousarray(positions, float)
        found = np.empty(len(self.index))

        def work(first: int, last: int) -> None:
            _distances(first, last, self.start, self.index, self.shift, self.cell, positions, found)

        run_in_parts(work, len(self))
        return found


def find_neighbours(
    positions: np.ndarray, cell: np.ndarray, pbc: Sequence[bool], cutoff: float
) -> Neighbours:
    """Find all pairs of atoms that are nearer than a distance.

    The time grows as the number of atoms. The result is the same for any number of threads.

    Parameters
    ----------
    positions
        Positions in Å, inside the box or not, shape (n, 3).
    cell
        Box vectors as rows in Å, of any angles, shape (3, 3). Those of directions that do not
        repeat may be zero.
    pbc
        Whether the box repeats along each of its vectors. It may be thinner than the cutoff.
    cutoff
        Distance in Å; an atom at exactly this distance is no neighbour.

    Returns
    -------
    Neighbours
        The lists.

    Raises
    ------
    ValueError
        If the shapes are wrong, a value is not finite, the cutoff is not positive, the box has no
        volume along a direction that repeats, or an atom is more than 100 boxes away from it.

    References
    ----------
    M. P. Allen, D. J. Tildesley, Computer Simulation of Liquids, 2nd ed., Oxford 2017, section
    5.3.2: cell lists.
    """
    positions = np.ascontiguousarray(positions, float)
    if positions.ndim != 2 or positions.shape[1] != 3 or len(positions) == 0:
        raise ValueError(f"positions must be (n, 3) with at least one atom, not {positions.shape}")
    if not (np.isfinite(cutoff) and cutoff > 0):
        raise ValueError(f"cutoff must be a length in Å above zero, not {cutoff}")
    periodic = np.array(pbc, bool)
    box, _ = complete_box(cell, pbc)
    inverse = np.linalg.inv(box)
    low, span = _extent(positions, inverse, periodic)
    height = span / np.linalg.norm(inverse, axis=0)
    shape, reach = _shape_of_grid(height, periodic, cutoff, len(positions))
    atoms, cells = len(positions), int(np.prod(shape))
    cell_of, wraps = np.empty(atoms, np.int32), np.empty((atoms, 3), np.int8)
    farthest = assign_cells(positions, inverse, low, shape / span, shape, periodic, cell_of, wraps)
    if 2 * farthest + reach.max() >= IMAGE_ZERO:
        raise ValueError(
            f"an atom lies {farthest} boxes away from the first: wrap the atoms into the box"
        )
    first, keys = np.empty(cells + 1, np.int64), np.empty(atoms, np.int64)
    packed = np.empty((atoms, 3))
    sort_into_cells(positions, box, cell_of, wraps, first, keys, packed)
    del cell_of, wraps
    common = (shape, reach, periodic, box, first, keys, packed)
    start = np.zeros(atoms + 1, np.int64)
    run_in_parts(lambda a, b: count_pairs(a, b, *common, cutoff, start[1:]), cells)
    np.cumsum(start, out=start)
    index, shift = np.empty(start[-1], np.int32), np.empty((start[-1], 3), np.int8)
    run_in_parts(lambda a, b: write_pairs(a, b, *common, cutoff, start, index, shift), cells)
    return Neighbours(float(cutoff), start, index, shift, box)


def _extent(
    positions: np.ndarray, inverse: np.ndarray, periodic: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where the atoms begin and how far they reach in box coordinates, (0, 1) where it repeats."""
    low, span = np.zeros(3), np.ones(3)
    for d in range(3):
        along = positions @ inverse[:, d]
        if not np.isfinite(along).all():
            raise ValueError("some positions are not finite: remove these atoms first")
        if not periodic[d]:
            low[d] = along.min()
            # An extent of zero still is a cell.
            span[d] = max(np.ptp(along), np.finfo(float).tiny ** 0.5)
    return low, span


def _shape_of_grid(
    height: np.ndarray, periodic: np.ndarray, cutoff: float, atoms: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cells along each direction, and how many of them the cutoff reaches."""
    width = cutoff * (1 + MARGIN)
    shape = np.maximum(height / width, 1.0)
    while np.prod(np.floor(shape)) > MOST_CELLS * atoms + 1:
        shape = np.maximum(0.9 * shape, 1.0)
    shape = np.floor(shape).astype(np.int64)
    reach = np.where(periodic, np.ceil(width / (height / shape)), 1).astype(np.int64)
    return shape, reach


@kernel
def _vectors(
    from_atom: int,
    to_atom: int,
    start: np.ndarray,
    index: np.ndarray,
    shift: np.ndarray,
    cell: np.ndarray,
    positions: np.ndarray,
    found: np.ndarray,
) -> None:
    for i in range(from_atom, to_atom):
        for k in range(start[i], start[i + 1]):
            j = index[k]
            for d in range(3):
                found[k, d] = (
                    positions[j, d]
                    - positions[i, d]
                    + (
                        shift[k, 0] * cell[0, d]
                        + shift[k, 1] * cell[1, d]
                        + shift[k, 2] * cell[2, d]
                    )
                )


@kernel
def _distances(
    from_atom: int,
    to_atom: int,
    start: np.ndarray,
    index: np.ndarray,
    shift: np.ndarray,
    cell: np.ndarray,
    positions: np.ndarray,
    found: np.ndarray,
) -> None:
    for i in range(from_atom, to_atom):
        for k in range(start[i], start[i + 1]):
            squared = 0.0
            for d in range(3):
                squared += (
                    positions[index[k], d]
                    - positions[i, d]
                    + (
                        shift[k, 0] * cell[0, d]
                        + shift[k, 1] * cell[1, d]
                        + shift[k, 2] * cell[2, d]
                    )
                ) ** 2
            found[k] = np.sqrt(squared)
