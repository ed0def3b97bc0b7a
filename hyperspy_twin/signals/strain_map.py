"""Strain, rotation and displacement of the lattice of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import LazySignal2D, Signal2D

from hyperspy_twin.signals._state import TwinState, axes_of, grid_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperspy_twin.core.grid import Grid
    from hyperspy_twin.signals.atomic_model import AtomicModel

COMPONENTS = ("e_xx", "e_yy", "e_xy", "rotation", "u_x", "u_y", "sigma")
TITLES = {
    "e_xx": "strain e_xx",
    "e_yy": "strain e_yy",
    "e_xy": "strain e_xy",
    "rotation": "rotation (degrees, counter-clockwise)",
    "u_x": "displacement u_x",
    "u_y": "displacement u_y",
    "sigma": "standard error of the strain",
}


class StrainMap(TwinState, Signal2D):
    """Strain maps in the image frame (x right, y down), made by :meth:`IndexedFFT.gpa`.

    The components lie along the navigation axis in the order e_xx, e_yy, e_xy, rotation
    (degrees, counter-clockwise as seen on the screen), u_x, u_y and sigma, the standard error of
    the strain. Values are NaN where there is no lattice.
    """

    _signal_type = "twin_strain_map"
    _alias_signal_types = ["StrainMap"]

    @property
    def e_xx(self) -> Signal2D:
        """Strain along x: change of the spacing over the reference's."""
        return self._component("e_xx")

    @property
    def e_yy(self) -> Signal2D:
        """Strain along y: change of the spacing over the reference's."""
        return self._component("e_yy")

    @property
    def e_xy(self) -> Signal2D:
        """Shear strain, half the change of the right angle in radians."""
        return self._component("e_xy")

    @property
    def rotation(self) -> Signal2D:
        """Rotation of the lattice in degrees, counter-clockwise as seen on the screen."""
        return self._component("rotation")

    @property
    def u_x(self) -> Signal2D:
        """Displacement along x from the reference lattice, in the unit of the axes."""
        return self._component("u_x")

    @property
    def u_y(self) -> Signal2D:
        """Displacement along y from the reference lattice, in the unit of the axes."""
        return self._component("u_y")

    @property
    def sigma(self) -> Signal2D:
        """Standard error of the strain: root mean square of those of e_xx and e_yy."""
        return self._component("sigma")

    @property
    def g(self) -> np.ndarray:
        """Reciprocal vectors (x, y) of the reference lattice, shape (k, 2)."""
        return np.asarray(self._twin("strain")["g"])

    @property
    def reference(self) -> int:
        """Number of the region whose lattice is the reference."""
        return int(self._twin("strain")["reference"])

    @property
    def resolution(self) -> float:
        """Standard deviation of the real-space window, in the unit of the axes."""
        return float(self._twin("strain")["resolution"])

    @property
    def definition(self) -> str:
        """``"lagrangian"`` (relative to the reference lattice) or ``"eulerian"``."""
        return str(self._twin("strain")["definition"])

    def to_atoms(self, thickness: float = 5.0, *, seed: int = 0) -> AtomicModel:
        """Fill the regions with atoms, displaced as measured.

        A virtual unit cell is fitted to the reference region and oriented by the indexing. Every
        indexed region with the same lattice is filled with it and displaced by u; a region with a
        lattice of its own is filled with its own cell. The model repeats along the beam a whole
        number of times. Regions without an indexed phase stay empty.

        Parameters
        ----------
        thickness
            Thickness of the foil in nm; rounded to whole repeats of the lattice along the beam.
        seed
            Of the random choice of elements on mixed sites.

        Returns
        -------
        AtomicModel
            Atoms in Angstrom, x right, y down, z into the screen.

        Raises
        ------
        ValueError
            If the pixel size is missing, no region is indexed, or the thickness is not positive.
        """
        from hyperspy_twin.atoms.model import build
        from hyperspy_twin.core.outlines import contains
        from hyperspy_twin.registration.lattices import Lattice
        from hyperspy_twin.signals.atomic_model import COLUMNS, AtomicModel

        missing = self._twin("strain").get("without_atoms")
        if missing:
            raise ValueError(missing)
        records = self._twin("lattices")
        outlines, grid = self._outlines(), grid_of(self._image_axes())
        displacement = np.stack([self._component(name).data for name in ("u_x", "u_y")])
        atoms = build(
            [Lattice.from_json(record) for record in records],
            outlines,
            lambda points: contains(outlines, points),
            np.asarray(displacement),
            grid,
            thickness,
            seed,
        )
        values = np.column_stack(
            [atoms.positions, atoms.numbers, atoms.region, atoms.occupancy]
        ).astype(float)
        axes = [
            {"name": "atom", "size": len(values), "navigate": True},
            {"name": "column", "size": len(COLUMNS), "navigate": False},
        ]
        width, height = (10 * length for length in grid.extent)
        return self._derive(
            AtomicModel,
            values,
            axes,
            "to_atoms",
            {"thickness": thickness, "seed": seed},
            model={
                "columns": list(COLUMNS),
                "units": ["Å", "Å", "Å", "", "", ""],
                "cell": np.diag([width, height, atoms.thickness]),
                "origin": [10 * (grid.offset[i] - grid.scale[i] / 2) for i in (0, 1)] + [0.0],
                "pbc": [False, False, True],
            },
        )

    def plot(self, **kwargs: Any) -> Figure | None:
        """Plot strains and rotation side by side, with the outlines of the regions.

        A map from which components were sliced away is plotted as HyperSpy plots images.

        Parameters
        ----------
        **kwargs
            ``limit``, the largest strain on the colour scale; for a sliced map whatever
            :meth:`hyperspy.api.signals.Signal2D.plot` takes.

        Returns
        -------
        matplotlib.figure.Figure
            The figure; None for a sliced map.
        """
        from hyperspy_twin.signals._figures import strain_figure

        if self.axes_manager.navigation_size != len(COMPONENTS):
            super().plot(**kwargs)
            return None
        return strain_figure(self, **kwargs)

    def _component(self, name: str) -> Signal2D:
        """One component as an image of its own, also after slicing."""
        axes = self.axes_manager.navigation_axes
        if not axes:
            raise ValueError("one component was cut out of this map: use its data directly")
        present = [round(value) for value in axes[0].axis]
        index = COMPONENTS.index(name)
        if index not in present:
            raise ValueError(f"component '{name}' was sliced away: it is no longer in this map")
        metadata = {"General": {"title": f"{TITLES[name]}, {self.metadata.General.title}"}}
        kind = LazySignal2D if self._lazy else Signal2D
        return kind(self.data[present.index(index)], axes=self._image_axes(), metadata=metadata)

    @staticmethod
    def _axes_for(grid: Grid, unit: str) -> list[dict[str, Any]]:
        component = {"name": "component", "size": len(COMPONENTS), "navigate": True}
        return [component, *axes_of(grid, unit)]

    def __repr__(self) -> str:
        """Type, size, reference and resolution in one line."""
        text = super().__repr__()
        strain = self._twin("strain")
        if strain is None:
            return text
        return (
            f"{text[:-1]}, reference: region {strain['reference']}, "
            f"resolution: {strain['resolution']:.3g} {self._unit}>"
        )


class LazyStrainMap(StrainMap, LazySignal2D):
    """A strain map whose data are read when they are needed."""
