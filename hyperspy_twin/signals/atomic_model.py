"""A table of atoms."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import LazySignal1D, Signal1D

from hyperspy_twin.core import ANGSTROM_PER_NM
from hyperspy_twin.signals._signal import TwinSignal
from hyperspy_twin.signals._values import ModelBox

if TYPE_CHECKING:
    from typing import Self

    import ase
    from hyperspy.api.roi import RectangularROI
    from matplotlib.figure import Figure

    from hyperspy_twin.atoms import FilledAtoms

_LOGGER = logging.getLogger(__name__)
COLUMNS = ("x", "y", "z", "Z", "region", "occupancy", "sigma_x", "sigma_y")
UNITS = ("Å", "Å", "Å", "", "", "", "Å", "Å")


class AtomicModel(TwinSignal, Signal1D):
    """Atoms of a model, one per navigation position, made by :meth:`StrainMap.to_atoms`.

    The columns are x, y, z in Angstrom in the image frame (x right, y down, z into the screen),
    atomic number Z, region, occupancy (the probability of the element on its site), and the
    standard errors sigma_x and sigma_y of the position in Angstrom.
    """

    _signal_type = "twin_atomic_model"
    _alias_signal_types = ["AtomicModel"]
    _made_by = "StrainMap.to_atoms()"

    @property
    def positions(self) -> np.ndarray:
        """Positions in Angstrom, shape (n, 3)."""
        return self._columns("x", "y", "z")

    @property
    def numbers(self) -> np.ndarray:
        """Atomic numbers, shape (n,)."""
        return self._columns("Z")[:, 0].astype(int)

    @property
    def region(self) -> np.ndarray:
        """Number of the region of each atom, shape (n,)."""
        return self._columns("region")[:, 0].astype(int)

    @property
    def occupancy(self) -> np.ndarray:
        """Probability of each atom's element on its site, shape (n,)."""
        return self._columns("occupancy")[:, 0]

    @property
    def error(self) -> np.ndarray:
        """Standard errors of the positions along x, y and z in Angstrom, shape (n, 3).

        By the noise of the image: of the displacement, and of the cell and the origin of lattices
        of their own. NaN where it is not known, and along z, which an image does not show. Errors
        that whole images share, such as that of the pixel size and slow drift, are not included.
        """
        found = np.full((len(np.atleast_2d(self.data)), 3), np.nan)
        if "sigma_x" in self._box.columns:  # older versions saved none
            found[:, :2] = self._columns("sigma_x", "sigma_y")
        return found

    @property
    def cell(self) -> np.ndarray:
        """Box as rows in Angstrom, shape (3, 3); periodic along the beam, or not at all."""
        return self._box.cell

    @property
    def formula(self) -> str:
        """Number of atoms of each element, most frequent first."""
        from ase.data import chemical_symbols

        counts = Counter(self.numbers.tolist())
        return " ".join(f"{chemical_symbols[z]}{n}" for z, n in counts.most_common())

    def to_ase(self) -> ase.Atoms:
        """Convert to ASE, with the arrays ``region`` and ``occupancy``.

        Returns
        -------
        ase.Atoms
            Positions relative to the corner of the image, periodic along the beam.
        """
        from ase import Atoms

        atoms = Atoms(
            numbers=self.numbers,
            positions=self.positions - self._box.origin,
            cell=self.cell,
            pbc=self._box.pbc,
        )
        atoms.set_array("region", self.region)
        atoms.set_array("occupancy", self.occupancy)
        return atoms

    def passivate(self) -> Self:
        """Add hydrogen on the missing bonds of atoms that have four in their crystal.

        Atoms of group IV, of III-V and II-VI compounds with one to three neighbours get hydrogen in
        the directions in which a tetrahedron lacks it, at the length of the bond in silane
        (1.48 Å) or germane (1.525 Å), or the sum of the covalent radii. Where there is no room for
        it none is added, and the log tells how many bonds stay open. The atoms are not moved.

        Returns
        -------
        AtomicModel
            The model with hydrogen at its end, in the regions of the atoms that it is bonded to.
        """
        from hyperspy_twin.atoms import find_hydrogen

        box = self._box
        period = float(box.cell[2, 2]) if box.pbc[2] else None
        positions, region = self.positions, self.region
        found, parent, missing = find_hydrogen(positions - box.origin, self.numbers, period)
        if missing:
            _LOGGER.warning("%d missing bonds have no room for hydrogen, or no neighbour", missing)
        rows = np.full((len(found), len(box.columns)), np.nan)
        values = (*(found + box.origin).T, 1, region[parent], 1)
        names = ("x", "y", "z", "Z", "region", "occupancy")
        for name, one in zip(names, values, strict=True):
            rows[:, box.columns.index(name)] = one
        data = np.concatenate([np.atleast_2d(np.asarray(self.data)), rows])
        axes = self._axes_for(len(data))
        axes[1]["size"] = len(box.columns)
        return self._derive(AtomicModel, "passivate", {}, data=data, axes=axes)

    def write(self, path: str | Path, format: str | None = None, *, vacuum: float = 10.0) -> Path:
        """Write the model to a file.

        Parameters
        ----------
        path
            File to write: extended XYZ (``.xyz``, ``.extxyz``), POSCAR (``.vasp``, ``POSCAR``),
            CIF (``.cif``) or LAMMPS data (``.lmp``, ``.data``).
        format
            Name of the format where the suffix does not tell.
        vacuum
            Smallest gap in Å that separates the model from its images along directions in which it
            is not periodic. Only extended XYZ can say what is periodic; in the other formats
            the cell is made longer where it is too short, and the log tells.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        ValueError
            If the format is unknown.
        FileNotFoundError
            If the folder does not exist.
        """
        from hyperspy_twin.io import write_atoms

        return write_atoms(self.to_ase(), path, format=format, vacuum=vacuum)

    def plot(self, by: str = "element", roi: RectangularROI | None = None) -> Figure:
        """Plot the atoms as seen along the beam.

        Parameters
        ----------
        by
            What the colours show: ``"element"``, ``"region"``, or another column of the table.
        roi
            Part that is shown, in nm; by default all.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.

        Raises
        ------
        ValueError
            If there is no such column.
        """
        from hyperspy_twin.signals._figures import model_figure, show_once

        corner = self._box.origin / ANGSTROM_PER_NM
        width, height, depth = np.diag(self.cell) / ANGSTROM_PER_NM
        view = (corner[0], corner[0] + width, corner[1], corner[1] + height)
        if roi is not None:
            view = (roi.left, roi.right, roi.top, roi.bottom)
        positions = self.positions / ANGSTROM_PER_NM
        return show_once(model_figure(positions, by, self._coloured_by(by), depth, view))

    def _coloured_by(self, name: str) -> np.ndarray:
        """Values of a column, or the names of classes, shape (n,)."""
        from ase.data import chemical_symbols

        if name == "element":
            return np.array(chemical_symbols)[self.numbers]
        if name == "region":
            return np.char.add("region ", self.region.astype(str))
        if name not in COLUMNS:
            known = ", ".join(f"'{one}'" for one in ("element", *COLUMNS))
            raise ValueError(f"the model has no column '{name}': choose one of {known}")
        return self._columns(name)[:, 0]

    @property
    def _box(self) -> ModelBox:
        return self._state("model")

    def _columns(self, *names: str) -> np.ndarray:
        stored = self._box.columns
        axis = self.axes_manager.signal_axes[0]
        if (axis.size, axis.scale, axis.offset) != (len(stored), 1, 0):
            raise ValueError("columns of this model were sliced away: slice atoms only, with inav")
        return np.atleast_2d(np.asarray(self.data))[:, [stored.index(name) for name in names]]

    @staticmethod
    def _rows_of(atoms: FilledAtoms) -> np.ndarray:
        """Table of atoms, shape (n, columns)."""
        columns = (atoms.positions, atoms.numbers, atoms.region, atoms.occupancy, atoms.error)
        return np.column_stack(columns).astype(float, copy=False)

    @staticmethod
    def _axes_for(count: int) -> list[dict[str, Any]]:
        return [
            {"name": "atom", "size": count, "navigate": True},
            {"name": "column", "size": len(COLUMNS), "navigate": False},
        ]

    def __repr__(self) -> str:
        """Type, title and composition in one line."""
        if self._box is None or self._lazy or self.data.shape[-1] != len(self._box.columns):
            return super().__repr__()
        return (
            f"<{type(self).__name__}, title: {self.metadata.General.title}, "
            f"atoms: {len(self.positions)} ({self.formula})>"
        )


class LazyAtomicModel(AtomicModel, LazySignal1D):
    """An atomic model whose table is read when it is needed."""
