"""Figures of results that are more than one image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_twin.signals._markers import (
    COLOURS,
    colour_of,
    farthest_spot,
    names_by_record,
    region_name,
)
from hyperspy_twin.signals._state import grid_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hyperspy_twin.core.grid import Grid
    from hyperspy_twin.core.outlines import Outlines
    from hyperspy_twin.segmentation.particles.size_distribution import ParticleSizes
    from hyperspy_twin.signals.atomic_model import AtomicModel
    from hyperspy_twin.signals.indexed_fft import IndexedFFT
    from hyperspy_twin.signals.segmented_image import SegmentedImage
    from hyperspy_twin.signals.strain_map import StrainMap

SHOWN = {"e_xx": "strain", "e_yy": "strain", "e_xy": "strain", "rotation": "degrees"}
SAME = 0.1  # of its length: reflections of two regions that are this close share their label


def regions_figure(segmented: SegmentedImage) -> Figure:
    """Image with the coloured outlines and numbers of its regions.

    Parameters
    ----------
    segmented
        The segmented image.
    """
    import matplotlib.pyplot as plt

    grid = grid_of(segmented._image_axes())
    image = np.asarray(segmented.data)
    low, high = np.percentile(image, [0.5, 99.5])
    width, height = figure_size(grid)
    figure, axis = plt.subplots(figsize=(width, height), layout="constrained")
    axis.imshow(image, cmap="gray", vmin=low, vmax=high, extent=image_extent(grid))
    draw_outlines(axis, segmented._outlines(), grid, coloured=True)
    for region in segmented.regions:
        axis.text(
            region["x"],
            region["y"],
            str(region["region"]),
            color="white",
            ha="center",
            va="center",
            bbox={"facecolor": colour_of(int(region["region"])), "edgecolor": "none", "pad": 2},
        )
    axis.set(xlabel=f"x ({segmented._unit})", ylabel=f"y ({segmented._unit})")
    return figure


def spectrum_figure(spectrum: IndexedFFT) -> Figure:
    """Logarithmic power spectrum with the spots of all regions and their Miller indices.

    Parameters
    ----------
    spectrum
        The spectrum.
    """
    import matplotlib.pyplot as plt

    power = np.log(np.abs(np.asarray(spectrum.data)) + 1e-12)
    grid = grid_of(spectrum._image_axes())
    figure, axis = plt.subplots(figsize=(9, 9), layout="constrained")
    low, high = np.percentile(power, [5, 99.99])
    axis.imshow(power, cmap="gray", vmin=low, vmax=high, extent=image_extent(grid), aspect="equal")
    records = {record.region: record for record in spectrum.phases}
    named: list[tuple[str, float, float]] = []
    tables, labels = [], []
    for region in spectrum.states:
        peaks, record = spectrum.peaks(region), records.get(region)
        names = [""] * len(peaks) if record is None else names_by_record(record)
        colour = colour_of(region)
        for sign in (1, -1):
            x, y = sign * peaks["x"], sign * peaks["y"]
            axis.plot(x, y, "o", ms=11, mfc="none", mec=colour)
        axis.plot([], [], "o", mfc="none", mec=colour, label=f"{region}: {region_name(record)}")
        for peak, name in zip(peaks, names, strict=True):
            place = (peak["x"], peak["y"])
            if name and not any(
                name == other and np.hypot(place[0] - x, place[1] - y) < SAME * np.hypot(*place)
                for other, x, y in named
            ):
                axis.annotate(
                    name, place, (6, 6), textcoords="offset points", color=colour, fontsize=11
                )
            named.append((name, *place))
        tables.append(peaks)
        labels.append(names)
    reach = 1.2 * farthest_spot(tables, labels)
    if reach:
        right, bottom = min(reach, float(grid.x[-1])), min(reach, float(grid.y[-1]))
        axis.set(xlim=(-right, right), ylim=(bottom, -bottom))
    if records:
        axis.legend(loc="upper right")
    axis.set(xlabel=f"x (1/{spectrum._unit})", ylabel=f"y (1/{spectrum._unit})")
    return figure


def strain_figure(strain: StrainMap, limit: float | None = None) -> Figure:
    """Strain components and rotation side by side, on scales symmetric about zero.

    Parameters
    ----------
    strain
        The maps.
    limit
        Largest strain on the colour scale; by default from the data, one for all components.
    """
    import matplotlib.pyplot as plt

    grid = grid_of(strain._image_axes())
    maps = {name: np.asarray(strain._component(name).data) for name in SHOWN}
    if limit is None:
        limit = max(_largest(maps[name]) for name in ("e_xx", "e_yy", "e_xy"))
    width, height = figure_size(grid)
    figure, axes = plt.subplots(2, 2, figsize=(1.4 * width, 1.3 * height), layout="constrained")
    for axis, (name, quantity) in zip(axes.ravel(), SHOWN.items(), strict=True):
        bound = limit if quantity == "strain" else np.rad2deg(limit)
        drawn = axis.imshow(
            maps[name], cmap="RdBu_r", vmin=-bound, vmax=bound, extent=image_extent(grid)
        )
        draw_outlines(axis, strain._outlines(), grid)
        axis.set_title(name if quantity == "strain" else f"{name} (counter-clockwise)")
        axis.set_xlabel(f"x ({strain._unit})")
        axis.set_ylabel(f"y ({strain._unit})")
        figure.colorbar(drawn, ax=axis, label=quantity, shrink=0.8)
    g = ", ".join(f"({x:.2f}, {y:.2f})" for x, y in strain.g)
    figure.suptitle(
        f"{strain.definition} strain, reference region {strain.reference}, "
        f"g = {g} 1/{strain._unit}, resolution {strain.resolution:.2g} {strain._unit}",
        fontsize=10,
    )
    return figure


def model_figure(model: AtomicModel) -> Figure:
    """Atoms of one repeat as seen along the beam, coloured by element.

    Parameters
    ----------
    model
        The model.
    """
    import matplotlib.pyplot as plt
    from ase.data import chemical_symbols

    positions, numbers = model.positions / 10, model.numbers
    corner = np.asarray(model._twin("model")["origin"])[:2] / 10
    width, height = model.cell[0, 0] / 10, model.cell[1, 1] / 10
    tall = float(np.clip(height / width, 0.3, 2.0))
    figure, axis = plt.subplots(figsize=(8, 1 + 7 * tall), layout="constrained")
    area = np.clip(3e4 / max(1, len(np.unique(np.round(positions[:, :2], 3), axis=0))), 0.05, 40)
    for index, number in enumerate(np.unique(numbers)):
        chosen = positions[numbers == number]
        axis.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=area,
            lw=0,
            color=COLOURS[index % len(COLOURS)],
            label=f"{chemical_symbols[number]} ({len(chosen)})",
            rasterized=True,
        )
    axis.set(
        xlim=(corner[0], corner[0] + width),
        ylim=(corner[1] + height, corner[1]),
        xlabel="x (nm)",
        ylabel="y (nm)",
        aspect="equal",
    )
    axis.legend(loc="upper right", markerscale=max(1.0, 5 / np.sqrt(area)))
    axis.set_title(f"{len(numbers)} atoms, {model.cell[2, 2] / 10:.2f} nm along the beam")
    return figure


def particles_figure(sizes: ParticleSizes, unit: str) -> Figure:
    """Histogram of the diameters of whole particles, with its lognormal distribution.

    Parameters
    ----------
    sizes
        The particles.
    unit
        Unit of their diameters.
    """
    import matplotlib.pyplot as plt
    from scipy.stats import lognorm

    from hyperspy_twin.segmentation.particles.size_distribution import size_distribution

    found = size_distribution(sizes)
    diameter = sizes.equivalent_diameter[~sizes.touches_border]
    figure, axis = plt.subplots(figsize=(7, 4.5), layout="constrained")
    _, edges, _ = axis.hist(diameter, bins="auto", color="#9ecae1", edgecolor="white")
    if found.spread > 0:
        along = np.linspace(0.5 * diameter.min(), 1.3 * diameter.max(), 300)
        density = lognorm.pdf(along, found.spread, scale=found.median)
        axis.plot(along, density * found.count * (edges[1] - edges[0]), color="#3182bd")
    axis.set(xlabel=f"equivalent diameter ({unit})", ylabel="particles")
    axis.set_title(
        f"{found.count} whole particles: {found.mean:.3g} ± {found.standard_deviation:.2g} {unit} "
        f"(standard error {found.standard_error:.1g})"
    )
    return figure


def draw_outlines(axis: Axes, outlines: Outlines, grid: Grid, coloured: bool = False) -> None:
    """Draw all outlines on an axis in the unit of the grid, in black or the regions' colours."""
    for region in outlines.regions:
        colour = colour_of(int(region)) if coloured else "black"
        for ring in outlines.rings(region):
            closed = np.concatenate([ring, ring[:1]])
            axis.plot(closed[:, 0], closed[:, 1], color=colour, lw=1.6 if coloured else 0.8)
    left, right, bottom, top = image_extent(grid)
    axis.set(xlim=(left, right), ylim=(bottom, top))


def image_extent(grid: Grid) -> tuple[float, float, float, float]:
    """Edges (left, right, bottom, top) of the pixels of an image for matplotlib."""
    half_x, half_y = grid.scale[0] / 2, grid.scale[1] / 2
    return grid.x[0] - half_x, grid.x[-1] + half_x, grid.y[-1] + half_y, grid.y[0] - half_y


def figure_size(grid: Grid) -> tuple[float, float]:
    """Width and height in inches of a figure of an image."""
    width, height = grid.extent
    return 8.0, 0.8 + 7.0 * float(np.clip(height / width, 0.3, 2.0))


def _largest(values: np.ndarray) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(np.percentile(finite, 99)) or 1e-6 if finite.size else 1.0
