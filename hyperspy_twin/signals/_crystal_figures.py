"""Figures of what crystals the regions of an image are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_twin.signals._figures import draw_outlines, figure_size, image_extent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperspy_twin.signals._crystals import RegionCrystals
    from hyperspy_twin.signals._phases import RegionPhases

DIRECTIONS = {(1, 0, 0): "x", (0, 1, 0): "y (down)", (0, 0, 1): "the beam"}


def orientation_figure(spectrum: RegionCrystals, direction: Sequence[float]) -> Figure:
    """Orientation map of an image with the colour key of each phase.

    Parameters
    ----------
    spectrum
        The indexed spectrum.
    direction
        Direction of the image whose crystal direction is coloured.
    """
    import matplotlib.pyplot as plt
    import orix.plot  # noqa: F401  (registers the projection of the colour keys)

    from hyperspy_twin.crystals.relations.crystal_maps import colour_key, orientation_colours

    grid, matches = spectrum._image_grid(), spectrum._matches()
    colours = orientation_colours(spectrum._labels(grid), matches, direction)
    crystals = list(dict.fromkeys(match.crystal for match in matches.values()))
    width, height = figure_size(grid)
    figure = plt.figure(figsize=(width + 3.0, height), layout="constrained")
    rows = max(1, len(crystals))
    places = figure.add_gridspec(rows, 2, width_ratios=(width, 3.0))
    axis = figure.add_subplot(places[:, 0])
    axis.imshow(colours, extent=image_extent(grid))
    draw_outlines(axis, spectrum._outlines(), grid)
    axis.set(xlabel=f"x ({spectrum._unit})", ylabel=f"y ({spectrum._unit})")
    values = tuple(np.asarray(direction, float).tolist())
    along = DIRECTIONS.get(values, f"({', '.join(f'{value:g}' for value in values)})")
    figure.suptitle(f"Crystal direction along {along}")
    for row, crystal in enumerate(crystals):
        symmetry = colour_key(crystal, direction).symmetry
        key = figure.add_subplot(places[row, 1], projection="ipf", symmetry=symmetry)
        key.plot_ipf_color_key()  # type: ignore[attr-defined]
        name = f"{crystal.name} ({symmetry.name})" if symmetry.name else crystal.name
        key.set_title(name, pad=28)
    return figure


def names_of_phases(
    spectrum: RegionPhases, regions: list[int]
) -> tuple[dict[int, str], dict[int, str]]:
    """Phase of each region that has one, and the label of each region.

    Parameters
    ----------
    spectrum
        The indexed spectrum.
    regions
        Numbers of the regions of the image.

    Raises
    ------
    ValueError
        If the spectrum has other regions, or no phases.
    """
    from hyperspy_twin.signals._markers import region_name

    known = {record.region: record for record in spectrum._known_phases()}
    if not set(known) <= set(regions):
        raise ValueError("these phases belong to another segmentation of the image")
    indexed = {region: record for region, record in known.items() if record.phase is not None}
    labels = spectrum.states | {region: region_name(one) for region, one in indexed.items()}
    return {region: str(record.phase) for region, record in indexed.items()}, labels
