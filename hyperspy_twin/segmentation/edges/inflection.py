"""Blurred borders moved to the inflection of the brightness across them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hyperspy_twin.segmentation.edges.border_arcs import Arc, move_border, trace_arcs
from hyperspy_twin.segmentation.edges.border_paths import (
    path_length,
    path_normals,
    read_profiles,
    resample_path,
    smooth_path,
)
from hyperspy_twin.segmentation.edges.error_function_fit import (
    EdgeFit,
    Strips,
    fit_strips,
    typical_width,
)

# All set on the tuning half of benchmarks/segmentation.py. In smoothing lengths:
# Shortest border that is looked at.
_SHORTEST = 8.0
# Distance of the rays across it.
_RAY_DISTANCE = 0.75
_SHORTEST_STRIP = 3.0
# How far the border winds.
_WINDING = 4.0
# Least width of an edge that counts as blurred.
_BLURRED = 1.2
# Width below which an edge is nearly sharp: only a stiff border is then trusted.
_NEARLY_SHARP = 2.0
# In widths of the edge:
# Up to where profiles are read.
_REACH = 5.0
# Distance of the values of a profile.
_PITCH = 0.25
# Mean movement below which the next round is the last.
_SETTLED = 0.05
# Mean movement in the last round of an edge that is an error function.
_LAST_MEAN_MOVE = 0.15
# Largest movement in that round.
_LAST_LARGEST_MOVE = 0.5
# Up to where the first profile is read, in image sides.
_LARGEST_REACH = 0.25
_FEWEST_STRIPS = 4
_MOST_STRIPS = 64
_MOST_ROUNDS = 5
# Bending of an edge that is an error function, in radians per width.
_BEND = 0.2
# What the error function leaves unexplained at the edge over what it leaves on the flanks; above
# it only a stiff border is trusted.
_UNEVEN = 1.35
# Information that holds a stiff border to one curvature, in that on the position of one strip.
_STIFF = 10.0


def move_to_inflection(labels: np.ndarray, working: np.ndarray, smoothing: float) -> np.ndarray:
    """Labels whose blurred borders run along the inflection of the brightness.

    An error function with a free position, width, levels and slopes is fitted across each border of
    two regions, in strips as long as the edge is wide, and held together along it as strongly as
    the image asks for. The position of a blurred edge is known from its whole flank far better than
    from where the noise lets the brightness cross the middle. Sharp borders stay, and those whose
    profile is no error function. ``working`` is the smoothed image on a coarser grid over the same
    field, ``smoothing`` its length in its own pixels. Only pixels between the old and the new
    border change, to the label on its other side.
    """
    smoothing *= float(np.sqrt(labels.size / working.size))
    moved = labels.copy()
    for arc in trace_arcs(labels, int(_SHORTEST * smoothing)):
        path = find_inflection_path(arc, labels, working, smoothing)
        if path is not None:
            move_border(moved, arc, path)
    return moved


@dataclass(frozen=True)
class _Edge:
    """One border on its way to the inflection; lengths in pixels of the image."""

    arc: Arc
    path: np.ndarray
    width: float
    smoothing: float
    on_frame: tuple[bool, bool]

    @property
    def closed(self) -> bool:
        return self.arc.closed

    @property
    def sides(self) -> tuple[int, int]:
        return self.arc.left, self.arc.right

    def freedom(self, width: float) -> np.ndarray:
        """How far each point may move: not where a third region meets, fully two widths away."""
        walked = np.linspace(0, path_length(self.path, self.closed), len(self.path))
        free = np.ones(len(self.path))
        for end, distance in zip(self.on_frame, (walked, walked[-1] - walked), strict=True):
            if not end:
                free *= np.minimum(distance / (2 * width), 1)
        return free


def find_inflection_path(
    arc: Arc, labels: np.ndarray, working: np.ndarray, smoothing: float
) -> np.ndarray | None:
    """Path of the inflection along an arc, from end to end; None if the arc should stay.

    As for :func:`move_to_inflection`, but with the smoothing length in pixels of the labels. Rows
    and columns, shape (n, 2), in the sense of the arc.
    """
    edge = _guess_edge(arc, labels, working, smoothing)
    if edge is None:
        return None
    last = False
    for turn in range(_MOST_ROUNDS):
        if edge.width < _BLURRED * smoothing:
            return None
        last |= turn == _MOST_ROUNDS - 1
        found = _move_once(edge, labels, working, last)
        if found is None:
            return None
        fit, edge, moved, bend = found
        if last:
            break
        last = bool(np.sqrt(np.mean(moved**2)) < _SETTLED)
    if edge.width < _BLURRED * smoothing or not _is_error_function(fit, edge, moved, bend):
        return None
    return _extend_to_ends(edge)


def _guess_edge(
    arc: Arc, labels: np.ndarray, working: np.ndarray, smoothing: float
) -> _Edge | None:
    spacing = _RAY_DISTANCE * smoothing
    path = smooth_path(resample_path(arc.path, 1.0, arc.closed), 2 * smoothing, arc.closed)
    path = resample_path(path, spacing, arc.closed)
    on_frame = tuple(
        arc.closed or bool(np.any((point == 0) | (point == labels.shape)))
        for point in (arc.path[0], arc.path[-1])
    )
    steps = int(_LARGEST_REACH * min(labels.shape) / smoothing)
    position = np.arange(-steps, steps + 1) * smoothing
    normals, sides = path_normals(path, arc.closed), (arc.left, arc.right)
    rays = read_profiles(working, labels, path, normals, sides, position, _WINDING * smoothing)
    value, weight = _average_rays(rays, np.zeros(1, np.intp))
    if min(np.count_nonzero(weight[0][position * side > 0]) for side in (-1, 1)) < 3:
        return None
    width = typical_width(position, value[0], weight[0], smoothing)
    return _Edge(arc, path, width, smoothing, (on_frame[0], on_frame[1]))


def _move_once(
    edge: _Edge, labels: np.ndarray, working: np.ndarray, last: bool
) -> tuple[EdgeFit, _Edge, np.ndarray, float] | None:
    """Fit, edge moved to it, how far it moved (widths) and its bending (radians per width)."""
    total = path_length(edge.path, edge.closed)
    length = max(edge.width, _SHORTEST_STRIP * edge.smoothing)
    count = min(int(total / length), _MOST_STRIPS)
    if count < _FEWEST_STRIPS:
        return None
    points = len(edge.path)
    smooth = smooth_path(edge.path, points / count, edge.closed)
    normals = path_normals(smooth, edge.closed)
    pitch = _PITCH * edge.width
    steps = int(_REACH / _PITCH)
    position = np.arange(-steps, steps + 1) * pitch
    settled = max(edge.width, _WINDING * edge.smoothing)
    rays = read_profiles(working, labels, smooth, normals, edge.sides, position, settled)
    # Close to a third region its brightness reaches into the rays.
    rays[edge.freedom(edge.width / 2) < 1] = np.nan
    strips = _cut_strips(replace(edge, path=smooth), normals, rays, position, count, total / count)
    if strips is None:
        return None
    # Noise that a Gaussian has smoothed moves together over this length.
    together = 2 * np.sqrt(np.pi) * edge.smoothing
    correlation = max(together / pitch, 1) * max(together / strips.length, 1)
    fit = fit_strips(strips, edge.width, correlation, last)
    if fit is None:
        return None
    curvature = _curvature(strips, fit.shift)
    # Smoothing has pulled the edge towards the centre of its curvature.
    shift = fit.shift - curvature * edge.smoothing**2 / 2
    shift = _shift_along(shift, points, edge.closed) * edge.freedom(edge.width)
    path = smooth + shift[:, None] * normals
    moved = np.sum((path - edge.path) * normals, axis=1) / edge.width
    bend = fit.width * float(np.sqrt(np.mean(curvature**2)))
    path = resample_path(path, _RAY_DISTANCE * edge.smoothing, edge.closed)
    return fit, replace(edge, path=path, width=fit.width), np.abs(moved), bend


def _is_error_function(fit: EdgeFit, edge: _Edge, moved: np.ndarray, bend: float) -> bool:
    settled = np.sqrt(np.mean(moved**2)) <= _LAST_MEAN_MOVE and moved.max() <= _LAST_LARGEST_MOVE
    if not settled or bend > _BEND:
        return False
    nearly_sharp = edge.width < _NEARLY_SHARP * edge.smoothing
    return fit.stiffness >= _STIFF or (fit.unevenness < _UNEVEN and not nearly_sharp)


def _average_rays(rays: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the rays from each start on, and the fraction of them that it comes from."""
    known = np.isfinite(rays)
    number = np.add.reduceat(known, starts, axis=0, dtype=float)
    value = np.add.reduceat(np.where(known, rays, 0), starts, axis=0) / np.maximum(number, 1)
    fraction = number / np.diff(np.append(starts, len(rays)))[:, None]
    return value, np.where(fraction < 0.5, 0, fraction)


def _cut_strips(
    edge: _Edge,
    normals: np.ndarray,
    rays: np.ndarray,
    position: np.ndarray,
    count: int,
    length: float,
) -> Strips | None:
    points = len(edge.path)
    starts = -(-np.arange(count) * points // count)
    value, weight = _average_rays(rays, starts)
    one_sided = np.zeros(count, bool)
    for side in (-1, 1):
        reach = np.count_nonzero(weight[:, position * side > 0], axis=1) * _PITCH
        one_sided |= reach < 1
    weight[one_sided] = 0
    if np.count_nonzero(~one_sided) < _FEWEST_STRIPS:
        return None
    centre = (np.arange(count) + 0.5) * points / count - 0.5
    at = np.stack([np.interp(centre, np.arange(points), c) for c in edge.path.T], axis=1)
    bending = _bending(at, normals[np.round(centre).astype(int)], edge.closed)
    return Strips(position, value, weight, length, bending, edge.closed)


def _bending(centre: np.ndarray, normal: np.ndarray, closed: bool) -> np.ndarray:
    """Second differences across the path as `Strips` has them."""
    count = len(centre)
    middle = np.arange(count) if closed else np.arange(1, count - 1)
    before, after, row = (middle - 1) % count, (middle + 1) % count, np.arange(middle.size)
    bending = np.zeros((middle.size, count + 1))
    bending[row, middle] = -2
    for other in (before, after):
        bending[row, other] = np.sum(normal[middle] * normal[other], axis=1)
    second = centre[before] - 2 * centre[middle] + centre[after]
    bending[:, -1] = np.sum(normal[middle] * second, axis=1)
    return bending


def _curvature(strips: Strips, shift: np.ndarray) -> np.ndarray:
    """Curvature at each strip after its shift, positive towards the normal."""
    bent = strips.bending[:, :-1] @ shift + strips.bending[:, -1]
    return (bent if strips.closed else np.pad(bent, 1, mode="edge")) / strips.length**2


def _shift_along(shift: np.ndarray, points: int, closed: bool) -> np.ndarray:
    """Shift of each point of the path from that of each strip."""
    if closed:
        around = np.pad(shift, 1, mode="wrap")
    else:
        around = np.pad(shift, 1, mode="reflect", reflect_type="odd")
    at = (np.arange(points) + 0.5) * shift.size / points - 0.5
    return np.interp(at, np.arange(-1, shift.size + 1), around)


def _extend_to_ends(edge: _Edge) -> np.ndarray:
    """Path that runs out of the image where the arc ends there, and to its ends elsewhere."""
    if edge.closed:
        return edge.path
    path, old = edge.path, edge.arc.path
    ends = []
    for end, before in ((0, 1), (-1, -2)):
        outwards = path[end] - path[before]
        outwards /= max(np.hypot(*outwards), np.finfo(float).tiny)
        far = 2 * np.abs(path[end] - old[end]).sum() + 2
        ends.append(path[end] + far * outwards if edge.on_frame[end] else old[end])
    return np.concatenate([ends[:1], path, ends[1:]])
