"""What a person changes in a segmentation: regions merged, split, removed, renumbered, added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import ndimage
from skimage.draw import line as line_pixels

from hyperspy_twin.core import Grid, Outlines, rasterise, trace
from hyperspy_twin.segmentation.labels import fill_from_nearest


def merge_regions(outlines: Outlines, regions: Sequence[int]) -> Outlines:
    """Make one region of several; it takes the lowest of their numbers.

    The borders between them vanish, all others stay as they are, simplified ones too.

    Parameters
    ----------
    outlines
        Outlines whose neighbours share their vertices.
    regions
        Labels of the regions, at least two.

    Returns
    -------
    Outlines
        The outlines with the merged region.

    Raises
    ------
    ValueError
        If fewer than two different regions are named, or one does not exist.
    """
    chosen = sorted(set(_check_present(outlines, regions)))
    if len(chosen) < 2:
        raise ValueError(f"name at least two different regions to merge, not {list(regions)}")
    edges: dict[tuple[float, ...], None] = {}
    for region in chosen:
        for ring in outlines.rings(region):
            for one, two in zip(ring.tolist(), np.roll(ring, -1, axis=0).tolist(), strict=True):
                if edges.pop((*two, *one), 0) is None:
                    continue
                edges[(*one, *two)] = None
    kept = [k for k, region in enumerate(outlines.ring_region) if region not in chosen]
    rings = [_ring(outlines, k) for k in kept] + _chain_edges(list(edges))
    labels = [int(outlines.ring_region[k]) for k in kept]
    return Outlines.from_rings(rings, labels + [chosen[0]] * (len(rings) - len(kept)))


def remove_regions(outlines: Outlines, regions: Sequence[int]) -> Outlines:
    """Leave the area of regions unassigned.

    Parameters
    ----------
    outlines
        Outlines.
    regions
        Labels of the regions.

    Raises
    ------
    ValueError
        If a region does not exist.
    """
    gone = _check_present(outlines, regions)
    kept = [k for k, region in enumerate(outlines.ring_region) if region not in gone]
    return Outlines.from_rings(
        [_ring(outlines, k) for k in kept], outlines.ring_region[kept].tolist()
    )


def relabel_regions(outlines: Outlines, numbers: Mapping[int, int] | None = None) -> Outlines:
    """Give regions other numbers.

    Parameters
    ----------
    outlines
        Outlines.
    numbers
        New label of each region to change; by default all regions are numbered 1, 2, ... in the
        order of their present numbers.

    Raises
    ------
    ValueError
        If a region does not exist, a new number is not positive, or two regions would share one.
    """
    present = [int(region) for region in outlines.regions]
    if numbers is None:
        numbers = {region: index for index, region in enumerate(present, 1)}
    _check_present(outlines, list(numbers))
    final = [numbers.get(region, region) for region in present]
    if len(set(final)) < len(final):
        raise ValueError(f"two regions would share a number: {dict(numbers)}; merge them instead")
    table = dict(zip(present, final, strict=True))
    region = [table[int(number)] for number in outlines.ring_region]
    return Outlines(outlines.vertices, outlines.ring_start, np.asarray(region, np.int32))


def split_regions(
    outlines: Outlines, grid: Grid, *, line: np.ndarray, regions: Sequence[int] | None = None
) -> Outlines:
    """Cut regions along a line.

    The largest part keeps the number; the others are numbered after the highest.

    Parameters
    ----------
    outlines
        Outlines.
    grid
        Grid of the image, on whose pixels the cut is made.
    line
        Vertices (x, y) of an open line in the unit of the grid, shape (n, 2).
    regions
        Regions to cut; by default all that the line crosses.

    Raises
    ------
    ValueError
        If the line has fewer than two points, cuts no region in two, or a region does not exist.
    """
    points = np.asarray(line, float)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2:
        raise ValueError("a line needs at least two points (x, y)")
    labels = rasterise(outlines, grid)
    cut = _draw_line(points, grid)
    crossed = np.unique(labels[cut])
    chosen = crossed[crossed > 0].tolist() if regions is None else _check_present(outlines, regions)
    highest, changed = int(labels.max()), False
    for region in chosen:
        inside = labels == region
        parts, count = ndimage.label(inside & ~cut)
        if count < 2:
            continue
        parts = np.where(inside, fill_from_nearest(parts, parts > 0), 0)
        order = np.argsort(np.bincount(parts[inside], minlength=count + 1)[1:])[::-1] + 1
        for part in order[1:]:
            highest += 1
            labels[parts == part] = highest
        changed = True
    if not changed:
        raise ValueError("the line cuts no region in two: draw it from border to border")
    return trace(labels, grid)


def add_region(outlines: Outlines, grid: Grid, *, polygon: np.ndarray) -> Outlines:
    """Add a region by its outline; it takes its area from the regions below it.

    Parameters
    ----------
    outlines
        Outlines.
    grid
        Grid of the image.
    polygon
        Vertices (x, y) in the unit of the grid, shape (n, 2).

    Raises
    ------
    ValueError
        If the polygon has fewer than three vertices or holds no pixel of the image.
    """
    drawn = rasterise(Outlines.from_rings([np.asarray(polygon, float)], [1]), grid) > 0
    if not drawn.any():
        raise ValueError("the outline holds no pixel of this image")
    labels = rasterise(outlines, grid)
    labels[drawn] = outlines.ring_region.max(initial=0) + 1
    return trace(labels, grid)


def _check_present(outlines: Outlines, regions: Sequence[int]) -> list[int]:
    present = set(outlines.regions.tolist())
    missing = [region for region in regions if region not in present]
    if missing:
        raise ValueError(f"there is no region {missing[0]}: the regions are {sorted(present)}")
    return [int(region) for region in regions]


def _ring(outlines: Outlines, index: int) -> np.ndarray:
    return outlines.vertices[outlines.ring_start[index] : outlines.ring_start[index + 1]]


def _chain_edges(edges: list[tuple[float, ...]]) -> list[np.ndarray]:
    """Rings of directed edges (x0, y0, x1, y1)."""
    onward: dict[tuple[float, ...], list[tuple[float, ...]]] = {}
    for edge in edges:
        onward.setdefault(edge[:2], []).append(edge[2:])
    rings = []
    while onward:
        start = here = next(iter(onward))
        ring: list[tuple[float, ...]] = []
        while not ring or here != start:
            ring.append(here)
            following = onward[here]
            step = following.pop()
            if not following:
                del onward[here]
            here = step
        rings.append(np.array(ring))
    return rings


def _draw_line(points: np.ndarray, grid: Grid) -> np.ndarray:
    """Pixels on a line, connected so that 4-connected regions fall apart along it."""
    on_line = np.zeros(grid.shape, bool)
    pixels = np.rint(grid.to_pixels(points)).astype(int)
    for (x0, y0), (x1, y1) in zip(pixels[:-1], pixels[1:], strict=True):
        rows, columns = line_pixels(y0, x0, y1, x1)
        inside = (rows >= 0) & (rows < grid.shape[0]) & (columns >= 0) & (columns < grid.shape[1])
        on_line[rows[inside], columns[inside]] = True
    return on_line
