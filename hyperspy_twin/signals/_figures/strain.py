"""Strain maps side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_twin.signals._figures.outlines import draw_outlines, figure_size, image_extent
from hyperspy_twin.signals._figures.scale_bar import draw_scale_bar

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

    from hyperspy_twin.core import Grid, Outlines
    from hyperspy_twin.signals._values import StrainSettings

DIVERGING = "RdBu_r"  # colours on both sides of white, which is zero
NO_VALUE = "0.75"
# Names of the strains in axes that are not those of the image.
TURNED = {"e_xx": "e_x'x'", "e_yy": "e_y'y'", "e_xy": "e_x'y'"}
# Degrees: noise of a lattice that is not turned is not spread over all colours.
LEAST_ROTATION = 0.1
REACHED = 99  # percentile of the values that the colours reach, so that a few do not rule them
# The colours are for pixels whose error is at most this many times the median: rims of outlines,
# where errors are three times as large, show as beyond the scale.
USUAL_ERROR = 2.0
REFERENCE = "#1a9850"  # outline of the reference
HATCH = "////"
CROSSED = "xx"
HATCH_LINE = 0.35  # width in points, thin enough to leave the colours readable
HATCHED_PIXELS = 300  # along the longer side: finer hatching is not drawn
SIDE = 1.9  # width in inches of the column with reflections and frame


def strain_figure(
    maps: dict[str, np.ndarray],
    grid: Grid,
    outlines: Outlines,
    settings: StrainSettings,
    *,
    unit: str,
    references: Sequence[int] = (),
    errors: Mapping[str, np.ndarray] | None = None,
    doubtful: np.ndarray | None = None,
    note: str = "",
    limit: float | None = None,
    cmap: str = DIVERGING,
    **figure_options: Any,
) -> Figure:
    """Strain components and rotation side by side, on scales symmetric about zero.

    Colour bars have an arrow where values lie beyond them; grey has no value, values below their
    standard error are hatched, and doubtful pixels are crossed. The
    outline of the reference is green; its reciprocal vectors and the axes of the tensor stand
    beside.

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
    references
        Numbers of the regions whose lattices are references; by default that of the settings.
    errors
        Standard errors of some of the maps by their names.
    doubtful
        Pixels whose strain may not be that of the lattice, boolean, shape (rows, columns).
    note
        What the title says beside how the maps were made.
    limit
        Largest strain on the colour scale; by default from the data, one for all components.
    cmap
        Colour map of matplotlib.
    **figure_options
        Passed to :func:`matplotlib.pyplot.figure`, such as ``figsize`` in inches.
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import PercentFormatter

    errors, references = errors or {}, references or [settings.reference]
    largest = {name: _largest(values, errors.get(name)) for name, values in maps.items()}
    if limit is None:
        limit = max(value for name, value in largest.items() if name != "rotation")
    colours = with_grey(cmap)
    width, height = figure_size(grid)
    size = (1.4 * width + SIDE, 1.3 * height)
    options = {"figsize": size, "layout": "constrained", **figure_options}
    figure = plt.figure(**options)
    cells = figure.add_gridspec(2, 3, width_ratios=(1, 1, SIDE / (0.7 * width)))
    hatched = crossed = False
    for number, (name, values) in enumerate(maps.items()):
        row, column = divmod(number, 2)
        axis = figure.add_subplot(cells[row, column])
        is_strain = name != "rotation"
        bound = limit if is_strain else max(largest[name], LEAST_ROTATION)
        drawn = axis.imshow(
            values, cmap=colours, vmin=-bound, vmax=bound, extent=image_extent(grid)
        )
        if name in errors:
            hatched |= hatch(axis, np.abs(values) < errors[name], grid)
        crossed = doubtful is not None and hatch(axis, doubtful, grid, CROSSED)
        draw_outlines(axis, outlines, grid)
        for reference in references:
            _draw_reference(axis, outlines, reference)
        shown = TURNED.get(name, name) if settings.angle else name
        axis.set_title(shown if is_strain else f"{name} (counter-clockwise)")
        axis.set(xlabel=f"x ({unit})" if row else None, ylabel=None if column else f"y ({unit})")
        axis.tick_params(labelbottom=row == 1, labelleft=column == 0)
        figure.colorbar(
            drawn,
            ax=axis,
            label="strain (%)" if is_strain else "degrees",
            format=PercentFormatter(1.0, symbol=None) if is_strain else None,
            shrink=0.8,
            extend=_extend(values, bound),
        )
        if not number:
            draw_scale_bar(axis, grid, unit, "black")
    _draw_vectors(figure.add_subplot(cells[0, 2]), settings.g, unit)
    _draw_frame(figure.add_subplot(cells[1, 2]), settings.angle)
    figure.suptitle(
        f"{settings.definition.capitalize()} strain, "
        f"reference region {', '.join(map(str, references))} (green), "
        f"resolution {settings.resolution:.2g} {unit}"
        + ("; grey: no lattice" if _any_missing(maps) else "")
        + ("; hatched: below the standard error" if hatched else "")
        + ("; crossed: doubtful" if crossed else "")
        + ("; standard errors are not known" if errors and _none_known(errors) else "")
        + (f"\n{note}" if note else ""),
        fontsize=10,
    )
    return figure


def with_grey(cmap: str) -> Colormap:
    """Colour map of matplotlib that is grey where there is no value."""
    from matplotlib import colormaps

    return colormaps[cmap].with_extremes(bad=NO_VALUE)


def _any_missing(maps: Mapping[str, np.ndarray]) -> bool:
    return any(np.isnan(values).any() for values in maps.values())


def _none_known(errors: Mapping[str, np.ndarray]) -> bool:
    return not any(np.isfinite(values).any() for values in errors.values())


def _largest(values: np.ndarray, error: np.ndarray | None = None) -> float:
    """Largest value that the colours reach."""
    counted = np.isfinite(values)
    if error is not None and np.isfinite(error[counted]).any():
        counted &= ~(error > USUAL_ERROR * np.nanmedian(error[counted]))
    finite = np.abs(values[counted])
    return float(np.percentile(finite, REACHED)) or 1e-6 if finite.size else 1.0


def _extend(values: np.ndarray, bound: float) -> str:
    """Name the ends of the colour bar beyond which there are values, as matplotlib does."""
    below, above = np.nanmin(values, initial=0) < -bound, np.nanmax(values, initial=0) > bound
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get(
        (bool(below), bool(above)), "neither"
    )


def hatch(axis: Axes, marked: np.ndarray, grid: Grid, pattern: str = HATCH) -> bool:
    """Hatch the marked pixels; whether there are any."""
    step = max(1, -(-max(marked.shape) // HATCHED_PIXELS))
    shown = marked[::step, ::step]
    if not shown.any() or min(shown.shape) < 2:
        return bool(shown.any())
    areas = axis.contourf(
        grid.x[::step],
        grid.y[::step],
        shown.astype(float),
        levels=[0.5, 1.5],
        colors="none",
        hatches=[pattern],
    )
    areas.set(edgecolor="0.35", linewidth=0.0)
    if hasattr(areas, "set_hatch_linewidth"):
        areas.set_hatch_linewidth(HATCH_LINE)
    return True


def _draw_reference(axis: Axes, outlines: Outlines, reference: int) -> None:
    """Draw the outline of the reference region over those of all."""
    if reference not in outlines.regions:
        return
    for ring in outlines.rings(reference):
        closed = np.concatenate([ring, ring[:1]])
        axis.plot(closed[:, 0], closed[:, 1], color=REFERENCE, lw=2)


def _draw_vectors(axis: Axes, vectors: np.ndarray, unit: str) -> None:
    """Draw reciprocal vectors (x, y) from the centre, with their opposites as points."""
    axis.set_title("g of the reference", fontsize=10)
    reach = 1.25 * float(np.linalg.norm(vectors, axis=1).max(initial=0.0)) or 1.0
    for x, y in vectors:
        axis.annotate("", (x, y), (0, 0), arrowprops={"arrowstyle": "-|>", "color": "black"})
    axis.plot(*-np.asarray(vectors).T, "o", ms=3, color="0.6")
    axis.plot(0, 0, "o", ms=4, mfc="white", mec="black")
    axis.set(xlim=(-reach, reach), ylim=(reach, -reach), aspect="equal", xlabel=f"1/{unit}")
    axis.tick_params(labelsize=8)


def _draw_frame(axis: Axes, angle: float) -> None:
    """Draw the axes x and y of the strain tensor, turned counter-clockwise by degrees."""
    turn, prime = np.deg2rad(angle), "'" if angle else ""
    axis.set_title("axes of the tensor", fontsize=10)
    # y points down on the screen, so that counter-clockwise is towards negative y.
    for name, (x, y) in {
        "x": (np.cos(turn), -np.sin(turn)),
        "y": (np.sin(turn), np.cos(turn)),
    }.items():
        axis.annotate("", (x, y), (0, 0), arrowprops={"arrowstyle": "-|>", "color": "black"})
        axis.text(1.2 * x, 1.2 * y, name + prime, ha="center", va="center")
    axis.set(xlim=(-1.5, 1.5), ylim=(1.5, -1.5), aspect="equal")
    axis.set_axis_off()
