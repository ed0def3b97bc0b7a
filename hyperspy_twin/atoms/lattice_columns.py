"""The columns of a displaced lattice, wherever they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from hyperspy_twin.atoms.beam_displacement import find_beam_displacement, sample_beam_displacement
from hyperspy_twin.atoms.columns import find_columns
from hyperspy_twin.atoms.displaced import Displaced
from hyperspy_twin.atoms.displacement import sample_displacement
from hyperspy_twin.core import ANGSTROM_PER_NM, RegisteredLattice
from hyperspy_twin.registration import RepeatCell


class Columns(NamedTuple):
    """Columns of a lattice.

    Attributes
    ----------
    points
        Positions (x, y) in nm, without the offset of a region, shape (n, 2).
    site
        Index of the crystallographic site in the repeat cell, shape (n,).
    indices
        Lattice indices along the two vectors across the beam, shape (n, 2).
    """

    points: np.ndarray
    site: np.ndarray
    indices: np.ndarray

    @classmethod
    def join(cls, parts: Iterable[Columns]) -> Columns:
        """All columns of some parts."""
        return cls(*(np.concatenate(one) for one in zip(*parts, strict=True)))

    def take(self, chosen: np.ndarray) -> Columns:
        """Give some of the columns."""
        return Columns(*(one[chosen] for one in self))


@dataclass(frozen=True, eq=False)
class LatticeColumns:
    """A lattice, its repeat cell and its displacement."""

    lattice: RegisteredLattice
    cell: RepeatCell
    displaced: Displaced

    def find(self, bounds: tuple[float, float, float, float]) -> Iterator[Columns]:
        """Give the columns in a rectangle (x_min, y_min, x_max, y_max) in nm, part by part."""
        field, grid, cuts = self.displaced.field, self.displaced.grid, self.displaced.cuts
        offsets = self._inside[:, :2] / ANGSTROM_PER_NM + np.asarray(self.lattice.origin, float)
        for found in find_columns(self.cell.plane, offsets, bounds, field, grid, cuts):
            yield Columns(*found)

    def heights(self, columns: Columns) -> np.ndarray:
        """Height of one atom of each column in Å, shape (n,)."""
        height = self._inside[columns.site, 2] + columns.indices @ self.cell.base[:2, 2]
        if self._depth is None:
            return height
        field, grid, cuts = self.displaced.field, self.displaced.grid, self.displaced.cuts
        places = columns.points - sample_displacement(field, grid, columns.points)
        return height + sample_beam_displacement(
            self._depth, field, grid, cuts, columns.points, places
        )

    def fractions(self, columns: Columns) -> np.ndarray:
        """Height of one atom of each column in repeats along the beam, shape (n,)."""
        return self.heights(columns) / self.cell.length

    def layers(self, columns: Columns, plane: np.ndarray) -> np.ndarray:
        """Heights of columns along a reciprocal vector (x, y) in 1/nm, in its periods, (n,)."""
        sites = (self._inside[:, :2] / ANGSTROM_PER_NM) @ plane
        return sites[columns.site] + columns.indices @ (self.cell.plane @ plane)

    @cached_property
    def _inside(self) -> np.ndarray:
        return np.asarray(self.cell.sites.fractional @ self.cell.base)

    @cached_property
    def _depth(self) -> np.ndarray | None:
        """Displacement along the beam; None where the displacement jumps nowhere."""
        one = self.displaced
        if not one.jumps:
            return None
        plane, lift = self.cell.plane, self.cell.base[:2, 2]
        return find_beam_displacement(
            one.field, one.known, one.grid, plane, lift, self.cell.length, one.cuts
        )
