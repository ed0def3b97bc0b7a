"""Orientations of the crystals of an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_twin.crystals import colour_key, colour_orientations
from hyperspy_twin.signals._figures.outlines import draw_outlines, figure_size, image_extent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperspy_twin.core import Grid, OrientedCrystal, Outlines

DIRECTIONS = {(1, 0, 0): "x", (0, 1, 0): "y (down)", (0, 0, 1): "the beam"}


def orientation_figure(
    labels: np.ndarray,
    grid: Grid,
    outlines: Outlines,
    regions: Mapping[int, OrientedCrystal],
    direction: Sequence[float],
    *,
    unit: str,
) -> Figure:
    """Orientation map of an image with the colour key of each phase.

    Parameters
    ----------
    labels
        Region of each pixel, shape (rows, columns).
    grid
        Their grid.
    outlines
        Outlines of the regions.
    regions
        Crystal of each region that has one.
    direction
        Direction of the image whose crystal direction is coloured.
    unit
        Unit of the grid.
    """
    import matplotlib.pyplot as plt
    import orix.plot  # noqa: F401  (registers the projection of the colour keys)

    colours = colour_orientations(labels, regions, direction)
    crystals = list(dict.fromkeys(one.crystal for one in regions.values()))
    width, height = figure_size(grid)
    figure = plt.figure(figsize=(width + 3.0, height), layout="constrained")
    rows = max(1, len(crystals))
    cells = figure.add_gridspec(rows, 2, width_ratios=(width, 3.0))
    axis = figure.add_subplot(cells[:, 0])
    axis.imshow(colours, extent=image_extent(grid))
    draw_outlines(axis, outlines, grid)
    axis.set(xlabel=f"x ({unit})", ylabel=f"y ({unit})")
    values = tuple(np.asarray(direction, float).tolist())
    along = DIRECTIONS.get(values, f"({', '.join(f'{value:g}' for value in values)})")
    figure.suptitle(f"Crystal direction along {along}")
    for row, crystal in enumerate(crystals):
        symmetry = colour_key(crystal, direction).symmetry
        key = figure.add_subplot(cells[row, 1], projection="ipf", symmetry=symmetry)
        key.plot_ipf_color_key()  # type: ignore[attr-defined]
        name = f"{crystal.name} ({symmetry.name})" if symmetry.name else crystal.name
        key.set_title(name, pad=28)
    return figure
