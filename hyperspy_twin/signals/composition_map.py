"""Atomic fractions of the elements of a specimen."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import LazySignal2D, Signal2D

from hyperspy_twin.core import Grid, Placement
from hyperspy_twin.signals._images import axes_of, check_orientation, show_progress
from hyperspy_twin.signals._signal import TwinSignal, record_step
from hyperspy_twin.signals._twin import write
from hyperspy_twin.signals._values import CompositionReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hyperspy.api.roi import RectangularROI
    from matplotlib.figure import Figure


VARIANCE = "Signal.Noise_properties.variance"
COLOURS_OF_FRACTIONS = "viridis"


class CompositionMap(TwinSignal, Signal2D):
    """Maps of the atomic fractions of elements, made by :mod:`hyperspy_twin.composition`.

    The elements lie along the navigation axis. Fractions are as they were measured: where their
    noise is larger than they are, some are below 0 or above 1, so that means of many pixels have no
    bias. They are NaN where they are not known; :attr:`report` says why.
    """

    _signal_type = "twin_composition_map"
    _alias_signal_types = ["CompositionMap"]
    _made_by = "ht.composition, such as ht.composition.from_eels()"

    @property
    def elements(self) -> tuple[str, ...]:
        """Symbols of the elements along the navigation axis."""
        known = self._report.elements
        return tuple(known[number] for number in self._present())

    @property
    def error(self) -> Signal2D:
        """Standard errors of the fractions, with the elements along the navigation axis.

        They are those of counting, and NaN where they are not known. Errors of the elements of one
        pixel are correlated, since the fractions add up to 1; those of different pixels are not.
        """
        title = f"standard error of the fractions, {self.metadata.General.title}"
        metadata = {"General": {"title": title}, "Sample": {"elements": list(self.elements)}}
        kind = LazySignal2D if self._lazy else Signal2D
        return kind(self._variance() ** 0.5, axes=self._axes(), metadata=metadata)

    @property
    def report(self) -> CompositionReport:
        """How the map was made: method, assumptions, reasons of pixels without a fraction.

        Print it to read it.
        """
        return self._report

    @property
    def placement(self) -> Placement | None:
        """Where the map lies on the micrograph; None until it was registered."""
        from hyperspy_twin.signals._placement import placement_of_rows

        whole = self._state("placement")
        if whole is None:
            return None
        return placement_of_rows(whole, self._state("placement_rows"), self._grid.y)

    def __getitem__(self, element: str) -> Signal2D:
        """Map of the fraction of one element, with its variance.

        Parameters
        ----------
        element
            Its symbol, such as ``"Ge"``.

        Returns
        -------
        hyperspy.api.signals.Signal2D
            The fraction; the variance is in ``metadata.Signal.Noise_properties.variance``.

        Raises
        ------
        KeyError
            If the map has no such element.
        ValueError
            If the axes were exchanged, or one element was cut out of the map.
        """
        elements = self.elements
        if element not in elements:
            raise KeyError(f"this map has no element {element!r}: it has {', '.join(elements)}")
        axes = self._axes()[-2:]
        check_orientation(axes)
        number = elements.index(element)
        title = f"atomic fraction of {element}, {self.metadata.General.title}"
        metadata = {"General": {"title": title}, "Sample": {"elements": [element]}}
        kind = LazySignal2D if self._lazy else Signal2D
        image = kind(self.data[number], axes=axes, metadata=metadata)
        image.metadata.set_item(VARIANCE, kind(self._variance()[number], axes=axes))
        from hyperspy_twin.signals._figures import with_grey

        colours = {"cmap": with_grey(COLOURS_OF_FRACTIONS), "vmin": 0.0, "vmax": 1.0}
        image.plot = partial(image.plot, **colours)
        return image

    def plot(self, **figure_options: Any) -> Figure:
        """Plot the fraction of each element, all on the scale from 0 to 1.

        Grey has no fraction, and what is below its standard error is hatched.

        Parameters
        ----------
        **figure_options
            Passed to :func:`matplotlib.pyplot.figure`, such as ``figsize`` in inches.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.
        """
        from hyperspy_twin.signals._figures import composition_figure, show_once

        fractions = dict(zip(self.elements, np.asarray(self.data), strict=True))
        errors = dict(zip(self.elements, np.asarray(self.error.data), strict=True))
        figure = composition_figure(
            fractions,
            errors,
            self._grid,
            unit=self._unit,
            title=self.metadata.General.title,
            cmap=COLOURS_OF_FRACTIONS,
            **figure_options,
        )
        return show_once(figure)

    def register(
        self,
        image: TwinSignal,
        placement: Placement | RectangularROI | np.ndarray | None = None,
        *,
        simultaneous: TwinSignal | None = None,
        angle: float = 10.0,
        scale: float = 0.05,
        show_progressbar: bool | None = None,
    ) -> CompositionMap:
        """Find where the map lies on a micrograph.

        In the order of trust: an image that was recorded with the map has the same area; tags of
        DigitalMicrograph give the rectangle of the scan on the survey; an image is searched for
        what the map shows, at all positions, angles and scales. What is not sure is refused.

        Parameters
        ----------
        image
            The micrograph.
        placement
            Where the map lies, if you know it: a :class:`~hyperspy_twin.core.Placement`, a matrix
            of shape (2, 3) that takes (x, y, 1) of the map to (x, y) of the micrograph, or the
            rectangle of the map on the micrograph, as :class:`hyperspy.api.roi.RectangularROI`.
        simultaneous
            Image that was recorded with the map, such as the dark-field signal of the same scan.
            With it the drift is tracked row by row, and an image is searched for what it shows; by
            default for the brightness that the composition lets expect in a dark-field image.
        angle
            Tolerance of the angle between both scans in degrees, for the search.
        scale
            Tolerance of the ratio of both pixel sizes, for the search.
        show_progressbar
            Whether to show what is computed; by default what HyperSpy's preferences say.

        Returns
        -------
        CompositionMap
            The map with its :attr:`placement`.

        Raises
        ------
        ValueError
            If the map does not overlap the micrograph, or its place is not sure; the message says
            why.
        TypeError
            If an image is no :class:`Micrograph`.
        """
        from hyperspy_twin.signals._placement import place_map

        with show_progress("Registering", show_progressbar):
            found = place_map(self, image, placement, simultaneous, angle=angle, scale=scale)
        parameters = {"given": placement is not None, "angle": angle, "scale": scale}
        outcome = {"method": found.method, "probability": found.probability}
        return self._derive(
            type(self),
            "register",
            parameters,
            outcome=outcome,
            placement=found,
            placement_rows=self._grid.y,
        )

    def plot_overlay(
        self, image: TwinSignal, element: str | None = None, **figure_options: Any
    ) -> Figure:
        """Plot the fraction of an element on the micrograph, with the error of its place.

        The ellipse holds 95 % of the positions where the middle of the map may lie; a line stands
        for a direction that is not determined.

        Parameters
        ----------
        image
            The micrograph on which the map was registered.
        element
            Symbol; by default the first.
        **figure_options
            Passed to :func:`matplotlib.pyplot.figure`, such as ``figsize`` in inches.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.

        Raises
        ------
        ValueError
            If the map was not registered.
        KeyError
            If the map has no such element.
        """
        from hyperspy_twin.signals._figures import overlay_figure, show_once
        from hyperspy_twin.signals._placement import check_micrograph, unit_of

        check_micrograph(image, "image")
        placement = self.placement
        if placement is None:
            raise ValueError("the map was not registered: call maps.register(image) first")
        element = self.elements[0] if element is None else element
        figure = overlay_figure(
            np.asarray(image.data),
            image._grid,
            self[element].data,
            self._grid,
            placement,
            unit=unit_of(image),
            title=f"{element} of {self.metadata.General.title}",
            cmap=COLOURS_OF_FRACTIONS,
            **figure_options,
        )
        return show_once(figure)

    @classmethod
    def _measured(
        cls,
        fractions: np.ndarray,
        variance: np.ndarray | None,
        grid: Grid,
        *,
        unit: str,
        report: CompositionReport,
        step: str,
        parameters: dict[str, Any],
        input_hash: str,
        metadata: Mapping[str, Any],
        original_metadata: Mapping[str, Any],
    ) -> CompositionMap:
        """Map of fractions and their variance, each of shape (elements, rows, columns).

        ``metadata`` and ``original_metadata`` are those of what was measured.
        """
        kept = {
            key: metadata[key] for key in ("General", "Acquisition_instrument") if key in metadata
        }
        kept["Sample"] = {**metadata.get("Sample", {}), "elements": list(report.elements)}
        twin = metadata.get("Twin", {})
        kept["Twin"] = {key: twin[key] for key in ("calibration", "sample") if key in twin}
        element = {"name": "element", "size": len(fractions), "navigate": True}
        axes = [element, *axes_of(grid, unit)]
        lazy = not isinstance(fractions, np.ndarray)
        kind = LazyCompositionMap if lazy else cls
        found = kind(fractions, axes=axes, metadata=kept, original_metadata=dict(original_metadata))
        history = [*twin.get("history", []), record_step(step, parameters, None, input_hash)]
        write(found, composition=report, unit=unit, history=history)
        if variance is not None:
            error = (LazySignal2D if lazy else Signal2D)(variance, axes=axes)
            found.metadata.set_item(VARIANCE, error)
        return found

    def _derive(self, kind: type, *arguments: Any, data: Any = None, **options: Any) -> Any:
        """Signal of a type; one with the same fractions keeps their variance."""
        found = super()._derive(kind, *arguments, data=data, **options)
        if data is None and self.metadata.has_item(VARIANCE):
            found.metadata.set_item(VARIANCE, self.metadata.get_item(VARIANCE).deepcopy())
        return found

    @property
    def _report(self) -> CompositionReport:
        report = self._state("composition")
        if report is None:
            raise ValueError(
                "this map does not say which elements it holds: make it by "
                "ht.composition.from_map(...)"
            )
        return report

    def _present(self) -> list[int]:
        """Numbers of the elements that were not sliced away."""
        axes = self.axes_manager.navigation_axes
        if len(axes) != 1 or axes[0].name != "element":
            raise ValueError(
                "the elements have to lie along the only navigation axis: use the data of this "
                'signal directly, or maps["Ge"] of the whole map'
            )
        return [round(value) for value in axes[0].axis]

    def _variance(self) -> Any:
        """Variance of the fractions, NaN where it is not known, in the shape of the data."""
        known = self.metadata.get_item(VARIANCE)
        if known is None:
            return np.full(self.data.shape, np.nan, np.float32)
        return known.data

    def __repr__(self) -> str:
        """Type, title, elements and size in one line."""
        axes = self.axes_manager.navigation_axes
        if self._state("composition") is None or len(axes) != 1 or axes[0].name != "element":
            return super().__repr__()
        y, x = (axis.size for axis in self.axes_manager._axes[-2:])
        placed = "" if self.placement is None else f", placed by {self.placement.method}"
        return (
            f"<{type(self).__name__}, title: {self.metadata.General.title}, elements: "
            f"{', '.join(self.elements)}, dimensions: ({x}, {y}) {self._unit}{placed}>"
        )


class LazyCompositionMap(CompositionMap, LazySignal2D):
    """A composition map whose data are read when they are needed."""
