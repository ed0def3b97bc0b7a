"""HyperSpy's regions of interest as polygons and lines."""

from __future__ import annotations

from typing import Any

import numpy as np
from hyperspy.api import roi as rois

CIRCLE_VERTICES = 180


def polygon_of(shape: Any) -> np.ndarray:
    """Vertices (x, y) of a closed shape, shape (n, 2).

    Parameters
    ----------
    shape
        ``RectangularROI``, ``CircleROI``, ``PolygonROI``, or vertices.

    Raises
    ------
    ValueError
        If the shape is not closed, or no such thing.
    """
    if isinstance(shape, rois.RectangularROI):
        left, right, top, bottom = shape.left, shape.right, shape.top, shape.bottom
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    if isinstance(shape, rois.CircleROI):
        angle = np.linspace(0, 2 * np.pi, CIRCLE_VERTICES, endpoint=False)
        return np.stack([shape.cx + shape.r * np.cos(angle), shape.cy + shape.r * np.sin(angle)], 1)
    if isinstance(shape, rois.PolygonROI):
        shape = shape.vertices
    return _points(shape, 3, "a RectangularROI, CircleROI, PolygonROI or at least three points")


def line_of(shape: Any) -> np.ndarray:
    """Points (x, y) of an open line, shape (n, 2).

    Parameters
    ----------
    shape
        ``Line2DROI``, or points.

    Raises
    ------
    ValueError
        If it is no line.
    """
    if isinstance(shape, rois.Line2DROI):
        return np.array([(shape.x1, shape.y1), (shape.x2, shape.y2)])
    return _points(shape, 2, "a Line2DROI or at least two points")


def _points(shape: Any, least: int, expected: str) -> np.ndarray:
    try:
        points = np.asarray(shape, float)
    except (TypeError, ValueError):
        points = np.zeros(0)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < least:
        raise ValueError(f"expected {expected} (x, y), not {shape!r}")
    return points
