"""Markers that show regions and peaks on a plot; drawn from state, never stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.api import plot
from scipy import ndimage

from hyperspy_twin.core import Grid, rasterise
from hyperspy_twin.crystals import phase_label, plane_label

if TYPE_CHECKING:
    from hyperspy_twin.core import Crystal, Outlines, Peaks
    from hyperspy_twin.crystals import PhaseRecords, RegionPhase

COLOURS = ("#e6550d", "#3182bd", "#31a354", "#9e4ac8", "#d6a400", "#17a2b8", "#e377c2", "#8c564b")
NO_PHASE = "#bbbbbb"
RING = 0.045  # diameter of the ring round a peak, of the length of the farthest peak
LABEL_DISTANCE = 0.045  # of a label from its peak, of the length of the farthest peak
TINT = 0.35  # opacity of the colour of a phase over its region
MESH = 64  # cells along the longer side of a region: finer than its number is drawn
DEEP = 0.8  # of the largest distance from the outline: so far inside a number may stand


def colour_of(region: int) -> str:
    """Colour of a region, the same in every figure."""
    return COLOURS[(region - 1) % len(COLOURS)]


def outline_markers(images: Sequence[Outlines], shape: tuple[int, ...]) -> list[Any]:
    """Outlines of all regions, and their numbers inside each.

    Parameters
    ----------
    images
        Outlines of each image of a stack, or of the one image.
    shape
        Navigation shape of the stack; empty for one image.
    """
    lines = [_rings(outlines) for outlines in images]
    names = [interior_points(outlines) for outlines in images]
    if not any(len(vertices) for vertices, _ in lines):
        return []
    return [
        plot.markers.Polygons(
            verts=stack_values([vertices for vertices, _ in lines], shape),
            edgecolor=stack_values([list(map(colour_of, owners)) for _, owners in lines], shape),
            facecolor="none",
            linewidth=1.5,
        ),
        plot.markers.Texts(
            offsets=stack_values([middle for middle, _ in names], shape),
            texts=stack_values([list(map(str, owners)) for _, owners in names], shape),
            color=stack_values([list(map(colour_of, owners)) for _, owners in names], shape),
            sizes=8,
            horizontalalignment="center",
            verticalalignment="center",
        ),
    ]


def phase_markers(
    outlines: Outlines, records: PhaseRecords, crystallinity: Mapping[int, str]
) -> list[Any]:
    """Areas of regions in the colour of their phase, with outlines and labels.

    Parameters
    ----------
    outlines
        Outlines of the regions of one image.
    records
        Records of the regions.
    crystallinity
        What each region is, which labels those without a phase.

    Raises
    ------
    ValueError
        If the records are those of other regions.
    """
    if not {record.region for record in records} <= set(outlines.regions.tolist()):
        raise ValueError("these phases belong to another segmentation of the image")
    phases = {one.region: str(one.phase) for one in records if one.phase is not None}
    labels = {**crystallinity, **{region: name_region(records[region]) for region in phases}}
    order = list(dict.fromkeys(phases.values()))
    colours = {region: COLOURS[order.index(name) % len(COLOURS)] for region, name in phases.items()}
    tinted = [int(region) for region in outlines.regions if int(region) in phases]
    areas = plot.markers.Polygons(
        verts=[join_rings(outlines.rings(region)) for region in tinted],
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
    middle, owners = interior_points(outlines)
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


def join_rings(rings: list[np.ndarray]) -> np.ndarray:
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


def interior_points(outlines: Outlines) -> tuple[np.ndarray, list[int]]:
    """Point inside each region, as far from its outline as near its middle, and the region."""
    points = [_interior_point(outlines, int(region)) for region in outlines.regions]
    return np.reshape(points, (-1, 2)), outlines.regions.tolist()


def _interior_point(outlines: Outlines, region: int) -> np.ndarray:
    corners = np.concatenate(outlines.rings(region))
    low, size = corners.min(axis=0), np.ptp(corners, axis=0)
    cell = float(size.max()) / MESH
    columns, rows = np.ceil(size / cell).astype(int)
    x, y = low + cell / 2
    grid = Grid((int(rows), int(columns)), (cell, cell), (float(x), float(y)))
    inside = np.pad(rasterise(outlines, grid) == region, 1)
    depth = ndimage.distance_transform_edt(inside)[1:-1, 1:-1]
    row, column = np.nonzero(depth >= max(DEEP * depth.max(), 1))
    if not len(row):
        return low + size / 2
    points = np.stack([grid.x[column], grid.y[row]], axis=1)
    return points[np.hypot(*(points - low - size / 2).T).argmin()]


def stack_values(values: list[Any], shape: tuple[int, ...]) -> Any:
    """One value per navigation position, or the value itself for a single image."""
    if not shape:
        return values[0]
    stack = np.empty(len(values), object)
    for index, value in enumerate(values):
        stack[index] = value
    # Markers are indexed as the axes manager counts, the fastest axis first.
    return stack.reshape(shape).T


def peak_markers(
    peaks: Sequence[Peaks], names: Sequence[list[str]], shape: tuple[int, ...]
) -> list[Any]:
    """Circles around both members of each Friedel pair, with the names of those that have one.

    Parameters
    ----------
    peaks
        Of each region of a stack, or of the one shown.
    names
        Label of each peak, empty where it has none.
    shape
        Navigation shape of the stack; empty for one spectrum.
    """
    farthest = find_farthest_peak(peaks, names)
    if not farthest:
        return []
    colours = [colour_of(one.region) for one in peaks]
    markers = [
        plot.markers.Circles(
            offsets=stack_values(
                [np.concatenate([one.position, -one.position]) for one in peaks], shape
            ),
            sizes=RING * farthest,
            edgecolor=stack_values(
                [[colour] * 2 * len(one) for colour, one in zip(colours, peaks, strict=True)], shape
            ),
            facecolor="none",
            linewidth=0.8,
        )
    ]
    named = [[n for n, name in enumerate(own) if name] for own in names]
    if any(named):
        up = [0, LABEL_DISTANCE * farthest]
        pairs = list(zip(peaks, named, colours, strict=True))
        markers.append(
            plot.markers.Texts(
                offsets=stack_values([one.position[n] - up for one, n, _ in pairs], shape),
                texts=stack_values([list(filter(None, own)) for own in names], shape),
                color=stack_values([[colour] * len(n) for _, n, colour in pairs], shape),
                linewidth=0.3,
                sizes=1.2,
                verticalalignment="bottom",
            )
        )
    return markers


def find_farthest_peak(peaks: Sequence[Peaks], names: Sequence[list[str]]) -> float:
    """Length of the longest reciprocal vector of peaks with a name, or of all if none has one."""
    lengths = np.concatenate([np.hypot(*one.position.T) for one in peaks])
    named = np.array([bool(name) for own in names for name in own], bool)
    return float(lengths[named if named.any() else slice(None)].max(initial=0))


def name_indices(hkl: np.ndarray, crystal: Crystal) -> list[str]:
    """Write indices of reflections as labels of matplotlib; empty where they are zero."""
    return [
        plane_label(row, crystal, "mathtext", brackets="") if any(row) else ""
        for row in hkl.tolist()
    ]


def name_peaks(peaks: Peaks, record: RegionPhase | None) -> list[str]:
    """Label of each peak of a region by the first of its crystals that explains it."""
    found = [""] * len(peaks)
    for one in record.crystals if record is not None else ():
        if one.match is not None:
            labels = name_indices(one.hkl, one.match.crystal)
            found = [old or new for old, new in zip(found, labels, strict=True)]
    return found


def name_region(record: RegionPhase | None) -> str:
    """Phases of a region with their zone axes as a label of matplotlib, such as ``Ge [110]``."""
    return ", ".join(name_crystals(record)) or "no phase"


def name_crystals(record: RegionPhase | None) -> list[str]:
    """Labels of the crystals of a region, with the twin law of a twin."""
    found = []
    for one in record.crystals if record is not None else ():
        if one.match is not None:
            name = phase_label(one.match.crystal, one.match.zone_axis, "mathtext")
            found.append(name if one.as_twin is None else f"{name}, {one.as_twin.name}")
    return found
