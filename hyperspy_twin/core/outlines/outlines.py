"""Region outlines: closed polygons that stand for a label image, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.core.outlines.polygons import (
    bucket_edges,
    edge_crossings,
    fill_spans,
    follow_cracks,
    locate_points,
)


@dataclass(frozen=True)
class Outlines:
    """Closed polygons that bound the regions of an image.

    A region owns one or more rings. A point lies in the region where a ray from it crosses the
    region's rings an odd number of times (even-odd rule), so that a ring inside a ring is a hole
    and a ring inside a hole is an island. `trace` winds outer rings and islands clockwise as seen
    on the screen, which is a positive signed area ``sum(x_i y_(i+1) - x_(i+1) y_i) / 2`` in the
    image frame (y down), and holes the other way round; nothing here depends on it, so that a
    person may draw a ring in either sense.

    Attributes
    ----------
    vertices : numpy.ndarray
        Shape (n, 2): vertices (x, y) of all rings, one ring after another, in the unit of the grid
        (nm). The first vertex of a ring is not repeated at its end.
    ring_start : numpy.ndarray
        Shape (r + 1,): ring ``k`` is ``vertices[ring_start[k]:ring_start[k + 1]]``.
    ring_region : numpy.ndarray
        Shape (r,): label (1, 2, ...) of the region that the ring bounds.

    Raises
    ------
    ValueError
        If the arrays do not fit together, a ring has fewer than three vertices, a vertex is not
        finite or a label is not positive.
    """

    vertices: np.ndarray
    ring_start: np.ndarray
    ring_region: np.ndarray

    def __post_init__(self) -> None:
        """Bring the arrays to their types and check that they fit together."""
        vertices = np.ascontiguousarray(self.vertices, float)
        start = np.ascontiguousarray(self.ring_start, np.int64)
        region = np.ascontiguousarray(self.ring_region, np.int32)
        if vertices.ndim != 2 or vertices.shape[1] != 2:
            raise ValueError(f"vertices must have shape (n, 2), not {vertices.shape}")
        if start.ndim != 1 or region.ndim != 1 or start.size != region.size + 1:
            raise ValueError("ring_start must hold one entry more than ring_region")
        if start[0] != 0 or start[-1] != len(vertices):
            raise ValueError("ring_start must begin with 0 and end with the number of vertices")
        if region.size and np.diff(start).min() < 3:
            raise ValueError("a ring needs at least three vertices")
        if not np.isfinite(vertices).all():
            raise ValueError("vertices must be finite numbers: remove the ring that holds NaN")
        if region.size and region.min() < 1:
            raise ValueError("region labels must be 1 or larger; 0 means unassigned")
        object.__setattr__(self, "vertices", vertices)
        object.__setattr__(self, "ring_start", start)
        object.__setattr__(self, "ring_region", region)

    @classmethod
    def from_rings(cls, rings: Sequence[np.ndarray], regions: Sequence[int]) -> Outlines:
        """Outlines from polygons, each of shape (n, 2), and the region of each."""
        arrays = [np.asarray(ring, float).reshape(-1, 2) for ring in rings]
        start = np.concatenate([[0], np.cumsum([len(ring) for ring in arrays])])
        vertices = np.concatenate([*arrays, np.empty((0, 2))])
        return cls(vertices, start, np.asarray(regions, np.int32))

    @property
    def following(self) -> np.ndarray:
        """Index of the vertex that follows each one in its ring, shape (n,)."""
        following = np.arange(1, len(self.vertices) + 1)
        following[self.ring_start[1:] - 1] = self.ring_start[:-1]
        return following

    @property
    def regions(self) -> np.ndarray:
        """Sorted labels of the regions, each once."""
        return np.unique(self.ring_region)

    def rings(self, region: int) -> list[np.ndarray]:
        """Polygons of a region, each of shape (n, 2).

        Raises
        ------
        KeyError
            If there is no such region.
        """
        start = self.ring_start
        return [self.vertices[start[k] : start[k + 1]] for k in self._ring_indices(region)]

    def area(self, region: int) -> float:
        """Area of a region in the square of the grid's unit (nm^2), holes subtracted.

        Even-odd area: between two neighbouring vertex heights the region is a row of trapezoids,
        whose widths are summed half-way.

        Raises
        ------
        KeyError
            If there is no such region.
        """
        edges, _ = _ring_edges(self, self._ring_indices(region))
        heights = np.unique(edges[:, [1, 3]])
        levels = (heights[1:] + heights[:-1]) / 2
        level, x, _ = edge_crossings(edges, levels)
        order = np.lexsort((x, level))
        width = x[order][1::2] - x[order][::2]
        return float(np.sum(width * np.diff(heights)[level[order][::2]]))

    def bounds(self, region: int) -> tuple[float, float, float, float]:
        """Smallest and largest position (left, top, right, bottom) of a region.

        Raises
        ------
        KeyError
            If there is no such region.
        """
        vertices = np.concatenate(self.rings(region))
        left, top = vertices.min(axis=0)
        right, bottom = vertices.max(axis=0)
        return float(left), float(top), float(right), float(bottom)

    def _ring_indices(self, region: int) -> np.ndarray:
        indices = np.flatnonzero(self.ring_region == region)
        if not indices.size:
            raise KeyError(f"no region {region}; there are {self.regions.tolist()}")
        return indices


def _ring_edges(
    outlines: Outlines, rings: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Edges of rings as rows (x0, y0, x1, y1) with y0 < y1, horizontal ones dropped; their regions.

    Sorting each edge by height makes two regions that share an edge find it at the same position to
    the last bit, so that neighbours neither overlap nor leave a gap.
    """
    edges = np.hstack([outlines.vertices, outlines.vertices[outlines.following]])
    ring = np.repeat(np.arange(outlines.ring_region.size), np.diff(outlines.ring_start))
    keep = edges[:, 1] != edges[:, 3]
    if rings is not None:
        keep &= np.isin(ring, rings)
    edges = edges[keep]
    downward = edges[:, 1] > edges[:, 3]
    edges[downward] = edges[downward][:, [2, 3, 0, 1]]
    return edges, outlines.ring_region[ring[keep]]


def trace(labels: np.ndarray, grid: Grid) -> Outlines:
    """Outlines of the regions of a label image along the pixel edges.

    Vertices lie on pixel corners, where the border turns or a third region meets it, so that
    neighbours share theirs vertex for vertex. The outlines are exact:
    ``rasterise(trace(labels, grid), grid)`` gives ``labels`` back. Parts of a region that touch
    at a corner only become rings of their own.

    Parameters
    ----------
    labels : numpy.ndarray
        Integer labels, shape (rows, columns); 0 = unassigned, not traced.
    grid : Grid
        The grid of the image.

    Returns
    -------
    Outlines
        Polygons in the unit of the grid.

    Raises
    ------
    ValueError
        If the labels are not a two-dimensional array of non-negative integers on the grid.
    """
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.shape != tuple(grid.shape):
        raise ValueError(f"labels have shape {labels.shape} but the grid has {grid.shape}")
    if labels.dtype.kind not in "iub":
        raise ValueError(f"labels must be integers, not {labels.dtype}")
    if labels.size and labels.min() < 0:
        raise ValueError("labels must not be negative; 0 means unassigned")
    padded = np.pad(labels.astype(np.int32), 1)
    # At most as many vertices as pixel edges between labels, once for each side.
    cracks = sum(np.count_nonzero(np.diff(padded, axis=axis)) for axis in (0, 1))
    corners, start, region = follow_cracks(padded, int(2 * cracks))
    return Outlines(grid.to_units(corners - 0.5), start, region)


def rasterise(outlines: Outlines, grid: Grid) -> np.ndarray:
    """Label image of outlines: the region at each pixel centre.

    Parameters
    ----------
    outlines : Outlines
        Any polygons, in the unit of the grid; where regions overlap the larger label stands.
    grid : Grid
        The pixels to label; it may be a cropped or rebinned grid of the same image.

    Returns
    -------
    numpy.ndarray
        Labels, int32, shape (rows, columns); 0 outside all regions.
    """
    edges, region = _ring_edges(outlines)
    edges = (edges - np.tile(grid.offset, 2)) / np.tile(grid.scale, 2)
    rows, columns = grid.shape
    row, x, edge = edge_crossings(edges, np.arange(rows, dtype=float))
    owner = region[edge]
    order = np.lexsort((x, row, owner))
    labels = np.zeros((rows, columns), np.int32)
    fill_spans(labels, row[order], x[order], owner[order])
    return labels


def adjacent_regions(labels: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of regions with pixels side by side, the smaller number first, in rising order.

    ``labels`` are those of the pixels, shape (rows, columns); 0 is no region.
    """
    found = []
    for one, other in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        apart = (one != other) & (one > 0) & (other > 0)
        found.append(np.stack([one[apart], other[apart]], axis=1))
    pairs = np.unique(np.sort(np.concatenate(found), axis=1), axis=0)
    return list(map(tuple, pairs.tolist()))


def contains(outlines: Outlines, points: np.ndarray) -> np.ndarray:
    """Region that each point lies in.

    Parameters
    ----------
    outlines : Outlines
        Any polygons; where regions overlap the larger label stands.
    points : numpy.ndarray
        Positions (x, y), shape (n, 2), in the unit of the outlines.

    Returns
    -------
    numpy.ndarray
        Labels, int32, shape (n,); 0 outside all regions and for a point that is not finite.

    Raises
    ------
    ValueError
        If the points do not have shape (n, 2).
    """
    points = np.ascontiguousarray(points, float)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points must have shape (n, 2), not {points.shape}")
    edges, region = _ring_edges(outlines)
    if not len(edges):
        return np.zeros(len(points), np.int32)
    order = np.argsort(region, kind="stable")
    edges, region = edges[order], region[order]
    top, bottom = edges[:, 1].min(), edges[:, 3].max()
    bands = min(max(len(edges) // 2, 1), 2048)
    starts, members = bucket_edges(edges, top, bottom, bands)
    return locate_points(points, edges, region, top, bottom, starts, members)
