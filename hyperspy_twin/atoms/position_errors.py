"""Standard errors of the positions of atom columns."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.atoms.beam_displacement import sample_nearest
from hyperspy_twin.core import Grid, RegisteredLattice


def column_errors(
    lattice: RegisteredLattice, points: np.ndarray, displacement_error: np.ndarray, grid: Grid
) -> np.ndarray:
    """Find standard errors of columns along x and y of the image.

    A column of a displaced lattice stands where the phases of the lattice waves are whole turns, so
    that errors of its cell and origin cancel with those of the displacement, but for the noise of
    these phases at the column and in the reference. A lattice of its own has the error of its
    origin, and turns and stretches about it by the errors of its cell.

    Parameters
    ----------
    lattice
        Lattice of the columns.
    points
        Columns (x, y) in nm, shape (n, 2).
    displacement_error, grid
        Standard errors of the displacement along x and y in nm, shape (2, rows, columns), and the
        grid.

    Returns
    -------
    numpy.ndarray
        In nm, float32, shape (n, 2); NaN where it is not known.
    """
    if lattice.displaced:
        own = [sample_nearest(one, grid, points) for one in displacement_error]
        return np.stack(own, axis=1).astype(np.float32)
    away = points - np.asarray(lattice.origin)
    variance = away**2 @ np.asarray(lattice.cell_error).T ** 2 + np.square(lattice.origin_error)
    return np.sqrt(variance).astype(np.float32)
