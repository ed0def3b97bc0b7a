"""Fractions of elements side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.signals._figures.outlines import figure_size, image_extent
from hyperspy_twin.signals._figures.scale_bar import draw_scale_bar
from hyperspy_twin.signals._figures.strain import hatch, with_grey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

    from hyperspy_twin.core import Grid

NARROWEST = 2.6  # width of a panel in inches: its title has to fit
MOST_COLUMNS = 4


def composition_figure(
    fractions: Mapping[str, np.ndarray],
    errors: Mapping[str, np.ndarray],
    grid: Grid,
    *,
    unit: str,
    title: str,
    cmap: str,
    **figure_options: Any,
) -> Figure:
    """Map of the fraction of each element, all on the scale from 0 to 1.

    Parameters
    ----------
    fractions
        By element, each of shape (rows, columns).
    errors
        Their standard errors, NaN where they are not known.
    grid, unit
        Grid of the maps, and its unit.
    title
        What the maps show.
    cmap
        Colour map of matplotlib.
    **figure_options
        Passed to :func:`matplotlib.pyplot.figure`, such as ``figsize`` in inches.
    """
    import matplotlib.pyplot as plt

    columns = min(len(fractions), MOST_COLUMNS)
    rows = -(-len(fractions) // columns)
    width, height = figure_size(grid)
    shrunk = max(0.5, NARROWEST / width)
    size = (max(shrunk * width, NARROWEST) * columns + 1.0, shrunk * height * rows + 0.9)
    figure = plt.figure(**{"figsize": size, "layout": "constrained", **figure_options})
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    hatched = False
    for axis, (element, values) in zip(panels, fractions.items(), strict=False):
        axis.imshow(values, cmap=with_grey(cmap), vmin=0.0, vmax=1.0, extent=image_extent(grid))
        hatched |= hatch(axis, values < errors[element], grid)
        finite = errors[element][np.isfinite(errors[element])]
        error = f" (error {np.median(finite):.2g})" if finite.size else ""
        axis.set_title(f"{element}{error}", fontsize=10)
        axis.set_axis_off()
    draw_scale_bar(panels[0], grid, unit)
    for axis in panels[len(fractions) :]:
        axis.remove()
    shown = list(panels[: len(fractions)])
    figure.colorbar(shown[0].images[0], ax=shown, label="atomic fraction", shrink=0.8)
    missing = any(np.isnan(values).any() for values in fractions.values())
    unknown = not any(np.isfinite(values).any() for values in errors.values())
    said = [
        title,
        *(["grey: not known"] if missing else []),
        *(["hatched: below the standard error"] if hatched else []),
        *(["standard errors are not known"] if unknown else []),
    ]
    figure.suptitle("; ".join(filter(None, said)), fontsize=10)
    return figure
