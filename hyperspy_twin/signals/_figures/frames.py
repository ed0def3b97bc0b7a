"""Axes of the strain in figures, where they are not those of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperspy_twin.signals._values import StrainSettings

# Length of the arrows as a fraction of the plot.
ARROW = 0.14
LABELS = {"e_xx": "e_x'x'", "e_yy": "e_y'y'", "e_xy": "e_x'y'"}


def name_frame(figure: Figure, settings: StrainSettings, words: str) -> None:
    """Say in a figure of strain maps which axes and bulk cells hold, in place.

    Parameters
    ----------
    figure
        Figure whose plots are named after their components.
    settings
        How the maps were made.
    words
        What to add to the title of the figure.
    """
    if words:
        figure.suptitle(f"{figure.get_suptitle()}\n{words.removeprefix(', ')}", fontsize=10)
    if not settings.angle:
        return
    turn = np.radians(settings.angle)
    axes_of_strain = {"x'": (np.cos(turn), np.sin(turn)), "y'": (np.sin(turn), -np.cos(turn))}
    for axis in figure.axes:
        if axis.get_title() in LABELS:
            axis.set_title(LABELS[axis.get_title()])
            for name, (along, up) in axes_of_strain.items():
                axis.annotate(
                    name,
                    xy=(0.2, 0.2),
                    xytext=(0.2 + ARROW * along, 0.2 + ARROW * up),
                    xycoords="axes fraction",
                    ha="center",
                    va="center",
                    arrowprops={"arrowstyle": "<-"},
                )
