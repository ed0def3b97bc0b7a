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
MOST_DRAWN = 300_000  # atoms, from which on those hidden below others are left out
CELLS_PER_INCH = 200.0  # of the figure: an atom below another in the same cell is hidden
SHADOW = (0.1, 99.9)  # percentiles of an image that are black and white
MOST_TICKS = 8  # along the longest axis in three dimensions
LENGTH_3D = 0.25  # nm: diameter of an atom in three dimensions, about a bond
SAMPLED = 5000  # atoms in the middle of the view that the distance is measured on


def model_figure(
    positions: np.ndarray,
    label: str,
    values: np.ndarray,
    depth: float,
    view: tuple[float, float, float, float],
    image: tuple[np.ndarray, tuple[float, float, float, float]] | None = None,
) -> Figure:
    """Atoms of one repeat as seen along the beam, coloured by a column of their table.

    Parameters
    ----------
    positions
        In nm, shape (n, 3).
    label
        What the colours show, with its unit.
    values
        Values of the column, shape (n,): names of classes, or numbers that a colour bar explains.
    depth
        Of the repeat, in nm.
    view
        Edges (left, right, top, bottom) of what is shown, in nm.
    image
        Image that is seen between the columns, shape (rows, columns), and its extent (left, right,
        bottom, top) in nm.
    """
    import matplotlib.pyplot as plt

    left, right, top, bottom = view
    tall = float(np.clip((bottom - top) / (right - left), 0.3, 2.0))
    figure, axis = plt.subplots(figsize=(8, 1 + 7 * tall), layout="constrained")
    x_all, y_all, z = positions.T
    inside = np.flatnonzero((x_all >= left) & (x_all <= right) & (y_all >= top) & (y_all <= bottom))
    # The atom next to the viewer covers those below, so that mixed columns show all elements.
    inside = inside[np.argsort(-z[inside], kind="stable")]
    count = inside.size
    if count > MOST_DRAWN:
        cell = (right - left) / (7.0 * CELLS_PER_INCH)
        inside = inside[_last_of_each(((positions[inside, :2] - (left, top)) / cell).astype(int))]
    x, y, shown = x_all[inside], y_all[inside], values[inside]
    size = _marker_size(positions[inside, :2], 7.0 * POINTS_PER_INCH / (right - left))
    if image is not None:
        pixels, extent = image
        low, high = np.nanpercentile(pixels, SHADOW)
        axis.imshow(pixels, cmap="gray", extent=extent, vmin=low, vmax=high, zorder=0)
        size = max(SMALLEST, 0.5 * size)
    options: dict[str, Any] = {"s": size**2, "lw": 0, "rasterized": True}
    if values.dtype.kind == "U":
        names, painted = _painted(values, shown)
        within = (x_all >= left) & (x_all <= right) & (y_all >= top) & (y_all <= bottom)
        for name, colour in names.items():
            total = np.count_nonzero((values == name) & within)
            if total:
                axis.scatter([], [], color=colour, label=f"{name} ({total})", **options)
        axis.scatter(x, y, c=painted, **options)
        if inside.size:
            axis.legend(loc="upper right", markerscale=max(1.0, 5 / size))
    else:
        drawn = axis.scatter(x, y, c=shown, **options)
        figure.colorbar(drawn, ax=axis, label=label, shrink=0.8)
    axis.set(
        xlim=(left, right), ylim=(bottom, top), xlabel="x (nm)", ylabel="y (nm)", aspect="equal"
    )
    axis.set_title(f"{count} atoms, {depth:.2f} nm along the beam")
    return figure


def model_3d_figure(
    positions: np.ndarray, label: str, values: np.ndarray, *, most: int, seed: int
) -> Figure:
    """Atoms in three dimensions: x to the right, y down, the beam away from the viewer.

    Parameters
    ----------
    positions
        In nm, shape (n, 3).
    label, values
        As for :func:`model_figure`.
    most
        Atoms that are drawn, by random choice where there are more.
    seed
        Of the choice.
    """
    import matplotlib.pyplot as plt

    count = len(positions)
    extent = np.maximum(np.ptp(positions, axis=0), LENGTH_3D)
    if count > most:
        chosen = np.random.default_rng(seed).choice(count, most, replace=False)
        chosen.sort()
        positions, kept = positions[chosen], values[chosen]
    else:
        kept = values
    figure = plt.figure(figsize=(8, 7))
    # The layout engines of matplotlib cut off the labels of three dimensions.
    axis: Any = figure.add_axes((0.0, 0.03, 0.85, 0.9), projection="3d")
    x, y, z = positions.T
    across = 5.0 * POINTS_PER_INCH / extent.max()
    # Atoms that stand for several are drawn with their volume.
    size = np.clip(LENGTH_3D * across * np.cbrt(count / len(x)), 1.0, LARGEST)
    options: dict[str, Any] = {"s": size**2, "lw": 0}
    if values.dtype.kind == "U":
        names, painted = _painted(values, kept)
        axis.scatter(x, z, y, c=painted, **options)
        for name, colour in names.items():
            total = np.count_nonzero(values == name)
            axis.scatter([], [], [], color=colour, label=f"{name} ({total})", s=40, lw=0)
        axis.legend(loc="upper right")
    else:
        figure.colorbar(axis.scatter(x, z, y, c=kept, **options), ax=axis, label=label, shrink=0.6)
    axis.set(xlabel="x (nm)", ylabel="z, along the beam (nm)", zlabel="y (nm)")
    axis.invert_zaxis()
    shape = extent[[0, 2, 1]] / extent.max()
    axis.set_box_aspect(shape)
    for name, length in zip("xyz", shape, strict=True):
        axis.locator_params(axis=name, nbins=max(2, round(MOST_TICKS * length)))
    axis.view_init(elev=20, azim=-65)
    axis.set_title(f"{count} atoms" if len(x) == count else f"{len(x)} of {count} atoms")
    return figure


def _painted(values: np.ndarray, shown: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Colour of each class in the order of appearance, and of each atom shown, shape (n, 4)."""
    from matplotlib.colors import to_rgba_array

    found, first = np.unique(values, return_index=True)
    names = found[np.argsort(first)]
    colours = to_rgba_array([COLOURS[index % len(COLOURS)] for index in range(len(names))])
    painted = np.zeros((len(shown), 4))
    for name, colour in zip(names, colours, strict=True):
        painted[shown == name] = colour
    return {str(name): colour for name, colour in zip(names, colours, strict=True)}, painted


def _last_of_each(cells: np.ndarray) -> np.ndarray:
    """Find the last of equal rows, in the order of the rows."""
    wide = cells[:, 0] * (int(cells[:, 1].max()) + 1) + cells[:, 1]
    _, first = np.unique(wide[::-1], return_index=True)
    return np.sort(len(wide) - 1 - first)


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
