"""A displacement as columns are moved by it: a continuous field with steps at planar faults."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hyperspy_twin.atoms.columns import has_jumps
from hyperspy_twin.atoms.cuts import NO_CUTS
from hyperspy_twin.atoms.displacement import prepare_field
from hyperspy_twin.core import Grid


@dataclass(frozen=True, eq=False)
class Displaced:
    """A displacement as columns are moved by it.

    Attributes
    ----------
    field, grid
        Its continuous part in nm without gaps, shape (2, rows, columns), and its grid.
    known
        Where it was measured, shape (rows, columns).
    cuts
        Its steps at planar faults, shape (m, CUT_NUMBERS).
    """

    field: np.ndarray
    grid: Grid
    known: np.ndarray
    cuts: np.ndarray

    @classmethod
    def of(cls, displacement: np.ndarray, grid: Grid, cuts: np.ndarray) -> Displaced:
        """Fill the gaps of a displacement (u_x, u_y)."""
        whole = prepare_field(displacement, grid)
        known = np.pad(
            np.all(np.isfinite(displacement), axis=0),
            [(0, size - given) for size, given in zip(whole.shape[1:], grid.shape, strict=True)],
        )
        return cls(whole, grid, known, cuts)

    @cached_property
    def jumps(self) -> bool:
        """Whether sites can come next to one another that are not in the lattice."""
        return len(self.cuts) > 0 or has_jumps(self.field, self.grid)


STILL = Displaced(np.zeros((2, 2, 2)), Grid((2, 2), (1.0, 1.0)), np.ones((2, 2), bool), NO_CUTS)
