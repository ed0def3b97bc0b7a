"""A table of atoms."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from hyperspy.signals import LazySignal1D, Signal1D

from hyperspy_twin.atoms import COLUMNS, ERROR_COLUMNS
from hyperspy_twin.core import ANGSTROM_PER_NM, Table
from hyperspy_twin.signals._densities import (
    AtomGroups,
    GroupChoice,
    density_signal,
    groups_of_atoms,
)
from hyperspy_twin.signals._images import show_progress
from hyperspy_twin.signals._occupancies import alloy_of, fractions_of_sites
from hyperspy_twin.signals._profiles import profile_signal
from hyperspy_twin.signals._signal import TwinSignal
from hyperspy_twin.signals._twin import write
from hyperspy_twin.signals._values import ModelBox

if TYPE_CHECKING:
    from typing import Self

    import ase
    from ase.calculators.calculator import BaseCalculator
    from hyperspy.api.roi import RectangularROI
    from hyperspy.signals import Signal2D
    from matplotlib.figure import Figure

    from hyperspy_twin.atoms import Alloy, FilledAtoms, Neighbours
    from hyperspy_twin.properties import FieldName
    from hyperspy_twin.signals._states import ElectronicStates
    from hyperspy_twin.signals.composition_map import CompositionMap

_LOGGER = logging.getLogger(__name__)
# Difference of Warren-Cowley parameters that is worth a warning: below that of random alloys of
# some 10 000 atoms.
SAME_ORDER = 0.005
# Columns and units of what is computed for each atom as it is.
COMPUTED = {
    "force": dict.fromkeys(("force_x", "force_y", "force_z"), "eV/Å"),
    "energy": {"energy": "eV"},
    "displacement": dict.fromkeys(("displacement_x", "displacement_y", "displacement_z"), "Å"),
}


class AtomicModel(TwinSignal, Signal1D):
    """Atoms of a model, one per navigation position, made by :meth:`StrainMap.to_atoms`.

    The columns are x, y, z in Angstrom in the image frame (x right, y down, z into the screen),
    atomic number Z, region and occupancy (the probability of the element on its site); then the
    standard errors sigma_x and sigma_y of the position in Angstrom, where they are known, and the
    fractions of the elements of an alloy.
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
        """Box as rows in Angstrom, shape (3, 3)."""
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
            For each ``region`` the number of ``atoms`` compared, all but hydrogen, the root mean
            square of the differences in ``e_xx``, ``e_yy``, ``e_xy`` (Lagrangian, against the
            reference, in the axes of the image) and ``rotation`` (degrees), and the ``reason``
            where there are none: a region that was filled with a lattice of its own does not follow
            the map.

        Raises
        ------
        ValueError
            If no region of the model follows a strain map, or ``strain`` is none.
        """
        from ase.data import atomic_numbers

        from hyperspy_twin.atoms import compare_deformation, measure_deformation

        lattices = self._state("lattices", ())
        displaced = [one for one in lattices if one.displaced]
        if not displaced:
            raise ValueError("no region of this model was displaced as a strain map says")
        if getattr(strain, "_signal_type", "") != "twin_strain_map":
            raise ValueError("give the StrainMap that the model was made from")
        own = [one.region for one in lattices if not one.displaced]
        on_sites = self.numbers != atomic_numbers["H"]  # hydrogen ends bonds beside the lattice
        positions = self.positions[on_sites]
        measured = measure_deformation(positions, self.cell, self._box.pbc, displaced[0])
        return compare_deformation(
            measured,
            strain._measured.gradients.relative,
            strain._grid,
            positions[:, :2] / ANGSTROM_PER_NM,
            self.region[on_sites],
            dict.fromkeys(own, "it was filled with a lattice of its own"),
        )

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
        table, box = _without_forces(np.atleast_2d(np.asarray(self.data)), box)
        rows = np.full((len(found), len(box.columns)), np.nan)
        values = (*(found + box.origin).T, 1, region[parent], 1)
        names = ("x", "y", "z", "Z", "region", "occupancy")
        for name, one in zip(names, values, strict=True):
            rows[:, box.columns.index(name)] = one
        data = np.concatenate([table, rows])
        axes = self._axes_for(*data.shape)
        return self._derive(AtomicModel, "passivate", {}, data=data, axes=axes, model=box)

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
            What the colours show: ``"element"``, ``"region"``, ``"coordination"``, ``"force"``
            (its mean size over each column of atoms, after :meth:`forces`), or another column of
            the table.
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
        return show_once(model_figure(positions, *self._coloured_by(by), depth, view, behind))

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
        positions, (label, values) = self.positions / ANGSTROM_PER_NM, self._coloured_by(by)
        if roi is not None:
            x, y = positions[:, :2].T
            inside = (x >= roi.left) & (x <= roi.right) & (y >= roi.top) & (y <= roi.bottom)
            if not inside.any():
                raise ValueError("no atom lies in this part")
            positions, values = positions[inside], values[inside]
        return show_once(model_3d_figure(positions, label, values, most=int(most), seed=seed))

    def _coloured_by(self, name: str) -> tuple[str, np.ndarray]:
        """Label with the unit of a column, and its values or names of classes, shape (n,)."""
        if name == "element":
            return name, self._symbols
        if name in ("region", "coordination"):
            values = self.region if name == "region" else self.coordination()
            present, index = np.unique(values, return_inverse=True)
            return name, np.array([f"{name} {one}" for one in present])[index]
        if name == "force":
            from hyperspy_twin.properties import mean_per_column

            size = np.linalg.norm(self.force, axis=1)
            return "force (eV/Å)", mean_per_column(self.positions[:, :2], size)
        if name not in self._box.columns:
            offered = ("element", "coordination", *self._box.columns)
            known = ", ".join(f"'{one}'" for one in offered)
            raise ValueError(f"the model has no column '{name}': choose one of {known}")
        unit = self._box.units[self._box.columns.index(name)]
        return f"{name} ({unit})" if unit else name, self._columns(name)[:, 0]

    # ---- forces ----

    def forces(self, calculator: BaseCalculator | None = None) -> AtomicModel:
        """Calculate the forces on the atoms and their energies, where they are.

        Parameters
        ----------
        calculator
            Any calculator of ASE; by default Keating's valence force field
            (:class:`hyperspy_twin.properties.KeatingCalculator`), which has C, Si, Ge, Sn,
            III-V compounds and CdTe.

        Returns
        -------
        AtomicModel
            The model with :attr:`force` and :attr:`energy`, as the columns ``force_x``,
            ``force_y``, ``force_z`` (eV/Å) and ``energy`` (eV, NaN where the calculator has no
            energies of atoms).

        Raises
        ------
        ValueError
            If occupancies below 1 were never drawn, or a position is not finite; by default also if
            an element has no constants, atoms overlap or have no bond, or the box is so thin that a
            bond meets its own atom.
        """
        from hyperspy_twin.properties import calculated_atoms

        self._require_drawn()
        atoms = calculated_atoms(
            self.positions - self._box.origin, self.numbers, self.cell, self._box.pbc, calculator
        )
        energy, force = atoms.forces(self.positions - self._box.origin)
        outcome = {
            "largest force": float(np.abs(force).max()),
            "mean force": float(np.linalg.norm(force, axis=1).mean()),
        }
        if np.isfinite(energy).all():
            outcome["energy"] = float(energy.sum())
        data, box = self._with_columns(force=force, energy=energy)
        return self._derive(
            AtomicModel,
            "forces",
            {"calculator": _name_of(calculator)},
            data=data,
            axes=self._axes_for(*data.shape),
            outcome=outcome,
            model=box,
        )

    def relax(
        self,
        mode: Literal["free", "z"] = "free",
        *,
        fixed: int | Sequence[int] | np.ndarray | None = None,
        tolerance: float = 1e-5,
        calculator: BaseCalculator | None = None,
        show_progressbar: bool | None = None,
    ) -> AtomicModel:
        """Move the atoms until their forces vanish; the box stays.

        The measured positions are kept: they are ``relaxed.positions - relaxed.displacement``.
        Bonds stay those of the start. Where nothing is fixed, the mean shift and rotation are taken
        out of the displacement.

        Parameters
        ----------
        mode
            ``"free"``, or ``"z"`` to move atoms along the beam alone, so that columns stay where
            the image shows them.
        fixed
            What does not move: the number of a region, several, or a boolean for each atom, shape
            (n,).
        tolerance
            Largest component of a force that may be left, in eV/Å. In a well of 200 000 atoms the
            default leaves displacements within 0.01 pm of the minimum, and 7e-4 within 1 pm.
        calculator
            As for :meth:`forces`.
        show_progressbar
            Show the step and its largest force; by default as HyperSpy's preferences say.

        Returns
        -------
        AtomicModel
            The relaxed model with :attr:`displacement`, :attr:`force` and :attr:`energy`. Its
            history has the energy and the largest force of each step, the root mean square of the
            displacement, and the mean lengths of bonds before and after. Where the tolerance was
            not reached, a warning says so.

        Raises
        ------
        ValueError
            As for :meth:`forces`; or if the mode or a region is unknown, the tolerance is no force,
            or no atom may move.

        Notes
        -----
        Models of more than 50 000 atoms in Keating's force field are relaxed by Newton's method
        with conjugate gradients, all others by the L-BFGS of SciPy.
        """
        from hyperspy_twin.properties import relax_atoms

        self._require_drawn()
        start, box = self.positions - self._box.origin, self._box
        with show_progress("Relaxing", show_progressbar):
            found = relax_atoms(
                start,
                self.numbers,
                cell=self.cell,
                pbc=box.pbc,
                mode=mode,
                held=self._held(fixed),
                tolerance=tolerance,
                calculator=calculator,
            )
        if not found.converged:
            _LOGGER.warning(
                "the relaxation stopped at %.1e eV/Å, above the tolerance of %.1e: positions are "
                "not those of the minimum",
                found.trace.force[-1],
                tolerance,
            )
        if found.broken:
            _LOGGER.warning(
                "%d atoms have a bond that became too long or too short to be one: the force field "
                "does not hold there",
                found.broken,
            )
        moved = found.positions - start
        before = self.displacement if "displacement_x" in box.columns else 0.0
        data, columns = self._with_columns(
            force=found.force, energy=found.energy, displacement=before + moved
        )
        data[:, :3] += moved
        parameters = {
            "mode": mode,
            "fixed": None if fixed is None else _plain(fixed),
            "tolerance": tolerance,
            "calculator": _name_of(calculator),
        }
        outcome = {
            "method": found.method,
            "converged": bool(found.converged),
            "energy": found.trace.energy,
            "largest force": found.trace.force,
            "displacement": float(np.sqrt(np.mean(np.sum(moved**2, axis=1)))),
            "bonds": found.bonds,
        }
        return self._derive(
            AtomicModel,
            "relax",
            parameters,
            data=data,
            axes=self._axes_for(*data.shape),
            outcome=outcome,
            model=columns,
        )

    def elastic_constants(self) -> dict[str, float]:
        """Elastic constants of the crystal by Keating's valence force field.

        Of a model that repeats along all vectors of its box they are those of the model as it is,
        with atoms relaxed in the box. A model with surfaces has those of its bulk: of a cube of
        512 atoms with its elements in random order, with the cell relaxed. Axes are the cubic ones.

        Returns
        -------
        dict
            ``C11``, ``C12`` and ``C44`` in GPa. C44 of compounds is up to 26 % off, mostly low,
            since the force field has no Coulomb term.

        Raises
        ------
        ValueError
            As for :meth:`forces`; or if the model is no single cubic crystal:
            ``select(region=...)`` one.
        """
        from hyperspy_twin.properties import elastic_constants

        self._require_drawn()
        return elastic_constants(
            self.positions - self._box.origin, self.numbers, self.cell, self._box.pbc
        )

    def displacement_statistics(self) -> Table:
        """Table of the displacements of a relaxed model, by region and element.

        Returns
        -------
        Table
            Columns: ``region``, ``element``, number of ``atoms``, the root mean square ``rms``, the
            ``mean_x``, ``mean_y`` and ``mean_z``, and the ``largest``, in pm.

        Raises
        ------
        ValueError
            If the model was not relaxed.
        """
        from hyperspy_twin.properties import summarise_displacements

        return summarise_displacements(self.displacement, self.region, self._symbols)

    def check(self, strain: TwinSignal | None = None, *, chance: float = 0.01) -> Table:
        """Find places whose forces neither the composition nor the errors of positions explain.

        Strain in equilibrium has no forces. What an image adds by a scan that jumps, by distortion
        or by wrong outlines has. Forces of an alloy, whose bonds want different lengths, are left
        out, since each site counts as the mean of its elements (:meth:`set_composition`, or the
        alloy of its region); and so is the misfit at steps of the composition. What is left is
        summed over rows, as the scan goes, and over areas.

        A relaxed model is checked at its measured positions.

        Parameters
        ----------
        strain
            The strain map of the model, for the likely cause: its standard errors and dislocations.
        chance
            Probability that something is found in a model without artefacts.

        Returns
        -------
        Table
            A row for each place, scan lines first: its ``kind``, ``"scan line"`` or ``"area"``, its
            middle ``x, y``, its ``width`` and ``height`` (nm), the ``significance`` in standard
            errors, for scan lines the displacement (``displacement_x, displacement_y`` in pm) of
            the lines below against those above, the mean ``force`` that is not explained (eV/Å) and
            the likely ``cause``. Empty where nothing was found.

        Raises
        ------
        ValueError
            If the model has elements other than those of tetrahedral semiconductors, the errors of
            the positions are not known, or the chance is none.

        Notes
        -----
        In images of 1024 lines with a jitter of 3 pm, jumps of 3 pm along the lines are found in
        about nine of ten, less often next to a border or an interface, where few lines can be
        compared. Next to an interface a jump across the lines is not told from the misfit of the
        layers. In about one of ten images without a jump a line is blamed nevertheless, with at
        most 5.3 standard errors: ``chance`` holds the noise, but not all that outlines do.
        """
        from hyperspy_twin.signals._force_check import check_model, table_of_suspects

        if not 0 < chance < 1:
            raise ValueError(f"chance is a probability between 0 and 1, not {chance}")
        if strain is not None and getattr(strain, "_signal_type", "") != "twin_strain_map":
            raise ValueError("give the StrainMap that the model was made from")
        self._require_drawn()
        return table_of_suspects(self, strain, check_model(self, chance))

    def force_map(self, image: Signal2D, *, width: float = 0.2) -> Signal2D:
        """Map the mean size of the forces on the pixels of a micrograph.

        Parameters
        ----------
        image
            Micrograph in nm whose pixels are used.
        width
            Standard deviation in nm of the window in which the forces of atoms are averaged.

        Returns
        -------
        hyperspy.api.signals.Signal2D
            Mean size of the force in eV/Å, on the axes of the image; NaN where no atom is.

        Raises
        ------
        ValueError
            If the model has no forces (:meth:`forces`), the image is no single one in nm, or the
            width is no length.
        """
        from hyperspy.signals import Signal2D as Image

        from hyperspy_twin.properties import mean_per_pixel
        from hyperspy_twin.signals._images import grid_of

        if not (np.isfinite(width) and width > 0):
            raise ValueError(f"width is a length in nm above zero, not {width}")
        size = np.linalg.norm(self.force, axis=1)
        _image_behind(image)
        axes = [axis.get_axis_dictionary() for axis in image.axes_manager._axes[-2:]]
        points = self.positions[:, :2] / ANGSTROM_PER_NM
        found = Image(mean_per_pixel(points, size, grid_of(axes), width), axes=axes)
        found.metadata.General.title = f"mean force, {self.metadata.General.title}"
        found.metadata.set_item("Signal.quantity", "Force (eV/Å)")
        return found

    @property
    def force(self) -> np.ndarray:
        """Forces in eV/Å, shape (n, 3); of :meth:`forces` or :meth:`relax`."""
        return self._computed("force_x", "force_y", "force_z")

    @property
    def energy(self) -> np.ndarray:
        """Energies of the atoms in eV, shape (n,); of :meth:`forces` or :meth:`relax`."""
        return self._computed("energy")[:, 0]

    @property
    def displacement(self) -> np.ndarray:
        """Displacements by :meth:`relax` from the measured positions in Å, shape (n, 3)."""
        return self._computed("displacement_x", "displacement_y", "displacement_z")

    def _computed(self, *names: str) -> np.ndarray:
        """Columns of a step that this model may not have made."""
        if names[0] not in self._box.columns:
            step = "relax()" if names[0].startswith("displacement") else "forces() or relax()"
            raise ValueError(f"this model has no {names[0].partition('_')[0]}: call {step} first")
        return self._columns(*names)

    def _with_columns(self, **values: np.ndarray) -> tuple[np.ndarray, ModelBox]:
        """Copy of the table and its box with columns of :data:`COMPUTED`, new or written over."""
        box = self._box
        new = [
            (name, unit)
            for key in values
            for name, unit in COMPUTED[key].items()
            if name not in box.columns
        ]
        table = np.atleast_2d(np.asarray(self.data))
        data = np.empty((len(table), table.shape[1] + len(new)))
        data[:, : table.shape[1]] = table
        columns = (*box.columns, *(name for name, _ in new))
        for key, one in values.items():
            data[:, [columns.index(name) for name in COMPUTED[key]]] = one.reshape(len(table), -1)
        return data, replace(box, columns=columns, units=(*box.units, *(unit for _, unit in new)))

    def _held(self, fixed: int | Sequence[int] | np.ndarray | None) -> np.ndarray | None:
        """Atoms that do not move, boolean, shape (n,)."""
        if fixed is None:
            return None
        given = np.asarray(fixed)
        if given.dtype == bool:
            if given.shape != self.numbers.shape:
                raise ValueError(f"fixed is a boolean for each of {len(self.numbers)} atoms")
            return given
        missing = np.setdiff1d(np.atleast_1d(given), self.region)
        if len(missing):
            raise ValueError(f"the model has no atoms in region {missing[0]}")
        return np.isin(self.region, given)

    # ---- electronic states ----

    def electronic_dos(
        self,
        *,
        along: str | None = None,
        bins: int | Sequence[float] | None = None,
        by: str | None = None,
        mask: np.ndarray | None = None,
        energies: Sequence[float] | np.ndarray | None = None,
        resolution: float = 0.1,
        vectors: int = 4,
        seed: int = 0,
        parameters: str | None = None,
        k: float = 0.0,
        device: str = "cpu",
        checkpoint: str | Path | None = None,
        show_progressbar: bool | None = None,
    ) -> Signal1D:
        """Electronic density of states, of the whole model or of parts of it.

        By sp3d5s* tight binding with spin-orbit coupling and the kernel polynomial method [1]_: the
        densities of all parts come from one recursion on random vectors, two moments from each
        product. The model is as it is, so that strain and composition act on each bond. Bonds that
        are missing at its ends are passivated. Energies are for low temperature.

        Parameters
        ----------
        along
            ``"x"`` or ``"y"``: local densities in bins along this axis of the image.
        bins
            Number of bins, 10 by default, or their edges in nm.
        by
            ``"region"`` or ``"element"``: local densities of these, in each bin where there are
            bins.
        mask
            Atoms that count, boolean, shape (n,).
        energies
            Ends (low, high), or a list of energies that rise, in eV; by default the whole spectrum.
        resolution
            Full width at half maximum in eV. It is nowhere wider, and narrower towards the ends of
            the spectrum. The time goes as its inverse.
        vectors
            Number of random vectors, at least 2. Error bars fall with its root, and with that of
            the number of atoms in a part.
        seed
            Of the random vectors.
        parameters
            ``"Niquet 2009"`` (Si, Ge and their alloys) or ``"Jancu 1998"`` (III-V compounds), by
            default the one of these that has the elements; ``"Boykin 2004"`` (silicon, germanium,
            and hydrogen on silicon). See :func:`hyperspy_twin.properties.bands`.
        k
            Wave vector along the beam in units of 2 pi over the thickness: 0, or 0.5 for the states
            that change sign from one repeat to the next. The mean of both is the density of a model
            of twice the thickness, for half of its memory.
        device
            ``"cpu"``, or a device of torch, such as ``"cuda"``. The code of torch is tested on the
            processor against this one; nobody has measured its speed on a graphics processor.
        checkpoint
            File, ending .npz, from which the same call continues after it was stopped; it can be
            deleted afterwards.
        show_progressbar
            Show what is computed and the time left; by default as HyperSpy's preferences say.

        Returns
        -------
        hyperspy.api.signals.Signal1D
            States (both spins) per eV and atom over the energy in eV, relative to the valence band
            edge of silicon (Si, Ge and alloys) or of the compound; with the parts on the
            navigation axis. ``metadata.Signal.Noise_properties.variance`` holds the variance by
            the random vectors, and ``metadata.Density`` the settings and the atoms of each part.

        Raises
        ------
        ValueError
            If the model has elements without parameters, atoms with more than four neighbours or
            overlapping ones, occupancies that were never drawn, or is one repeat thick; if energies
            lie outside of the spectrum, parts have no atoms, or the file of states is of another
            calculation.
        MemoryError
            If it does not fit into the memory, before it starts.

        References
        ----------
        .. [1] A. Weisse, G. Wellein, A. Alvermann, H. Fehske, Rev. Mod. Phys. 78 (2006) 275.
        """
        from hyperspy_twin.properties import (
            DensitySettings,
            electronic_density,
            model_hamiltonian,
        )

        self._require_drawn()
        groups = self._groups(along, bins, by, mask)
        settings = DensitySettings(
            resolution=float(resolution),
            vectors=int(vectors),
            seed=int(seed),
            device=device,
            checkpoint=None if checkpoint is None else Path(checkpoint),
        )
        with show_progress("Electronic density of states", show_progressbar):
            hamiltonian = model_hamiltonian(
                self.positions, self.numbers, self.cell, self._box.pbc, parameters=parameters, k=k
            )
            found = electronic_density(hamiltonian, groups.labels, len(groups), energies, settings)
        details = {
            "parameters": hamiltonian.parameters.name,
            "resolution": settings.resolution,
            "moments": found.moments.shape[-1],
            "vectors": settings.vectors,
            "seed": settings.seed,
            "device": device,
            "k": float(k),
            "spectrum": [found.window.low, found.window.high],
        }
        return density_signal(
            found.values,
            found.variance,
            found.energies,
            unit="eV",
            groups=groups,
            title=f"Electronic density of states of {self.metadata.General.title}",
            details=details,
        )

    def band_edges(
        self,
        *,
        along: str = "y",
        bins: int | Sequence[float] | None = None,
        mask: np.ndarray | None = None,
        resolution: float = 0.1,
        vectors: int = 2,
        seed: int = 0,
        parameters: str | None = None,
        k: float = 0.0,
        checkpoint: str | Path | None = None,
        show_progressbar: bool | None = None,
    ) -> Signal1D:
        """Valence and conduction edges along an axis of the image, from local densities of states.

        By the tight binding of :meth:`electronic_dos`, with random vectors that start in one bin
        each, so that the gap of a bin holds nothing but its own states. An edge is the mean energy
        of the states that the outermost density is made of, which its logarithmic slope tells [1]_:
        it lies at the states, not by the resolution outside of them. A bin has states where it
        holds a fifth of the largest density of any bin at the same energy; less is what reaches in
        from its neighbours. Unlike those of :meth:`StrainMap.band_edges`, these edges include the
        confinement by the layers, and by the size of the model: without repetition in the plane of
        the layers, and for the conduction band wherever its minima are no waves of the box, it
        raises the gap.

        Parameters
        ----------
        along
            ``"x"`` or ``"y"``.
        bins
            Number of bins, 10 by default, or their edges in nm, evenly spaced.
        mask
            Atoms that count, boolean, shape (n,).
        resolution
            Full width at half maximum in eV of the density that is read. The time goes as its
            inverse, and as the number of bins.
        vectors
            Number of random vectors of each bin, at least 2.
        seed, parameters, k, checkpoint, show_progressbar
            As for :meth:`electronic_dos`.

        Returns
        -------
        hyperspy.api.signals.Signal1D
            The edges in eV, valence and conduction, over the distance in nm. The variance in
            ``metadata.Signal.Noise_properties.variance`` is that of the random vectors with the
            spread of the states that the edge is read from. ``metadata.Profile`` has the settings
            and ``gap``, the energies between which no bin has states.

        Raises
        ------
        ValueError
            As for :meth:`electronic_dos`; also if the model is metallic, or bins are uneven.
        MemoryError
            If it does not fit into the memory, before it starts.

        References
        ----------
        .. [1] B. Efron, J. Am. Stat. Assoc. 106 (2011) 1602.
        """
        from hyperspy_twin.properties import DensitySettings, local_edges, model_hamiltonian

        self._require_drawn()
        groups = self._groups(along, bins, None, mask)
        places = groups.axes[0].places
        if not np.allclose(np.diff(places, 2), 0.0, atol=1e-6 * np.ptp(places)):
            raise ValueError("bins of a profile are evenly spaced")
        settings = DensitySettings(
            resolution=float(resolution),
            vectors=int(vectors),
            seed=int(seed),
            checkpoint=None if checkpoint is None else Path(checkpoint),
        )
        with show_progress("Band edges", show_progressbar):
            hamiltonian = model_hamiltonian(
                self.positions, self.numbers, self.cell, self._box.pbc, parameters=parameters, k=k
            )
            found = local_edges(hamiltonian, groups.labels, len(groups), settings)
        return profile_signal(
            places,
            np.array([found.valence, found.conduction]),
            np.array([found.valence_error, found.conduction_error]),
            names=("valence edge", "conduction edge"),
            unit="nm",
            title=f"Band edges (eV) of {self.metadata.General.title}",
            details={
                "along": along,
                "parameters": hamiltonian.parameters.name,
                "resolution": settings.resolution,
                "vectors": settings.vectors,
                "seed": settings.seed,
                "k": float(k),
                "gap": list(found.gap),
            },
        )

    def states(
        self,
        *,
        near: float,
        count: int = 4,
        within: float = 0.1,
        residual: float = 0.005,
        seed: int = 0,
        parameters: str | None = None,
        k: float = 0.0,
        show_progressbar: bool | None = None,
    ) -> ElectronicStates:
        """Electronic states of the model nearest to an energy, such as one in its gap.

        By the tight binding of :meth:`electronic_dos`. The states in the range are counted first;
        where there are any, a block of random vectors is filtered until it holds them [1]_. Filters
        leave values in a gap that are no states: what does not fulfil H psi = E psi is dropped, and
        that no state lies in the range is an answer. Without spin splitting, states come in pairs.

        Parameters
        ----------
        near
            Energy in eV, relative to the valence band edge of silicon (Si, Ge and alloys) or of the
            compound.
        count
            Number of states, the nearest ones.
        within
            Largest distance from the energy in eV. The time goes as its inverse.
        residual
            Largest norm of H psi - E psi in eV of a state.
        seed
            Of the random vectors.
        parameters, k
            As for :meth:`electronic_dos`.
        show_progressbar
            Show what is computed; by default as HyperSpy's preferences say.

        Returns
        -------
        ElectronicStates
            With ``energies`` and ``residuals`` in eV, the ``density`` of each state on each atom,
            ``participation``, the part ``at_ends`` of the model (atoms that lack a bond), and
            ``map(image)`` and ``plot()`` of where they sit.

        Raises
        ------
        ValueError
            As :meth:`electronic_dos`; also if the energy lies outside of the spectrum, or so many
            states lie near it that none can be told apart.
        MemoryError
            If it does not fit into the memory, before it starts.

        References
        ----------
        .. [1] Y. Zhou, Y. Saad, M. L. Tiago, J. R. Chelikowsky, J. Comput. Phys. 219 (2006) 172.
        """
        from hyperspy_twin.properties import Search, model_hamiltonian, states_of_model
        from hyperspy_twin.signals._states import ElectronicStates

        self._require_drawn()
        search = Search(float(near), int(count), float(within), float(residual), int(seed))
        with show_progress("Electronic states", show_progressbar):
            hamiltonian = model_hamiltonian(
                self.positions, self.numbers, self.cell, self._box.pbc, parameters=parameters, k=k
            )
            found = states_of_model(hamiltonian, search)
        return ElectronicStates.of_model(self, found, hamiltonian.open_ended)

    # ---- vibrations ----

    def phonon_dos(
        self,
        along: str | None = None,
        bins: int | Sequence[float] | None = None,
        by: str | None = None,
        *,
        mask: np.ndarray | None = None,
        temperature: float | None = None,
        energies: Sequence[float] | np.ndarray | None = None,
        resolution: float = 1.0,
        vectors: int = 16,
        seed: int = 0,
        field: FieldName = "keating",
        calculator: BaseCalculator | None = None,
        show_progressbar: bool | None = None,
    ) -> Signal1D:
        """Density of vibrations (phonons), of the whole model or of parts of it.

        By the force constants of a valence force field where the atoms are, and the kernel
        polynomial method [1]_: the densities of all parts come from one recursion on random
        vectors. Relax the model first. Lines are Gaussian, 16 % wider than ``resolution`` at low
        energies and narrower above half of the highest energy.

        Plain Keating has the zone edge of acoustic vibrations up to 70 % too high and optical
        vibrations 2 to 6 % too high; the modified field has those of Si and Ge within 2 %. Neither
        tells strain by the shift of a peak: Keating's peaks rise under tension (a Grüneisen
        parameter of -0.6), those of real crystals fall (+1.1).

        Parameters
        ----------
        along, bins, by, mask
            Parts of the model, as for :meth:`electronic_dos`.
        temperature
            In K: gives the density in the form of energy losses by single phonons,
            ``g(E) (n(E) + 1) / E`` with the Bose factor n, which begins at the energy of the
            resolution. Several phonons and the directions of the scattering are left out.
        energies
            At least two that rise, in meV; by default the whole spectrum.
        resolution
            Full width of a line at half maximum in meV, at half of the highest energy. The time
            goes as its inverse.
        vectors, seed
            Number of random vectors and their seed, as for :meth:`electronic_dos`.
        field
            ``"keating"``, or ``"modified"`` for spectra.
        calculator
            Any calculator of ASE instead, for models of up to 1000 atoms, by differences of its
            forces.
        show_progressbar
            Show what is computed; by default as HyperSpy's preferences say.

        Returns
        -------
        hyperspy.api.signals.Signal1D
            Vibrations per meV and atom over the energy in meV, of integral 3, with the parts on
            the navigation axis. ``metadata.Signal.Noise_properties.variance`` holds the variance
            by the random vectors, and ``metadata.Density`` the settings and the atoms of each part.

        Raises
        ------
        ValueError
            If the atoms are not at rest, have elements without parameters, overlap or have no
            bonds, occupancies were never drawn, or the model is too large for the calculator.
        MemoryError
            If it does not fit into the memory, before it starts.

        References
        ----------
        .. [1] A. Weisse, G. Wellein, A. Alvermann, H. Fehske, Rev. Mod. Phys. 78 (2006) 275.
        """
        from hyperspy_twin.properties import PhononSettings, phonon_density
        from hyperspy_twin.signals._vibrations import phonon_signal

        self._require_drawn()
        groups = self._groups(along, bins, by, mask)
        settings = PhononSettings(float(resolution), int(vectors), int(seed), field)
        with show_progress("Density of vibrations", show_progressbar):
            found = phonon_density(
                self.to_ase(),
                groups.labels,
                len(groups),
                settings=settings,
                energies=None if energies is None else np.asarray(energies, float),
                calculator=calculator,
            )
        title = f"Density of vibrations of {self.metadata.General.title}"
        return phonon_signal(found, groups, settings, temperature, calculator, title)

    def phonon_bands(
        self, path: str | None = None, *, points: int = 100, field: FieldName = "keating"
    ) -> Signal1D:
        """Energies of vibrations along a path of wave vectors, for a model of one small cell.

        Parameters
        ----------
        path
            Special points of the cell's lattice, as in ``"GXWKGL"``; by default all of ASE's path.
        points
            Number of wave vectors.
        field
            ``"keating"``, or ``"modified"``, which has the bands of Si and Ge within 2 %.

        Returns
        -------
        hyperspy.api.signals.Signal1D
            Energies in meV over the length of the path in 1/Å (with 2 pi), with the branches on the
            navigation axis; negative where a displacement lowers the energy. ``metadata.Bands`` has
            the special points and where they lie.

        Raises
        ------
        ValueError
            If the model does not repeat in all directions, has more than 200 atoms, or the path
            is none of its lattice.
        """
        from hyperspy_twin.properties import cell_of
        from hyperspy_twin.signals._vibrations import bands_signal

        self._require_drawn()
        return bands_signal(
            self.metadata.General.title, cell_of(self.to_ase(), field), path, int(points)
        )

    def sound_speeds(
        self, direction: Sequence[float], *, field: FieldName = "keating"
    ) -> tuple[float, float, float]:
        """Speeds of the three sound waves along a direction in m/s, rising.

        Parameters
        ----------
        direction
            Vector (x, y, z).
        field
            ``"keating"``; the modified field has C12 of Si and Ge 50 % too high.

        Raises
        ------
        ValueError
            If the model does not repeat in all directions, has more than 200 atoms, or the
            direction is none.
        """
        from hyperspy_twin.properties import cell_of

        self._require_drawn()
        slow, middle, fast = cell_of(self.to_ase(), field).sound_speeds(direction).tolist()
        return slow, middle, fast

    def thermal_displacements(
        self,
        temperature: float,
        along: str | None = None,
        bins: int | Sequence[float] | None = None,
        by: str | None = None,
        *,
        mask: np.ndarray | None = None,
        vectors: int = 16,
        seed: int = 0,
        field: FieldName = "keating",
        calculator: BaseCalculator | None = None,
        show_progressbar: bool | None = None,
    ) -> Table:
        """Mean square displacements at a temperature, with the motion of the ground state.

        They are the Debye-Waller factors that the simulation of images takes. Motions of the model
        as a whole are left out; the vibrations are harmonic.

        Parameters
        ----------
        temperature
            In K, at least 10; or 0 for models of up to 300 atoms.
        along, bins, by, mask
            Parts of the model, as for :meth:`electronic_dos`.
        vectors, seed
            Number of random vectors, and their seed; models of up to 300 atoms need none.
        field, calculator, show_progressbar
            As for :meth:`phonon_dos`.

        Returns
        -------
        Table
            For each part (middle of the bin in nm, or number of the region, in a column of its
            name) and ``element`` the number of ``atoms``, the ``mean_square`` displacement along
            one direction in Å² with its standard ``error``, and ``B``, 8 pi² times as large.

        Raises
        ------
        ValueError, MemoryError
            As for :meth:`phonon_dos`, and if the temperature is too low.
        """
        from hyperspy_twin.properties import PhononSettings, thermal_displacements
        from hyperspy_twin.signals._vibrations import displacement_table

        self._require_drawn()
        groups = self._groups(along, bins, by, mask)
        settings = PhononSettings(vectors=int(vectors), seed=int(seed), field=field)
        with show_progress("Thermal displacements", show_progressbar):
            found = thermal_displacements(
                self.to_ase(),
                groups.labels,
                temperature=float(temperature),
                settings=settings,
                calculator=calculator,
            )
        return displacement_table(found, groups)

    def heat_capacity(
        self,
        temperatures: float | Sequence[float],
        *,
        vectors: int = 16,
        seed: int = 0,
        field: FieldName = "keating",
        calculator: BaseCalculator | None = None,
        show_progressbar: bool | None = None,
    ) -> Table:
        """Heat capacity of the vibrations at constant volume. There is no thermal conductivity.

        Parameters
        ----------
        temperatures
            One or more in K, at least 10.
        vectors, seed, field, calculator, show_progressbar
            As for :meth:`thermal_displacements`.

        Returns
        -------
        Table
            For each ``temperature`` the ``heat_capacity`` of an atom in Boltzmann's constant (3 at
            high temperatures), and its standard ``error`` by the random vectors.

        Raises
        ------
        ValueError, MemoryError
            As for :meth:`thermal_displacements`.
        """
        from hyperspy_twin.properties import PhononSettings, heat_capacity

        self._require_drawn()
        wanted = np.atleast_1d(np.asarray(temperatures, float))
        settings = PhononSettings(vectors=int(vectors), seed=int(seed), field=field)
        with show_progress("Heat capacity", show_progressbar):
            values, variance = heat_capacity(
                self.to_ase(), wanted.tolist(), settings=settings, calculator=calculator
            )
        columns = {"temperature": wanted, "heat_capacity": values, "error": np.sqrt(variance)}
        return Table.from_columns(columns, {"temperature": "K"})

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
        from ase.data import chemical_symbols

        from hyperspy_twin.atoms import choose_sublattices

        placement = maps.placement
        if placement is None:
            raise ValueError(
                "the composition maps are not placed on the micrograph: call maps.register(image)"
            )
        numbers = self.numbers
        present = sorted(chemical_symbols[z] for z in np.flatnonzero(np.bincount(numbers)))
        chosen = choose_sublattices(present, maps.elements, sublattices)
        alloy = alloy_of(chosen, maps, placement)
        fractions, outcome = fractions_of_sites(
            self.positions, numbers, maps, placement, chosen, alloy.elements, guide
        )
        kept = [n for n, name in enumerate(self._box.columns) if name not in alloy.elements]
        box = replace(
            self._box,
            columns=(*(self._box.columns[n] for n in kept), *alloy.elements),
            units=(*(self._box.units[n] for n in kept), *[""] * len(alloy.elements)),
        )
        table = np.atleast_2d(self.data)
        # Copied once more only where an earlier alloy goes.
        table = table if len(kept) == table.shape[1] else table[:, kept]
        data = np.hstack([table, fractions])
        parameters = {
            "elements": maps.elements,
            "sublattices": {one.name: one.hosts for one in chosen},
            "seed": seed,
            "guide": guide is not None,
        }
        return self._drawn("set_composition", parameters, data, box, alloy, seed, outcome=outcome)

    def collapse(self, seed: int = 0, *, short_range_order: float | None = None) -> AtomicModel:
        """Draw the elements of the mixed sites anew.

        The number of atoms of each element in each piece of a layer, as long as a pixel of the
        composition map and at least 3 nm, and in each layer, is the sum of the fractions, rounded;
        which atoms they are is random. The fractions stay in the table.

        Parameters
        ----------
        seed
            Of the random numbers; the same seed gives the same atoms.
        short_range_order
            Wanted Warren-Cowley parameter of the nearest sites of each sublattice: 1 less the
            number of pairs of unlike atoms over that of a random alloy. It is positive where like
            atoms cluster, and negative where they avoid each other; by default the alloy is
            random. Where it cannot be reached, a warning says what was.

        Returns
        -------
        AtomicModel
            Model with other elements; ``occupancy`` is the fraction of the element drawn.

        Raises
        ------
        ValueError
            If the model has no fractions: call :meth:`set_composition` first; or the parameter is
            not between -1 and 1.

        References
        ----------
        J. M. Cowley, Phys. Rev. 77 (1950) 669-675.
        """
        alloy = self._alloy
        if short_range_order is not None and not -1 <= short_range_order <= 1:
            raise ValueError(f"short_range_order lies between -1 and 1, not {short_range_order}")
        return self._drawn(
            "collapse",
            {"seed": seed, "short_range_order": short_range_order},
            np.array(np.atleast_2d(self.data)),
            self._box,
            alloy,
            seed,
            order=short_range_order,
        )

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
        from ase.data import atomic_numbers

        from hyperspy_twin.atoms import equal_runs, find_layers, layer_normal

        elements = self._alloy.elements
        fractions = self._columns(*elements)
        mixed = np.flatnonzero(fractions.sum(axis=1) > 0)
        plane, fractions, numbers = (
            self.positions[mixed, :2],
            fractions[mixed],
            self.numbers[mixed],
        )
        first, atoms = equal_runs(*plane.T, *fractions.T)
        heights = plane[first] @ layer_normal(plane[first], fractions[first, 0])
        layer = find_layers(heights)
        sites = np.bincount(layer, atoms).astype(np.int64)
        columns: dict[str, np.ndarray] = {
            "position": np.bincount(layer, atoms * heights) / sites / ANGSTROM_PER_NM
        }
        columns["sites"] = sites
        layer = np.repeat(layer, atoms)
        for element, own in zip(elements, fractions.T, strict=True):
            drawn = numbers == atomic_numbers[element]
            columns[element] = np.bincount(layer, drawn) / sites
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
        *,
        order: float | None = None,
        outcome: dict[str, Any] | None = None,
    ) -> AtomicModel:
        """Model whose mixed sites got one of their elements; ``data`` may be changed in place."""
        from ase.data import atomic_numbers

        from hyperspy_twin.atoms import draw_elements_of_alloy

        data, box = _without_forces(data, box)
        fractions = data[:, [box.columns.index(one) for one in alloy.elements]]
        drawn, reached = draw_elements_of_alloy(
            data[:, :3], fractions, alloy, seed, cell=box.cell, pbc=box.pbc, order=order
        )
        for name, parameter in reached.items():
            if order is not None and abs(parameter - order) > SAME_ORDER:
                _LOGGER.warning(
                    "the short-range order of %s reached %.3f, not %.3f: no exchange of atoms "
                    "within a layer brings it nearer",
                    name,
                    parameter,
                    order,
                )
        if reached:
            outcome = {**(outcome or {}), "short-range order": reached}
        mixed = np.flatnonzero(drawn >= 0)
        numbers = np.array([atomic_numbers[one] for one in alloy.elements])
        data[mixed, box.columns.index("Z")] = numbers[drawn[mixed]]
        data[mixed, box.columns.index("occupancy")] = fractions[mixed, drawn[mixed]]
        axes = self._axes()
        axes[-1] = {"name": "column", "size": len(box.columns), "navigate": False}
        return self._derive(
            AtomicModel,
            step,
            parameters,
            data=data,
            axes=axes,
            outcome=outcome,
            model=box,
            alloy=alloy,
        )

    def _require_drawn(self) -> None:
        """Refuse a model in which sites are occupied by parts of atoms."""
        drawn = self._state("lattices") is not None or self._state("alloy") is not None
        parts = self.occupancy < 1
        if not drawn and parts.any():
            raise ValueError(
                f"{int(parts.sum())} atoms have occupancies below 1, and no step drew their "
                "elements: draw them with set_composition(...) or collapse(), or set the array "
                "'occupancy' to 1 where these are whole atoms"
            )

    def _groups(
        self,
        along: str | None,
        bins: int | Sequence[float] | None,
        by: str | None,
        mask: np.ndarray | None,
    ) -> AtomGroups:
        choice = GroupChoice(along, bins, by, mask)
        return groups_of_atoms(self.positions, self.region, self.numbers, choice)

    @property
    def _alloy(self) -> Alloy:
        alloy = self._state("alloy")
        if alloy is None:
            raise ValueError("the model has no fractions: call set_composition(maps) first")
        return alloy

    @property
    def _symbols(self) -> np.ndarray:
        """Chemical symbol of each atom, shape (n,)."""
        from ase.data import chemical_symbols

        return np.array(chemical_symbols)[self.numbers]

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
        table = np.empty((len(atoms.numbers), len(COLUMNS) + len(ERROR_COLUMNS)))
        table[:, :3], table[:, len(COLUMNS) :] = atoms.positions, atoms.error
        for index, values in enumerate((atoms.numbers, atoms.region, atoms.occupancy), 3):
            table[:, index] = values
        return table

    @staticmethod
    def _axes_for(count: int, columns: int) -> list[dict[str, Any]]:
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


def _without_forces(data: np.ndarray, box: ModelBox) -> tuple[np.ndarray, ModelBox]:
    """Table and box without forces and energies, which are those of other atoms."""
    stale = (*COMPUTED["force"], *COMPUTED["energy"])
    kept = [n for n, name in enumerate(box.columns) if name not in stale]
    if len(kept) == len(box.columns):
        return data, box
    columns, units = (tuple(one[n] for n in kept) for one in (box.columns, box.units))
    return data[:, kept], replace(box, columns=columns, units=units)


def _name_of(calculator: BaseCalculator | None) -> str:
    """Name of a calculator for the history."""
    return "Keating" if calculator is None else type(calculator).__name__


def _plain(fixed: int | Sequence[int] | np.ndarray) -> Any:
    """Tell the history what is fixed: regions, or the number of atoms."""
    given = np.asarray(fixed)
    return f"{int(given.sum())} atoms" if given.dtype == bool else given.tolist()


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
