"""Markers that show regions and spots on a plot; drawn from state, never stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.api import plot

if TYPE_CHECKING:
    from hyperspy_twin.segmentation.outlines import Outlines

COLOURS = ("#e6550d", "#3182bd", "#31a354", "#9e4ac8", "#d6a400", "#17a2b8", "#e377c2", "#8c564b")


def colour_of(region: int) -> str:
    """Colour of a region, the same in every figure."""
    return COLOURS[(region - 1) % len(COLOURS)]


def outline_markers(images: list[Outlines], shape: tuple[int, ...]) -> list[Any]:
    """Outlines of all regions, and their numbers in the middle of each.

    Parameters
    ----------
    images
        Outlines of each image of a stack, or of the one image.
    shape
        Navigation shape of the stack; empty for one image.
    """
    lines = [_rings(outlines) for outlines in images]
    names = [_numbers(outlines) for outlines in images]
    if not any(len(vertices) for vertices, _ in lines):
        return []
    return [
        plot.markers.Polygons(
            verts=_stacked([vertices for vertices, _ in lines], shape),
            edgecolor=_stacked([colours for _, colours in lines], shape),
            facecolor="none",
            linewidth=1.5,
        ),
        plot.markers.Texts(
            offsets=_stacked([middle for middle, _, _ in names], shape),
            texts=_stacked([texts for _, texts, _ in names], shape),
            color=_stacked([colours for _, _, colours in names], shape),
            sizes=8,
            horizontalalignment="center",
            verticalalignment="center",
        ),
    ]


def _rings(outlines: Outlines) -> tuple[list[np.ndarray], list[str]]:
    vertices, colours = [], []
    for region in outlines.regions:
        for ring in outlines.rings(region):
            vertices.append(np.concatenate([ring, ring[:1]]))
            colours.append(colour_of(int(region)))
    return vertices, colours


def _numbers(outlines: Outlines) -> tuple[np.ndarray, list[str], list[str]]:
    """Middle of the longest ring of each region, its number and colour."""
    middle, texts, colours = [], [], []
    for region in outlines.regions:
        ring = max(outlines.rings(region), key=lambda ring: np.ptp(ring, axis=0).sum())
        middle.append((ring.min(axis=0) + ring.max(axis=0)) / 2)
        texts.append(str(region))
        colours.append(colour_of(int(region)))
    return np.reshape(middle, (-1, 2)), texts, colours


def _stacked(values: list[Any], shape: tuple[int, ...]) -> Any:
    """One value per navigation position, or the value itself for a single image."""
    if not shape:
        return values[0]
    stack = np.empty(len(values), object)
    for index, value in enumerate(values):
        stack[index] = value
    # Markers are indexed as the axes manager counts, the fastest axis first.
    return stack.reshape(shape).T


def spot_markers(tables: list[np.ndarray], shape: tuple[int, ...]) -> list[Any]:
    """Circles around both members of each Friedel pair, with the indices of those that have some.

    Parameters
    ----------
    tables
        Spots (as of :meth:`IndexedFFT.peaks`) of each region of a stack, or of the one shown.
    shape
        Navigation shape of the stack; empty for one spectrum.
    """
    farthest = max((np.hypot(spots["x"], spots["y"]).max(initial=0) for spots in tables), default=0)
    if not farthest:
        return []
    names = [[miller_name(spot) for spot in spots] for spots in tables]
    offsets = [np.stack([spots["x"], spots["y"]], axis=1) for spots in tables]
    colours = [[colour_of(region) for region in spots["region"]] for spots in tables]
    markers = [
        plot.markers.Circles(
            offsets=_stacked([np.concatenate([xy, -xy]) for xy in offsets], shape),
            sizes=0.03 * farthest,
            edgecolor=_stacked([both * 2 for both in colours], shape),
            facecolor="none",
            linewidth=1.2,
        )
    ]
    if any(name for table in names for name in table):
        markers.append(
            plot.markers.Texts(
                offsets=_stacked([xy - [0, 0.03 * farthest] for xy in offsets], shape),
                texts=_stacked(names, shape),
                color=_stacked(colours, shape),
                sizes=1,
                verticalalignment="bottom",
            )
        )
    return markers


def miller_name(spot: np.void) -> str:
    """Write the indices of a spot as a label; empty where it has none."""
    if "h" not in (spot.dtype.names or ()):
        return ""
    indices = [int(spot[name]) for name in "hkl"]
    return " ".join(map(str, indices)) if any(indices) else ""
