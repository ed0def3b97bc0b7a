"""A table of atoms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import LazySignal1D, Signal1D

from hyperspy_twin.atoms import COLUMNS
from hyperspy_twin.core import ANGSTROM_PER_NM
from hyperspy_twin.signals._signal import TwinSignal
from hyperspy_twin.signals._twin import write
from hyperspy_twin.signals._values import ModelBox

if TYPE_CHECKING:
    from typing import Self

    import ase
    from hyperspy.api.roi import RectangularROI
    from matplotlib.figure import Figure

    from hyperspy_twin.atoms import FilledAtoms, Neighbours
    from hyperspy_twin.core import Table


class AtomicModel(TwinSignal, Signal1D):
    """Atoms of a model, one per navigation position, made by :meth:`StrainMap.to_atoms`.

    The columns are x, y, z in Angstrom in the image frame (x right, y down, z into the screen),
    atomic number Z, region and occupancy (the probability of the element on its site).
    """

    _signal_type = "twin_atomic_model"
    _alias_signal_types = ["AtomicModel"]
    _made_by = "StrainMap.to_atoms()"

    @classmethod
    def from_ase(cls, atoms: ase.Atoms) -> Self:
        """Make a model of atoms from ASE.

        Parameters
        ----------
        atoms
            The atoms, with x to the right, y down and z into the screen. Their cell and its
            periodicity are kept; where a direction has no cell vector and does not repeat, the box
            ends at the outermost atoms. The arrays ``region`` and ``occupancy`` are those of the
            model, 1 where they are missing, and other arrays of one number for each atom become
            columns.

        Returns
        -------
        AtomicModel
            The model. It knows no crystals, so that bonds need a cutoff.

        Raises
        ------
        ValueError
            If there are no atoms, a position is not finite, an element is unknown, or the cell has
            no volume.
        """
        from hyperspy_twin.atoms import table_of

        columns, table, cell, origin = table_of(atoms.arrays, atoms.cell.array, atoms.pbc)
        model = cls(table, axes=cls._axes_for(*table.shape))
        model.metadata.General.title = str(atoms.symbols.formula)
        units = ("Å",) * 3 + ("",) * (len(columns) - 3)
        pbc = tuple(map(bool, atoms.pbc))
        write(model, model=ModelBox(columns, units, cell, origin, pbc))  # type: ignore[arg-type]
        return model._derive(cls, "from_ase", {})

    @property
    def positions(self) -> np.ndarray:
        """Positions in Angstrom, shape (n, 3); a view of the table that cannot be written to."""
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
    def cell(self) -> np.ndarray:
        """Box as rows in Angstrom, shape (3, 3); periodic along the beam only."""
        return self._box.cell

    @property
    def formula(self) -> str:
        """Number of atoms of each element, most frequent first."""
        from ase.data import chemical_symbols

        counts = np.bincount(self.numbers)
        order = np.argsort(-counts, kind="stable")
        return " ".join(f"{chemical_symbols[z]}{counts[z]}" for z in order if counts[z])

    def to_ase(self) -> ase.Atoms:
        """Convert to ASE, with the arrays ``region``, ``occupancy`` and those of further columns.

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
        for name in self._box.columns[len(COLUMNS) :]:
            atoms.set_array(name, self._columns(name)[:, 0])
        return atoms

    def select(
        self,
        *,
        region: int | Sequence[int] | None = None,
        element: str | Sequence[str] | None = None,
        box: RectangularROI | Sequence[float] | None = None,
        plane: tuple[str | Sequence[float], float, float] | None = None,
    ) -> Self:
        """Part of the model: the atoms that meet all conditions.

        Parameters
        ----------
        region
            Number of a region, or several.
        element
            Symbol of an element, or several.
        box
            Rectangle of the image: an ROI, or its edges (left, top, right, bottom) in nm.
        plane
            Slab (normal, distance, width): the direction as ``"x"``, ``"y"``, ``"z"`` or a vector,
            where along it the middle lies, and how thick it is, in nm.

        Returns
        -------
        AtomicModel
            The atoms in the same box.

        Raises
        ------
        ValueError
            If the model has no such region or element, a box or slab has no extent, or no atom is
            left.
        """
        from hyperspy_twin.atoms import select_atoms

        regions = None if region is None else np.atleast_1d(region).tolist()
        symbols = [element] if isinstance(element, str) else element
        numbers = None if symbols is None else [_atomic_number(one) for one in symbols]
        edges = None
        if box is not None:
            corners = ("left", "top", "right", "bottom")
            given = [getattr(box, one) for one in corners] if hasattr(box, "left") else list(box)
            edges = [float(one) * ANGSTROM_PER_NM for one in given]
        slab = None
        if plane is not None:
            normal, distance, width = plane
            if isinstance(normal, str):
                if normal not in ("x", "y", "z"):
                    raise ValueError(f"a normal is 'x', 'y', 'z' or a vector, not {normal!r}")
                normal = np.eye(3)["xyz".index(normal)].tolist()
            slab = np.array(normal, float), distance * ANGSTROM_PER_NM, width * ANGSTROM_PER_NM
        keep = select_atoms(
            self.positions,
            self.numbers,
            self.region,
            regions=regions,
            elements=numbers,
            rectangle=edges,
            slab=slab,
        )
        table = np.asarray(self.data)[keep]
        parameters = {
            "region": regions,
            "element": symbols if symbols is None else list(symbols),
            "box": edges if edges is None else [one / ANGSTROM_PER_NM for one in edges],
            "plane": slab if slab is None else [slab[0].tolist(), *map(float, plane[1:])],
        }
        known = {name: value for name, value in parameters.items() if value is not None}
        return self._derive(
            type(self), "select", known, data=table, axes=self._axes_for(*table.shape)
        )

    def neighbours(self, cutoff: float) -> Neighbours:
        """Neighbours of each atom.

        Parameters
        ----------
        cutoff
            Distance in Å below which atoms are neighbours.

        Returns
        -------
        Neighbours
            ``index[start[i] : start[i + 1]]`` are the neighbours of atom ``i``, also across the
            periodic boundary, and ``vectors(model.positions)`` the vectors to them in Å.

        Raises
        ------
        ValueError
            If the cutoff is not a length.
        """
        from hyperspy_twin.atoms import find_neighbours

        return find_neighbours(self.positions, self.cell, self._box.pbc, cutoff)

    def coordination(self, cutoff: float | None = None) -> np.ndarray:
        """Number of bonds of each atom.

        Parameters
        ----------
        cutoff
            Distance in Å below which any two atoms are bonded. By default each pair of elements has
            its own, from the first shells of the crystals: see
            :func:`~hyperspy_twin.atoms.longest_bonds`.

        Returns
        -------
        numpy.ndarray
            Shape (n,); :meth:`plot` shows it by ``"coordination"``.

        Raises
        ------
        ValueError
            If the model has no crystals and no cutoff is given.
        """
        return self._bonds(cutoff).count

    def bond_lengths(self, cutoff: float | None = None) -> Table:
        """Table of the lengths of bonds, for each pair of elements.

        Parameters
        ----------
        cutoff
            As for :meth:`coordination`.

        Returns
        -------
        Table
            Columns: ``bond`` (such as "Ge-Si"), ``count``, and the ``mean``, the standard deviation
            ``sd``, the ``shortest`` and the ``longest`` of the lengths in Å.

        Raises
        ------
        ValueError
            If the model has no crystals and no cutoff is given.
        """
        from hyperspy_twin.atoms import measure_bonds

        return measure_bonds(self._bonds(cutoff), self.positions, self.numbers)

    def write(
        self,
        path: str | Path,
        format: str | None = None,
        *,
        vacuum: float = 10.0,
        bonds: bool = False,
    ) -> Path:
        """Write the model to a file.

        Files say where the model comes from, and which region each atom belongs to where the format
        has room for it. They are written in parts, so that models of millions of atoms need no more
        memory than they have.

        Parameters
        ----------
        path
            File to write: extended XYZ (``.xyz``, ``.extxyz``), POSCAR (``.vasp``, ``POSCAR``),
            CIF (``.cif``), LAMMPS data (``.lmp``, ``.data``) or an ASE trajectory (``.traj``).
        format
            Name of the format where the suffix does not tell; ``"prismatic"`` is the XYZ file of
            Prismatic and abTEM.
        vacuum
            Smallest gap in Å that separates the model from its images along directions in which it
            is not periodic. Only extended XYZ and the trajectory can say what is periodic; in the
            other formats the cell is made longer where it is too short, and the log tells.
        bonds
            Whether LAMMPS data list the bonds of :meth:`coordination`, with the regions as
            molecules.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        ValueError
            If the format is unknown, has no bonds or cannot hold this model.
        FileNotFoundError
            If the folder does not exist.
        """
        from ase.data import atomic_numbers

        from hyperspy_twin.io import ModelContent, write_model

        box = self._box
        pairs = None
        if bonds:
            near = self._bonds(None)
            first = near.atom
            once = first <= near.index
            pairs = np.column_stack([first[once], near.index[once]])
        fractions = {
            atomic_numbers[name]: self._columns(name)[:, 0]
            for name in box.columns[len(COLUMNS) :]
            if name in atomic_numbers
        }
        arrays = {"region": self.region, "occupancy": self.occupancy}
        arrays |= {name: self._columns(name)[:, 0] for name in box.columns[len(COLUMNS) :]}
        content = ModelContent(
            positions=self.positions,
            numbers=self._columns("Z")[:, 0].astype(np.uint8),
            cell=box.cell,
            pbc=np.array(box.pbc, bool),
            origin=box.origin,
            arrays=arrays,
            fractions=fractions,
            bonds=pairs,
            header=self._provenance(),
        )
        return write_model(content, path, format=format, vacuum=vacuum)

    def _provenance(self) -> dict[str, str]:
        """What files say about the origin of the model."""
        steps = self.history
        found = {
            "title": self.metadata.General.title,
            "made_by": f"hyperspy_twin {steps[-1]['versions'].get('hyperspy_twin', '')}".strip(),
            "steps": " ".join(step["step"] for step in steps),
        }
        phases = [f"{one.region} {one.crystal.name}" for one in self._state("lattices", ())]
        if phases:
            found["phases"] = ", ".join(phases)
        return found

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
        if name in ("region", "coordination"):
            values = self.region if name == "region" else self.coordination()
            known, index = np.unique(values, return_inverse=True)
            return np.array([f"{name} {one}" for one in known])[index]
        if name not in self._box.columns:
            offered = ("element", "coordination", *self._box.columns)
            known = ", ".join(f"'{one}'" for one in offered)
            raise ValueError(f"the model has no column '{name}': choose one of {known}")
        return self._columns(name)[:, 0]

    @property
    def _box(self) -> ModelBox:
        return self._state("model")

    def _columns(self, *names: str) -> np.ndarray:
        """Columns of the table, shape (n, names): a view where they stand next to each other."""
        stored = self._box.columns
        axis = self.axes_manager.signal_axes[0]
        if (axis.size, axis.scale, axis.offset) != (len(stored), 1, 0):
            raise ValueError("columns of this model were sliced away: slice atoms only, with inav")
        index = [stored.index(name) for name in names]
        table = np.atleast_2d(np.asarray(self.data))
        if index != list(range(index[0], index[0] + len(index))):
            return table[:, index]
        view = table[:, index[0] : index[0] + len(index)]
        view.flags.writeable = False
        return view

    def _bonds(self, cutoff: float | None) -> Neighbours:
        from hyperspy_twin.atoms import find_bonds, longest_bonds

        lattices = self._state("lattices")
        if cutoff is None and not lattices:
            raise ValueError(
                "this model has no crystals that tell how long bonds are: give a cutoff in Å"
            )
        longest = longest_bonds(lattices) if cutoff is None else cutoff
        return find_bonds(self.positions, self.numbers, self.cell, self._box.pbc, longest)

    @staticmethod
    def _rows_of(atoms: FilledAtoms) -> np.ndarray:
        """Table of atoms, shape (n, columns)."""
        table = np.empty((len(atoms.numbers), len(COLUMNS)))
        table[:, :3] = atoms.positions
        for index, values in enumerate((atoms.numbers, atoms.region, atoms.occupancy), 3):
            table[:, index] = values
        return table

    @staticmethod
    def _axes_for(count: int, columns: int = len(COLUMNS)) -> list[dict[str, Any]]:
        return [
            {"name": "atom", "size": count, "navigate": True},
            {"name": "column", "size": columns, "navigate": False},
        ]

    def __repr__(self) -> str:
        """Type, title and composition in one line."""
        if self._box is None or self._lazy or self.data.shape[-1] != len(self._box.columns):
            return super().__repr__()
        return (
            f"<{type(self).__name__}, title: {self.metadata.General.title}, "
            f"atoms: {len(self.positions)} ({self.formula})>"
        )


def _atomic_number(symbol: str) -> int:
    from ase.data import atomic_numbers

    number = atomic_numbers.get(symbol, 0)
    if not number:
        raise ValueError(f"{symbol!r} is no element: give symbols such as 'Ge'")
    return number


class LazyAtomicModel(AtomicModel, LazySignal1D):
    """An atomic model whose table is read when it is needed."""
