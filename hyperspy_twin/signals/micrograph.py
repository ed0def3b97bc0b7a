"""The entry type: an image that can be calibrated and segmented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import LazySignal2D, Signal2D

from hyperspy_twin.signals._images import (
    axes_of,
    check_images,
    show_progress,
    signed_grid,
    usable_image,
)
from hyperspy_twin.signals._pixels import (
    ImagePixels,
    as_masks,
    as_signal,
    find_bad_pixels,
    masks_of,
    say_bad_pixels,
    stored_masks,
)
from hyperspy_twin.signals._signal import TwinSignal
from hyperspy_twin.signals._twin import write

if TYPE_CHECKING:
    from hyperspy_twin.core import Calibration, Grid, Outlines
    from hyperspy_twin.data import Truth
    from hyperspy_twin.signals.segmented_image import SegmentedImage


class Micrograph(ImagePixels, TwinSignal, Signal2D):
    """A (S)TEM image, or a stack of them, with axes in nm.

    Made by :func:`hyperspy_twin.load`, or from any HyperSpy image with
    ``s.set_signal_type("Micrograph")``.
    """

    _signal_type = "twin_micrograph"
    _alias_signal_types = ["Micrograph"]
    _made_by = "ht.load(...) or s.set_signal_type('Micrograph')"

    @property
    def calibration(self) -> Calibration:
        """Report on the pixel size: its value, where it comes from, square or not."""
        from hyperspy_twin.io import calibration_of_signal

        return calibration_of_signal(self)

    def calibrate(
        self,
        pixel_size: float | tuple[float, float] | None = None,
        *arguments: Any,
        scale_bar: tuple[float, float] | None = None,
        spacing: tuple[float, float] | None = None,
        **options: Any,
    ) -> None:
        """Set the pixel size in place.

        Parameters
        ----------
        pixel_size
            Pixel size in nm, or a pair (x, y).
        scale_bar
            Length of a scale bar in nm and its length in pixels.
        spacing
            A lattice spacing as measured with the present axes, and its true value in nm; both
            pixel sizes are multiplied by their ratio.
        *arguments, **options
            Instead of these, the arguments of :meth:`hyperspy.api.signals.Signal2D.calibrate`: two
            points and the length between them; without any argument the line is drawn by hand.

        Raises
        ------
        ValueError
            If more than one way is given, or a value is not a positive number.
        """
        from hyperspy_twin.io import calibrate_by_line, calibrate_signal

        masks = stored_masks(self)
        own: dict[str, Any] = {"pixel_size": pixel_size, "scale_bar": scale_bar, "spacing": spacing}
        given = {name: value for name, value in own.items() if value is not None}
        if given and not arguments and not options:
            calibrate_signal(self, **given)
        else:
            points = (pixel_size, *arguments) if arguments else ()
            if given and not points:
                raise ValueError(f"give {', '.join(given)} or the arguments of HyperSpy, not both")
            calibrate_by_line(self, super().calibrate, *points, **options)
        if masks is not None:
            # An axis that ran backwards no longer does, and its positions have changed their sign.
            write(self, bad_pixels=masks_of(masks, self._pixel_grid))

    def find_peaks(self, *arguments: Any, **options: Any) -> Any:
        """Find maxima of the image as HyperSpy does; for Bragg peaks call :meth:`segment` first.

        Parameters
        ----------
        *arguments, **options
            Those of :meth:`hyperspy.api.signals.Signal2D.find_peaks`, at least one.

        Raises
        ------
        TypeError
            If no argument is given, since Bragg peaks are meant then.

        See Also
        --------
        SegmentedImage.find_peaks : Bragg peaks of the spectrum of each region.
        """
        if not arguments and not options:
            raise TypeError(
                "Bragg peaks are found region by region: call s.segment().find_peaks(); for maxima "
                "of the image itself give an argument of HyperSpy's find_peaks, such as "
                "interactive=True"
            )
        return super().find_peaks(*arguments, **options)

    @property
    def bad_pixels(self) -> Signal2D:
        """Pixels that hold no measured value, as a boolean image (or stack) on the same axes.

        They are detected anew each time: values that are not finite, single pixels that no probe
        and no noise explains, dead or saturated lines, and empty borders. Set a boolean mask
        of the shape of the data, or of one image, to decide yourself; set None to detect them
        again. The data stay as they are; :meth:`segment` and all that follows leave the pixels out.

        Raises
        ------
        ValueError
            If a mask is not boolean, does not have the shape of the image, or marks all of it.

        See Also
        --------
        hyperspy_twin.pixels.detect_bad_pixels : The rules and their false alarms.
        """
        check_images(self)
        return as_signal(self, find_bad_pixels(self), self._pixel_grid)

    @bad_pixels.setter
    def bad_pixels(self, mask: Any) -> None:
        write(self, bad_pixels=None if mask is None else as_masks(mask, self))

    @property
    def _pixel_grid(self) -> Grid:
        """Grid of the image as it is, which may be mirrored."""
        return signed_grid(self._axes()[-2:])

    @property
    def truth(self) -> Truth:
        """Known truth of a sample of :mod:`hyperspy_twin.data`.

        Raises
        ------
        ValueError
            If the image is not such a sample.
        """
        from hyperspy_twin.data import truth

        sample = self._state("sample")
        if sample is None:
            raise ValueError("only the samples of hyperspy_twin.data have a known truth")
        record = json.loads(sample)
        return truth(record["name"], record["arguments"])

    def segment(
        self,
        method: str = "auto",
        *,
        smoothing: float | None = None,
        min_area: float | None = None,
        model: str | None = None,
        checkpoint: str | Path | None = None,
        points_per_side: int | None = None,
        show_progressbar: bool | None = None,
    ) -> SegmentedImage:
        """Divide the image, or each image of a stack, into regions.

        Parameters
        ----------
        method
            ``"edges"``: between edges of brightness; ``"texture"``: where the lattice changes;
            ``"sam"``: by the network Segment Anything; ``"auto"``: edges or texture or both,
            whichever explains the image best, with the reason in the history.
        smoothing
            Standard deviation of the smoothing, in the unit of the axes (edges and texture); by
            default chosen from the image.
        min_area
            Regions below this area, in squared units of the axes, join a neighbour.
        model
            ``"mobile_sam"`` (default), ``"vit_b"``, ``"vit_l"`` or ``"vit_h"`` (sam).
        checkpoint
            File with the weights of the network (sam).
        points_per_side
            Points along the longer side at which the network is asked (sam).
        show_progressbar
            Whether to show progress; by default as in HyperSpy's preferences.

        Returns
        -------
        SegmentedImage
            The same image with the outlines of its regions.

        Raises
        ------
        ValueError
            If an image has no finite value, has no contrast or is too small, the scale of an axis
            is no length, or an option does not belong to the method.
        ImportError
            If the method needs a package that is not installed.

        See Also
        --------
        hyperspy_twin.segmentation.segment_edges
        hyperspy_twin.segmentation.segment_texture
        hyperspy_twin.segmentation.segment_sam
        hyperspy_twin.segmentation.segment_auto
        """
        from hyperspy_twin.core import begin_step, trace
        from hyperspy_twin.io import check_axes, to_nanometres
        from hyperspy_twin.segmentation import check_options, segment_image
        from hyperspy_twin.signals._stacks import segment_stack
        from hyperspy_twin.signals.segmented_image import LazySegmentedImage, SegmentedImage

        given = {
            "smoothing": smoothing,
            "min_area": min_area,
            "model": model,
            "checkpoint": None if checkpoint is None else str(checkpoint),
            "points_per_side": points_per_side,
        }
        options = {name: value for name, value in given.items() if value is not None}
        check_options(method, options)
        check_images(self)
        check_axes(self)
        # HyperSpy shows the progress of a stack.
        single = self.axes_manager.navigation_dimension == 0
        with show_progress("Segmenting", show_progressbar if single else False):
            bad = find_bad_pixels(self)
            # The slice shares the data; its axes can be brought to nm without touching this one.
            signal = self.isig[:, :]
            unit = "px" if to_nanometres(signal).pixel_size is None else "nm"
            grid, outcome = signal._grid, None
            outlines: Outlines | tuple[Outlines, ...]
            if single:
                image = usable_image(np.asarray(self.data), bad)
                found, outcome = segment_image(image, grid, method=method, options=options, bad=bad)
                begin_step("outlines")
                outlines = trace(found.labels, grid)
            else:
                outlines = segment_stack(self, grid, method, options, show_progressbar, bad)
        return signal._derive(
            LazySegmentedImage if self._lazy else SegmentedImage,
            "segment",
            {"method": method, **options},
            data=self.data,
            axes=[*signal._axes()[:-2], *axes_of(grid, unit)],
            outcome={**(outcome or {}), **say_bad_pixels(bad)},
            bad_pixels=masks_of(bad, grid) if bad.any() else None,
            unit=unit,
            outlines=outlines,
        )


class LazyMicrograph(Micrograph, LazySignal2D):
    """A micrograph whose data are read when they are needed."""
