"""Dislocations and planar faults drawn on a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hyperspy_twin.core import Table

# Of the half width of the sign for a dislocation over the larger side of the picture.
SIGN_SIZE = 0.03


def draw_dislocations(axis: Axes, dislocations: Table, *, colour: str = "magenta") -> None:
    """Draw the sign of each dislocation: a bar along b, and a stem on the extra half plane."""
    from matplotlib.collections import LineCollection

    size = SIGN_SIZE * max(np.ptp(axis.get_xlim()), np.ptp(axis.get_ylim()))
    burgers = np.column_stack([dislocations["b_x"], dislocations["b_y"]])
    along = size * burgers / np.linalg.norm(burgers, axis=1, keepdims=True)
    stem = np.column_stack([-along[:, 1], along[:, 0]])
    centre = np.column_stack([dislocations["x"], dislocations["y"]])
    lines = [*np.stack([centre - along, centre + along], 1), *np.stack([centre, centre + stem], 1)]
    axis.add_collection(
        LineCollection(lines, colors=colour, linewidths=2.2, zorder=4), autolim=False
    )


def draw_planar_faults(axis: Axes, faults: Table, *, colour: str = "magenta") -> None:
    """Draw the wall of each planar fault as a dashed line."""
    from matplotlib.collections import LineCollection

    ends = [np.column_stack([faults[f"{end}_x"], faults[f"{end}_y"]]) for end in ("start", "end")]
    axis.add_collection(
        LineCollection(
            list(np.stack(ends, 1)), colors=colour, linestyles=(0, (4, 2)), linewidths=1.6, zorder=4
        ),
        autolim=False,
    )
