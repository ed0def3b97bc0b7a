"""The entry type: an image that can be calibrated and segmented."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hyperspy.signals import LazySignal2D, Signal2D

from hyperspy_twin.io.calibration import Calibration
from hyperspy_twin.signals._state import (
    TwinState,
    axes_of,
    check_images,
    finite_image,
    grid_of,
    outlines_state,
)

if TYPE_CHECKING:
    from hyperspy_twin.data import Truth
    from hyperspy_twin.signals.segmented_image import SegmentedImage


class Micrograph(TwinState, Signal2D):
    """A (S)TEM image, or a stack of them, with axes in nm.

    Made by :func:`hyperspy_twin.load`, or from any HyperSpy image with
    ``s.set_signal_type("Micrograph")``.
    """

    _signal_type = "twin_micrograph"
    _alias_signal_types = ["Micrograph"]

    @property
    def calibration(self) -> Calibration:
        """Report on the pixel size: its value, where it comes from, square or not."""
        from hyperspy_twin.io.axes import calibration_of_signal

        return calibration_of_signal(self)

    def calibrate(
        self,
        pixel_size: float | tuple[float, float] | None = None,
        *,
        scale_bar: tuple[float, float] | None = None,
        spacing: tuple[float, float] | None = None,
    ) -> None:
        """Set the pixel size in place, in one of three ways.

        Parameters
        ----------
        pixel_size
            Pixel size in nm, or a pair (x, y).
        scale_bar
            Length of a scale bar in nm and its length in pixels.
        spacing
            A lattice spacing as measured with the present axes, and its true value in nm; both
            pixel sizes are multiplied by their ratio.

        Raises
        ------
        ValueError
            If not exactly one way is given, or a value is not a positive number.
        """
        from hyperspy_twin.io.axes import calibrate_signal

        calibrate_signal(self, pixel_size=pixel_size, scale_bar=scale_bar, spacing=spacing)

    @property
    def truth(self) -> Truth:
        """Known truth of a sample of :mod:`hyperspy_twin.data`.

        Raises
        ------
        ValueError
            If the image is not such a sample.
        """
        from hyperspy_twin.data import truth

        sample = self._twin("sample")
        if sample is None:
            raise ValueError("only the samples of hyperspy_twin.data have a known truth")
        record = json.loads(sample)
        return truth(record["name"], record["arguments"])

    def segment(
        self,
        *,
        smoothing: float | None = None,
        min_area: float | None = None,
        show_progressbar: bool | None = None,
    ) -> SegmentedImage:
        """Divide the image, or each image of a stack, into regions by automatic edges.

        Parameters
        ----------
        smoothing
            Standard deviation of the smoothing, in the unit of the axes; by default chosen from
            the image so that the lattice is smoothed away and layers are not.
        min_area
            Regions below this area, in squared units of the axes, join a neighbour.
        show_progressbar
            Whether to show progress on a stack; by default as in HyperSpy's preferences.

        Returns
        -------
        SegmentedImage
            The same image with the outlines of its regions.

        Raises
        ------
        ValueError
            If an image is not finite, has no contrast or is too small.

        See Also
        --------
        hyperspy_twin.segmentation.edges.segment_edges : The method and its literature.
        """
        from hyperspy_twin.io.axes import to_nanometres
        from hyperspy_twin.segmentation.edges import segment_edges
        from hyperspy_twin.segmentation.outlines import trace
        from hyperspy_twin.signals._stacks import segment_stack
        from hyperspy_twin.signals.segmented_image import LazySegmentedImage, SegmentedImage

        check_images(self)
        # The slice shares the data; its axes can be brought to nm without touching this signal.
        signal = self.isig[:, :]
        unit = "px" if to_nanometres(signal).pixel_size is None else "nm"
        grid = grid_of(signal._image_axes())
        options = {"smoothing": smoothing, "min_area": min_area}
        if self.axes_manager.navigation_dimension == 0:
            found = segment_edges(finite_image(self), grid, **options)
            outlines = outlines_state(trace(found.labels, grid))
            report = {"method": "edges", "smoothing": float(found.smoothing)}
        else:
            outlines = segment_stack(self, grid, options, show_progressbar)
            report = {"method": "edges"}
        return signal._derive(
            LazySegmentedImage if self._lazy else SegmentedImage,
            self.data,
            [*signal._axes()[:-2], *axes_of(grid, unit)],
            "segment",
            options,
            unit=unit,
            outlines=outlines,
            segmentation=report,
        )


class LazyMicrograph(Micrograph, LazySignal2D):
    """A micrograph whose data are read when they are needed."""
