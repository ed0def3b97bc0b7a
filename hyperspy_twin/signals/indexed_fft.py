"""The spectrum of an image with the Bragg peaks and the phases of its regions."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from types import NoneType
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import ComplexSignal2D, LazyComplexSignal2D, Signal1D, Signal2D

from hyperspy_twin.core import Grid, Outlines, Peaks, Table, rasterise
from hyperspy_twin.signals._images import axes_of, check_orientation, show_progress
from hyperspy_twin.signals._pixels import ImagePixels
from hyperspy_twin.signals._region_lattices import region_lattices, register_block
from hyperspy_twin.signals._signal import TwinSignal
from hyperspy_twin.signals._tables import peaks_table, spectra_table
from hyperspy_twin.signals._values import PixelMask, StrainSettings
from hyperspy_twin.signals.strain_map import (
    COMPONENTS,
    NO_LATTICES,
    LazyStrainMap,
    StrainMap,
)

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.figure import Figure
    from orix.crystal_map import CrystalMap

    from hyperspy_twin.core import (
        Calibration,
        Crystal,
        OrientedCrystal,
        RegisteredLattice,
        StrainField,
    )
    from hyperspy_twin.crystals import IndexingSettings, PhaseRecords, RegionPhase
    from hyperspy_twin.signals._reflections import By
    from hyperspy_twin.spectra import RegionSpectrum
    from hyperspy_twin.strain import Block, RegionLattice

_LOGGER = logging.getLogger(__name__)
# Name of the references of a strain map: one for each block of regions that share a lattice.
EACH = "each"
# Of the plot of a spectrum: the noise is dark, and the peaks are seen beside the strongest.
CONTRAST = {"norm": "log", "vmin": "50th", "vmax": "99.99th"}


class IndexedFFT(ImagePixels, TwinSignal, ComplexSignal2D):
    """Spectrum of an image with the peaks of its regions, by :meth:`SegmentedImage.find_peaks`.

    The data are the complex spectrum of the whole image, zero frequency at index ``size // 2``.
    Positions of peaks are in 1/nm (1/px without a calibration), x right and y down.
    """

    _signal_type = "twin_indexed_fft"
    _alias_signal_types = ["IndexedFFT"]
    _made_by = "SegmentedImage.find_peaks()"

    # ---- peaks and what the regions are ----

    def peaks(self, region: int | None = None) -> Table:
        """Table of Bragg peaks, one of each Friedel pair.

        Parameters
        ----------
        region
            Number of a region; all regions by default.

        Returns
        -------
        Table
            With the columns ``region``, ``x``, ``y``, ``error_x``, ``error_y``
            (1/nm), ``intensity`` (squared fringe amplitude), ``snr``, ``probability``, ``width``
            (1/nm, beyond that of the region's window) with ``width_error``, ``harmonic`` (an
            integer multiple of another peak), ``lattice`` (number of the crystal within the
            region, 0 on none), ``satellite`` (number of the crystal whose peaks it accompanies at
            one common distance, 0 if none) and, once indexed, ``h``, ``k``, ``l`` (0 0 0 where
            not explained), ``crystal`` (1 for that of the region's record, from 2 for further
            ones), ``forbidden`` (only double diffraction feeds the reflection) and ``laue_zone``
            (order of the Laue zone; from 1 the projections that thin crystals show).

        Raises
        ------
        ValueError
            If there is no such region.
        """
        spectra = self._spectra if region is None else {region: self._spectrum(region)}
        return peaks_table([one.peaks for one in spectra.values()], self.phases, self._unit)

    @property
    def crystallinity(self) -> dict[int, str]:
        """What each region is.

        Single crystal, several crystals, powder (rings) or fringes (peaks along one line);
        amorphous where the halo of a glass is measured, vacuum where a dark-field image shows weak
        noise only, otherwise no lattice seen; too small, or unknown.
        """
        return {region: one.crystallinity.name for region, one in self._spectra.items()}

    @property
    def regions(self) -> Table:
        """Table of what the regions are.

        Columns: ``region``, ``crystallinity`` and its ``probability`` (for amorphous and vacuum
        that of no lattice; NaN where it was not weighed), number of ``peaks`` and of plane
        ``lattices``, and the halo of a glass between the peaks (``halo_radius`` with
        ``halo_error`` and full ``halo_width`` in 1/nm; NaN without one).
        """
        return spectra_table(list(self._spectra.values()), self._unit)

    def rings(self, region: int) -> Table:
        """Table of the rings in the spectrum of a region, the most prominent first.

        Parameters
        ----------
        region
            Number of the region.

        Returns
        -------
        Table
            With the columns ``radius``, its ``error``, full ``width`` (1/nm),
            and ``height``, the power over that of the minima on both sides of the ring.

        Raises
        ------
        ValueError
            If there is no such region.
        """
        columns = vars(self._spectrum(region).rings)
        return Table.from_columns(
            columns, dict.fromkeys(("radius", "error", "width"), f"1/{self._unit}")
        )

    def image(self) -> tuple[np.ndarray, Grid]:
        """Image that the spectrum belongs to, shape (rows, columns), and its grid.

        Raises
        ------
        ValueError
            If the spectrum was cropped or rebinned, so that the image is lost.
        """
        from hyperspy_twin.spectra import inverse_spectrum

        grid = self._image_grid
        return inverse_spectrum(np.asarray(self.data)), grid

    def region_spectra(self) -> Signal2D:
        """Spectra of the regions, each in its own window, as a lazy stack along ``region``.

        Returns
        -------
        hyperspy.api.signals.Signal2D
            Amplitude of the fringes in image units on the axes of this signal; a fringe
            a cos(2 pi g r) has the amplitude a at g and at -g.

        Raises
        ------
        ValueError
            If the spectrum was cropped or rebinned, so that the image is lost.
        """
        from hyperspy_twin.signals._region_spectra import stack_of_regions

        image, grid = self.image()
        return stack_of_regions(image, grid, self._labels, list(self._spectra), self._axes())

    def plot(
        self, region: int | None = None, phase: str | int | None = None, **kwargs: Any
    ) -> Figure:
        """Plot the spectra of the regions, one at a time, with their peaks and indices.

        Where a phase is known, the pattern that it predicts is drawn over the peaks: rings of an
        area by the kinematical intensity, and diamonds for reflections that only double
        diffraction reaches. A second figure has the image; a click on a region shows its spectrum.

        Parameters
        ----------
        region
            Number of the region to show; by default all can be navigated.
        phase
            Show the pattern of this phase instead: its name as in the ranking of the region's
            record, with or without a zone axis, or its rank, 1 for the best.
        **kwargs
            Passed to :meth:`hyperspy.api.signals.Signal2D.plot`.

        Returns
        -------
        matplotlib.figure.Figure
            The figure of the spectrum.

        Raises
        ------
        ValueError
            If there is no such region, or the phase is not ranked for any region shown.
        """
        from hyperspy_twin.signals._figures import limit_view, show_once, spectrum_markers

        spectra = self._spectra
        every = list(spectra)
        regions = every if region is None else [self._spectrum(region).peaks.region]
        records = self._records_shown(regions, phase)
        shown = self.region_spectra()
        shown.metadata.General.title = self.metadata.General.title
        shape = (len(regions),) if len(regions) > 1 else ()
        peaks = [spectra[number].peaks for number in regions]
        if not shape:
            shown = shown.inav[every.index(regions[0])]
            shown.compute(show_progressbar=False)
        shown.plot(**{**CONTRAST, "axes_ticks": True, "navigator": None, **kwargs})
        for marker in spectrum_markers(peaks, records, shape):
            shown.add_marker(marker)
        # Further markers of this signal go there.
        self._plot = shown._plot
        axis = shown._plot.signal_plot.ax
        x, y = (one.high_value for one in shown.axes_manager.signal_axes)
        axis.set(**limit_view(peaks, records, (x, y)))
        if shape and "navigator" not in kwargs:
            self._plot_navigator(regions, shown.axes_manager)
        return show_once(axis.figure)

    def _plot_navigator(self, regions: Sequence[int], axes_manager: Any) -> None:
        """Plot the image, or the regions alone where the spectrum has no image any more."""
        from hyperspy_twin.signals._figures import region_navigator

        try:
            image = self.image()[0]
        except ValueError:
            image = self._labels.astype(float)
        region_navigator(
            image,
            self._image_grid,
            self._outlines,
            self._labels,
            regions,
            axes_manager,
            unit=self._unit,
        )

    def _figure(self) -> Figure:
        """Picture of the spectrum for a page."""
        from hyperspy_twin.signals._figures import spectrum_figure

        return spectrum_figure(
            np.asarray(self.data), self._grid, self._peaks, self.phases, unit=self._unit
        )

    def edit_peaks(
        self,
        region: int,
        *,
        add: Sequence[Sequence[float]] = (),
        remove: Sequence[Sequence[float]] = (),
    ) -> Self:
        """Add peaks to a region, or take some away.

        Parameters
        ----------
        region
            Number of the region.
        add
            Points (x, y) in 1/nm; the maximum of the region's spectrum next to each becomes a
            peak of probability 1, however weak it is.
        remove
            Points (x, y) in 1/nm; the peak next to each goes. Either member of a Friedel pair
            stands for both.

        Returns
        -------
        IndexedFFT
            The same spectrum. The crystallinity of the region is judged anew; phases have to be
            identified again.

        Raises
        ------
        ValueError
            If there is no such region, or no maximum or peak within three resolutions of a point.
        """
        from hyperspy_twin.spectra import edit_peaks

        old = self._spectrum(region).peaks
        image, grid = self.image()
        mask, calibrated = self._labels == region, self._calibrated
        new = edit_peaks(image, grid, mask, old, add=add, remove=remove, calibrated=calibrated)
        parameters = {
            "region": region,
            "add": np.asarray(add, float).tolist(),
            "remove": np.asarray(remove, float).tolist(),
        }
        spectra = tuple((self._spectra | {region: new}).values())
        return self._derive(type(self), "edit_peaks", parameters, spectra=spectra, phases=None)

    # ---- phases ----

    def index_phases(
        self,
        candidates: Any = None,
        *,
        tolerance: float = 0.05,
        max_index: int = 3,
        zone_axes: Sequence[Sequence[int]] | None = None,
        calibration_error: float | None = None,
        show_progressbar: bool | None = None,
    ) -> Self:
        """Identify the crystal phase, zone axis and orientation of every region.

        Parameters
        ----------
        candidates
            One candidate or a list of them: names of bundled structures, paths of CIF files,
            ``diffpy.structure.Structure``, ``ase.Atoms``; alloys of open composition, such as
            ``"Si1-xGex"``, or of a stated one, such as ``"Si0.3Ge0.7"``. By default the bundled
            structures made of the elements in ``metadata.Sample.elements``, with their alloys
            where the error of the pixel size is known: then the spacing tells the composition.
        tolerance
            Largest relative distortion of the image that is looked for.
        max_index
            Largest index of the zone axes that are tried; a single sheet is seen along its normal
            only.
        zone_axes
            Try these zone axes only.
        calibration_error
            Largest relative error of the pixel size, such as 0.005, where you know it: then
            crystals that differ by more are told apart, and none is the answer at a larger error.
            By default a pixel size is as often right to a percent as wrong by several.
        show_progressbar
            Whether to show progress; by default as in HyperSpy's preferences.

        Returns
        -------
        IndexedFFT
            The same spectrum; ``phases`` holds one record per region.

        Raises
        ------
        ValueError
            If there is no candidate, a name is unknown or a file cannot be read.

        See Also
        --------
        accept_phase, constrain_phases : What a person decides about the answer.
        hyperspy_twin.crystals.index_peaks : The method and its score.
        """
        from hyperspy_twin.crystals import as_candidates, index_regions, weighed_candidates

        crystals = as_candidates(candidates, self._elements)
        options = {
            "tolerance": tolerance,
            "max_index": max_index,
            "calibration_error": calibration_error,
        }
        axes = None if zone_axes is None else np.asarray(zone_axes).tolist()
        settings = self._settings(**options, zone_axes=axes and tuple(map(tuple, axes)))
        settings = replace(settings, alloys_asked=candidates is not None)
        with show_progress("Indexing phases", show_progressbar):
            records = index_regions(
                self._peaks, crystals, settings, not_crystalline=self._not_crystalline
            )
        crystals = weighed_candidates(crystals, settings)
        parameters = {
            "candidates": [crystal.name for crystal in crystals],
            **options,
            "zone_axes": axes,
        }
        return self._with_phases(records, "index_phases", parameters, candidates=tuple(crystals))

    @property
    def phases(self) -> PhaseRecords:
        """Phase, zone axis and orientation of each region; empty before :meth:`index_phases`.

        ``phases[3]`` is the record of region 3; iteration gives the records in order of region,
        and the whole prints as a table.
        """
        from hyperspy_twin.crystals import PhaseRecords

        return PhaseRecords(self._state("phases", ()))

    def accept_phase(self, region: int, phase: str | int, *, crystal: int = 1) -> Self:
        """Take a ranked phase of a region as the answer.

        Parameters
        ----------
        region
            Number of the region.
        phase
            Name of a phase in the ranking or the ties of its record, such as ``"Ge"`` or
            ``"Ge [110]"``, or its rank, 1 for the best.
        crystal
            Number of the crystal where the region holds several, 1 for that of the record, 2 for
            the first of ``record.further``.

        Returns
        -------
        IndexedFFT
            The same spectrum. The record of the region holds the phase, without ties, and its
            reason says who decided. Further crystals go if the phase claims their own peaks.

        Raises
        ------
        ValueError
            If there is no such region or crystal, phases have not been identified, or the phase
            is not ranked; the message lists what is.
        """
        from hyperspy_twin.crystals import accept_phase

        self._spectrum(region)
        records = accept_phase(
            self._known_phases(),
            self._peaks,
            region,
            phase,
            crystal=crystal,
            candidates=self._candidates,
            settings=self._last_settings(),
        )
        parameters = {"region": region, "phase": phase, "crystal": crystal}
        return self._with_phases(records, "accept_phase", parameters)

    def constrain_phases(
        self,
        *,
        zone_axis: Any = None,
        phase: str | Sequence[str] | None = None,
        region: int | None = None,
    ) -> Self:
        """Identify phases again with what a person knows about them.

        Parameters
        ----------
        zone_axis
            Direction [uvw] along the beam, or a list of them, each as integers such as
            ``(1, 1, 0)`` or text such as ``"[110]"``; four indices are those of a hexagonal cell.
            All equivalent directions are meant, the opposite one too.
        phase
            Name of a candidate of :meth:`index_phases`, or a list of them.
        region
            Number of the region; all by default. Records of other regions stay, and the pixel
            size that they imply is expected.

        Returns
        -------
        IndexedFFT
            The same spectrum with new records.

        Raises
        ------
        ValueError
            If neither is given, phases have not been identified, a phase is no candidate, or
            there is no such region.
        """
        from hyperspy_twin.crystals import constrain_phases, read_directions

        if region is not None:
            self._spectrum(region)
        records = constrain_phases(
            self._known_phases(),
            self._peaks,
            self._candidates,
            self._last_settings(),
            zone_axes=zone_axis,
            phases=phase,
            region=region,
            not_crystalline=self._not_crystalline,
        )
        parameters = {
            "zone_axis": None if zone_axis is None else read_directions(zone_axis),
            "phase": [phase] if isinstance(phase, str) else phase,
            "region": region,
        }
        return self._with_phases(records, "constrain_phases", parameters)

    # ---- what the crystals tell ----

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
        hyperspy_twin.crystals.orix_orientation : The convention of orix.
        """
        from hyperspy_twin.crystals import make_crystal_map

        grid, regions = self._image_grid, self._oriented_crystals
        return make_crystal_map(self._labels, grid, regions, step=step, unit=self._unit)

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
        from hyperspy_twin.crystals import colour_orientations

        crystals = self._oriented_crystals
        colours = Signal1D(colour_orientations(self._labels, crystals, direction))
        colours.change_dtype("rgb8")
        title = f"Orientations of {self.metadata.General.title}"
        axes = axes_of(self._image_grid, self._unit)
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
        from hyperspy_twin.signals._figures import orientation_figure, show_once

        figure = orientation_figure(
            self._labels,
            self._image_grid,
            self._outlines,
            self._oriented_crystals,
            direction,
            unit=self._unit,
        )
        return show_once(figure)

    def epitaxy(self, *, largest_angle: float = 2.0) -> Table:
        """Table of how the crystals of neighbouring regions lie to each other.

        Parameters
        ----------
        largest_angle
            Largest angle in degrees between planes that counts as nearly parallel.

        Returns
        -------
        Table
            Up to two rows for each pair of crystals in regions that share a
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
        hyperspy_twin.crystals.tabulate_epitaxy : How planes are chosen.
        """
        from hyperspy_twin.crystals import tabulate_epitaxy

        return tabulate_epitaxy(
            self._known_phases(), self._peaks, self._labels, largest_angle=largest_angle
        )

    @property
    def calibration(self) -> Calibration:
        """Pixel size of the image by its crystals, with errors, anisotropy and shear.

        Regions whose ties ask for another scale are left out.

        Raises
        ------
        ValueError
            If no region is indexed, or ties leave the scale open.

        See Also
        --------
        hyperspy_twin.crystals.calibrate : How regions are weighed.
        """
        from hyperspy_twin.crystals import calibrate, known_scale

        records, scale = self.phases, self._image_grid.scale
        known = known_scale(self._last_settings()) if records else None
        error = None if known is None else known.error
        return calibrate(records, self._peaks, scale, known_error=error)

    def apply_calibration(self) -> Self:
        """Correct the pixel size along x and y by the crystals of the image.

        Returns
        -------
        IndexedFFT
            The same spectrum with axes, peaks, outlines and phases of the corrected pixel size,
            in nm. The pixels are the same, so that a shear of the scan stays.

        Raises
        ------
        ValueError
            If no region is indexed, ties leave the scale open, or the spectrum was cropped.
        """
        from hyperspy_twin.io import with_pixel_values
        from hyperspy_twin.signals._twin import rescale

        calibration: Any = self.calibration
        (x, y), (old_x, old_y) = calibration.pixel_size, self._image_grid.scale
        state = rescale(self, (x / old_x, y / old_y))
        parameters = {
            "pixel_size": list(calibration.pixel_size),
            "error": list(calibration.pixel_size_error),
        }
        return self._derive(
            type(self),
            "apply_calibration",
            parameters,
            axes=self._axes_for(state["image_grid"], "nm"),
            **state,
            unit="nm",
            calibration=with_pixel_values(self, calibration).to_json(),
        )

    # ---- Bragg filtering ----

    def bragg_filter(
        self,
        by: By = "phase",
        *,
        output: str = "image",
        resolution: float | None = None,
        show_progressbar: bool | None = None,
    ) -> Signal2D:
        """Filter the image by groups of its reflections.

        Each group is a phase, a family of equivalent planes, a grain or a reflection. The filter
        is linear in the image, with a soft (Gaussian) mask around each reflection. What two groups
        have in common tells nothing of where either is: such reflections are left out, unless a
        group has no others, and groups with all reflections in common become one. The history
        and ``metadata.Bragg_filter`` tell which.

        Parameters
        ----------
        by
            ``"phase"``, ``"family"`` (of each phase), ``"grain"`` (crystals of one orientation,
            whose phases need not be known), or Miller indices of one or several reflections such
            as ``(0, 0, 4)`` or ``[(0, 0, 4), (2, -2, 0)]``.
        output
            ``"image"``, or ``"amplitude"`` for that of the fringes: the root of the sum of the
            squared amplitudes of the lattice waves.
        resolution
            Standard deviation of the Gaussian window in real space, in the unit of the image; the
            mask's is ``1 / (2 pi resolution)``. By default one and a half of the spacings that
            separate the reflections of a crystal, and up to four times as much where only that
            tells groups apart.
        show_progressbar
            Whether to show progress; by default as in HyperSpy's preferences.

        Returns
        -------
        hyperspy.api.signals.Signal2D
            One image for each group on the axes of the image, float32, without the mean. The name
            of each is in ``metadata.Bragg_filter.groups``. NaN in empty areas of the image.

        Raises
        ------
        ValueError
            If phases are needed but not known, no crystal shows the reflections, the spectrum was
            cropped, or an argument does not fit.

        See Also
        --------
        plot_bragg_filter : All groups in colour over the image.
        hyperspy_twin.strain.filter_reflections : The method.
        """
        from hyperspy_twin.signals._bragg import check_output, filter_image, filtered_signal

        check_output(output)
        parameters = {
            "by": by if isinstance(by, str) else np.asarray(by).tolist(),
            "output": output,
            "resolution": resolution,
        }
        with show_progress("Bragg filtering", show_progressbar):
            found = filter_image(self, by, output, resolution)
        return filtered_signal(self, found, parameters)

    def plot_bragg_filter(
        self,
        by: By = "phase",
        *,
        resolution: float | None = None,
        show_progressbar: bool | None = None,
    ) -> Figure:
        """Plot the image in grey with the amplitude of each group's fringes in its colour.

        Parameters
        ----------
        by, resolution, show_progressbar
            As for :meth:`bragg_filter`.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.

        Raises
        ------
        ValueError
            As for :meth:`bragg_filter`.
        """
        from hyperspy_twin.signals._bragg import filter_image
        from hyperspy_twin.signals._figures import bragg_figure, show_once

        with show_progress("Bragg filtering", show_progressbar):
            found = filter_image(self, by, "amplitude", resolution)
        image, grid = self.image()
        names = [group.name for group in found.groups]
        return show_once(
            bragg_figure(
                image, grid, found.images, names, unit=self._unit, resolution=found.resolution
            )
        )

    # ---- the next step ----

    def gpa(
        self,
        *,
        reference: int | str | Any | None = None,
        reflections: Sequence[Sequence[int]] | None = None,
        vectors: Sequence[Sequence[float]] | None = None,
        resolution: float | None = None,
        definition: str = "lagrangian",
        deconvolve: bool = False,
        series: Signal2D | None = None,
        show_progressbar: bool | None = None,
    ) -> StrainMap:
        """Map strain, rotation and displacement by geometric phase analysis.

        Parameters
        ----------
        reference
            The region whose lattice is the reference: its number, the name of its phase, or an
            area in it, as a ``RectangularROI``, ``CircleROI``, ``PolygonROI`` or vertices (x, y).
            By default, or as ``"substrate"``, a large, well-indexed region that goes on beyond the
            image and is strained the least. :attr:`StrainMap.plan` tells what was chosen, and what
            else was possible. As ``"each"``, regions that do not share its lattice, such as turned
            grains and other crystals, are compared among themselves, each block with a reference
            of its own; otherwise they are NaN. :attr:`StrainMap.references` tells which reference
            holds where. A region that is alone has about no mean strain, whatever it is, and
            displacements of different blocks cannot be compared.
        reflections
            Miller indices of peaks of the reference region, at least two, such as
            ``[(2, -2, 0), (0, 0, 4)]``. By default all that the reference and the regions that
            are compared with it have in common: each counts by the covariance of the phases that
            the image shows.
        vectors
            Reciprocal vectors (x, y) instead of reflections, at least two.
        resolution
            Standard deviation of the real-space window in the unit of the image; by default
            chosen from the distances of the peaks.
        definition
            ``"lagrangian"`` (spacing over reference spacing - 1) or ``"eulerian"``.
        deconvolve
            Whether strain and rotation are divided by the transfer function of the mask, to first
            order: strain with a period of 10 resolutions is shown by 97 % instead of 82 %, and the
            standard errors are 1.57 times as large. Strain steps overshoot by some percent. The
            displacement stays as it is, and errors of means are not known. It takes a second
            analysis with a window that is wider by the root of two, and is no choice for a series
            nor for several references.
        series
            Stack of images on the same pixels, such as a time series of which this is one frame:
            their strain instead of that of this image. Outlines, reflections and window are those
            of this image, and strain is relative to the lattice of the reference in this image, so
            that it shows how the reference itself changes. Strain needs no alignment but the
            outlines do: a warning tells frames that drifted by more than the resolution. A lazy
            stack is read frame by frame when its strain is needed.
        show_progressbar
            Whether to show progress; by default as in HyperSpy's preferences.

        Returns
        -------
        StrainMap
            The maps; NaN where there is no lattice. Of a series with the navigation axes
            (component, frame ...); frames whose reference shows no lattice are NaN, with a warning
            and the reason in the history. From a lazy spectrum they are lazy: strain and errors,
            which need the most memory, are computed part by part when they are read or saved, and
            are the same. Standard errors are NaN everywhere, with a warning, where the image was
            filtered before so that its noise cannot be measured; strips along its borders in which
            the filter joined the lattices of opposite borders are NaN too, with a warning and their
            widths in the history.

        Raises
        ------
        ValueError
            If no region has a lattice, the spectrum was cropped, or an argument does not fit.

        See Also
        --------
        hyperspy_twin.strain.geometric_phase_analysis : The method and its literature.
        """
        from hyperspy_twin.signals._rois import polygon_of
        from hyperspy_twin.signals._series import check_series, measure_series
        from hyperspy_twin.strain import (
            analyse_other_blocks,
            analyse_plan,
            describe_disagreement,
            describe_holes,
            describe_vectors,
            divide_by_transfer,
            find_border,
            find_disagreement,
            find_scan_traces,
            plan_analysis,
            prepare_series,
            without_errors,
        )

        area = None
        if not isinstance(reference, (int, np.integer, str, NoneType)):
            area = polygon_of(reference)
        parameters = {
            "reference": reference if area is None else area.tolist(),
            "reflections": None if reflections is None else np.asarray(reflections).tolist(),
            "vectors": None if vectors is None else np.asarray(vectors).tolist(),
            "resolution": resolution,
            "definition": definition,
            "deconvolve": deconvolve,
        }
        each = isinstance(reference, str) and reference == EACH
        if each and series is not None:
            raise ValueError("a series has one reference: name it instead of 'each'")
        if deconvolve and (each or series is not None):
            raise ValueError(
                "deconvolve=True is for one image and one reference: leave out the series, or "
                "name the reference"
            )
        if series is not None:
            recalibrated = any(one["step"] == "apply_calibration" for one in self.history)
            check_series(series, self._image_grid, self._unit, recalibrated)
            parameters["series"] = list(series.data.shape)
        with show_progress("Measuring strain", show_progressbar):
            image, grid = self.image()
            if area is not None:
                reference = rasterise(Outlines.from_rings([area], [1]), grid) > 0
            plan = plan_analysis(
                self._region_lattices,
                self._labels,
                grid,
                reference=None if each else reference,
                vectors=vectors,
                reflections=reflections,
                resolution=resolution,
            )
            analyse = partial(
                analyse_plan,
                image,
                grid,
                definition=definition,  # type: ignore[arg-type]
                lazy=self._lazy,
            )
            labels, outcome = self._labels, {}
            field = analyse(plan, displacement=series is None)
            filtered = describe_holes(np.asarray(self.data))
            if filtered is not None:
                outcome["noise"] = filtered
                _LOGGER.warning("%s", filtered)
                border = find_border(analyse, plan, field, grid)
                if border is not None:
                    outcome["border"] = border.describe(self._unit)
                    _LOGGER.warning("%s", outcome["border"])
                    labels = np.where(border.mask(grid), 0, labels)
                    plan = border.leave_out(plan, grid)
                    field = analyse(plan, displacement=series is None)
            lattices = None
            settings = StrainSettings(
                plan.reference,
                field.vectors,
                field.resolution,
                definition,
                COMPONENTS,
                field.noise,
                area=area,
            )
            if filtered is not None:
                field = without_errors(field)
                settings = replace(settings, noise=None)
            scan = find_scan_traces(field, plan.labels, grid)
            if deconvolve:
                field = divide_by_transfer(analyse, plan, field)
                settings = replace(settings, noise=None)
            if series is None:
                told = scan.describe(grid, self._unit)
                outcome |= told
                for text in told.values():
                    _LOGGER.warning("%s", text)
            doubt = describe_vectors(field.vectors)
            if doubt is not None:
                outcome["vectors"] = doubt
                _LOGGER.warning("%s", doubt)
            pixels, pairs = find_disagreement(field, plan.labels, grid)
            disagreement = None
            if pixels is not None and series is None:
                disagreement = (PixelMask.of(pixels, grid),)
                outcome["reflections"] = describe_disagreement(pixels, pairs)
                _LOGGER.warning("%s", outcome["reflections"])
            if field.cuts:
                outcome["cuts"] = (
                    f"the displacement jumps by a lattice vector across {len(field.cuts)} cuts of "
                    f"{field.cut_length:.3g} {self._unit} in all, which end at dislocations or at "
                    "the edge of the lattice"
                )
                _LOGGER.warning(outcome["cuts"])
            try:
                if series is not None:
                    raise ValueError(NO_LATTICES)
                shift = np.linalg.norm(plan.vectors - field.vectors[:, None], axis=2)
                given = plan.vectors[shift.argmin(axis=1)]
                lattices = self._register_lattices(field, plan.reference, given)
            except ValueError as error:  # the strain is right without lattices for the atoms
                outcome["lattices"] = str(error)
            blocks = None
            if each:
                field, blocks, reasons = analyse_other_blocks(
                    image, grid, self._region_lattices, labels, plan, field
                )
                outcome |= {f"region {n}": why for n, why in reasons.items()}
                if lattices is not None:
                    lattices = self._with_blocks(lattices, field, blocks)
                if filtered is None:
                    settings = replace(settings, noise=field.noise)
                else:
                    field = without_errors(field)
        made: dict[str, Any] = {"choices": plan.choices, "lattices": lattices, "blocks": blocks}
        made |= {"scan": scan, "invariants": field.invariants, "disagreement": disagreement}
        axes = StrainMap._axes_for(grid, self._unit)
        if series is None:
            return self._derive(
                LazyStrainMap if self._lazy else StrainMap,
                "gpa",
                parameters,
                data=StrainMap._maps_of(field),
                axes=axes,
                outcome=outcome or None,
                strain=settings,
                image=image.astype(np.float32, copy=False),
                **made,
            )
        common = prepare_series(image, grid, plan, field.vectors, field.definition)
        found = measure_series(series, common, show_progressbar)
        frames = [axis.get_axis_dictionary() for axis in series.axes_manager._axes[:-2]]
        return self._derive(
            LazyStrainMap if series._lazy else StrainMap,
            "gpa",
            parameters,
            data=found.data,
            axes=[*frames, *axes],
            outcome={**outcome, **found.remarks},
            strain=replace(settings, noise=None, series=True),
            frames=found.noise,
            **made,
        )

    # ---- state ----

    @property
    def _spectra(self) -> dict[int, RegionSpectrum]:
        return {one.peaks.region: one for one in self._state("spectra", ())}

    def _spectrum(self, region: int) -> RegionSpectrum:
        """Spectrum of a region that has to exist."""
        spectra = self._spectra
        if region not in spectra:
            raise ValueError(f"there is no region {region}: the regions are {list(spectra)}")
        return spectra[region]

    @property
    def _peaks(self) -> list[Peaks]:
        """Peaks of each region."""
        return [one.peaks for one in self._state("spectra", ())]

    @property
    def _not_crystalline(self) -> dict[int, str]:
        """Why each region without a lattice has none."""
        found = {region: one.crystallinity for region, one in self._spectra.items()}
        return {n: f"{one.name}: {one.reason}" for n, one in found.items() if not one.has_lattice}

    @property
    def _region_lattices(self) -> dict[int, RegionLattice]:
        """What the plan of a strain analysis needs to know of each region."""
        return region_lattices(self)

    def _register_lattices(
        self, field: StrainField, reference: int, vectors: np.ndarray | None = None
    ) -> tuple[RegisteredLattice, ...]:
        """Lattices of the indexed regions, fixed in the image; the error says what is missing."""
        return register_block(self, field, reference, vectors=vectors)

    def _with_blocks(
        self,
        lattices: Sequence[RegisteredLattice],
        field: StrainField,
        blocks: Sequence[Block],
    ) -> tuple[RegisteredLattice, ...]:
        """Lattices of which those of other blocks than the first follow their displacement."""
        found = {one.region: one for one in lattices}
        for block in blocks[1:]:
            if block.reference not in found:
                continue
            own = replace(field, vectors=block.g)
            regions = [number for number in block.regions if number in found]
            try:
                followed = register_block(self, own, block.reference, regions=regions)
            except ValueError as reason:
                _LOGGER.warning(
                    "regions %s will not follow their displacement in a model: %s", regions, reason
                )
                continue
            found |= {one.region: one for one in followed}
        return tuple(found.values())

    def _indexed_image(self) -> tuple[np.ndarray, Grid, np.ndarray]:
        """Image of the spectrum, its grid, and the region of each pixel."""
        return *self.image(), self._labels

    @property
    def _image_grid(self) -> Grid:
        """Grid of the image that the spectrum belongs to.

        Raises
        ------
        ValueError
            If the spectrum was cropped, rebinned or mirrored, so that the image is lost.
        """
        grid = self._state("image_grid")
        check_orientation(self._axes()[-2:])
        if tuple(self.data.shape) != grid.shape:
            raise ValueError(
                f"the spectrum was cropped from {grid.shape} to {self.data.shape}: "
                "start this step from the whole spectrum"
            )
        return grid

    @property
    def _labels(self) -> np.ndarray:
        from hyperspy_twin.core import rasterise

        return self._without_empty(rasterise(self._outlines, self._image_grid))

    @property
    def _pixel_grid(self) -> Grid:
        return self._image_grid

    @property
    def _elements(self) -> Sequence[str]:
        return self.metadata.get_item("Sample.elements", [])

    def _known_phases(self) -> PhaseRecords:
        """Give the records of all regions, which have to exist."""
        records = self.phases
        if not records:
            raise ValueError("phases have not been identified: call index_phases(...) first")
        return records

    def _records_shown(
        self, regions: list[int], phase: str | int | None
    ) -> list[RegionPhase | None]:
        """Give the records of regions, or those that a ranked phase would give them."""
        from hyperspy_twin.crystals import PhaseRecords, accept_phase

        if phase is None:
            records = self.phases
            return [records[region] if region in records else None for region in regions]
        known, settings = self._known_phases(), self._last_settings()
        found: list[RegionPhase | None] = []
        errors = []
        for region in regions:
            try:
                decided = accept_phase(
                    known,
                    self._peaks,
                    region,
                    phase,
                    candidates=self._candidates,
                    settings=settings,
                )
            except ValueError as error:
                found.append(None)
                errors.append(str(error))
                continue
            record = PhaseRecords(decided)[region]
            match: Any = record.match
            own: dict[str, Any] = {"scale": match.scale, "distortion": match.distortion}
            twins = tuple(replace(one, **own) for one in record.further[:1] if one.as_twin)
            found.append(replace(record, **own, further=twins))
        if len(errors) == len(regions):
            raise ValueError("; ".join(dict.fromkeys(errors)))
        return found

    @property
    def _oriented_crystals(self) -> dict[int, OrientedCrystal]:
        """Crystal of each region that has one, the first where there are several."""
        found = {record.region: record.match for record in self._known_phases()}
        return {region: match.oriented for region, match in found.items() if match is not None}

    @property
    def _candidates(self) -> tuple[Crystal, ...]:
        """Candidates of the last indexing."""
        return self._state("candidates", ())

    def _settings(self, **options: Any) -> IndexingSettings:
        from hyperspy_twin.crystals import IndexingSettings

        return IndexingSettings(
            calibrated=self._calibrated,
            elements=tuple(self._elements),
            pixel_size_error=self._pixel_size_error,
            **options,
        )

    @property
    def _pixel_size_error(self) -> float | None:
        """Relative standard error of the pixel size, where its calibration tells it."""
        from hyperspy_twin.core import Calibration

        text = self._state("calibration")
        if not text:
            return None
        recorded = Calibration.from_json(text)
        present = self._state("image_grid").scale
        same = recorded.pixel_size is not None and np.allclose(recorded.pixel_size, present)
        return recorded.relative_error if same else None

    def _last_settings(self) -> IndexingSettings:
        """Give the settings of the last :meth:`index_phases`."""
        steps = [step["parameters"] for step in self.history if step["step"] == "index_phases"]
        kept = ("tolerance", "max_index", "calibration_error")
        return self._settings(**{name: steps[-1][name] for name in kept})

    def _with_phases(
        self, records: Iterable[RegionPhase], step: str, parameters: dict[str, Any], **state: Any
    ) -> Self:
        return self._derive(type(self), step, parameters, phases=tuple(records), **state)

    @staticmethod
    def _axes_for(grid: Grid, unit: str) -> list[dict[str, Any]]:
        from hyperspy_twin.spectra import reciprocal_axes

        scale, offset = reciprocal_axes(grid)
        return axes_of(Grid(grid.shape, scale, offset), f"1/{unit}")


class LazyIndexedFFT(IndexedFFT, LazyComplexSignal2D):
    """An indexed spectrum whose data are read when they are needed."""
