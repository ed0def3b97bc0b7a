"""Markers that show regions and spots on a plot; drawn from state, never stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.api import plot

if TYPE_CHECKING:
    from hyperspy_twin.core.crystal import Crystal
    from hyperspy_twin.core.outlines import Outlines
    from hyperspy_twin.crystals.indexing.records import RegionPhase

COLOURS = ("#e6550d", "#3182bd", "#31a354", "#9e4ac8", "#d6a400", "#17a2b8", "#e377c2", "#8c564b")
NO_PHASE = "#bbbbbb"
LABEL_DISTANCE = 0.045  # of a label from its spot, of the length of the farthest spot
TINT = 0.35  # opacity of the colour of a phase over its region


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
    names = [_middles(outlines) for outlines in images]
    if not any(len(vertices) for vertices, _ in lines):
        return []
    return [
        plot.markers.Polygons(
            verts=stacked([vertices for vertices, _ in lines], shape),
            edgecolor=stacked([list(map(colour_of, owners)) for _, owners in lines], shape),
            facecolor="none",
            linewidth=1.5,
        ),
        plot.markers.Texts(
            offsets=stacked([middle for middle, _ in names], shape),
            texts=stacked([list(map(str, owners)) for _, owners in names], shape),
            color=stacked([list(map(colour_of, owners)) for _, owners in names], shape),
            sizes=8,
            horizontalalignment="center",
            verticalalignment="center",
        ),
    ]


def phase_markers(outlines: Outlines, phases: dict[int, str], labels: dict[int, str]) -> list[Any]:
    """Areas of regions in the colour of their phase, with outlines and labels.

    Parameters
    ----------
    outlines
        Outlines of the regions of one image.
    phases
        Name of the phase of each region that has one.
    labels
        What to write into each region.
    """
    order = list(dict.fromkeys(phases.values()))
    colours = {region: COLOURS[order.index(name) % len(COLOURS)] for region, name in phases.items()}
    tinted = [int(region) for region in outlines.regions if int(region) in phases]
    areas = plot.markers.Polygons(
        verts=[_one_polygon(outlines.rings(region)) for region in tinted],
        facecolor=[colours[region] for region in tinted],
        edgecolor="none",
        alpha=TINT,
    )
    rings = sorted(zip(*_rings(outlines), strict=True), key=lambda ring: ring[1] in phases)
    lines = plot.markers.Polygons(
        verts=[vertices for vertices, _ in rings],
        edgecolor=[colours.get(owner, NO_PHASE) for _, owner in rings],
        facecolor="none",
        linewidth=1.5,
    )
    middle, owners = _middles(outlines)
    named = [number for number, owner in enumerate(owners) if owner in labels]
    names = plot.markers.Texts(
        offsets=middle[named],
        texts=[labels[owners[number]] for number in named],
        color="white",
        linewidth=1.0,
        sizes=2,
        horizontalalignment="center",
        verticalalignment="center",
    )
    return [areas, lines, names] if tinted else [lines, names]


def _one_polygon(rings: list[np.ndarray]) -> np.ndarray:
    """Polygon of all rings of a region, joined by lines there and back, with holes left free.

    A filled polygon is full where its line winds round a point; holes wind the other way.
    """
    from matplotlib.path import Path

    paths = [Path(ring) for ring in rings]
    joined: list[np.ndarray] = []
    for number, ring in enumerate(rings):
        others = paths[:number] + paths[number + 1 :]
        depth = sum(bool(path.contains_point(ring[0])) for path in others)
        x, y = ring.T
        area = float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
        oriented = ring if (area > 0) == (depth % 2 == 0) else ring[::-1]
        joined += [oriented, oriented[:1], joined[0][:1] if joined else oriented[:1]]
    return np.concatenate(joined)


def _rings(outlines: Outlines) -> tuple[list[np.ndarray], list[int]]:
    """Give closed rings of all regions, and the region of each."""
    vertices, owners = [], []
    for region in outlines.regions:
        for ring in outlines.rings(region):
            vertices.append(np.concatenate([ring, ring[:1]]))
            owners.append(int(region))
    return vertices, owners


def _middles(outlines: Outlines) -> tuple[np.ndarray, list[int]]:
    """Middle of the longest ring of each region, and the region."""
    middle = []
    for region in outlines.regions:
        ring = max(outlines.rings(region), key=lambda ring: np.ptp(ring, axis=0).sum())
        middle.append((ring.min(axis=0) + ring.max(axis=0)) / 2)
    return np.reshape(middle, (-1, 2)), outlines.regions.tolist()


def stacked(values: list[Any], shape: tuple[int, ...]) -> Any:
    """One value per navigation position, or the value itself for a single image."""
    if not shape:
        return values[0]
    stack = np.empty(len(values), object)
    for index, value in enumerate(values):
        stack[index] = value
    # Markers are indexed as the axes manager counts, the fastest axis first.
    return stack.reshape(shape).T


def spot_markers(
    tables: list[np.ndarray], names: list[list[str]], shape: tuple[int, ...]
) -> list[Any]:
    """Circles around both members of each Friedel pair, with the names of those that have one.

    Parameters
    ----------
    tables
        Spots (as of :meth:`IndexedFFT.peaks`) of each region of a stack, or of the one shown.
    names
        Label of each spot, empty where it has none.
    shape
        Navigation shape of the stack; empty for one spectrum.
    """
    farthest = farthest_spot(tables, names)
    if not farthest:
        return []
    offsets = [np.stack([spots["x"], spots["y"]], axis=1) for spots in tables]
    colours = [[colour_of(region) for region in spots["region"]] for spots in tables]
    markers = [
        plot.markers.Circles(
            offsets=stacked([np.concatenate([xy, -xy]) for xy in offsets], shape),
            sizes=0.03 * farthest,
            edgecolor=stacked([both * 2 for both in colours], shape),
            facecolor="none",
            linewidth=1.2,
        )
    ]
    named = [[n for n, name in enumerate(table) if name] for table in names]
    if any(named):
        up = [0, LABEL_DISTANCE * farthest]
        markers.append(
            plot.markers.Texts(
                offsets=stacked([xy[n] - up for xy, n in zip(offsets, named, strict=True)], shape),
                texts=stacked([list(filter(None, table)) for table in names], shape),
                color=stacked(
                    [[own[k] for k in n] for own, n in zip(colours, named, strict=True)], shape
                ),
                linewidth=0.3,
                sizes=1.2,
                verticalalignment="bottom",
            )
        )
    return markers


def farthest_spot(tables: list[np.ndarray], names: list[list[str]]) -> float:
    """Length of the longest reciprocal vector of spots with a name, or of all if none has one."""
    lengths = np.concatenate([np.hypot(spots["x"], spots["y"]) for spots in tables])
    named = np.array([bool(name) for table in names for name in table], bool)
    return float(lengths[named if named.any() else slice(None)].max(initial=0))


def spot_names(hkl: np.ndarray, crystal: Crystal) -> list[str]:
    """Write indices of spots as labels of matplotlib; empty where they are zero."""
    from hyperspy_twin.crystals.diffraction.notation import plane_label

    return [
        plane_label(row, crystal, "mathtext", brackets="") if any(row) else ""
        for row in hkl.tolist()
    ]


def names_by_record(record: RegionPhase) -> list[str]:
    """Label of each spot of a region by the first of its crystals that explains it."""
    from hyperspy_twin.crystals.indexing.records import crystals_of

    found = [""] * len(record.hkl)
    for one in crystals_of(record):
        if one.phase is not None:
            labels = spot_names(one.hkl, one.ranking[0].crystal)
            found = [old or new for old, new in zip(found, labels, strict=True)]
    return found


def region_name(record: RegionPhase | None) -> str:
    """Phases of a region with their zone axes as a label of matplotlib, such as ``Ge [110]``."""
    from hyperspy_twin.crystals.diffraction.notation import phase_label
    from hyperspy_twin.crystals.indexing.records import crystals_of

    found = [
        phase_label(one.ranking[0].crystal, one.zone_axis, "mathtext")
        for one in (crystals_of(record) if record is not None else ())
        if one.zone_axis is not None
    ]
    return ", ".join(found) or "no phase"
