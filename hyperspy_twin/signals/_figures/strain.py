"""Strain maps side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.signals._figures.outlines import draw_outlines, figure_size, image_extent

if TYPE_CHECKING:
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

    from hyperspy_twin.core import Grid, Outlines
    from hyperspy_twin.signals._values import StrainSettings

DIVERGING = "RdBu_r"  # colours on both sides of white, which is zero
NO_VALUE = "0.75"
LEAST_ROTATION = (
    0.1  # degrees: noise of a lattice that is not turned is not spread over all colours
)


def strain_figure(
    maps: dict[str, np.ndarray],
    grid: Grid,
    outlines: Outlines,
    settings: StrainSettings,
    *,
    unit: str,
    limit: float | None = None,
    cmap: str = DIVERGING,
    **figure_options: Any,
) -> Figure:
    """Strain components and rotation side by side, on scales symmetric about zero.

    Colour bars have an arrow where values lie beyond them; grey has no value.

    Parameters
    ----------
    maps
        ``e_xx``, ``e_yy``, ``e_xy`` and ``rotation`` (degrees), each of shape (rows, columns).
    grid
        Their grid.
    outlines
        Outlines of the regions.
    settings
        How the maps were made.
    unit
        Unit of the grid.
    limit
        Largest strain on the colour scale; by default from the data, one for all components.
    cmap
        Colour map of matplotlib.
    **figure_options
        Passed to :func:`matplotlib.pyplot.subplots`, such as ``figsize`` in inches.
    """
    import matplotlib.pyplot as plt

    if limit is None:
        limit = max(_largest(values) for name, values in maps.items() if name != "rotation")
    colours = with_grey(cmap)
    width, height = figure_size(grid)
    options = {"figsize": (1.4 * width, 1.3 * height), "layout": "constrained", **figure_options}
    figure, axes = plt.subplots(2, 2, **options)
    for axis, (name, values) in zip(axes.ravel(), maps.items(), strict=True):
        is_strain = name != "rotation"
        bound = limit if is_strain else max(_largest(values), LEAST_ROTATION)
        drawn = axis.imshow(
            values, cmap=colours, vmin=-bound, vmax=bound, extent=image_extent(grid)
        )
        draw_outlines(axis, outlines, grid)
        axis.set_title(name if is_strain else f"{name} (counter-clockwise)")
        axis.set(xlabel=f"x ({unit})", ylabel=f"y ({unit})")
        label = "strain" if is_strain else "degrees"
        extend = _extend(values, bound)
        figure.colorbar(drawn, ax=axis, label=label, shrink=0.8, extend=extend)
    # Adding zero turns -0.0 into 0.0.
    vectors = np.round(settings.g, 2) + 0.0
    g = ", ".join(f"({x:.2f}, {y:.2f})" for x, y in vectors)
    missing = any(np.isnan(values).any() for values in maps.values())
    figure.suptitle(
        f"{settings.definition} strain, reference region {settings.reference}, "
        f"g = {g} 1/{unit}, resolution {settings.resolution:.2g} {unit}"
        + ("; grey: no lattice" if missing else ""),
        fontsize=10,
    )
    return figure


def with_grey(cmap: str) -> Colormap:
    """Colour map of matplotlib that is grey where there is no value."""
    from matplotlib import colormaps

    return colormaps[cmap].with_extremes(bad=NO_VALUE)


def _largest(values: np.ndarray) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(np.percentile(finite, 99)) or 1e-6 if finite.size else 1.0


def _extend(values: np.ndarray, bound: float) -> str:
    """Name the ends of the colour bar beyond which there are values, as matplotlib does."""
    below, above = np.nanmin(values, initial=0) < -bound, np.nanmax(values, initial=0) > bound
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get(
        (bool(below), bool(above)), "neither"
    )
