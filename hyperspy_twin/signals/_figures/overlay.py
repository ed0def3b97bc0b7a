"""A map on the micrograph on which it lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import chi2

from hyperspy_twin.signals._figures.outlines import figure_size, image_extent
from hyperspy_twin.signals._figures.scale_bar import draw_scale_bar

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hyperspy_twin.core import Grid, Placement

OPACITY = 0.45  # of the map, so that the micrograph shows through
PROBABILITY = 0.95  # of the ellipse
COLOUR = "#ff4fa3"  # of outline and ellipse: in no colour map of fractions


def overlay_figure(
    image: np.ndarray,
    image_grid: Grid,
    fraction: np.ndarray,
    map_grid: Grid,
    placement: Placement,
    *,
    unit: str,
    title: str,
    cmap: str,
    **figure_options: Any,
) -> Figure:
    """Map of a fraction on the micrograph, beside the micrograph alone with its outline.

    Parameters
    ----------
    image, image_grid
        The micrograph and its grid.
    fraction, map_grid
        Map of an element and its grid.
    placement
        Of the map on the micrograph.
    unit
        Of the micrograph.
    title
        What the map shows.
    cmap
        Colour map of matplotlib.
    **figure_options
        Passed to :func:`matplotlib.pyplot.figure`, such as ``figsize`` in inches.
    """
    import matplotlib.pyplot as plt

    width, height = figure_size(image_grid)
    options = {"figsize": (2 * width + 1.2, height + 0.6), "layout": "constrained"}
    figure = plt.figure(**{**options, **figure_options})
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    corners = _corners(map_grid, placement)
    low, high = np.nanpercentile(image, [0.5, 99.5])
    for axis in panels:
        extent = image_extent(image_grid)
        axis.imshow(image, cmap="gray", vmin=low, vmax=high, extent=extent)
        axis.set(xlim=extent[:2], ylim=extent[2:], aspect="equal")
        axis.set_axis_off()
        _draw_outline(axis, corners)
    # Between two rows there is nothing: they are shifted each by itself.
    rows = np.full((2 * len(fraction) - 1, fraction.shape[1]), np.nan)
    rows[::2] = fraction
    drawn = panels[1].pcolormesh(
        corners[..., 0], corners[..., 1], rows, cmap=cmap, vmin=0.0, vmax=1.0, alpha=OPACITY
    )
    for axis in panels:
        _draw_ellipse(axis, map_grid, placement)
    draw_scale_bar(panels[0], image_grid, unit)
    figure.colorbar(drawn, ax=list(panels), label="atomic fraction", shrink=0.8, pad=0.01)
    sure = f", probability {placement.probability:.3g}" if placement.probability < 1 else ""
    said = f"placed by: {placement.method}{sure}"
    figure.suptitle(f"{title}; {said}", fontsize=10)
    return figure


def _corners(grid: Grid, placement: Placement) -> np.ndarray:
    """Corners of the pixels on the micrograph, two lines for each row, shape (2 rows, n, 2)."""
    half = grid.scale[1] / 2
    y = np.stack([grid.y - half, grid.y + half], axis=1).ravel()
    x = grid.offset[0] + grid.scale[0] * (np.arange(grid.shape[1] + 1) - 0.5)
    x, y = np.meshgrid(x, y)
    points = np.stack([x, y, np.ones_like(x)], axis=-1) @ placement.matrix.T
    return points + np.repeat(placement.row_shifts, 2, axis=0)[:, None]


def _draw_outline(axis: Axes, corners: np.ndarray) -> None:
    ring = [*corners[0], *corners[:, -1], *corners[-1, ::-1], *corners[::-1, 0]]
    axis.plot(*np.array(ring).T, color=COLOUR, lw=1.2)


def _draw_ellipse(axis: Axes, grid: Grid, placement: Placement) -> None:
    """Where the middle of the map may lie."""
    middle = placement.matrix @ [grid.x.mean(), grid.y.mean(), 1.0] + placement.row_shifts.mean(0)
    values, vectors = np.linalg.eigh(placement.covariance)
    lengths = np.sqrt(np.maximum(values, 0.0) * chi2.ppf(PROBABILITY, 2))
    turn = np.linspace(0.0, 2 * np.pi, 200)
    points = middle + np.stack([np.cos(turn), np.sin(turn)], axis=1) * lengths @ vectors.T
    axis.plot(*points.T, color=COLOUR, lw=1.2)
    axis.plot(*middle, "+", color=COLOUR, ms=5)
