"""Scale bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hyperspy_twin.core import Grid

LARGEST_PART = 0.3  # of the width of the image
STEPS = (1, 2, 5)


def draw_scale_bar(axis: Axes, grid: Grid, unit: str, colour: str = "white") -> None:
    """Draw a bar of a round length, at most 30 % of the width, in the lower left corner."""
    from matplotlib.patheffects import withStroke
    from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

    width, height = grid.extent
    length = round_length(LARGEST_PART * width)
    edge = "black" if colour == "white" else "white"
    bar = AnchoredSizeBar(
        axis.transData,
        length,
        f"{length:g} {unit}",
        "lower left",
        size_vertical=height / 100,
        pad=0.4,
        sep=4,
        color=colour,
        frameon=False,
        label_top=True,
    )
    text = bar.txt_label.get_children()[0]
    text.set_path_effects([withStroke(linewidth=2, foreground=edge)])
    bar.size_bar.get_children()[0].set(edgecolor=edge, facecolor=colour, linewidth=0.6)
    axis.add_artist(bar)


def round_length(largest: float) -> float:
    """Largest of 1, 2 and 5 times a power of ten that is not above a length."""
    power = 10.0 ** np.floor(np.log10(largest) + 1e-9)
    return float(power * max(step for step in STEPS if step * power <= largest * (1 + 1e-9)))
