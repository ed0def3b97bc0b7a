"""Strain maps side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_twin.signals._figures.outlines import draw_outlines, figure_size, image_extent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperspy_twin.core import Grid, Outlines
    from hyperspy_twin.signals._values import StrainSettings


def strain_figure(
    maps: dict[str, np.ndarray],
    grid: Grid,
    outlines: Outlines,
    settings: StrainSettings,
    *,
    unit: str,
    limit: float | None = None,
) -> Figure:
    """Strain components and rotation side by side, on scales symmetric about zero.

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
    """
    import matplotlib.pyplot as plt

    if limit is None:
        limit = max(_largest(values) for name, values in maps.items() if name != "rotation")
    width, height = figure_size(grid)
    figure, axes = plt.subplots(2, 2, figsize=(1.4 * width, 1.3 * height), layout="constrained")
    for axis, (name, values) in zip(axes.ravel(), maps.items(), strict=True):
        is_strain = name != "rotation"
        bound = limit if is_strain else np.rad2deg(limit)
        drawn = axis.imshow(
            values, cmap="RdBu_r", vmin=-bound, vmax=bound, extent=image_extent(grid)
        )
        draw_outlines(axis, outlines, grid)
        axis.set_title(name if is_strain else f"{name} (counter-clockwise)")
        axis.set(xlabel=f"x ({unit})", ylabel=f"y ({unit})")
        figure.colorbar(drawn, ax=axis, label="strain" if is_strain else "degrees", shrink=0.8)
    g = ", ".join(f"({x:.2f}, {y:.2f})" for x, y in settings.g)
    figure.suptitle(
        f"{settings.definition} strain, reference region {settings.reference}, "
        f"g = {g} 1/{unit}, resolution {settings.resolution:.2g} {unit}",
        fontsize=10,
    )
    return figure


def _largest(values: np.ndarray) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(np.percentile(finite, 99)) or 1e-6 if finite.size else 1.0
