"""Images with the outlines of their regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_twin.signals._figures.markers import colour_of, interior_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hyperspy_twin.core import Grid, Outlines


def regions_figure(image: np.ndarray, grid: Grid, outlines: Outlines, *, unit: str) -> Figure:
    """Image with the coloured outlines and numbers of its regions.

    Parameters
    ----------
    image
        Shape (rows, columns).
    grid
        Its grid.
    outlines
        Outlines of the regions.
    unit
        Unit of the grid.
    """
    import matplotlib.pyplot as plt

    low, high = np.percentile(image, [0.5, 99.5])
    width, height = figure_size(grid)
    figure, axis = plt.subplots(figsize=(width, height), layout="constrained")
    axis.imshow(image, cmap="gray", vmin=low, vmax=high, extent=image_extent(grid))
    draw_outlines(axis, outlines, grid, coloured=True)
    for (x, y), region in zip(*interior_points(outlines), strict=True):
        box = {"facecolor": colour_of(region), "edgecolor": "none", "pad": 2}
        axis.text(x, y, str(region), color="white", ha="center", va="center", bbox=box)
    axis.set(xlabel=f"x ({unit})", ylabel=f"y ({unit})")
    return figure


def draw_outlines(axis: Axes, outlines: Outlines, grid: Grid, coloured: bool = False) -> None:
    """Draw all outlines on an axis in the unit of the grid, in black or the regions' colours."""
    for region in outlines.regions:
        colour = colour_of(int(region)) if coloured else "black"
        for ring in outlines.rings(region):
            closed = np.concatenate([ring, ring[:1]])
            axis.plot(closed[:, 0], closed[:, 1], color=colour, lw=1.6 if coloured else 0.8)
    left, right, bottom, top = image_extent(grid)
    axis.set(xlim=(left, right), ylim=(bottom, top))


def image_extent(grid: Grid) -> tuple[float, float, float, float]:
    """Edges (left, right, bottom, top) of the pixels of an image for matplotlib."""
    half_x, half_y = grid.scale[0] / 2, grid.scale[1] / 2
    return grid.x[0] - half_x, grid.x[-1] + half_x, grid.y[-1] + half_y, grid.y[0] - half_y


def figure_size(grid: Grid) -> tuple[float, float]:
    """Width and height in inches of a figure of an image."""
    width, height = grid.extent
    return 8.0, 0.8 + 7.0 * float(np.clip(height / width, 0.3, 2.0))
