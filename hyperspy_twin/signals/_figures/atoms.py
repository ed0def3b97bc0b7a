"""Atoms as seen along the beam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import cKDTree

from hyperspy_twin.signals._figures.markers import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINTS_PER_INCH = 72.0
LARGEST = 12.0  # points: diameter of a column in a view of a few of them
SMALLEST = 0.5  # points: about one pixel of the screen, less is not drawn
FILLED = 0.6  # of the distance of two columns, so that neighbours stay apart
SAME_COLUMN = 0.05  # nm: atoms of a column are displaced by less, columns are farther apart
SAMPLED = 5000  # atoms in the middle of the view that the distance is measured on


def model_figure(
    positions: np.ndarray,
    by: str,
    values: np.ndarray,
    depth: float,
    view: tuple[float, float, float, float],
) -> Figure:
    """Atoms of one repeat as seen along the beam, coloured by a column of their table.

    Parameters
    ----------
    positions
        In nm, shape (n, 3).
    by
        Name of the column.
    values
        Values of the column, shape (n,): names of classes, or numbers that a colour bar explains.
    depth
        Of the repeat, in nm.
    view
        Edges (left, right, top, bottom) of what is shown, in nm.
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import to_rgba_array

    left, right, top, bottom = view
    tall = float(np.clip((bottom - top) / (right - left), 0.3, 2.0))
    figure, axis = plt.subplots(figsize=(8, 1 + 7 * tall), layout="constrained")
    x, y, z = positions.T
    inside = np.flatnonzero((x >= left) & (x <= right) & (y >= top) & (y <= bottom))
    # The atom next to the viewer covers those below, so that mixed columns show all elements.
    inside = inside[np.argsort(-z[inside], kind="stable")]
    x, y, shown = x[inside], y[inside], values[inside]
    size = _marker_size(positions[inside, :2], 7.0 * POINTS_PER_INCH / (right - left))
    options: dict[str, Any] = {"s": size**2, "lw": 0, "rasterized": True}
    if values.dtype.kind == "U":
        names = list(dict.fromkeys(values.tolist()))
        colours = to_rgba_array([COLOURS[index % len(COLOURS)] for index in range(len(names))])
        painted = np.zeros((len(x), 4))
        for name, colour in zip(names, colours, strict=True):
            seen = shown == name
            painted[seen] = colour
            if seen.any():
                label = f"{name} ({np.count_nonzero(seen)})"
                axis.scatter([], [], color=colour, label=label, **options)
        axis.scatter(x, y, c=painted, **options)
        if inside.size:
            axis.legend(loc="upper right", markerscale=max(1.0, 5 / size))
    else:
        drawn = axis.scatter(x, y, c=shown, **options)
        figure.colorbar(drawn, ax=axis, label=by, shrink=0.8)
    axis.set(
        xlim=(left, right), ylim=(bottom, top), xlabel="x (nm)", ylabel="y (nm)", aspect="equal"
    )
    axis.set_title(f"{inside.size} atoms, {depth:.2f} nm along the beam")
    return figure


def _marker_size(columns: np.ndarray, points_per_nm: float) -> float:
    """Diameter in points of a column: a part of the usual distance of the next one."""
    if len(columns) < 2:
        return LARGEST
    middle = np.median(columns, axis=0)
    near = np.argsort(np.abs(columns - middle).max(axis=1))[:SAMPLED]
    sites = np.unique(np.round(columns[near] / SAME_COLUMN), axis=0) * SAME_COLUMN
    if len(sites) < 2:
        return LARGEST
    distance = np.median(cKDTree(sites).query(sites, k=2)[0][:, 1])
    return float(np.clip(FILLED * distance * points_per_nm, SMALLEST, LARGEST))
