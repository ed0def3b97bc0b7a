"""Markers that show regions and spots on a plot; drawn from state, never stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.api import plot

if TYPE_CHECKING:
    from hyperspy_twin.grid import Grid
    from hyperspy_twin.segmentation.outlines import Outlines

COLOURS = ("#e6550d", "#3182bd", "#31a354", "#9e4ac8", "#d6a400", "#17a2b8", "#e377c2", "#8c564b")


def colour_of(region: int) -> str:
    """Colour of a region, the same in every figure."""
    return COLOURS[(region - 1) % len(COLOURS)]


def outline_markers(outlines: Outlines, grid: Grid, regions: np.ndarray) -> list[Any]:
    """Outlines of all regions and their numbers at the deepest point of each.

    Parameters
    ----------
    outlines
        Outlines of the regions.
    grid
        Grid of the plotted image.
    regions
        Table with the columns ``region``, ``x`` and ``y``.
    """
    vertices, colours = [], []
    for region in outlines.regions:
        for ring in outlines.rings(region):
            vertices.append(np.concatenate([ring, ring[:1]]))
            colours.append(colour_of(int(region)))
    if not len(regions):
        return []
    lines = plot.markers.Polygons(
        verts=vertices, edgecolor=colours, facecolor="none", linewidth=1.5
    )
    texts = plot.markers.Texts(
        offsets=np.stack([regions["x"], regions["y"]], axis=1),
        texts=[str(region) for region in regions["region"]],
        color=[colour_of(int(region)) for region in regions["region"]],
        sizes=8,
        horizontalalignment="center",
        verticalalignment="center",
    )
    return [lines, texts]


def spot_markers(positions: np.ndarray, colours: list[str], names: list[str]) -> list[Any]:
    """Circles around both members of each Friedel pair, with the names of those that have one.

    Parameters
    ----------
    positions
        (n, 2) spot positions (x, y).
    colours
        n colours.
    names
        n labels; empty strings are not drawn.
    """
    if not len(positions):
        return []
    both = np.concatenate([positions, -positions])
    size = 0.03 * np.abs(positions).max()
    markers = [
        plot.markers.Circles(
            offsets=both, sizes=size, edgecolor=colours * 2, facecolor="none", linewidth=1.2
        )
    ]
    named = [index for index, name in enumerate(names) if name]
    if named:
        markers.append(
            plot.markers.Texts(
                offsets=positions[named],
                texts=[names[index] for index in named],
                color=[colours[index] for index in named],
                sizes=2,
                verticalalignment="bottom",
            )
        )
    return markers
