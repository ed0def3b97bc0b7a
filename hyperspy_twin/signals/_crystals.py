"""What the crystals of a spectrum tell: patterns, maps, orientation relations and pixel size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import Signal1D, Signal2D

from hyperspy_twin.signals._phases import RegionPhases
from hyperspy_twin.signals._state import table

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from orix.crystal_map import CrystalMap

    from hyperspy_twin.crystals.indexing.matches import Match
    from hyperspy_twin.crystals.relations.calibration import LatticeCalibration
    from hyperspy_twin.crystals.relations.lattice_planes import IndexedLattice

VIEW = 1.3  # times the farthest spot; the rest of the spectrum is out of sight when it is plotted


class RegionCrystals(RegionPhases):
    """Mixin of :class:`IndexedFFT` with all that follows from the phases of its regions."""

    def plot(
        self, region: int | None = None, phase: str | int | None = None, **kwargs: Any
    ) -> None:
        """Plot the spectra of the regions, one at a time, with their spots and indices.

        Where a phase is known, the pattern that it predicts is drawn over the spots: discs of an
        area by the kinematical intensity, and diamonds for reflections that only double
        diffraction reaches.

        Parameters
        ----------
        region
            Number of the region to show; by default all can be navigated.
        phase
            Show the pattern of this phase instead: its name as in the ranking of the region's
            record, with or without a zone axis, or its rank, 1 for the best.
        **kwargs
            Passed to :meth:`hyperspy.api.signals.Signal2D.plot`.

        Raises
        ------
        ValueError
            If there is no such region, or the phase is not ranked for any region shown.
        """
        from hyperspy_twin.signals._markers import farthest_spot, spot_markers
        from hyperspy_twin.signals._predicted import predicted_markers, shown_patterns

        numbers = list(self.states)
        if region is not None:
            self._check_region(region)
            numbers = [region]
        patterns = shown_patterns(self, numbers, phase)
        shown = self.region_spectra()
        if len(numbers) == 1:
            shown = shown.inav[list(self.states).index(numbers[0])]
            shown.compute(show_progressbar=False)
        shape = (len(numbers),) if len(numbers) > 1 else ()
        peaks = self.peaks()
        tables = [peaks[peaks["region"] == number] for number in numbers]
        if shape:
            spot_counts = Signal1D([float(len(spots)) for spots in tables])
            kwargs = {"navigator": spot_counts, **kwargs}
        kwargs = {"norm": "log", **kwargs}
        shown.plot(**kwargs)
        names = [pattern.names for pattern in patterns]
        markers = spot_markers(tables, names, shape)
        for marker in (*markers, *predicted_markers(patterns, tables, shape)):
            shown.add_marker(marker)
        _look_at(shown, farthest_spot(tables, names))

    def crystal_map(self, step: int = 1) -> CrystalMap:
        """Phase and orientation of every pixel of the image.

        Parameters
        ----------
        step
            Take every so many pixels along x and y.

        Returns
        -------
        orix.crystal_map.CrystalMap
            With coordinates in the unit of the image and the property ``region``. Pixels without
            a phase are not in its data. Where a region holds several crystals, the first.

        Raises
        ------
        ValueError
            If phases have not been identified, or the step is not a positive whole number.

        See Also
        --------
        hyperspy_twin.crystals.indexing.orientation.orientation_of : The convention of orix.
        """
        from hyperspy_twin.crystals.relations.crystal_maps import crystal_map

        grid = self._image_grid()
        return crystal_map(self._labels(grid), grid, self._matches(), step, self._unit)

    def orientation_map(self, direction: Sequence[float] = (0, 0, 1)) -> Signal2D:
        """Orientation of every pixel of the image in inverse pole figure (IPF) colours.

        Parameters
        ----------
        direction
            Direction of the image (x right, y down, z into the screen) whose crystal direction
            is coloured; by default the beam.

        Returns
        -------
        hyperspy.api.signals.Signal2D
            Of the type rgb8, on the axes of the image; black where there is no phase.

        Raises
        ------
        ValueError
            If phases have not been identified, or the direction is not three numbers.

        See Also
        --------
        plot_orientation_map : The same with the legend of each phase.
        """
        from hyperspy_twin.crystals.relations.crystal_maps import orientation_colours
        from hyperspy_twin.signals._state import axes_of

        grid = self._image_grid()
        colours = Signal1D(orientation_colours(self._labels(grid), self._matches(), direction))
        colours.change_dtype("rgb8")
        title = f"Orientations of {self.metadata.General.title}"
        axes = axes_of(grid, self._unit)
        return Signal2D(colours.data, axes=axes, metadata={"General": {"title": title}})

    def plot_orientation_map(self, direction: Sequence[float] = (0, 0, 1)) -> Figure:
        """Plot :meth:`orientation_map` with outlines and the colour key of each phase.

        Parameters
        ----------
        direction
            As for :meth:`orientation_map`.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.

        Raises
        ------
        ValueError
            If phases have not been identified, or the direction is not three numbers.
        """
        from hyperspy_twin.signals._crystal_figures import orientation_figure

        return orientation_figure(self, direction)

    def epitaxy(self, *, largest_angle: float = 2.0) -> np.ndarray:
        """Table of how the crystals of neighbouring regions lie to each other.

        Parameters
        ----------
        largest_angle
            Largest angle in degrees between planes that counts as nearly parallel.

        Returns
        -------
        numpy.ndarray
            Structured array with up to two rows for each pair of crystals in regions that share a
            border (in all regions where none do) or in one region: the planes of lowest indices
            that are nearly parallel and stand edge-on. Columns: ``first``, ``second`` (regions)
            and ``crystal_...`` (number within the region); ``phase_...``; ``zone_axis_...``,
            which are parallel; ``plane_...``; ``angle``
            from the first to the second normal (degrees, counter-clockwise on the screen);
            ``spacing_...`` (nm) and ``misfit`` (second over first less 1, %) by the structures;
            ``measured_misfit`` with ``measured_error`` as the image shows it; ``n`` and ``m``,
            with ``coincidence_misfit`` of n first spacings and m second ones (%);
            ``misorientation`` (degrees) about ``axis``, a direction of the first crystal.

        Raises
        ------
        ValueError
            If phases have not been identified, or the angle is not positive.

        See Also
        --------
        hyperspy_twin.crystals.relations.epitaxy.parallel_planes : How planes are chosen.
        hyperspy_twin.crystals.relations.epitaxy.misorientation : Its reduction by symmetry.
        """
        from hyperspy_twin.crystals.relations.epitaxy import neighbours, relations

        lattices = self._lattices()
        pairs = neighbours(self._labels(self._image_grid()), list(lattices))
        return table(relations(lattices, pairs, largest_angle))

    @property
    def calibration(self) -> LatticeCalibration:
        """Pixel size of the image by its crystals, with errors, anisotropy and shear.

        Regions whose ties ask for another scale are left out.

        Raises
        ------
        ValueError
            If no region is indexed, or ties leave the scale open.

        See Also
        --------
        hyperspy_twin.crystals.relations.calibration.calibrate : How regions are weighed.
        """
        from hyperspy_twin.signals._calibration import calibration_of_regions

        return calibration_of_regions(self)

    def apply_calibration(self) -> Any:
        """Correct the pixel size along x and y by the crystals of the image.

        Returns
        -------
        IndexedFFT
            The same spectrum with axes, spots, outlines and phases of the corrected pixel size,
            in nm. The pixels are the same, so that a shear of the scan stays.

        Raises
        ------
        ValueError
            If no region is indexed, ties leave the scale open, or the spectrum was cropped.
        """
        from hyperspy_twin.signals._calibration import calibrated_state

        calibration = self.calibration
        grid, state = calibrated_state(self, calibration)
        parameters = {
            "pixel_size": list(calibration.pixel_size),
            "error": list(calibration.pixel_size_error),
        }
        axes = type(self)._axes_for(grid, "nm")  # type: ignore[attr-defined]
        return self._derive(type(self), self.data, axes, "apply_calibration", parameters, **state)

    def _matches(self) -> dict[int, Match]:
        """Phase and orientation of each region that has one."""
        records = self._known_phases()
        return {record.region: record.ranking[0] for record in records if record.phase is not None}

    def _lattices(self) -> dict[tuple[int, int], IndexedLattice]:
        """Lattice of each crystal by its spots, under the region and a number from 1 on."""
        from hyperspy_twin.crystals.indexing.records import crystals_of
        from hyperspy_twin.crystals.relations.lattice_planes import indexed_lattice

        return {
            (record.region, number): indexed_lattice(
                one.ranking[0], *self._indexed_spots(record.region, one.hkl)
            )
            for record in self._known_phases()
            for number, one in enumerate(crystals_of(record), 1)
            if one.phase is not None
        }

    def _indexed_spots(
        self, region: int, hkl: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """List the spots of a region that a crystal explains: indices, positions and errors."""
        peaks = self.peaks(region)
        used = hkl.any(axis=1)
        pairs = (("x", "y"), ("error_x", "error_y"))
        position, error = (np.stack([peaks[a], peaks[b]], axis=1)[used] for a, b in pairs)
        return hkl[used], position, error


def _look_at(shown: Signal2D, farthest: float) -> None:
    """Bring the part of a plotted spectrum that holds spots into view."""
    x, y = (axis.high_value for axis in shown.axes_manager.signal_axes)
    reach = min(VIEW * farthest, x, y)
    if reach > 0:
        shown._plot.signal_plot.ax.set(xlim=(-reach, reach), ylim=(reach, -reach))
