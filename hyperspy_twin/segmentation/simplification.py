"""Outlines with fewer vertices, whose regions still fit together without gap or overlap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from skimage.measure import approximate_polygon

from hyperspy_twin.core import Outlines, contains, kernel

# Fraction of the tolerance below which an arc that still collides keeps all its vertices.
_FINEST = 1 / 64
# Area of a ring, as a fraction of its squared extent, below which it is no polygon: rounding.
_NO_AREA = 1e-12


@dataclass(frozen=True)
class _Piece:
    """Part of a ring between two junctions: an arc, and whether the ring walks it backwards."""

    arc: int
    backwards: bool


def simplify_outlines(outlines: Outlines, tolerance: float) -> Outlines:
    """Straighten borders by the algorithm of Douglas and Peucker on the arcs regions share.

    The points where three regions meet, and the corners of the image, stay. Each border between
    two of them is simplified once for both neighbours. Where two simplified borders would cross,
    or one would swallow a region or a meeting point, they are simplified less.

    Parameters
    ----------
    outlines
        Outlines whose neighbours share their vertices, as those of
        :func:`~hyperspy_twin.core.trace`.
    tolerance
        Largest distance that a vertex moves, in the unit of the outlines (nm).

    Returns
    -------
    Outlines
        The same rings with fewer vertices.

    Raises
    ------
    ValueError
        If the tolerance is negative or not finite.

    References
    ----------
    D. H. Douglas, T. K. Peucker, Cartographica 10 (1973) 112-122.
    """
    if not 0 <= tolerance < np.inf:
        raise ValueError(f"the tolerance must be a length of at least 0, not {tolerance}")
    arcs, rings = _find_arcs(outlines)
    tolerances = np.full(len(arcs), float(tolerance))
    while True:
        simple = [_simplify_arc(arc, limit) for arc, limit in zip(arcs, tolerances, strict=True)]
        joined = [_join(simple, ring) for ring in rings]
        bad = _collisions(arcs, simple) | _collapsed(joined, rings, len(arcs))
        bad &= tolerances > 0
        if not bad.any():
            return Outlines.from_rings(joined, outlines.ring_region.tolist())
        tolerances[bad] /= 2
        tolerances[tolerances < _FINEST * tolerance] = 0


def _find_arcs(outlines: Outlines) -> tuple[list[np.ndarray], list[list[_Piece]]]:
    """Distinct arcs between junctions, each (n, 2) with both ends, and the rings made of them."""
    positions, vertex = np.unique(outlines.vertices, axis=0, return_inverse=True)
    vertex = vertex.ravel()
    start, pairs = outlines.ring_start, np.stack([vertex, vertex[outlines.following]], axis=1)
    edges = np.unique(np.sort(pairs, axis=1), axis=0)
    fixed = np.bincount(edges.ravel(), minlength=len(vertex)) != 2
    fixed[vertex[_corners(outlines.vertices)]] = True
    arcs: list[np.ndarray] = []
    known: dict[tuple[int, ...], int] = {}
    rings = []
    for first, last in zip(start[:-1], start[1:], strict=True):
        pieces = []
        for walk in _walks(vertex[first:last], fixed):
            forward = _canonical(walk)
            key = tuple(forward)
            if key not in known:
                known[key] = len(arcs)
                arcs.append(positions[forward])
            pieces.append(_Piece(known[key], not np.array_equal(forward, walk)))
        rings.append(pieces)
    return arcs, rings


def _corners(vertices: np.ndarray) -> np.ndarray:
    """Which vertices are corners of the rectangle around all: those of the image stay."""
    if not len(vertices):
        return np.zeros(0, bool)
    return np.all((vertices == vertices.min(axis=0)) | (vertices == vertices.max(axis=0)), axis=1)


def _walks(ring: np.ndarray, fixed: np.ndarray) -> Iterator[np.ndarray]:
    """Walk along a ring from one fixed vertex to the next, or once around from its smallest."""
    stops = np.flatnonzero(fixed[ring])
    if not len(stops):
        first = int(np.argmin(ring))
        yield np.concatenate([ring[first:], ring[: first + 1]])
        return
    ring = np.roll(ring, -stops[0])
    stops = np.append(stops - stops[0], len(ring))
    closed = np.append(ring, ring[0])
    for one, two in zip(stops[:-1], stops[1:], strict=True):
        yield closed[one : two + 1]


def _canonical(walk: np.ndarray) -> np.ndarray:
    """Turn a walk to the direction on which both neighbours agree."""
    return walk if tuple(walk) <= tuple(walk[::-1]) else walk[::-1]


def _simplify_arc(arc: np.ndarray, tolerance: float) -> np.ndarray:
    return approximate_polygon(arc, tolerance) if tolerance > 0 else arc


def _join(arcs: list[np.ndarray], ring: list[_Piece]) -> np.ndarray:
    walks = [arcs[piece.arc][::-1] if piece.backwards else arcs[piece.arc] for piece in ring]
    return np.concatenate([walk[:-1] for walk in walks])


def _collapsed(joined: list[np.ndarray], rings: list[list[_Piece]], count: int) -> np.ndarray:
    """Arcs of rings that are no polygons any more."""
    bad = np.zeros(count, bool)
    for ring, pieces in zip(joined, rings, strict=True):
        x, y = ring.T
        area = np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)
        if len(ring) < 3 or abs(area) < _NO_AREA * np.ptp(ring, axis=0).max() ** 2:
            bad[[piece.arc for piece in pieces]] = True
    return bad


def _collisions(arcs: list[np.ndarray], simple: list[np.ndarray]) -> np.ndarray:
    """Arcs that cross another, or pass over a vertex of another, once simplified."""
    bad = np.zeros(len(arcs), bool)
    if not arcs:
        return bad
    segments = np.concatenate([np.hstack([arc[:-1], arc[1:]]) for arc in simple])
    owner = np.repeat(np.arange(len(simple)), [len(arc) - 1 for arc in simple])
    mark_crossings(segments, owner, bad)
    points = np.concatenate(simple)
    point_owner = np.repeat(np.arange(len(simple)), [len(arc) for arc in simple])
    for index, (arc, straight) in enumerate(zip(arcs, simple, strict=True)):
        if len(arc) == len(straight):
            continue
        low, high = arc.min(axis=0), arc.max(axis=0)
        near = (point_owner != index) & np.all((points > low) & (points < high), axis=1)
        if near.any() and _between(arc, straight, points[near]):
            bad[index] = True
    return bad


def _between(arc: np.ndarray, straight: np.ndarray, points: np.ndarray) -> bool:
    """Whether a point lies between an arc and its simplification."""
    sliver = np.concatenate([arc, straight[::-1]])
    own = {tuple(point) for point in arc}
    others = np.array([point for point in points if tuple(point) not in own]).reshape(-1, 2)
    return bool(contains(Outlines.from_rings([sliver], [1]), others).any())


@kernel
def mark_crossings(segments: np.ndarray, owner: np.ndarray, bad: np.ndarray) -> None:
    """Mark the owners of segments that touch others than at common ends.

    Parameters
    ----------
    segments
        Rows (x0, y0, x1, y1), shape (n, 4).
    owner
        Index of the arc of each segment, shape (n,).
    bad
        Boolean mark of each arc, changed in place.
    """
    order = np.argsort(np.minimum(segments[:, 0], segments[:, 2]))
    for i in range(len(order)):
        a = segments[order[i]]
        right = max(a[0], a[2])
        for j in range(i + 1, len(order)):
            b = segments[order[j]]
            if min(b[0], b[2]) > right:
                break
            if max(a[1], a[3]) < min(b[1], b[3]) or max(b[1], b[3]) < min(a[1], a[3]):
                continue
            from_one = (a[0] == b[0] and a[1] == b[1]) or (a[2] == b[2] and a[3] == b[3])
            head_to_tail = (a[0] == b[2] and a[1] == b[3]) or (a[2] == b[0] and a[3] == b[1])
            side_1 = (a[2] - a[0]) * (b[1] - a[1]) - (a[3] - a[1]) * (b[0] - a[0])
            side_2 = (a[2] - a[0]) * (b[3] - a[1]) - (a[3] - a[1]) * (b[2] - a[0])
            side_3 = (b[2] - b[0]) * (a[1] - b[1]) - (b[3] - b[1]) * (a[0] - b[0])
            side_4 = (b[2] - b[0]) * (a[3] - b[1]) - (b[3] - b[1]) * (a[2] - b[0])
            if from_one or head_to_tail:
                # Segments from one point collide only when they run on top of each other.
                along = (a[2] - a[0]) * (b[2] - b[0]) + (a[3] - a[1]) * (b[3] - b[1])
                collide = side_1 == 0 and side_2 == 0 and (along > 0) == from_one
            else:
                collide = side_1 * side_2 <= 0 and side_3 * side_4 <= 0
            if collide:
                bad[owner[order[i]]] = True
                bad[owner[order[j]]] = True
