"""An image with the outlines of its regions, and what a person corrects in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import LazySignal2D, Signal2D

from hyperspy_twin.core import SHORTEST_SPACING, Table, count_steps
from hyperspy_twin.signals._images import axes_of, check_single, show_progress, usable_image
from hyperspy_twin.signals._pixels import ImagePixels, find_bad_pixels, masks_of, say_bad_pixels
from hyperspy_twin.signals._signal import TwinSignal
from hyperspy_twin.signals.indexed_fft import IndexedFFT

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.figure import Figure

    from hyperspy_twin.core import Outlines


class SegmentedImage(ImagePixels, TwinSignal, Signal2D):
    """An image divided into regions, made by :meth:`Micrograph.segment`.

    The data are the image. The outlines are kept as polygons in the unit of the axes, so that a
    crop with ``isig`` keeps them in place. Corrections give a new signal.
    """

    _signal_type = "twin_segmented_image"
    _alias_signal_types = ["SegmentedImage"]
    _made_by = "Micrograph.segment()"

    # ---- regions ----

    @classmethod
    def from_labels(cls, image: Signal2D, labels: np.ndarray | Signal2D) -> Self:
        """Segmented image of regions that are known otherwise.

        Parameters
        ----------
        image
            The image; its axes are brought to nm.
        labels
            Label of each pixel, integers, 0 where unassigned, shape (rows, columns).

        Returns
        -------
        SegmentedImage
            The same image with the outlines of the regions.

        Raises
        ------
        ValueError
            If the image is a stack or holds no finite value, or the labels do not fit it.
        """
        from hyperspy_twin.core import trace
        from hyperspy_twin.io import check_axes, to_nanometres
        from hyperspy_twin.pixels import find_empty_areas

        check_single(image)
        check_axes(image)
        signal: Any = image.isig[:, :]
        signal.set_signal_type("Micrograph")
        bad = find_bad_pixels(signal)
        usable_image(np.asarray(signal.data), bad)
        unit = "px" if to_nanometres(signal).pixel_size is None else "nm"
        values = np.asarray(labels.data if isinstance(labels, Signal2D) else labels)
        if bad.any() and values.shape == bad.shape:
            values = np.where(find_empty_areas(bad), np.zeros((), values.dtype), values)
        return signal._derive(
            LazySegmentedImage if signal._lazy else cls,
            "from_labels",
            {},
            axes=axes_of(signal._grid, unit),
            unit=unit,
            outlines=trace(values, signal._grid),
            outcome=say_bad_pixels(bad),
            bad_pixels=masks_of(bad, signal._grid) if bad.any() else None,
        )

    @property
    def labels(self) -> Signal2D:
        """Label image(s): the number of the region of each pixel, 0 where there is none."""
        from hyperspy_twin.core import rasterise

        images = [rasterise(outlines, self._grid) for outlines in self._stack_outlines()]
        labels = np.reshape(images, (*self._navigation_shape, *self._grid.shape))
        metadata = {"General": {"title": f"Regions of {self.metadata.General.title}"}}
        return Signal2D(labels, axes=self._axes(), metadata=metadata)

    @property
    def regions(self) -> Table:
        """Table of the regions.

        Columns: ``region``, ``area`` and ``equivalent_diameter`` (unit of the axes), centroid
        ``x`` and ``y``, ``mean`` and ``standard_deviation`` of the intensity, and ``confidence``,
        the mean probability of its boundaries (NaN for a region without one).
        """
        from hyperspy_twin.segmentation import (
            describe_regions,
            measure_boundaries,
            region_confidence,
        )

        image, labels, grid = self._image, self._labels, self._grid
        columns = vars(describe_regions(image, labels, grid))
        confidence = region_confidence(labels, measure_boundaries(image, labels, grid))
        return self._table({**columns, "confidence": confidence})

    @property
    def boundaries(self) -> Table:
        """Table of the boundaries between regions.

        Columns: the two regions ``first`` and ``second``, ``length`` (unit of the axes),
        ``contrast`` (second less first), ``contrast_to_noise``, ``blur_width`` (standard deviation
        of the blurred step, unit of the axes; NaN where it cannot be told) and ``confidence``.
        """
        from hyperspy_twin.segmentation import measure_boundaries

        columns = vars(measure_boundaries(self._image, self._labels, self._grid)).copy()
        first, second = columns.pop("pairs").T
        return self._table({"first": first, "second": second, **columns})

    @property
    def particles(self) -> Table:
        """Table of the sizes and shapes of all regions.

        Columns: ``particle``, centroid ``x`` and ``y``, ``area``, ``equivalent_diameter``,
        ``largest_feret`` and ``smallest_feret`` (unit of the axes), ``circularity``, and
        ``touches_border`` for those that the image cuts.
        """
        from hyperspy_twin.segmentation import measure_particles

        return self._table(vars(measure_particles(self._labels, self._grid)))

    def plot_particles(self) -> Figure:
        """Plot the size distribution of the particles that lie inside the image.

        Returns
        -------
        matplotlib.figure.Figure
            Histogram of the equivalent diameters with the lognormal distribution of the same
            median and spread.

        Raises
        ------
        ValueError
            If fewer than two particles lie inside.
        """
        from hyperspy_twin.segmentation import measure_particles
        from hyperspy_twin.signals._figures import particles_figure, show_once

        sizes = measure_particles(self._labels, self._grid)
        return show_once(particles_figure(sizes, self._unit))

    def plot(self, phases: IndexedFFT | None = None, **kwargs: Any) -> Figure:
        """Plot the image with the coloured outlines and numbers of its regions.

        Parameters
        ----------
        phases
            Spectrum of this image with its phases: regions are tinted by phase then, and show
            its name and zone axis, or their crystallinity where they have none.
        **kwargs
            Passed to :meth:`hyperspy.api.signals.Signal2D.plot`.

        Returns
        -------
        matplotlib.figure.Figure
            The figure of the image.

        Raises
        ------
        ValueError
            If the phases are those of other regions, have not been identified, or this is a
            stack.
        """
        from hyperspy_twin.signals._figures import outline_markers, phase_markers

        if phases is None:
            markers = outline_markers(self._stack_outlines(), self._navigation_shape)
        else:
            markers = phase_markers(self._outlines, phases._known_phases(), phases.crystallinity)
        figure = super().plot(**kwargs)
        for marker in markers:
            self.add_marker(marker, plot_marker=True)
        return figure

    def _figure(self) -> Figure:
        """Picture of the regions for a page."""
        from hyperspy_twin.signals._figures import regions_figure

        image = np.asarray(self.data)
        return regions_figure(image, self._grid, self._outlines, unit=self._unit)

    # ---- corrections ----

    def merge_regions(self, regions: Sequence[int]) -> Self:
        """Make one region of several; it takes the lowest of their numbers.

        Parameters
        ----------
        regions
            Numbers of the regions.
        """
        from hyperspy_twin.segmentation import merge_regions

        changed = merge_regions(self._outlines, regions)
        return self._corrected("merge_regions", {"regions": regions}, changed)

    def remove_regions(self, regions: Sequence[int]) -> Self:
        """Leave the area of regions unassigned.

        Parameters
        ----------
        regions
            Numbers of the regions.
        """
        from hyperspy_twin.segmentation import remove_regions

        changed = remove_regions(self._outlines, regions)
        return self._corrected("remove_regions", {"regions": regions}, changed)

    def relabel_regions(self, numbers: Mapping[int, int] | None = None) -> Self:
        """Give regions other numbers.

        Parameters
        ----------
        numbers
            New number of each region to change; by default all are numbered 1, 2, ... in order.
        """
        from hyperspy_twin.segmentation import relabel_regions

        parameters = {"numbers": None if numbers is None else list(numbers.items())}
        changed = relabel_regions(self._outlines, numbers)
        return self._corrected("relabel_regions", parameters, changed)

    def split_region(self, line: Any, regions: Sequence[int] | None = None) -> Self:
        """Cut regions along a line; the largest part keeps its number.

        Parameters
        ----------
        line
            ``hs.roi.Line2DROI``, or points (x, y) in the unit of the axes.
        regions
            Regions to cut; by default all that the line crosses.
        """
        from hyperspy_twin.segmentation import split_regions
        from hyperspy_twin.signals._rois import line_of

        points = line_of(line)
        parameters = {"line": points.tolist(), "regions": regions}
        changed = split_regions(self._outlines, self._grid, line=points, regions=regions)
        return self._corrected("split_region", parameters, changed)

    def add_region(self, outline: Any) -> Self:
        """Add a region; it takes its area from the regions below it.

        Parameters
        ----------
        outline
            ``hs.roi.RectangularROI``, ``CircleROI`` or ``PolygonROI``, or vertices (x, y) in the
            unit of the axes.
        """
        from hyperspy_twin.segmentation import add_region
        from hyperspy_twin.signals._rois import polygon_of

        polygon = polygon_of(outline)
        changed = add_region(self._outlines, self._grid, polygon=polygon)
        return self._corrected("add_region", {"outline": polygon.tolist()}, changed)

    def simplify_outlines(self, tolerance: float) -> Self:
        """Straighten the outlines; neighbours still fit together without gap or overlap.

        Parameters
        ----------
        tolerance
            Largest distance that a vertex moves, in the unit of the axes.
        """
        from hyperspy_twin.segmentation import simplify_outlines

        changed = simplify_outlines(self._outlines, tolerance)
        return self._corrected("simplify_outlines", {"tolerance": tolerance}, changed)

    def separate_particles(
        self, *, background: int | None = None, min_diameter: float | None = None
    ) -> Self:
        """Outline each particle on its own, also where particles touch or overlap.

        Necks of the outline and valleys of the brightness part them; outlines, hand-drawn ones
        too, move to where the particle begins.

        Parameters
        ----------
        background
            Number of the region behind the particles; by default the one that holds the border
            of the image and touches most others. It becomes unassigned.
        min_diameter
            Smaller particles become unassigned, in the unit of the axes; by default 3 pixels.
        """
        from hyperspy_twin.core import trace
        from hyperspy_twin.segmentation import separate_particles

        parameters: dict[str, Any] = {"background": background, "min_diameter": min_diameter}
        particles = separate_particles(self._labels, self._image, self._grid, **parameters)
        return self._corrected("separate_particles", parameters, trace(particles, self._grid))

    # ---- the next step ----

    def find_peaks(
        self,
        method: str = "consensus",
        *,
        false_alarms: float = 0.05,
        show_progressbar: bool | None = None,
    ) -> IndexedFFT:
        """Find the Bragg peaks in the Fourier spectrum of every region.

        Each region is windowed smoothly inside its outline, its mean removed. A peak must rise
        above the noise around it; scan streaks, the window's own side lobes and the
        shape-transform tails of other peaks are no peaks.

        Parameters
        ----------
        method
            ``"gaussian"`` takes what noise makes at the stated rate only, ``"profile"`` what
            stands out of its row and its column, ``"network"`` what a trained network takes for
            a peak (it needs torch); ``"consensus"`` weighs the three and the lattice that the
            other peaks form, without the network where torch is not installed.
        false_alarms
            Expected number of false peaks in a region without a lattice.
        show_progressbar
            Whether to show progress; by default as in HyperSpy's preferences.

        Returns
        -------
        IndexedFFT
            Spectrum of the whole image with the peaks of each region.

        Raises
        ------
        ValueError
            If the method is unknown, or no region lies inside the image.
        ImportError
            If the network is asked for and torch is not installed.

        See Also
        --------
        hyperspy_twin.spectra.detect_consensus : How the evidence is weighed.
        hyperspy_twin.spectra.find_region_peaks : What is found in one region.
        """
        from hyperspy_twin.spectra import detectors_of, find_region_peaks, name_vacuum, spectrum

        with show_progress("Finding peaks", show_progressbar):
            image, labels, grid = self._image, self._labels, self._grid
            shortest = SHORTEST_SPACING if self._calibrated else 0.0
            regions = [int(region) for region in np.unique(labels) if region]
            if not regions:
                raise ValueError("no region lies inside this image: crop less, or segment it again")
            found = [
                find_region_peaks(
                    image,
                    grid,
                    labels == region,
                    region=region,
                    method=method,
                    false_alarms=false_alarms,
                    shortest_spacing=shortest,
                    calibrated=self._calibrated,
                )
                for region in count_steps(regions, "region")
            ]
            if self._dark_field is not False:
                known = self._dark_field is True
                found = name_vacuum(found, image, grid, labels, dark_field=known)
            return self._derive(
                IndexedFFT,
                "find_peaks",
                {"method": method, "false_alarms": false_alarms},
                data=spectrum(image),
                axes=IndexedFFT._axes_for(grid, self._unit),
                outcome={"detectors": detectors_of(method)},
                spectra=tuple(found),
                image_grid=grid,
            )

    # ---- state ----

    @property
    def _labels(self) -> np.ndarray:
        return self._without_empty(super()._labels)

    @property
    def _navigation_shape(self) -> tuple[int, ...]:
        return tuple(self.axes_manager.navigation_shape[::-1])

    def _stack_outlines(self) -> tuple[Outlines, ...]:
        """Outlines of each image, in the order of the array."""
        outlines = self._state("outlines")
        if not isinstance(outlines, tuple):
            return (outlines,)
        if int(np.prod(self._navigation_shape)) != len(outlines):
            raise ValueError(
                "this is not the stack that was segmented: take its images with s.inav[...]"
            )
        return outlines

    def _corrected(self, step: str, parameters: dict[str, Any], outlines: Outlines) -> Self:
        return self._derive(type(self), step, parameters, outlines=outlines)

    def _table(self, columns: dict[str, np.ndarray]) -> Table:
        """Table of columns of which those that are lengths have the unit of the axes."""
        lengths = ("x", "y", "equivalent_diameter", "largest_feret", "smallest_feret")
        units = dict.fromkeys((*lengths, "length", "blur_width"), self._unit)
        return Table.from_columns(columns, {**units, "area": f"{self._unit}²"})


class LazySegmentedImage(SegmentedImage, LazySignal2D):
    """A segmented image whose data are read when they are needed."""
