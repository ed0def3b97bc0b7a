"""The regions of an image as navigator of their spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.signals._figures.outlines import image_extent, regions_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from hyperspy_twin.core import Grid, Outlines

SHADE = 0.5  # opacity of black over the regions that are not shown


def region_navigator(
    image: np.ndarray,
    grid: Grid,
    outlines: Outlines,
    labels: np.ndarray,
    regions: Sequence[int],
    axes_manager: Any,
    *,
    unit: str,
) -> Figure:
    """Image whose regions choose the spectrum that is shown: a click on one goes there.

    Parameters
    ----------
    image, labels
        The image and its regions, shape (rows, columns).
    grid, outlines, unit
        Grid of the image, outlines of the regions, unit of both.
    regions
        Number of the region at each index of the navigation axis.
    axes_manager
        The axes of the spectra.
    """
    figure = regions_figure(image, grid, outlines, unit=unit)
    axis, numbers = figure.axes[0], list(regions)
    left, right, bottom, top = image_extent(grid)
    shade = axis.imshow(
        np.zeros((*labels.shape, 4)), extent=(left, right, bottom, top), aspect="equal"
    )

    def show() -> None:
        rgba = np.zeros((*labels.shape, 4))
        region = numbers[axes_manager.indices[0]]
        rgba[labels != region, 3] = SHADE
        shade.set_data(rgba)
        axis.set_title(f"region {region}: click on another")
        figure.canvas.draw_idle()

    def select(event: Any) -> None:
        if event.inaxes is not axis:
            return
        column = int((event.xdata - left) / (right - left) * labels.shape[1])
        row = int((event.ydata - top) / (bottom - top) * labels.shape[0])
        inside = 0 <= row < labels.shape[0] and 0 <= column < labels.shape[1]
        if inside and labels[row, column] in numbers:
            axes_manager.indices = (numbers.index(labels[row, column]),)

    axes_manager.events.indices_changed.connect(show, [])
    figure.canvas.mpl_connect("button_press_event", select)
    figure.canvas.mpl_connect(
        "close_event", lambda event: axes_manager.events.indices_changed.disconnect(show)
    )
    show()
    return figure
