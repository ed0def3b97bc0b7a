"""An image with the outlines of its regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import LazySignal2D, Signal2D

from hyperspy_twin.signals._editing import RegionEditing
from hyperspy_twin.signals._stacks import StackSlicer, outlines_of
from hyperspy_twin.signals._state import (
    axes_of,
    finite_image,
    grid_of,
    outlines_state,
    progress,
    table,
)
from hyperspy_twin.signals.indexed_fft import IndexedFFT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperspy_twin.core.outlines import Outlines

SHORTEST_SPACING = 0.05  # nm; the best lattice resolution of (S)TEM imaging


class SegmentedImage(RegionEditing, Signal2D):
    """An image divided into regions, made by :meth:`Micrograph.segment`.

    The data are the image. The outlines are kept as polygons in the unit of the axes, so that a
    crop with ``isig`` keeps them in place.
    """

    _signal_type = "twin_segmented_image"
    _alias_signal_types = ["SegmentedImage"]

    @property
    def inav(self) -> Any:
        """Slices images of a stack together with their outlines."""
        state = self._twin("outlines")
        if not state or "ring_image" not in state:
            return self._slicer_of_images
        return StackSlicer(self, self._slicer_of_images, state)

    @inav.setter
    def inav(self, slicer: Any) -> None:
        # HyperSpy sets its slicer on each signal that it makes.
        self._slicer_of_images = slicer

    @property
    def labels(self) -> Signal2D:
        """Label image(s): the number of the region of each pixel, 0 where there is none."""
        metadata = {"General": {"title": f"Regions of {self.metadata.General.title}"}}
        return Signal2D(self._labels(), axes=self._axes(), metadata=metadata)

    @property
    def regions(self) -> np.ndarray:
        """Table of the regions, a structured array.

        Columns: ``region``, ``area`` and ``equivalent_diameter`` (unit of the axes), centroid
        ``x`` and ``y``, ``mean`` and ``standard_deviation`` of the intensity, and ``confidence``,
        the mean probability of its boundaries (NaN for a region without one).
        """
        from hyperspy_twin.segmentation.confidence import boundary_statistics, region_confidence
        from hyperspy_twin.segmentation.regions import describe

        image, labels, grid = finite_image(self), self._labels(), grid_of(self._image_axes())
        columns = vars(describe(image, labels, grid))
        confidence = region_confidence(labels, boundary_statistics(image, labels, grid))
        return table({**columns, "confidence": confidence})

    @property
    def boundaries(self) -> np.ndarray:
        """Table of the boundaries between regions, a structured array.

        Columns: the two regions ``first`` and ``second``, ``length`` (unit of the axes),
        ``contrast`` (second less first), ``contrast_to_noise``, ``blur_width`` (standard deviation
        of the blurred step, unit of the axes; NaN where it cannot be told) and ``confidence``.
        """
        from hyperspy_twin.segmentation.confidence import boundary_statistics

        grid = grid_of(self._image_axes())
        columns = vars(boundary_statistics(finite_image(self), self._labels(), grid)).copy()
        first, second = columns.pop("pairs").T
        return table({"first": first, "second": second, **columns})

    @classmethod
    def from_labels(cls, image: Signal2D, labels: np.ndarray | Signal2D) -> SegmentedImage:
        """Segmented image of regions that are known otherwise.

        Parameters
        ----------
        image
            The image; its axes are brought to nm.
        labels
            Label of each pixel, integers, 0 where unassigned, shape (rows, columns).

        Raises
        ------
        ValueError
            If the image is a stack or not finite, or the labels do not fit it.
        """
        from hyperspy_twin.core.outlines import trace
        from hyperspy_twin.io.axes import to_nanometres
        from hyperspy_twin.signals.micrograph import Micrograph

        finite_image(image)
        signal = image.isig[:, :]
        signal.set_signal_type(Micrograph._signal_type)
        unit = "px" if to_nanometres(signal).pixel_size is None else "nm"
        grid = grid_of(signal._image_axes())
        values = np.asarray(labels.data if isinstance(labels, Signal2D) else labels)
        outlines = outlines_state(trace(values, grid))
        axes = axes_of(grid, unit)
        kind = LazySegmentedImage if signal._lazy else cls
        return signal._derive(
            kind, signal.data, axes, "from_labels", {}, unit=unit, outlines=outlines
        )

    @property
    def particles(self) -> np.ndarray:
        """Table of the sizes and shapes of all regions, a structured array.

        Columns: ``particle``, centroid ``x`` and ``y``, ``area``, ``equivalent_diameter``,
        ``largest_feret`` and ``smallest_feret`` (unit of the axes), ``circularity``, and
        ``touches_border`` for those that the image cuts.
        """
        from hyperspy_twin.segmentation.particles.size_distribution import particle_sizes

        return table(vars(particle_sizes(self._one_labels(), grid_of(self._image_axes()))))

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
        from hyperspy_twin.segmentation.particles.size_distribution import particle_sizes
        from hyperspy_twin.signals._figures import particles_figure

        sizes = particle_sizes(self._one_labels(), grid_of(self._image_axes()))
        return particles_figure(sizes, self._unit)

    def find_peaks(
        self,
        method: str = "consensus",
        *,
        false_alarms: float = 0.05,
        show_progressbar: bool | None = None,
    ) -> IndexedFFT:
        """Find the Bragg spots in the Fourier spectrum of every region.

        Each region is windowed smoothly inside its outline, its mean removed. A spot must rise
        above the noise around it; scan streaks, the window's own side lobes and what the spots of
        crystals spread around them are no spots.

        Parameters
        ----------
        method
            ``"gaussian"`` takes what noise makes at the stated rate only, ``"profile"`` what
            stands out of its row and its column, ``"network"`` what a trained network takes for
            a spot (it needs torch); ``"consensus"`` weighs the three and the lattice that the
            other spots form, without the network where torch is not installed.
        false_alarms
            Expected number of false spots in a region without a lattice.
        show_progressbar
            Whether to show progress; by default as in HyperSpy's preferences.

        Returns
        -------
        IndexedFFT
            Spectrum of the whole image with the table of spots of each region.

        Raises
        ------
        ValueError
            If the image is not finite, the method unknown, or no region lies inside the image.
        ImportError
            If the network is asked for and torch is not installed.

        See Also
        --------
        hyperspy_twin.spectra.detection.consensus.detect_consensus : How the evidence is weighed.
        hyperspy_twin.spectra.detection.cfar.detect : The detector and its literature.
        hyperspy_twin.spectra.crystallinity.region_state : How the state of a region is told.
        """
        from hyperspy_twin.signals._peaks import peaks_state
        from hyperspy_twin.spectra.region import detectors_of, find_region_peaks
        from hyperspy_twin.spectra.transform import spectrum

        image, labels = finite_image(self), self._labels()
        grid = grid_of(self._image_axes())
        shortest = SHORTEST_SPACING if self._calibrated else 0.0
        regions = [int(region) for region in np.unique(labels) if region]
        if not regions:
            raise ValueError("no region lies inside this image: crop less, or segment it again")
        found = {
            region: find_region_peaks(
                image,
                grid,
                labels == region,
                method=method,
                false_alarms=false_alarms,
                shortest_spacing=shortest,
            )
            for region in progress(regions, show_progressbar, "Finding peaks")
        }
        return self._derive(
            IndexedFFT,
            spectrum(image),
            IndexedFFT._axes_for(grid, self._unit),
            "find_peaks",
            {"method": method, "false_alarms": false_alarms},
            {"detectors": detectors_of(method)},
            **peaks_state(found),
            image_grid={
                "shape": list(grid.shape),
                "scale": list(grid.scale),
                "offset": list(grid.offset),
            },
        )

    def plot(self, phases: IndexedFFT | None = None, **kwargs: Any) -> None:
        """Plot the image with the coloured outlines and numbers of its regions.

        Parameters
        ----------
        phases
            Spectrum of this image with its phases: regions are tinted by phase then, and show
            its name and zone axis, or their state where they have none.
        **kwargs
            Passed to :meth:`hyperspy.api.signals.Signal2D.plot`.

        Raises
        ------
        ValueError
            If the phases are those of other regions, have not been identified, or this is a
            stack.
        """
        from hyperspy_twin.signals._crystal_figures import names_of_phases
        from hyperspy_twin.signals._markers import outline_markers, phase_markers

        if phases is None:
            markers = outline_markers(self._stack_outlines(), self._navigation_shape)
        else:
            outlines = self._outlines()
            names = names_of_phases(phases, outlines.regions.tolist())
            markers = phase_markers(outlines, *names)
        super().plot(**kwargs)
        for marker in markers:
            self.add_marker(marker, plot_marker=True)

    @property
    def _navigation_shape(self) -> tuple[int, ...]:
        return tuple(self.axes_manager.navigation_shape[::-1])

    def _stack_outlines(self) -> list[Outlines]:
        """Outlines of each image, in the order of the array."""
        state = self._twin("outlines")
        size = int(np.prod(self._navigation_shape))
        if "ring_image" not in state:
            return [self._outlines()]
        if size != int(state["images"][0]):
            raise ValueError(
                "this is not the stack that was segmented: take its images with s.inav[...]"
            )
        return [outlines_of(state, index) for index in range(size)]

    def _one_labels(self) -> np.ndarray:
        """Label image of a single image."""
        from hyperspy_twin.core.outlines import rasterise

        return rasterise(self._outlines(), grid_of(self._image_axes()))

    def _labels(self) -> np.ndarray:
        from hyperspy_twin.core.outlines import rasterise

        grid = grid_of(self._image_axes())
        images = [rasterise(outlines, grid) for outlines in self._stack_outlines()]
        return np.reshape(images, (*self._navigation_shape, *grid.shape))


class LazySegmentedImage(SegmentedImage, LazySignal2D):
    """A segmented image whose data are read when they are needed."""
