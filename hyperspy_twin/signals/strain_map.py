"""Strain, rotation and displacement of the lattice of an image."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import LazySignal2D, Signal1D, Signal2D

from hyperspy_twin.core import Grid, OrientedCrystal, RegisteredLattice, StrainField, Table
from hyperspy_twin.signals._alloys import HALF, cubic_alloy, cubic_constant, substrate_constant
from hyperspy_twin.signals._images import axes_of, check_orientation, show_progress
from hyperspy_twin.signals._model_lattices import measured_lattices, twin_planes
from hyperspy_twin.signals._pixels import ImagePixels, as_signal
from hyperspy_twin.signals._profiles import profile_signal
from hyperspy_twin.signals._signal import TwinSignal
from hyperspy_twin.signals._tables import (
    StrainPlan,
    boundaries_table,
    bulk_table,
    dislocations_table,
    interfaces_table,
    means_by_region,
    plan_of,
    planar_faults_table,
    strain_table,
)
from hyperspy_twin.signals._values import ModelBox, StrainSettings
from hyperspy_twin.signals.atomic_model import AtomicModel

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.figure import Figure

    from hyperspy_twin.atoms import AlongBeam
    from hyperspy_twin.crystals import AlloyFamily
    from hyperspy_twin.properties import HoleParameters, QuantumWell
    from hyperspy_twin.strain import Block, GrainBoundary, MeasuredStrain, ScanTraces

_LOGGER = logging.getLogger(__name__)
# Percent: spacings of crystals that differ by less are those of one crystal, see
# crystals.relations.pixel_size.SAME_SCALE.
LARGEST_SCALE_ERROR = 0.5
# Of a plane against the beam, as a tangent: a degree, far above the error of an orientation.
LARGEST_SLANT = 0.02
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

# Why a series has no lattices for atoms.
NO_LATTICES = (
    "this is the strain of a series, whose frames show other atoms than the image that was "
    "indexed: index a frame of its own for a model of it"
)


class StrainMap(ImagePixels, TwinSignal, Signal2D):
    """Strain maps in the image frame (x right, y down), made by :meth:`IndexedFFT.gpa`.

    The components lie along the navigation axis in the order e_xx, e_yy, e_xy, rotation
    (degrees, counter-clockwise as seen on the screen), u_x, u_y and the standard errors sigma_xx,
    sigma_yy, sigma_xy and sigma_rotation. Values are NaN where there is no lattice.

    Of a series the frames have navigation axes of their own, after that of the components:
    ``strain.e_xx`` is a stack, and ``strain.inav[:, 3]`` the map of the fourth frame.
    """

    _signal_type = "twin_strain_map"
    _alias_signal_types = ["StrainMap"]
    _made_by = "IndexedFFT.gpa()"

    @property
    def inav(self) -> Any:
        """Slices components, and frames of a series together with their noise."""
        noise = self._state("frames")
        if noise is None:
            return super().inav
        from hyperspy_twin.signals._stacks import SeriesSlicer

        return SeriesSlicer(self, vars(self)["inav"], noise)

    @inav.setter
    def inav(self, slicer: Any) -> None:
        # HyperSpy sets its slicer on each signal that it makes, and keeps it when the type changes.
        self.__dict__["inav"] = slicer

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
        found.metadata.General.title = f"{self._title('sigma')}, {self.metadata.General.title}"
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
        """Number of the region whose lattice is the reference, of the main block if there are more.

        :attr:`references` has them all.
        """
        return self._settings.reference

    @property
    def references(self) -> Table:
        """Table of the reference of each region that is compared with one.

        Columns: ``region``, ``reference``. Strains and displacements of regions with different
        references cannot be compared.
        """
        pairs = sorted((int(n), one.reference) for one in self._blocks for n in one.regions)
        region, reference = np.array(pairs, int).reshape(-1, 2).T
        return Table.from_columns({"region": region, "reference": reference})

    @property
    def plan(self) -> StrainPlan:
        """What :meth:`IndexedFFT.gpa` decided: reference, reflections, window; and why.

        Print it to see all candidates with their scores. Each choice can be made otherwise by the
        argument of :meth:`IndexedFFT.gpa` of the same name.

        Raises
        ------
        ValueError
            If the map was not made by :meth:`IndexedFFT.gpa`, or by an older version.
        """
        choices = self._state("choices")
        if choices is None:
            raise ValueError("nothing was chosen for this map, or an older version made it")
        return plan_of(choices, self._grid.shape, self._unit)

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
        """Table of the strain of each region.

        Columns: ``region``, number of ``pixels`` that show a lattice, the means ``e_xx``, ``e_yy``,
        ``e_xy`` and ``rotation`` (degrees) with their standard deviations over the region,
        ``sd_xx`` ..., and the standard errors of the means relative to the lattice of the
        reference, ``sem_xx`` ..., for errors that neighbouring pixels share; then the mean standard
        errors of one pixel: ``sigma`` of the strain and that of each component, with
        ``sigma_rotation`` in degrees. NaN where the region shows no lattice, and standard errors of
        means also where the noise is not known.
        """
        from hyperspy_twin.strain import join_means

        errors = [name for name in ERRORS if name in self._names]
        maps = {"sigma": np.asarray(self.sigma.data), **self._maps(errors)}
        means = join_means([one.means() for one in self._measured_blocks])
        return strain_table(means, means_by_region(maps, self._labels, means.region))

    @property
    def interfaces(self) -> Table:
        """Table of misfit and tilt at each interface between regions that are compared.

        Columns: ``first``, ``second`` (regions), ``length`` of the outline that they share, its
        ``angle`` on the screen (degrees above x, counter-clockwise); ``misfit_along`` the outline
        and ``misfit_across`` it, the spacing of the second lattice over that of the first, less 1;
        the ``tilt`` of the second against the first (degrees, counter-clockwise); and the standard
        errors of these, ``error_...``, by the noise of the image, NaN where that is not known.
        ``phase`` is by how many degrees the phases of the reflections differ beyond any
        displacement, which crystals of equal structure do not: the phase of one reflection less
        those of two that make up its vector, of all the clearest. It is NaN with two reflections.

        The lattices are the means of both regions up to five resolutions from the outline, but for
        one resolution at their outlines. They are those in the image, whatever the strain of this
        map refers to. Outlines shorter than four resolutions are left out, and so are those between
        regions with different references; one that turns back on itself, as around a particle, has
        a tilt only.

        Raises
        ------
        ValueError
            If components of the strain were sliced away.
        """
        found = [misfit for one in self._measured_blocks for misfit in one.misfits(self.resolution)]
        found.sort(key=lambda misfit: (misfit.first, misfit.second))
        return interfaces_table(found, self._unit, self._state("invariants"))

    @property
    def scan(self) -> ScanTraces:
        """Traces that the scan left: width of the fly-back, and change of the drift.

        ``fly_back`` is the width of the columns at the left, in the unit of the axes, whose strain
        is distorted alike in all lines, and not to be trusted; the plot crosses them.
        ``drift`` is by which part of a line the drift (x, y) from line to line changed from the
        first to the last line, if it was drift and no strain: it is alike in all regions, and only
        the derivatives along y change. Zeros are what was not seen. Steady drift is a
        uniform strain of the whole image, with its reference, and cannot be seen.

        Raises
        ------
        ValueError
            If the map was not made by :meth:`IndexedFFT.gpa` of one image, or by an older version.
        """
        found = self._state("scan")
        if found is None or self._settings.series:
            raise ValueError("the scan was not looked at for this map: gpa() of one image does it")
        return found

    @property
    def disagreement(self) -> Signal2D:
        """Pixels in which the reflections disagree, as a boolean image.

        There the strain is not only that of the lattice: where one compound goes over into another,
        the phases of structure factors change as well, and look like strain and displacement [1]_.
        More than two reflections tell it. Inside of regions, the phase gradients of all reflections
        are not those of one strain, by more than their covariance and by more than the strain
        changes within the window. At the outline of two regions, pixels within one resolution
        are marked where the phases that no displacement changes are different, see
        :attr:`interfaces`. Two reflections always agree, and so do more where they are not
        affected, such as {111} of one zone and their sums.

        References
        ----------
        .. [1] J. J. P. Peters, R. Beanland, M. Alexe, J. W. Cockburn, D. G. Revin, S. Y. Zhang,
           A. M. Sanchez, Ultramicroscopy 157 (2015) 91-97.
        """
        return as_signal(self, self._disagreeing, self._grid)

    # ---- other axes, other references, and what follows ----

    @property
    def e_1(self) -> Signal2D:
        """Largest principal strain, with its variance."""
        return self._invariant("e_1", "largest principal strain")

    @property
    def e_2(self) -> Signal2D:
        """Smallest principal strain, with its variance."""
        return self._invariant("e_2", "smallest principal strain")

    @property
    def principal_direction(self) -> Signal2D:
        """Direction of the largest principal strain, with its variance.

        In degrees above x of the image, counter-clockwise as seen on the screen. The variance is
        NaN where the principal strains do not differ by more than their error.
        """
        return self._invariant("direction", "direction of the largest strain (degrees)")

    @property
    def dilatation(self) -> Signal2D:
        """Dilatation in the plane, e_xx + e_yy, with its variance."""
        return self._invariant("dilatation", "dilatation e_xx + e_yy")

    @property
    def maximum_shear(self) -> Signal2D:
        """Largest shear strain, half the difference of the principal strains, with its variance.

        It is e_xy in the axes at 45 degrees to the principal ones (the engineering shear is twice
        as large), and never negative: noise alone gives about its standard error.
        """
        return self._invariant("maximum_shear", "maximum shear strain")

    def rotate_to(
        self,
        direction: float | Sequence[float] | None = None,
        *,
        interface: tuple[int, int] | None = None,
        hkl: Sequence[int] | None = None,
    ) -> Self:
        """Give strain and displacement in axes x', y' that are turned from those of the image.

        ``e_xx`` of the result is the strain along x', ``u_x`` the displacement along it, and
        ``sigma_xx`` its standard error, from the covariance of the components. The rotation of the
        lattice and the pixels stay as they are. ``rotate_to(0)`` leads back to the axes of the
        image.

        Parameters
        ----------
        direction
            Of x': an angle in degrees above x, counter-clockwise as seen on the screen, or a vector
            (x, y) with y down.
        interface
            Numbers of two neighbouring regions instead: x' lies along the mean direction of the
            outline that they share, y' across it.
        hkl
            Miller indices of a plane of the reference instead, parallel to the beam: x' is its
            normal, so that ``e_xx`` is the strain of its spacing.

        Returns
        -------
        StrainMap
            The same map in the new axes.

        Raises
        ------
        ValueError
            If not exactly one argument is given, the regions share no straight outline, the
            reference has no lattice that is registered, or the plane is not parallel to the beam.
        """
        from hyperspy_twin.strain import turn_displacement

        angle, frame = self._find_axes(direction, interface, hkl)
        settings = self._settings
        turned = [one.turned(angle) for one in self._measured_blocks]
        components, sigmas = (_overlay([one[n] for one in turned]) for n in (0, 1))
        displacement = turn_displacement(self._displacement, angle)
        names = (*STRAINS, "u_x", "u_y", *ERRORS[:3])
        data = self._with_maps(dict(zip(names, (*components, *displacement, *sigmas), strict=True)))
        parameters = {
            "direction": None if direction is None else np.asarray(direction).tolist(),
            "interface": None if interface is None else list(map(int, interface)),
            "hkl": None if hkl is None else list(map(int, hkl)),
        }
        outcome: dict[str, Any] = {"angle": angle}
        if settings.noise is None:
            outcome["errors"] = "the noise is not known: errors are upper bounds"
        return self._derive(
            self._kind,
            "rotate_to",
            parameters,
            data=data,
            outcome=outcome,
            strain=replace(settings, angle=angle, frame=frame),
        )

    def absolute(self) -> Self:
        """Refer the strain of each region to the bulk cell of its own phase.

        A relaxed crystal then has no strain, whatever its lattice constant. The bulk cell is turned
        with the region, so that a tilt is no strain; the rotation stays that against the lattice
        of the reference, and so does the displacement, which :meth:`to_atoms` needs. Regions
        without an indexed phase become NaN; :attr:`bulk_cells` says why. The result is as right as
        the pixel size: 1 % of it is 1 % of strain.

        Returns
        -------
        StrainMap
            The map of the absolute strain.

        Raises
        ------
        ValueError
            If the pixel size is missing, the strain is absolute already, or no region has a phase.
        """
        if self._state("bulk"):
            raise ValueError("this strain is absolute already: bulk_cells says to which cells")
        if not self._calibrated:
            raise ValueError(
                "pixel size is missing, without which there is no bulk cell to compare with: call "
                "s.calibrate(...) on the micrograph and run the chain again"
            )
        phases = self._oriented_phases()
        parts = [
            measured.refer_to_bulk(block.g, phases)
            for measured, block in zip(self._measured_blocks, self._blocks, strict=True)
        ]
        components = _overlay([one for one, _, _ in parts])
        sigmas = _overlay([one for _, one, _ in parts])
        found = [cell for one in parts for cell in one[2]]
        cells = tuple(sorted(found, key=lambda cell: cell.region))
        reasons = {str(one.region): one.reason for one in cells if one.reason}
        if all(one.crystal is None for one in cells):
            said = "; ".join(f"region {region}: {why}" for region, why in reasons.items())
            raise ValueError(f"no region can be compared with a bulk cell: {said}")
        for region, why in reasons.items():
            _LOGGER.warning("region %s has no absolute strain: %s", region, why)
        if any(step["step"] == "apply_calibration" for step in self.history):
            reasons["pixel size"] = (
                "it was taken from the crystals of this image, so that their mean strain is 0 by "
                "definition: calibrate the microscope on its own for what they have in common"
            )
            _LOGGER.warning("the pixel size is no independent one: %s", reasons["pixel size"])
        else:
            self._warn_of_scale(self._state("lattices", ()))
        rotation = self._maps(("sigma_rotation",)) if "sigma_rotation" in self._names else {}
        known = np.isfinite(components[0])
        data = self._with_maps(
            {
                **dict(zip((*STRAINS, *ERRORS[:3]), (*components, *sigmas), strict=True)),
                **{name: np.where(known, one, np.nan) for name, one in rotation.items()},
            }
        )
        return self._derive(
            self._kind, "absolute", {}, data=data, outcome=reasons or None, bulk=cells
        )

    @property
    def bulk_cells(self) -> Table:
        """Table of the bulk cells that an absolute strain refers to.

        Columns: ``region``, ``phase``, its ``a``, ``b``, ``c`` (Å), the ``rotation`` of the region
        against the reference (degrees), and the ``reason`` where it has no cell.
        """
        cells = self._state("bulk", ())
        if not cells:
            raise ValueError("this strain refers to the lattice of the reference: call absolute()")
        return bulk_table(cells)

    def profile(
        self,
        *,
        across: tuple[int, int] | None = None,
        line: Sequence[Sequence[float]] | None = None,
        width: float | None = None,
        component: str | None = None,
    ) -> Signal1D:
        """Profile of the strain along a line, averaged across it, with its error.

        Parameters
        ----------
        across
            Numbers of two neighbouring regions: the line runs across the outline that they share,
            from the first into the second, with distance 0 on it, and over both regions.
        line
            Two points ((x, y), (x, y)) instead, in the unit of the image.
        width
            Over which pixels are averaged, in the unit of the image: 0.8 of the shared outline, or
            four resolutions of a line.
        component
            One of ``"e_xx"``, ``"e_yy"``, ``"e_xy"``, ``"rotation"``, ``"u_x"``, ``"u_y"``. By
            default the first four, along a navigation axis.

        Returns
        -------
        hyperspy.api.signals.Signal1D
            The profile; its variance, for pixels whose errors are correlated as the window makes
            them, is in ``metadata.Signal.Noise_properties.variance``. The names of the components
            are in ``metadata.Profile.components``.

        Raises
        ------
        ValueError
            If not exactly one of ``across`` and ``line`` is given, the regions share no straight
            outline, or no pixel near the line shows a lattice.
        """
        from hyperspy_twin.strain import find_interface, line_across, line_between

        names = STRAINS if component is None else (component,)
        if component is not None and component not in (*STRAINS, "u_x", "u_y"):
            choices = ", ".join((*STRAINS, "u_x", "u_y"))
            raise ValueError(f"a profile is of one of {choices}, not of {component!r}")
        if (across is None) == (line is None):
            raise ValueError("give either across=(region, region) or line=((x, y), (x, y))")
        measured, grid = self._measured, self._grid
        inside = np.ones(grid.shape, bool)
        if across is not None:
            inside = np.isin(measured.labels, across)
            found = line_across(find_interface(measured.labels, grid, *across), inside, grid, width)
        else:
            found = line_between(np.asarray(line, float), width, self.resolution)
        maps = np.stack(list(self._maps(names).values()))
        profile = measured.profile(found, inside, maps)
        place = f"across {across[0]}|{across[1]}" if across is not None else "along a line"
        errors = None
        if profile.error is not None and set(names) <= set(STRAINS):
            errors = profile.error[[STRAINS.index(name) for name in names]]
        return profile_signal(
            profile.distance,
            profile.mean,
            errors,
            names=names,
            unit=self._unit,
            title=f"{', '.join(map(self._title, names))} {place}, {self.metadata.General.title}",
            details={
                "start": [found.origin[i] + found.start * found.direction[i] for i in (0, 1)],
                "stop": [found.origin[i] + found.stop * found.direction[i] for i in (0, 1)],
                "width": found.width,
            },
        )

    def composition(
        self,
        system: str,
        *,
        limit: str = "bulk",
        substrate: float | str | None = None,
        interface: tuple[int, int] | None = None,
    ) -> Signal2D:
        """Composition x of layers that are coherent with the reference, from their strain.

        The spacing along the growth direction tells x by Vegard's law with bowing, and by the
        elastic constants of the alloy, whose spacing in the plane is that of the substrate.

        Parameters
        ----------
        system
            Family of alloys, such as ``"SiGe"`` (Si1-xGex) or ``"InGaAs"`` (InxGa1-xAs); x is that
            of the element named with it.
        limit
            ``"bulk"`` for a crystal that is thick along the beam against the layers, ``"lamella"``
            for a thin one, whose surfaces relax along the beam. The truth lies between: in a
            lamella the strain is less by a quarter.
        substrate
            Composition x of the reference, or the name of its crystal, such as ``"InP"``; by
            default that of its indexed phase.
        interface
            Numbers of the two regions whose outline is the plane of the layers; by default the
            longest outline of the reference. The growth direction is the low-index direction of
            the crystal that lies across it.

        Returns
        -------
        hyperspy.api.signals.Signal2D
            x in each pixel, NaN where there is none; its variance, of the noise and of the
            composition of the substrate, is in ``metadata.Signal.Noise_properties.variance``, and
            why regions have none in ``metadata.Composition.reasons``.

        Raises
        ------
        ValueError
            If the system or the substrate is not known, the reference has no indexed phase, or no
            region is a coherent layer of this alloy.
        """
        from hyperspy_twin.strain import LIMITS, Layers, find_growth_direction, map_composition

        if limit not in LIMITS:
            raise ValueError(f"limit is 'bulk' or 'lamella', not {limit!r}")
        family, alloy = cubic_alloy(system)
        oriented = self._reference_phase()
        constant, error = self._substrate(family, substrate)
        normal = self._find_interface(interface)
        growth, angle = find_growth_direction(oriented, normal)
        beam = oriented.orientation.T @ np.array([0.0, 0.0, 1.0])
        layers = Layers(constant, growth, beam, limit)  # type: ignore[arg-type]
        x, sigma, reasons = map_composition(
            self._measured, alloy, layers, angle=angle, refused=self._other_materials(family)
        )
        for region, why in reasons.items():
            _LOGGER.warning("region %d has no composition: %s", region, why)
        details = {
            "system": family.name,
            "limit": limit,
            "substrate": constant,
            "growth_angle": angle,
            "reasons": {str(region): why for region, why in reasons.items()},
        }
        title = f"composition x of {family.name} ({limit}), {self.metadata.General.title}"
        variance = sigma**2 + (error / family.slope(HALF)) ** 2
        return self._image_of(x, title, variance=variance, Composition=details)

    def plot(
        self,
        *,
        dislocations: Table | None = None,
        planar_faults: Table | None = None,
        **kwargs: Any,
    ) -> Figure:
        """Plot strains and rotation side by side, with the outlines of the regions.

        Hatched values are below their standard error, and crossed ones doubtful: there the
        reflections disagree, see :attr:`disagreement`, or the scan flies back, see :attr:`scan`.
        The outline of the reference is green; its
        reciprocal vectors and the axes of the tensor stand beside.

        A map from which components were sliced away is plotted as HyperSpy plots images.

        Parameters
        ----------
        dislocations
            What :meth:`dislocations` found, to be drawn: a bar along the Burgers vector and a stem
            on the side of the extra half plane.
        planar_faults
            What :meth:`planar_faults` found, to be drawn as dashed lines.
        **kwargs
            ``limit``, the largest strain on the colour scale, ``cmap``, and whatever
            :func:`matplotlib.pyplot.figure` takes, such as ``figsize``; for a sliced map whatever
            :meth:`hyperspy.api.signals.Signal2D.plot` takes.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.
        """
        from hyperspy_twin.signals._figures import (
            draw_dislocations,
            draw_planar_faults,
            show_once,
            strain_figure,
        )

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
            references=[one.reference for one in self._blocks],
            unit=self._unit,
            errors={name: np.asarray(values) for name, values in errors.items()},
            doubtful=self._disagreeing | self._of_fly_back,
            note=self._frame_in_words().removeprefix(", "),
            **kwargs,
        )
        for axis in (one for one in figure.axes if one.images):
            if dislocations is not None:
                draw_dislocations(axis, dislocations)
            if planar_faults is not None:
                draw_planar_faults(axis, planar_faults)
        return show_once(figure)

    # ---- defects ----

    def dislocations(
        self, *, resolution: float | None = None, show_progressbar: bool | None = None
    ) -> Table:
        """Find dislocations along the beam, with their Burgers vectors.

        The phase of each lattice wave g winds by -g.b turns around a dislocation. All regions that
        share reflections with a reference are taken as one lattice, so that dislocations in an
        interface between them are found too; ``gpa(reference="each")`` gives every block of regions
        a reference. Where a planar fault ends inside the lattice there is a partial dislocation.
        The part of a Burgers vector along the beam is not seen: a screw dislocation that is seen
        end on is invisible, and what is seen of another one is its projection. Between grains that
        are turned by more than 15 degrees nothing is looked for: the log says so, and
        :attr:`grain_boundaries` has the angle.

        Parameters
        ----------
        resolution
            Standard deviation of the real-space window in the unit of the image; by default that
            of the strain. Dislocations nearer than four of it are not told apart.
        show_progressbar
            Whether to show progress; by default as in HyperSpy's preferences.

        Returns
        -------
        Table
            A row for each dislocation: position ``x, y`` and Burgers vector ``b_x, b_y`` in the
            image; ``burgers``, the shortest lattice vector [uvw] with this projection, and
            ``alternative``, another one that is as short, NaN where there is none; without a phase
            both are NaN. ``error`` of the position along any direction, ``probability``,
            ``lattice``, the region whose lattice gives ``b_x, b_y`` and ``burgers``, and ``kind``,
            ``"perfect"`` or ``"partial"``: that of the end of a fault, whose ``burgers`` such as
            1/6[1 -1 -2] is no lattice vector, and NaN where no simple one agrees. The Burgers
            vector is the sum of the displacement along a circuit that is clockwise as seen on the
            screen, so that the extra half plane is on its right-hand side.

        Raises
        ------
        ValueError
            If an older version made the map, which did not keep the image, or the map does not come
            from an image.

        See Also
        --------
        hyperspy_twin.strain.find_dislocations : The method and its literature.
        """
        from hyperspy_twin.strain import find_dislocations

        with show_progress("Finding dislocations", show_progressbar):
            found = self._find_defects(find_dislocations, resolution)
        for one in self._boundaries():
            if one.is_high_angle:
                first, second = one.regions
                _LOGGER.warning(
                    "regions %d and %d are turned by %.1f ± %.1f degrees: a high-angle boundary, "
                    "in which no dislocations can be told apart; see grain_boundaries",
                    first, second, one.angle, one.error,
                )  # fmt: skip
        table = dislocations_table(found, self._unit)
        return table[self._shows(table["x"], table["y"])]

    def planar_faults(
        self, *, resolution: float | None = None, show_progressbar: bool | None = None
    ) -> Table:
        """Find stacking faults and other planar faults that are seen edge on.

        Across a fault the crystal is shifted by R, so that the lattice wave g jumps by -g.R turns
        of its phase and dips in the wall. A fault is a straight line of dips along which all waves
        jump by what one shift explains. Its part along the beam is not seen, and neither is a fault
        that is inclined to the beam, is shorter than eight resolutions, or lies within two and a
        half of another.

        Parameters
        ----------
        resolution
            Standard deviation of the real-space window in the unit of the image; by default that
            of the strain.
        show_progressbar
            Whether to show progress; by default as in HyperSpy's preferences.

        Returns
        -------
        Table
            A row for each fault: ``start_x, start_y``, ``end_x, end_y`` and ``length`` of the wall;
            ``plane`` (hkl); ``R``, the shift in the axes of the crystal modulo a lattice vector, as
            the simplest fractions at right angles to the beam, such as 1/3[1 -1 1];
            ``R_x, R_y``, the shortest such shift in the image, with its standard error ``R_error``
            along any direction; ``jump_error``, that of the jumps in turns; ``dip``, the amplitude
            in the wall over that beside it, of the wave that dips most; ``lattice``, the region
            whose lattice these are. R is that of the side on the right of the way from start to
            end. Without a phase ``plane`` and ``R`` are NaN, and so is each that no simple indices
            explain.

        Raises
        ------
        ValueError
            If an older version made the map, which did not keep the image, or the map does not come
            from an image.

        See Also
        --------
        hyperspy_twin.strain.find_planar_faults : The method and its literature.
        """
        from hyperspy_twin.strain import find_planar_faults

        with show_progress("Finding planar faults", show_progressbar):
            found = self._find_defects(find_planar_faults, resolution)
        table = planar_faults_table(found, self._unit)
        middle = ((table[f"start_{axis}"] + table[f"end_{axis}"]) / 2.0 for axis in "xy")
        return table[self._shows(*middle)]

    @property
    def grain_boundaries(self) -> Table:
        """Table of the boundaries between neighbouring grains of one crystal.

        Columns: the numbers ``region`` and ``other``, the ``length`` of the outline they share, the
        ``angle`` between their lattices (the smallest turn about the beam, in degrees) with its
        standard ``error``, its ``kind``, ``"low"`` or from 15 degrees on ``"high"``, and ``plane``,
        the strongest reflection (hkl) that both have in common: that of a twin. ``spacing`` is the
        distance at which dislocations of the Burgers vector ``burgers`` (the shortest lattice
        vector b that is seen) make up the angle, b / (2 sin(angle / 2)). In a boundary of a high
        angle it is a few b: the cores overlap, and :meth:`dislocations` looks for none. Grains that
        are not seen along the same direction of the crystal are not compared.
        """
        return boundaries_table(self._boundaries(), self._unit)

    def _boundaries(self) -> list[GrainBoundary]:
        from hyperspy_twin.signals._region_lattices import lattice_translations, region_lattices
        from hyperspy_twin.strain import find_boundaries

        regions = region_lattices(self)
        translations = {number: lattice_translations(self, number) for number in regions}
        grid = self._state("image_grid")
        return find_boundaries(regions, self._image_labels, grid, translations)

    def _image_for_defects(self) -> tuple[np.ndarray, Grid]:
        """Image that the map was made of, and its grid."""
        if self._settings is not None and self._settings.series:
            raise ValueError(
                "the strain of a series does not keep its images: index a frame of its own for its "
                "defects"
            )
        image, grid = self._state("image"), self._state("image_grid")
        if image is None or image.shape != grid.shape:
            raise ValueError(
                "this map does not hold the image that it was made of: run fft.gpa() again"
            )
        return image, grid

    def _indexed_image(self) -> tuple[np.ndarray, Grid, np.ndarray]:
        """Image that the map was made of, its grid, and the region of each pixel."""
        return *self._image_for_defects(), self._image_labels

    def _width(self, resolution: float | None) -> float:
        return self.resolution if resolution is None else float(resolution)

    def _find_defects(self, find: Callable[..., Any], resolution: float | None) -> dict[int, Any]:
        """Find what a function of the room finds in each block of the image that the map keeps.

        Regions that have no reference go with the main block, if they share its reflections.
        """
        from hyperspy_twin.signals._region_lattices import lattice_translations, region_lattices
        from hyperspy_twin.strain import find_block

        image, grid, width = *self._image_for_defects(), self._width(resolution)
        regions, (main, *others) = region_lattices(self), self._blocks
        elsewhere = {number for one in others for number in one.regions}
        members = {main.reference: regions.keys() - elsewhere}
        members |= {one.reference: set(one.regions) for one in others}
        found = {}
        for reference, own in members.items():
            block = find_block(
                {number: regions[number] for number in sorted(own)},
                self._image_labels,
                grid,
                reference=reference,
                resolution=width,
            )
            translations = lattice_translations(self, reference)
            found[reference] = find(image, grid, block, resolution=width, translations=translations)
        return found

    def _shows(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Which positions lie in the map, which may have been cropped."""
        column, row = self._grid.to_pixels(np.column_stack([x, y])).T
        middle = (np.array(self._grid.shape) - 1) / 2
        return (np.abs(column - middle[1]) < middle[1] + 0.5) & (
            np.abs(row - middle[0]) < middle[0] + 0.5
        )

    # ---- holes in strained wells ----

    def spin_orbit_length(
        self,
        system: str = "Ge",
        *,
        well: int | QuantumWell | None = None,
        parameters: str | Mapping[str, float] | HoleParameters | None = None,
        width: float | None = None,
        order: int = 1,
        convention: str = "pauli",
        beam: str | None = None,
        interface: tuple[int, int] | None = None,
    ) -> Signal2D:
        """Inverse spin-orbit length of holes in a well, from the gradients of the measured strain.

        Where the strain changes along a well, the spin of a hole couples to its motion [1]_. The
        map is for motion in the plane of the well and of the image, from the gradients of the shear
        strain along the well and of the normal strain across it; what changes along the beam is
        not seen, and neither is the normal strain along it, which is taken to be uniform. The
        formula holds for wells on (001) seen along <100> or <110>; see
        ``hyperspy_twin/properties/kp/spin_orbit.py`` for it and its derivation.

        The well lies in a thin foil: its surfaces relax, and what is measured is the strain of the
        foil, not that of a device.

        Parameters
        ----------
        system
            Material of the well, ``"Ge"`` or ``"Si"``.
        well
            Number of its region, or a :class:`~hyperspy_twin.properties.QuantumWell` with the
            thickness and the splitting of heavy and light holes; by default the one region whose
            phase is the system, its own thickness, and the splitting that its mean strain gives.
            Without :meth:`absolute` that strain refers to the reference, which then has to be
            cubic.
        parameters
            Name of a set, ``"Lawaetz"`` (default), ``"measured"`` or ``"Niquet"``, numbers that
            replace those of the default, such as ``{"d": -5.28}``, or a
            :class:`~hyperspy_twin.properties.HoleParameters`.
        width
            Standard deviation of the Gaussian weights of the local fit that smooths the strain, in
            the unit of the image; by default two resolutions.
        order
            Of the polynomial of that fit: 1 or 2, which bends with the strain and is noisier near
            outlines.
        convention
            What the length l is: ``"pauli"`` that of H = (hbar^2 / m l) k s with a Pauli matrix s;
            ``"spin"`` the same with an operator of spin s / 2, half as long; ``"reversal"`` the way
            on which a spin is reversed, pi / 2 times as long.
        beam
            ``"100"`` or ``"110"`` where the reference has no indexed phase that tells it.
        interface
            Numbers of the two regions whose outline is the plane of the well; by default the
            longest outline of the reference.

        Returns
        -------
        hyperspy.api.signals.Signal2D
            1 / l in 1/nm, NaN outside of the well and near its outline, where the windows of the
            strain are one-sided. Its variance, of the noise of the image and of the measured
            splitting, is in ``metadata.Signal.Noise_properties.variance``; all that was assumed is
            in ``metadata.Spin_orbit``. It is a magnitude, so that noise alone gives 0.8 times its
            standard error.

        Raises
        ------
        ValueError
            If no region is the well, the crystal does not lie as the formula needs it, heavy holes
            are not above light ones, or the well is too thin for the resolution.

        References
        ----------
        .. [1] J. C. Abadillo-Uriel, E. A. Rodriguez-Mena, B. Martinez, Y.-M. Niquet, Phys. Rev.
           Lett. 131, 097002 (2023).
        """
        from hyperspy_twin.properties import coupling_weights, hole_parameters
        from hyperspy_twin.signals._holes import find_beam, find_splitting, find_well
        from hyperspy_twin.strain import Smoothing, StrainGradients, find_rim

        chosen = hole_parameters(system, parameters)
        smoothing = Smoothing(2.0 * self.resolution if width is None else float(width), order)
        one = find_well(self, well, system)
        name, growth = find_beam(self, beam, interface)
        measured = self._measured_with(one.region)
        gradients = StrainGradients(
            measured, one.region, growth - 90.0, smoothing, find_rim(self.resolution, self.g)
        )
        thickness, splitting, sigma = find_splitting(gradients, one, chosen)

        def weights(energy: float) -> np.ndarray:
            return coupling_weights(
                chosen, name, thickness=thickness, splitting=energy, convention=convention
            )

        value, error = gradients.value(*weights(splitting)), gradients.error(*weights(splitting))
        variance = np.full(value.shape, np.nan) if error is None else error**2
        if sigma > 0.0:
            slope = (weights(splitting + sigma) - weights(splitting - sigma)) / 2.0
            variance = variance + gradients.value(*slope) ** 2
        details = {
            "system": system,
            "source": chosen.source,
            "parameters": chosen.numbers(),
            "beam": name,
            "region": one.region,
            "thickness": thickness,
            "splitting": splitting,
            "splitting_error": sigma,
            "width": smoothing.width,
            "order": order,
            "convention": convention,
            "rim": gradients.rim,
        }
        title = f"inverse spin-orbit length (1/nm), {self.metadata.General.title}"
        return self._image_of(np.abs(value), title, variance=variance, Spin_orbit=details)

    def absolute_shear(self, *, interface: tuple[int, int] | None = None) -> Signal2D:
        """Magnitude of the shear strain in the axes of the layers, with its variance.

        It is that of the angle between the plane of the layers and their growth direction, whose
        gradient couples the spin of holes to their motion, see :meth:`spin_orbit_length`. Noise
        alone gives 0.8 times its standard error.

        Parameters
        ----------
        interface
            Numbers of the two regions whose outline is the plane of the layers; by default the
            longest outline of the reference.
        """
        from hyperspy_twin.signals._holes import growth_angle

        parts = [one.turned(growth_angle(self, interface)) for one in self._measured_blocks]
        values, sigmas = (_overlay([np.asarray(one[n][2]) for one in parts]) for n in (0, 1))
        title = f"absolute shear strain, {self.metadata.General.title}"
        return self._image_of(np.abs(values), title, variance=sigmas**2)

    def band_edges(
        self,
        *,
        composition: Signal2D | None = None,
        limit: str = "bulk",
        substrate: float | str | None = None,
        interface: tuple[int, int] | None = None,
        width: float | None = None,
    ) -> Signal1D:
        """Band edges across silicon-germanium layers on (001), a fast estimate from the strain.

        Composition and strain are averaged along the layers, and the edges follow from deformation
        potentials and the offset of the alloys [1]_, which are those of the tight binding of this
        package, at 0 K. Confinement is not included: a well's levels lie inside of its edges. The
        layers are taken to be strained alike along the beam and along their plane.

        Parameters
        ----------
        composition
            Fraction of germanium in each pixel of this map, such as one from spectroscopy, with its
            variance; by default that of :meth:`composition`.
        limit, substrate, interface
            As for :meth:`composition`.
        width
            Over which pixels are averaged along the layers, in nm; by default four resolutions.

        Returns
        -------
        hyperspy.api.signals.Signal1D
            Edges in eV along the growth direction, with those of heavy and of light holes and those
            of the valleys along [001], in the plane, at L and at Gamma on a navigation axis, named
            in ``metadata.Profile.components``; the fraction of germanium and the strain against the
            relaxed alloy, in the plane and along the growth direction, follow. The variance, from
            the noise of the image and of the composition, is in
            ``metadata.Signal.Noise_properties.variance``. 0 is the valence band edge of silicon.

        Raises
        ------
        ValueError
            If the strain is absolute, the composition has other pixels, or is not known.

        References
        ----------
        .. [1] C. G. Van de Walle, Phys. Rev. B 39, 1871 (1989), for the method; the numbers are
           those that Y. M. Niquet et al., Phys. Rev. B 79, 245201 (2009) give.
        """
        from hyperspy_twin.properties import EDGES
        from hyperspy_twin.signals._holes import edges_across

        if self._state("bulk"):
            raise ValueError(
                "band edges are found from the strain against the reference: call band_edges() on "
                "the map before absolute()"
            )
        given = composition is not None
        if composition is None:
            composition = self.composition(
                "SiGe", limit=limit, substrate=substrate, interface=interface
            )
        found = edges_across(self, composition, given, substrate, interface, width)
        return profile_signal(
            found.distance,
            found.values,
            found.errors,
            names=(*EDGES, "x", "e_parallel", "e_perpendicular"),
            unit=self._unit,
            title=f"band edges (eV), {self.metadata.General.title}",
            details=found.details,
        )

    def plot_band_edges(
        self, edges: Signal1D | None = None, states: Signal1D | None = None, **options: Any
    ) -> Figure:
        """Plot band edges over the composition and the strain that they follow from.

        Parameters
        ----------
        edges
            What :meth:`band_edges` gave; by default it is called.
        states
            What :meth:`AtomicModel.band_edges` gave for a model of this map: drawn as points.
        **options
            Of :meth:`band_edges`.

        Returns
        -------
        matplotlib.figure.Figure
            The figure, with bands of one standard error.

        Raises
        ------
        ValueError
            As for :meth:`band_edges`; or if the states are not along the direction of the edges.
        """
        from hyperspy_twin.signals._figures import band_edges_figure, show_once
        from hyperspy_twin.signals._holes import points_along

        found = self.band_edges(**options) if edges is None else edges
        variance = found.metadata.get_item("Signal.Noise_properties.variance")
        return show_once(
            band_edges_figure(
                found.axes_manager.signal_axes[0].axis,
                found.data,
                np.sqrt(variance.data),
                found.metadata.Profile.components,
                self._unit,
                None if states is None else points_along(states, found),
            )
        )

    # ---- the next step ----

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
            of the strain analysis, or the spectrum is that of another image, or the map that of a
            series.
        """
        if self._settings.series:
            raise ValueError(NO_LATTICES)
        grid = spectrum._state("image_grid")
        if grid is None or grid.shape != self._grid.shape:
            raise ValueError("this is no spectrum of the same image: give the IndexedFFT of it")
        lattices = spectrum._register_lattices(self._field, self.reference)
        return self._derive(type(self), "register_lattices", {}, lattices=lattices)

    def to_atoms(
        self,
        thickness: float = 5.0,
        *,
        seed: int = 0,
        along_beam: AlongBeam | str = "coherent",
        amorphous: Mapping[int, tuple[str, float]] | None = None,
        surfaces: bool = False,
        planar_faults: Table | None = None,
        show_progressbar: bool | None = None,
    ) -> AtomicModel:
        """Fill the regions with atoms, displaced as measured.

        A virtual unit cell is fitted to the reference region and oriented by the indexing. Every
        indexed region with the same lattice is filled with it and displaced by u; a region with a
        lattice of its own is filled with its own cell. The model repeats along the beam a whole
        number of times. Regions without an indexed phase stay empty, unless they are to be filled
        as amorphous. Twins share a plane of atoms that is seen edge on. Lengths are those of the
        image: a warning tells where the crystal of the reference has others.

        Parameters
        ----------
        thickness
            Thickness of the foil in nm; rounded to whole repeats of the lattice along the beam.
        seed
            Of the random choice of elements on mixed sites.
        along_beam
            What the image does not show: whether layers on the lattice of the reference share its
            repeats along the beam (``"coherent"``), as pseudomorphic layers do, or each crystal
            has the whole number that suits it best (``"relaxed"``), with dislocations across the
            beam between layers of different numbers. A number is the length in Å of the repeat of
            the reference along the beam, and the name of a crystal, such as ``"InP"``, that of a
            reference that is itself a pseudomorphic layer on it.
        amorphous
            Formula and density in g/cm³ by the number of a region, such as
            ``{2: ("SiO2", 2.2)}``. Atoms are packed at random, with the right density, composition
            and smallest distances. This is no relaxed network: anneal it before energies are
            computed.
        surfaces
            Whether the model is a lamella with free surfaces instead of periodic along the beam.
        planar_faults
            Rows of :meth:`planar_faults` that enter the model; by default all that are found in the
            image, if the map holds it.
        show_progressbar
            Whether to show progress; by default as in HyperSpy's preferences.

        Returns
        -------
        AtomicModel
            Atoms in Angstrom, x right, y down, z into the screen.

        Raises
        ------
        ValueError
            If no lattice is registered, for which the message names the reason, the thickness is
            not positive, or a region that is to be amorphous does not exist or is a crystal.
        """
        from hyperspy_twin.atoms import COLUMNS, ERROR_COLUMNS, build_model

        lattices = self._state("lattices")
        if not lattices:
            raise ValueError(self._why_no_lattices())
        self._warn_of_scale(lattices)
        grid = self._grid
        with show_progress("Building atoms", show_progressbar):
            found = measured_lattices(self, lattices, self._faults_of_model(planar_faults))
        lattices, measured, displacement = found
        atoms = build_model(
            lattices,
            self._outlines,
            displacement=displacement,
            displacement_error=self._displacement_error,
            grid=grid,
            thickness=thickness,
            seed=seed,
            measured=measured,
            along_beam=self._along_beam(along_beam),
            amorphous=amorphous,
            twins=twin_planes(lattices, self._labels),
        )
        chosen: dict[str, Any] = {} if along_beam == "coherent" else {"along_beam": along_beam}
        if amorphous:
            chosen["amorphous"] = {str(n): list(one) for n, one in amorphous.items()}
        if surfaces:
            chosen["surfaces"] = True
        if planar_faults is not None:
            chosen["planar_faults"] = len(planar_faults)
        width, height = (10 * length for length in grid.extent)
        corner = [10 * (grid.offset[i] - grid.scale[i] / 2) for i in (0, 1)]
        table = AtomicModel._rows_of(atoms)
        return self._derive(
            AtomicModel,
            "to_atoms",
            {"thickness": thickness, "seed": seed, **chosen},
            outcome=atoms.remarks or None,
            data=table,
            axes=AtomicModel._axes_for(*table.shape),
            model=ModelBox(
                columns=(*COLUMNS, *ERROR_COLUMNS),
                units=("Å", "Å", "Å", "", "", "", "Å", "Å"),
                cell=np.diag([width, height, atoms.thickness]),
                origin=np.array([*corner, 0.0]),
                pbc=(False, False, not surfaces),
            ),
            image=None,
        )

    def _along_beam(self, given: AlongBeam | str) -> AlongBeam:
        """Whose repeats along the beam the reference has; that of a named substrate in Å."""
        from hyperspy_twin.crystals import as_crystal
        from hyperspy_twin.registration import find_beam_translation

        if given == "coherent" or given == "relaxed" or not isinstance(given, str):
            return given  # type: ignore[return-value]
        try:
            substrate = as_crystal(given)
        except (ValueError, KeyError, OSError) as error:
            raise ValueError(
                "along_beam is 'coherent', 'relaxed', a length in Å or the name of a substrate, "
                f"not {given!r}: {error}"
            ) from error
        lattices = self._state("lattices")
        own = next((one for one in lattices if one.region == self.reference), lattices[0])
        repeat = find_beam_translation(substrate, substrate.base, own.zone_axis)
        return float(np.linalg.norm(repeat))

    def _faults_of_model(self, given: Table | None) -> Table | None:
        """Planar faults that enter a model: those given, or all that can be found."""
        if given is not None:
            return given
        try:
            return self.planar_faults(show_progressbar=False)
        except ValueError as reason:  # the map does not hold what they are found in
            _LOGGER.info("no planar faults are looked for: %s", reason)
            return None

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
    def _names(self) -> tuple[str, ...]:
        return self._settings.components

    @property
    def _kind(self) -> type[StrainMap]:
        """Type of a map that is in memory."""
        return StrainMap

    @property
    def _displacement(self) -> np.ndarray:
        """Displacement in the axes of the image, shape (2, rows, columns)."""
        from hyperspy_twin.strain import turn_displacement

        found = np.stack(list(self._maps(("u_x", "u_y")).values()))
        angle = self._settings.angle
        return turn_displacement(found, -angle).astype(found.dtype) if angle else found

    @property
    def _main_displacement(self) -> np.ndarray:
        """Displacement from the lattice of the main reference, NaN in other blocks."""
        displacement = self._displacement
        others = [n for one in self._blocks[1:] for n in one.regions]
        if not others:
            return displacement
        return np.where(np.isin(self._labels, others), np.nan, displacement)

    @property
    def _displacement_error(self) -> np.ndarray | None:
        """Standard errors of the displacement in the axes of the image; None if not known."""
        from hyperspy_twin.strain import find_displacement_errors

        analyses = [one.analysis for one in self._measured_blocks]
        if any(one is None for one in analyses):
            return None
        return _overlay([find_displacement_errors(one) for one in analyses if one is not None])

    @property
    def _blocks(self) -> tuple[Block, ...]:
        """Blocks of regions with their references, the main one first."""
        from hyperspy_twin.strain import Block

        blocks = self._state("blocks")
        if blocks is not None:
            return blocks
        choices = self._state("choices")
        compared = self._outlines.regions if choices is None else choices.compared
        return (Block(self.reference, tuple(compared), self.g),)

    @property
    def _measured_blocks(self) -> list[MeasuredStrain]:
        """The strain of each block with all that is known of it."""
        return [self._measured_of(block) for block in self._blocks]

    @property
    def _measured(self) -> MeasuredStrain:
        """The strain of the main block with all that is known of it."""
        return self._measured_of(self._blocks[0])

    def _measured_with(self, region: int) -> MeasuredStrain:
        """Give the strain of the block that a region belongs to."""
        own = [one for one in self._blocks[1:] if region in one.regions]
        return self._measured_of((own or self._blocks)[0])

    def _measured_of(self, block: Block) -> MeasuredStrain:
        """Give the strain of a block; regions that have no reference go with the main one."""
        from hyperspy_twin.core import Outlines, rasterise
        from hyperspy_twin.strain import Analysis, MeasuredStrain

        settings, grid, labels = self._settings, self._grid, self._labels
        others = [n for one in self._blocks if one is not block for n in one.regions]
        elsewhere = np.isin(labels, others)
        if block is not self._blocks[0]:
            elsewhere = ~np.isin(labels, block.regions)
        labels = np.where(elsewhere, 0, labels)
        names = ERRORS[:3]
        if "sigma" in self._names:
            sigma = np.asarray(self.sigma.data)
            sigmas = np.stack([sigma, sigma, np.full_like(sigma, np.nan)])
        else:
            sigmas = np.stack(list(self._maps(names).values()))
        analysis = area = None
        if settings.area is not None and block is self._blocks[0]:
            area = rasterise(Outlines.from_rings([settings.area], [1]), grid) > 0
        if settings.noise is not None:
            analysis = Analysis(
                labels,
                grid,
                settings.resolution,
                block.g,
                block.reference,
                settings.noise,
                settings.series,
                area,
            )
        return MeasuredStrain(
            np.where(elsewhere, np.nan, np.stack(list(self._maps(STRAINS).values()))),
            np.where(elsewhere, np.nan, sigmas),
            labels,
            grid,
            settings.definition,  # type: ignore[arg-type]
            settings.angle,
            self._state("bulk", ()),
            analysis,
        )

    @property
    def _disagreeing(self) -> np.ndarray:
        """Pixels in which the reflections disagree, shape (rows, columns)."""
        grid, masks = self._grid, self._state("disagreement")
        return np.zeros(grid.shape, bool) if masks is None else masks[0].on(grid)

    @property
    def _of_fly_back(self) -> np.ndarray:
        """Columns that fly-back distorts, shape (1, columns)."""
        scan, whole = self._state("scan"), self._state("image_grid")
        if scan is None or whole is None:
            return np.zeros((1, 1), bool)
        return (self._grid.x - whole.x[0] < scan.fly_back)[None]

    def _with_maps(self, maps: Mapping[str, np.ndarray]) -> np.ndarray:
        """Copy the data of the whole map, with other values of some components."""
        self._maps(self._names)  # refuses a map from which components were sliced away
        data = np.array(self.data, copy=True)
        for name, values in maps.items():
            if name in self._names:
                data[self._names.index(name)] = values
        return data

    def _find_axes(
        self,
        direction: float | Sequence[float] | None,
        interface: tuple[int, int] | None,
        hkl: Sequence[int] | None,
    ) -> tuple[float, str]:
        """Angle of x' above x in degrees, and what it is in words."""
        from hyperspy_twin.strain import find_interface

        if sum(one is not None for one in (direction, interface, hkl)) != 1:
            raise ValueError(
                "give one of a direction, interface=(region, region) and hkl=(h, k, l)"
            )
        if interface is not None:
            angle = find_interface(self._labels, self._grid, *interface).angle
            return angle, f"along the interface {interface[0]}|{interface[1]}"
        if hkl is not None:
            return self._plane_normal(hkl), f"normal of ({' '.join(map(str, hkl))})"
        vector = np.asarray(direction, float)
        if (
            not np.isfinite(vector).all()
            or vector.shape not in ((), (2,))
            or not (vector.shape == () or vector.any())
        ):
            raise ValueError(
                f"a direction is an angle in degrees or a vector (x, y), not {direction}"
            )
        angle = float(
            vector if vector.shape == () else np.degrees(np.arctan2(-vector[1], vector[0]))
        )
        return angle, "" if angle % 360.0 == 0.0 else f"{angle:.4g}° above x"

    def _plane_normal(self, hkl: Sequence[int]) -> float:
        """Direction of the normal of a plane of the reference, in degrees above x."""
        indices = np.asarray(hkl)
        if indices.shape != (3,) or not np.issubdtype(indices.dtype, np.integer):
            raise ValueError(f"hkl is three whole numbers (h, k, l), not {hkl!r}")
        lattices = self._state("lattices", ())
        own = next((one for one in lattices if one.region == self.reference), None)
        if own is None:
            raise ValueError(f"hkl needs the lattice of the reference. {self._why_no_lattices()}")
        x, y, z = indices @ np.linalg.inv(own.base).T
        if not np.hypot(x, y) > 0.0 or abs(z) > LARGEST_SLANT * np.hypot(x, y):
            raise ValueError(
                f"the plane ({' '.join(map(str, hkl))}) is not parallel to the beam along "
                f"[{' '.join(map(str, own.zone_axis))}]: choose one of that zone"
            )
        return float(np.degrees(np.arctan2(-y, x)))

    def _oriented_phases(self) -> dict[int, OrientedCrystal | str]:
        """Phase of each region as it stands in the image, or why it has none to compare with."""
        found: dict[int, OrientedCrystal | str] = {
            one.region: one.oriented for one in self._state("lattices", ())
        }
        for record in self._state("phases", ()):
            if record.match is None:
                found[record.region] = record.reason
            elif record.composition is None:
                found[record.region] = record.match.oriented
            elif record.composition.known:
                found[record.region] = (
                    f"its composition {record.composition} was read from its own spacing, which "
                    "leaves no strain: index it by its composition, such as 'Si0.3Ge0.7'"
                )
            else:
                found[record.region] = record.composition.reason
        return found

    def _reference_phase(self) -> OrientedCrystal:
        """Phase of the reference as it stands in the image."""
        records = {one.region: one for one in self._state("phases", ())}
        lattices = {one.region: one for one in self._state("lattices", ())}
        if self.reference in records and records[self.reference].match is not None:
            return records[self.reference].match.oriented
        if self.reference in lattices:
            return lattices[self.reference].oriented
        raise ValueError(
            f"the reference, region {self.reference}, has no indexed phase, which tells how the "
            "layers lie in the crystal: call index_phases(...) before gpa()"
        )

    def _substrate(self, family: AlloyFamily, given: float | str | None) -> tuple[float, float]:
        """Lattice constant of the reference in Å, and its standard error."""
        if given is not None:
            return substrate_constant(family, given), 0.0
        records = {one.region: one for one in self._state("phases", ())}
        record = records.get(self.reference)
        crystal = self._reference_phase().crystal
        if record is not None and record.composition is not None:
            x, error = record.composition.x, record.composition.error
            if not record.composition.known:
                raise ValueError(
                    f"the composition of the reference is not known ({record.composition.reason}): "
                    "give substrate="
                )
            return family.lattice_constant(x), abs(family.slope(x)) * error
        if record is not None and record.ties:
            raise ValueError(
                f"the reference is {crystal.name} or {', '.join(record.ties)}: give substrate="
            )
        return cubic_constant(crystal), 0.0

    def _other_materials(self, family: AlloyFamily) -> dict[int, str]:
        """Why regions are no alloys of a family."""
        found = {}
        for record in self._state("phases", ()):
            if (
                record.match is not None
                and not set(record.match.crystal.elements) <= family.elements
            ):
                found[record.region] = f"it is {record.phase}, which is no {family.name}"
            elif record.match is None:
                found[record.region] = record.reason
        return found

    def _find_interface(self, given: tuple[int, int] | None) -> tuple[float, float]:
        """Find the normal (x, y) of an interface; by default the longest one of the reference."""
        from hyperspy_twin.strain import find_interface

        labels, grid = self._labels, self._grid
        if given is not None:
            return find_interface(labels, grid, *given).normal
        found = []
        for other in np.unique(labels[labels > 0]).tolist():
            if other != self.reference:
                try:
                    found.append(find_interface(labels, grid, self.reference, other))
                except ValueError:  # no straight outline with this one
                    continue
        if not found:
            raise ValueError(
                "the reference shares no straight outline with another region: give interface="
            )
        return max(found, key=lambda one: one.length).normal

    def _invariant(self, name: str, title: str) -> Signal2D:
        parts = [one.invariants()[name] for one in self._measured_blocks]
        values, sigma = (_overlay([one[n] for one in parts]) for n in (0, 1))
        title = (
            f"{'absolute ' if self._state('bulk') else ''}{title}, {self.metadata.General.title}"
        )
        return self._image_of(values, title, variance=sigma**2)

    def _image_of(
        self, values: np.ndarray, title: str, *, variance: np.ndarray, **metadata: Any
    ) -> Signal2D:
        """Image of the same pixels with its variance."""
        axes = self._axes()[-2:]
        general = {"General": {"title": title}, **metadata}
        image = Signal2D(values.astype(np.float32), axes=axes, metadata=general)
        error = Signal2D(variance.astype(np.float32), axes=axes)
        image.metadata.set_item("Signal.Noise_properties.variance", error)
        return image

    def _title(self, name: str) -> str:
        """Name of a component in words, with the axes and the cell that it refers to."""
        title = TITLES[name]
        if self._settings.angle:
            title = re.sub(
                r"_(xx|yy|xy|x|y)\b", lambda found: "_" + "'".join([*found[1], ""]), title
            )
        absolute = bool(self._state("bulk")) and name not in (
            "rotation",
            "sigma_rotation",
            "u_x",
            "u_y",
        )
        return f"absolute {title}" if absolute else title

    @property
    def _field(self) -> StrainField:
        """The maps as one record, without the amplitudes of the lattice waves."""
        settings = self._settings
        names = [name for name in settings.components if name in COMPONENTS]
        maps: dict[str, Any] = {**self._maps(names)}
        maps |= dict(zip(("u_x", "u_y"), self._main_displacement, strict=True))
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
            cuts=(),
        )

    @property
    def _image_labels(self) -> np.ndarray:
        """Label image of the whole image, also of a map that was cropped."""
        from hyperspy_twin.core import rasterise
        from hyperspy_twin.pixels import find_empty_areas

        grid = self._state("image_grid")
        labels = rasterise(self._outlines, grid)
        masks = self._state("bad_pixels")
        return np.where(find_empty_areas(masks[0].on(grid)), 0, labels) if masks else labels

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
        """Components of a single image."""
        frames = self.axes_manager.navigation_axes[1:]
        if frames:
            count = int(np.prod([axis.size for axis in frames]))
            chosen = ", ".join(["0"] * len(frames))
            raise ValueError(
                f"this is the strain of a series of {count} images: take one, such as "
                f"strain.inav[:, {chosen}]"
            )
        return {name: np.asarray(self._component(name).data) for name in names}

    def _component(self, name: str) -> Signal2D:
        """One component as an image of its own, also after slicing."""
        axes = self.axes_manager.navigation_axes
        if not axes:
            raise ValueError("one component was cut out of this map: use its data directly")
        if "component" not in [axis.name for axis in self.axes_manager._axes]:
            raise ValueError("one component was cut out of this series: use its data directly")
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
        metadata = {"General": {"title": f"{self._title(name)}, {self.metadata.General.title}"}}
        kind = LazySignal2D if self._lazy else Signal2D
        frames = self._axes()[:-3]
        values = self.data[..., present.index(index), :, :]
        image = kind(values, axes=[*frames, *self._axes()[-2:]], metadata=metadata)
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
        return field.stack(COMPONENTS)

    def __repr__(self) -> str:
        """Type, size, reference and resolution in one line."""
        text = super().__repr__()
        settings = self._settings
        if settings is None:
            return text
        frames = "of another frame, " if settings.series else ""
        numbers = [one.reference for one in self._state("blocks", ())] or [settings.reference]
        named = "references: regions" if len(numbers) > 1 else "reference: region"
        return (
            f"{text[:-1]}, {named} {', '.join(map(str, numbers))}, {frames}"
            f"resolution: {settings.resolution:.3g} {self._unit}{self._frame_in_words()}>"
        )

    def _frame_in_words(self) -> str:
        """Axes and bulk cells, where they are not those of the image and of the reference."""
        settings, words = self._settings, ""
        if settings.frame:
            words += f", x': {settings.frame}"
        cells = [one for one in self._state("bulk", ()) if one.crystal is not None]
        if cells:
            named = ", ".join(f"{one.crystal.name} ({one.region})" for one in cells)
            words += f", absolute against bulk {named}"
        return words


def _overlay(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Join maps of blocks of regions, each NaN outside of its block."""
    total = parts[0]
    for part in parts[1:]:
        total = np.where(np.isnan(total), part, total)
    return total


class LazyStrainMap(StrainMap, LazySignal2D):
    """A strain map whose data are read when they are needed."""
