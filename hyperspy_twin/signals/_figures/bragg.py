"""Phases, grains or reflections in colour over their image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_twin.signals._figures.markers import COLOURS
from hyperspy_twin.signals._figures.outlines import figure_size, image_extent
from hyperspy_twin.signals._figures.scale_bar import draw_scale_bar

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperspy_twin.core import Grid

STRONGEST = 0.6  # opacity of the colour where a group has its full amplitude
FULL = 98  # percentile of its amplitude that a group has where it fills its crystal
# Fraction of the full amplitude below which no colour is drawn: noise, and the ends of windows
# that reach over from the crystal next to it.
NOTHING = 0.25


def bragg_figure(
    image: np.ndarray,
    grid: Grid,
    amplitudes: np.ndarray,
    names: Sequence[str],
    *,
    unit: str,
    resolution: float,
) -> Figure:
    """Image in grey with the amplitude of each group in its colour, legend and scale bar.

    Parameters
    ----------
    image
        Shape (rows, columns).
    grid
        Its grid.
    amplitudes
        Of each group, shape (n, rows, columns).
    names
        Names of the groups.
    unit, resolution
        Unit of the grid, and the standard deviation of the filter's window in it.
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Patch

    low, high = np.percentile(image, [0.5, 99.5])
    width, height = figure_size(grid)
    figure, axis = plt.subplots(figsize=(width, height + 0.5), layout="constrained")
    extent = image_extent(grid)
    axis.imshow(image, cmap="gray", vmin=low, vmax=high, extent=extent)
    colours = [COLOURS[i % len(COLOURS)] for i in range(len(names))]
    axis.imshow(overlay(amplitudes, [to_rgb(one) for one in colours]), extent=extent)
    draw_scale_bar(axis, grid, unit)
    axis.set_axis_off()
    handles = [Patch(color=colour, label=name) for name, colour in zip(names, colours, strict=True)]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False)
    axis.set_title(f"resolution {resolution:.2g} {unit}", fontsize=10)
    return figure


def overlay(amplitudes: np.ndarray, colours: Sequence[Sequence[float]]) -> np.ndarray:
    """Colours (red, green, blue, opacity) of each pixel, float32, shape (rows, columns, 4).

    The opacity is that of the strongest group relative to its own full amplitude, and the colour
    the mean of all by the square of theirs.
    """
    relative = np.empty(amplitudes.shape, np.float32)
    for result, one in zip(relative, amplitudes, strict=True):
        finite = one[np.isfinite(one)]
        full = np.percentile(finite, FULL) if finite.size else 1.0
        raised = (np.nan_to_num(one) / max(full, np.finfo(np.float32).tiny) - NOTHING) / (
            1 - NOTHING
        )
        np.clip(raised, 0.0, 1.0, out=result)
    weight = relative**2
    total = weight.sum(axis=0)
    mixed = np.einsum("nij,nc->ijc", weight, np.asarray(colours, np.float32))
    mixed /= np.where(total > 0.0, total, 1.0)[..., None]
    return np.concatenate([mixed, STRONGEST * relative.max(axis=0)[..., None]], axis=2)
