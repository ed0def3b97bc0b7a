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
    from hyperspy.signals import Signal2D
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
        slab, middle = None, []
        if plane is not None:
            normal, distance, width = plane
            middle = [float(distance), float(width)]
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
            "plane": slab if slab is None else [slab[0].tolist(), *middle],
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
        """Count the bonds of each atom.

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

    def strain_check(self, strain: TwinSignal) -> Table:
        """Measure the strain from the atoms and compare it with the map they were placed by.

        The vectors from each atom to its equals, as seen along the beam, are compared with those of
        the virtual cell, which gives a deformation gradient for each atom.

        Parameters
        ----------
        strain
            The strain map that the model was made from.

        Returns
        -------
        Table
            For each ``region`` the number of ``atoms`` compared, the root mean square of the
            differences in ``e_xx``, ``e_yy``, ``e_xy`` (Lagrangian, against the reference, in the
            axes of the image) and ``rotation`` (degrees), and the ``reason`` where there are none:
            a region that was filled with a lattice of its own does not follow the map.

        Raises
        ------
        ValueError
            If no region of the model follows a strain map, or ``strain`` is none.
        """
        from hyperspy_twin.atoms import compare_deformation, measure_deformation

        lattices = self._state("lattices", ())
        displaced = [one for one in lattices if one.displaced]
        if not displaced:
            raise ValueError("no region of this model was displaced as a strain map says")
        if getattr(strain, "_signal_type", "") != "twin_strain_map":
            raise ValueError("give the StrainMap that the model was made from")
        own = [one.region for one in lattices if not one.displaced]
        measured = measure_deformation(self.positions, self.cell, self._box.pbc, displaced[0])
        return compare_deformation(
            measured,
            strain._measured.gradients.relative,
            strain._grid,
            self.positions[:, :2] / ANGSTROM_PER_NM,
            self.region,
            dict.fromkeys(own, "it was filled with a lattice of its own"),
        )

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
        """Tell files where the model comes from."""
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

    def plot(
        self,
        by: str = "element",
        roi: RectangularROI | None = None,
        *,
        image: Signal2D | None = None,
    ) -> Figure:
        """Plot the atoms as seen along the beam.

        Parameters
        ----------
        by
            What the colours show: ``"element"``, ``"region"``, ``"coordination"``, or another
            column of the table.
        roi
            Part that is shown, in nm; by default all.
        image
            Micrograph in nm that is shown between the columns. A model keeps none, since it would
            be copied with each part of it.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.

        Raises
        ------
        ValueError
            If there is no such column, or the image is no single one in nm.
        """
        from hyperspy_twin.signals._figures import model_figure, show_once

        corners = np.array(np.meshgrid(*[(0, 1)] * 3)).reshape(3, -1).T @ self.cell
        low, high = (
            (self._box.origin + one(corners, axis=0)) / ANGSTROM_PER_NM for one in (np.min, np.max)
        )
        view = (low[0], high[0], low[1], high[1])
        if roi is not None:
            view = (roi.left, roi.right, roi.top, roi.bottom)
        positions = self.positions / ANGSTROM_PER_NM
        depth = float(high[2] - low[2])
        behind = None if image is None else _image_behind(image)
        return show_once(model_figure(positions, by, self._coloured_by(by), depth, view, behind))

    def plot_3d(
        self,
        by: str = "element",
        roi: RectangularROI | None = None,
        *,
        most: int = 20_000,
        seed: int = 0,
    ) -> Figure:
        """Plot the atoms in three dimensions.

        The figure is one of matplotlib, which needs no display; with an interactive backend
        (``%matplotlib widget``) it can be turned.

        Parameters
        ----------
        by
            As for :meth:`plot`.
        roi
            Part that is shown, in nm; by default all.
        most
            Number of atoms that are drawn: a random choice of larger models.
        seed
            Of the choice.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.

        Raises
        ------
        ValueError
            If there is no such column, no atom in the part, or ``most`` is not above zero.
        """
        from hyperspy_twin.signals._figures import model_3d_figure, show_once

        if most < 1:
            raise ValueError(f"most is a number of atoms above zero, not {most}")
        positions, values = self.positions / ANGSTROM_PER_NM, self._coloured_by(by)
        if roi is not None:
            x, y = positions[:, :2].T
            inside = (x >= roi.left) & (x <= roi.right) & (y >= roi.top) & (y <= roi.bottom)
            if not inside.any():
                raise ValueError("no atom lies in this part")
            positions, values = positions[inside], values[inside]
        return show_once(model_3d_figure(positions, by, values, most=int(most), seed=seed))

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


def _image_behind(image: Signal2D) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """Pixels of an image and its extent (left, right, bottom, top)."""
    axes = image.axes_manager.signal_axes
    if len(axes) != 2 or image.axes_manager.navigation_size > 1:
        raise ValueError("image is a single micrograph: choose one of a stack with s.inav[...]")
    if any(str(axis.units) != "nm" for axis in axes):
        raise ValueError("the image has no scale in nm: call s.calibrate(...) first")
    edges = [
        (axis.offset - axis.scale / 2, axis.offset + (axis.size - 0.5) * axis.scale)
        for axis in axes
    ]
    (left, right), (top, bottom) = edges
    pixels = np.asarray(image.data).reshape(axes[1].size, axes[0].size)
    return pixels, (left, right, bottom, top)


class LazyAtomicModel(AtomicModel, LazySignal1D):
    """An atomic model whose table is read when it is needed."""
