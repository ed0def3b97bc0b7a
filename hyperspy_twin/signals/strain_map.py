"""Strain, rotation and displacement of the lattice of an image."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import LazySignal2D, Signal2D

from hyperspy_twin.core import Grid, RegisteredLattice, StrainField, Table
from hyperspy_twin.signals._images import axes_of, check_orientation
from hyperspy_twin.signals._pixels import ImagePixels
from hyperspy_twin.signals._signal import TwinSignal
from hyperspy_twin.signals._tables import strain_table
from hyperspy_twin.signals._values import ModelBox, StrainSettings
from hyperspy_twin.signals.atomic_model import COLUMNS, AtomicModel

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.figure import Figure

_LOGGER = logging.getLogger(__name__)
# Percent: spacings of crystals that differ by less are those of one crystal, see
# crystals.relations.pixel_size.SAME_SCALE.
LARGEST_SCALE_ERROR = 0.5
STRAINS = ("e_xx", "e_yy", "e_xy", "rotation")
ERRORS = ("sigma_xx", "sigma_yy", "sigma_xy", "sigma_rotation")
# Along the navigation axis of a new map; a map knows its own.
COMPONENTS = (*STRAINS, "u_x", "u_y", *ERRORS)
TITLES = {
    "e_xx": "strain e_xx",
    "e_yy": "strain e_yy",
    "e_xy": "strain e_xy",
    "rotation": "rotation (degrees, counter-clockwise)",
    "u_x": "displacement u_x",
    "u_y": "displacement u_y",
    "sigma": "standard error of the strain",
    "sigma_xx": "standard error of e_xx",
    "sigma_yy": "standard error of e_yy",
    "sigma_xy": "standard error of e_xy",
    "sigma_rotation": "standard error of the rotation (degrees)",
}


class StrainMap(ImagePixels, TwinSignal, Signal2D):
    """Strain maps in the image frame (x right, y down), made by :meth:`IndexedFFT.gpa`.

    The components lie along the navigation axis in the order e_xx, e_yy, e_xy, rotation
    (degrees, counter-clockwise as seen on the screen), u_x, u_y and the standard errors sigma_xx,
    sigma_yy, sigma_xy and sigma_rotation. Values are NaN where there is no lattice.
    """

    _signal_type = "twin_strain_map"
    _alias_signal_types = ["StrainMap"]
    _made_by = "IndexedFFT.gpa()"

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
        if "sigma" in self._settings.components:
            return self._component("sigma")
        found = self.sigma_xx
        found.data = np.sqrt((found.data**2 + self.sigma_yy.data**2) / 2)
        found.metadata.General.title = f"{TITLES['sigma']}, {self.metadata.General.title}"
        return found

    @property
    def sigma_xx(self) -> Signal2D:
        """Standard error of e_xx."""
        return self._component("sigma_xx")

    @property
    def sigma_yy(self) -> Signal2D:
        """Standard error of e_yy."""
        return self._component("sigma_yy")

    @property
    def sigma_xy(self) -> Signal2D:
        """Standard error of e_xy."""
        return self._component("sigma_xy")

    @property
    def sigma_rotation(self) -> Signal2D:
        """Standard error of the rotation in degrees."""
        return self._component("sigma_rotation")

    @property
    def g(self) -> np.ndarray:
        """Reciprocal vectors (x, y) of the reference lattice, shape (k, 2)."""
        return np.asarray(self._settings.g)

    @property
    def reference(self) -> int:
        """Number of the region whose lattice is the reference."""
        return self._settings.reference

    @property
    def resolution(self) -> float:
        """Standard deviation of the real-space window, in the unit of the axes."""
        return self._settings.resolution

    @property
    def definition(self) -> str:
        """``"lagrangian"`` (relative to the reference lattice) or ``"eulerian"``."""
        return self._settings.definition

    @property
    def regions(self) -> Table:
        """Table of the mean strain of each region.

        Columns: ``region``, number of ``pixels`` that show a lattice, ``e_xx``, ``e_yy``, ``e_xy``,
        ``rotation`` (degrees), and the mean standard errors of one pixel: ``sigma`` of the strain
        and that of each component, with ``sigma_rotation`` in degrees; NaN where the region shows
        no lattice.
        """
        errors = [name for name in ERRORS if name in self._settings.components]
        maps = {**self._maps(STRAINS), "sigma": np.asarray(self.sigma.data), **self._maps(errors)}
        return strain_table(maps, self._labels)

    def plot(self, **kwargs: Any) -> Figure:
        """Plot strains and rotation side by side, with the outlines of the regions.

        Hatched values are below their standard error. The outline of the reference is green; its
        reciprocal vectors and the axes of the tensor stand beside.

        A map from which components were sliced away is plotted as HyperSpy plots images.

        Parameters
        ----------
        **kwargs
            ``limit``, the largest strain on the colour scale, ``cmap``, and whatever
            :func:`matplotlib.pyplot.figure` takes, such as ``figsize``; for a sliced map whatever
            :meth:`hyperspy.api.signals.Signal2D.plot` takes.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.
        """
        from hyperspy_twin.signals._figures import show_once, strain_figure

        settings = self._settings
        if settings is None or self.axes_manager.navigation_size != len(settings.components):
            return super().plot(**kwargs)
        errors = {
            name: self._component(error).data
            for name, error in zip(STRAINS, ERRORS, strict=True)
            if error in settings.components
        }
        figure = strain_figure(
            self._maps(STRAINS),
            self._grid,
            self._outlines,
            settings,
            unit=self._unit,
            errors={name: np.asarray(values) for name, values in errors.items()},
            **kwargs,
        )
        return show_once(figure)

    def register_lattices(self, spectrum: TwinSignal) -> Self:
        """Fix the lattices of the indexed regions in the image, for :meth:`to_atoms`.

        :meth:`IndexedFFT.gpa` has done so where it could. A map that comes from elsewhere, or from
        a spectrum that was not indexed then, gets them here.

        Parameters
        ----------
        spectrum
            Indexed spectrum of the same image.

        Returns
        -------
        StrainMap
            The same map with the lattices.

        Raises
        ------
        ValueError
            If the pixel size is missing, no region is indexed, no indexed peak lies at a vector
            of the strain analysis, or the spectrum is that of another image.
        """
        grid = spectrum._state("image_grid")
        if grid is None or grid.shape != self._grid.shape:
            raise ValueError("this is no spectrum of the same image: give the IndexedFFT of it")
        lattices = spectrum._register_lattices(self._field, self.reference)
        return self._derive(type(self), "register_lattices", {}, lattices=lattices)

    def to_atoms(self, thickness: float = 5.0, *, seed: int = 0) -> AtomicModel:
        """Fill the regions with atoms, displaced as measured.

        A virtual unit cell is fitted to the reference region and oriented by the indexing. Every
        indexed region with the same lattice is filled with it and displaced by u; a region with a
        lattice of its own is filled with its own cell. The model repeats along the beam a whole
        number of times. Regions without an indexed phase stay empty. Lengths are those of the
        image: a warning tells where the crystal of the reference has others.

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
            If no lattice is registered, for which the message names the reason, or the thickness
            is not positive.
        """
        from hyperspy_twin.atoms import build_model

        lattices = self._state("lattices")
        if not lattices:
            raise ValueError(self._why_no_lattices())
        self._warn_of_scale(lattices)
        grid = self._grid
        atoms = build_model(
            lattices,
            self._outlines,
            displacement=np.stack(list(self._maps(("u_x", "u_y")).values())),
            grid=grid,
            thickness=thickness,
            seed=seed,
        )
        width, height = (10 * length for length in grid.extent)
        corner = [10 * (grid.offset[i] - grid.scale[i] / 2) for i in (0, 1)]
        return self._derive(
            AtomicModel,
            "to_atoms",
            {"thickness": thickness, "seed": seed},
            data=AtomicModel._rows_of(atoms),
            axes=AtomicModel._axes_for(len(atoms.numbers)),
            model=ModelBox(
                columns=COLUMNS,
                units=("Å", "Å", "Å", "", "", ""),
                cell=np.diag([width, height, atoms.thickness]),
                origin=np.array([*corner, 0.0]),
                pbc=(False, False, True),
            ),
        )

    # ---- state ----

    def _warn_of_scale(self, lattices: Sequence[RegisteredLattice]) -> None:
        """Say where the image shows the crystal of the reference in another size than its own."""
        own = [one for one in lattices if one.region == self._settings.reference]
        for lattice in own:
            off = 100 * (lattice.scale - 1)
            if abs(off) > LARGEST_SCALE_ERROR:
                _LOGGER.warning(
                    "the model has the pixel size of the image, which makes %s of region %d "
                    "%.2g %% too %s: call apply_calibration() before gpa() for the size of the "
                    "crystal",
                    lattice.crystal.name,
                    lattice.region,
                    abs(off),
                    "large" if off > 0 else "small",
                )

    @property
    def _settings(self) -> StrainSettings:
        return self._state("strain")

    @property
    def _field(self) -> StrainField:
        """The maps as one record, without the amplitudes of the lattice waves."""
        settings = self._settings
        maps = self._maps([name for name in settings.components if name in COMPONENTS])
        if "sigma" in settings.components:
            same = np.asarray(self.sigma.data)
            unknown = np.full_like(same, np.nan)
            maps |= dict(zip(ERRORS, (same, same, unknown, unknown), strict=True))
        return StrainField(
            **maps,
            vectors=settings.g,
            amplitudes=np.full(len(settings.g), np.nan),
            resolution=settings.resolution,
            definition=settings.definition,  # type: ignore[arg-type]
        )

    def _why_no_lattices(self) -> str:
        outcomes = [step.get("outcome", {}) for step in self.history]
        reasons = [outcome["lattices"] for outcome in outcomes if "lattices" in outcome]
        if reasons:
            return reasons[-1]
        return (
            "no lattice is registered in the image: call strain.register_lattices(spectrum) with "
            "its indexed spectrum"
        )

    def _maps(self, names: Sequence[str]) -> dict[str, np.ndarray]:
        return {name: np.asarray(self._component(name).data) for name in names}

    def _component(self, name: str) -> Signal2D:
        """One component as an image of its own, also after slicing."""
        axes = self.axes_manager.navigation_axes
        if not axes:
            raise ValueError("one component was cut out of this map: use its data directly")
        if axes[0].name != "component":
            raise ValueError(
                "the axes of this map were exchanged: its components have to lie along the "
                "navigation axis"
            )
        present = [round(value) for value in axes[0].axis]
        names = self._settings.components
        if name not in names:
            raise ValueError(
                f"an older version made this map, without the component '{name}': it has "
                f"{', '.join(names)}"
            )
        index = names.index(name)
        if index not in present:
            raise ValueError(f"component '{name}' was sliced away: it is no longer in this map")
        from hyperspy_twin.signals._figures import DIVERGING, with_grey

        check_orientation(self._axes()[-2:])
        metadata = {"General": {"title": f"{TITLES[name]}, {self.metadata.General.title}"}}
        kind = LazySignal2D if self._lazy else Signal2D
        image = kind(self.data[present.index(index)], axes=self._axes()[-2:], metadata=metadata)
        if name not in ("sigma", *ERRORS):
            colours = {"cmap": with_grey(DIVERGING), "centre_colormap": True}
            image.plot = partial(image.plot, **colours)
        return image

    @staticmethod
    def _axes_for(grid: Grid, unit: str) -> list[dict[str, Any]]:
        component = {"name": "component", "size": len(COMPONENTS), "navigate": True}
        return [component, *axes_of(grid, unit)]

    @staticmethod
    def _maps_of(field: StrainField) -> np.ndarray:
        """Components of a strain field, float32, shape (10, rows, columns)."""
        return np.stack([getattr(field, name) for name in COMPONENTS]).astype(np.float32)

    def __repr__(self) -> str:
        """Type, size, reference and resolution in one line."""
        text = super().__repr__()
        settings = self._settings
        if settings is None:
            return text
        return (
            f"{text[:-1]}, reference: region {settings.reference}, "
            f"resolution: {settings.resolution:.3g} {self._unit}>"
        )


class LazyStrainMap(StrainMap, LazySignal2D):
    """A strain map whose data are read when they are needed."""
