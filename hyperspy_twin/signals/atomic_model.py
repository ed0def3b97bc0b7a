"""A table of atoms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import LazySignal1D, Signal1D

from hyperspy_twin.core import ANGSTROM_PER_NM, Table
from hyperspy_twin.signals._occupancies import alloy_of, fractions_of_sites
from hyperspy_twin.signals._signal import TwinSignal
from hyperspy_twin.signals._values import ModelBox

if TYPE_CHECKING:
    import ase
    from hyperspy.api.roi import RectangularROI
    from hyperspy.signals import Signal2D
    from matplotlib.figure import Figure

    from hyperspy_twin.atoms import FilledAtoms
    from hyperspy_twin.atoms.alloying import Alloy
    from hyperspy_twin.signals.composition_map import CompositionMap

COLUMNS = ("x", "y", "z", "Z", "region", "occupancy")


class AtomicModel(TwinSignal, Signal1D):
    """Atoms of a model, one per navigation position, made by :meth:`StrainMap.to_atoms`.

    The columns are x, y, z in Angstrom in the image frame (x right, y down, z into the screen),
    atomic number Z, region and occupancy (the probability of the element on its site).
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
    def cell(self) -> np.ndarray:
        """Box as rows in Angstrom, shape (3, 3); periodic along the beam only."""
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
        if name not in self._box.columns:
            known = ", ".join(f"'{one}'" for one in ("element", *self._box.columns))
            raise ValueError(f"the model has no column '{name}': choose one of {known}")
        return self._columns(name)[:, 0]

    # ---- alloys ----

    def set_composition(
        self,
        maps: CompositionMap,
        sublattices: Mapping[str, str | Sequence[str] | None] | None = None,
        seed: int = 0,
        *,
        guide: Signal2D | None = None,
    ) -> AtomicModel:
        """Alloy the model as composition maps show it.

        Each site of a mixed sublattice gets the fractions of its elements where it lies on the
        maps, and one of these elements, drawn with exact numbers in each layer
        (:meth:`collapse`). The fractions become columns of the table, named by the elements.
        Fractions run smoothly through the pixels of the map, whose means they keep. Where the map
        has no value, sites stay as they are.

        Parameters
        ----------
        maps
            Maps that were placed on the micrograph (:meth:`CompositionMap.register`).
        sublattices
            Elements that share sites, as in ``{"La/Sr": "Sr"}``, each with the elements of the
            model whose sites these are, or None for the elements named. By default elements of one
            column of the periodic table share the sites of those of them that the model has: In
            and Ga those of Ga, and As none.
        seed
            Of the random choice of elements.
        guide
            Image of the same area whose intensity follows the composition, such as the HAADF
            image: it says how fractions run within a pixel. It is used where it explains at least
            half of the variance of the map.

        Returns
        -------
        AtomicModel
            The alloyed model. Its history tells what part of the sites has fractions, and what
            the guide explains.

        Raises
        ------
        ValueError
            If the maps are not placed or do not lie on the model, or an element has no sites.
        """
        from hyperspy_twin.atoms.alloying import choose_sublattices

        if maps.placement is None:
            raise ValueError(
                "the composition maps are not placed on the micrograph: call maps.register(image)"
            )
        symbols = self._symbols
        chosen = choose_sublattices(list(np.unique(symbols)), maps.elements, sublattices)
        alloy = alloy_of(chosen, maps)
        points = self.positions[:, :2] / ANGSTROM_PER_NM
        fractions, outcome = fractions_of_sites(
            points, symbols, maps, chosen, alloy.elements, guide
        )
        kept = [n for n, name in enumerate(self._box.columns) if name not in alloy.elements]
        box = replace(
            self._box,
            columns=(*(self._box.columns[n] for n in kept), *alloy.elements),
            units=(*(self._box.units[n] for n in kept), *[""] * len(alloy.elements)),
        )
        data = np.hstack([np.atleast_2d(self.data)[:, kept], fractions])
        parameters = {
            "elements": maps.elements,
            "sublattices": {one.name: one.hosts for one in chosen},
            "seed": seed,
            "guide": guide is not None,
        }
        return self._drawn("set_composition", parameters, data, box, alloy, seed, outcome=outcome)

    def collapse(self, seed: int = 0) -> AtomicModel:
        """Draw the elements of the mixed sites anew.

        The number of atoms of each element in each piece of a layer, as long as a pixel of the
        composition map, and in each layer, is the sum of the fractions, rounded; which atoms
        they are is random. The fractions stay in the table.

        Parameters
        ----------
        seed
            Of the random numbers; the same seed gives the same atoms.

        Returns
        -------
        AtomicModel
            Model with other elements; ``occupancy`` is the fraction of the element drawn.

        Raises
        ------
        ValueError
            If the model has no fractions: call :meth:`set_composition` first.
        """
        alloy = self._state("alloy")
        if alloy is None:
            raise ValueError("the model has no fractions to draw from: call set_composition(maps)")
        data = np.array(np.atleast_2d(self.data))
        return self._drawn("collapse", {"seed": seed}, data, self._box, alloy, seed)

    def layer_composition(self) -> Table:
        """Compare the elements drawn with the fractions, layer by layer.

        Returns
        -------
        Table
            For each layer across the direction in which the composition changes most, from its
            lowest on: ``position`` in nm, number of mixed ``sites``, and for each element its
            fraction among the atoms (``Ge``) and the mean of its fractions (``expected_Ge``).

        Raises
        ------
        ValueError
            If the model has no fractions.
        """
        from hyperspy_twin.atoms.alloying import find_layers, layer_normal

        alloy = self._state("alloy")
        if alloy is None:
            raise ValueError("the model has no fractions: call set_composition(maps) first")
        elements = alloy.elements
        fractions = self._columns(*elements)
        mixed = fractions.sum(axis=1) > 0
        plane, fractions = self.positions[mixed, :2], fractions[mixed]
        heights = plane @ layer_normal(plane, fractions[:, 0])
        layer = find_layers(heights)
        sites = np.bincount(layer)
        columns = {"position": np.bincount(layer, heights) / sites / ANGSTROM_PER_NM}
        columns["sites"] = sites
        for element, own in zip(elements, fractions.T, strict=True):
            columns[element] = np.bincount(layer, self._symbols[mixed] == element) / sites
            columns[f"expected_{element}"] = np.bincount(layer, own) / sites
        return Table.from_columns(columns, {"position": "nm"})

    def _drawn(
        self,
        step: str,
        parameters: dict[str, Any],
        data: np.ndarray,
        box: ModelBox,
        alloy: Alloy,
        seed: int,
        **options: Any,
    ) -> AtomicModel:
        """Model whose mixed sites got one of their elements; ``data`` is changed in place."""
        from ase.data import atomic_numbers

        from hyperspy_twin.atoms.alloying import draw_elements_of_alloy

        fractions = data[:, [box.columns.index(one) for one in alloy.elements]]
        drawn = draw_elements_of_alloy(data[:, :3], fractions, alloy, seed)
        mixed = np.flatnonzero(drawn >= 0)
        numbers = np.array([atomic_numbers[one] for one in alloy.elements])
        data[mixed, box.columns.index("Z")] = numbers[drawn[mixed]]
        data[mixed, box.columns.index("occupancy")] = fractions[mixed, drawn[mixed]]
        axes = self._axes()
        axes[-1] = {"name": "column", "size": len(box.columns), "navigate": False}
        return self._derive(
            AtomicModel, step, parameters, data=data, axes=axes, model=box, alloy=alloy, **options
        )

    @property
    def _symbols(self) -> np.ndarray:
        """Chemical symbol of each atom, shape (n,)."""
        from ase.data import chemical_symbols

        return np.array(chemical_symbols)[self.numbers]

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
        columns = (atoms.positions, atoms.numbers, atoms.region, atoms.occupancy)
        return np.column_stack(columns).astype(float)

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
