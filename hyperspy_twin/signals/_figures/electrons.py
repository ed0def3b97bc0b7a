"""Electrons of a device: band edges across its layers, and where a state sits in the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("C3", "C1", "C0", "C9", "C2", "C4")
# Lines that are drawn in the panels from above.
CONDUCTION = slice(2, 6)
VALENCE = slice(0, 2)
# Part of the largest density below which the image shows through whole.
FAINT = 0.02


def band_edges_figure(
    distance: np.ndarray,
    values: np.ndarray,
    errors: np.ndarray,
    names: Sequence[str],
    unit: str,
    points: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
) -> Figure:
    """Conduction and valence edges, fraction of germanium, and strain, one above the other.

    Parameters
    ----------
    distance
        Along the growth direction, shape (n,).
    values, errors
        Six edges in eV, the fraction and two strains, shape (9, n).
    names
        Of these.
    unit
        Of the distance.
    points
        Distances, shape (m,), and the valence and conduction edges of a model with their errors,
        shape (2, m).
    """
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(6.5, 7.5), layout="constrained")
    panels = figure.subplots(4, 1, sharex=True, height_ratios=(3, 3, 2, 2))

    def draw(panel: Axes, index: int, label: str, colour: str, factor: float = 1.0) -> None:
        one, error = factor * values[index], factor * errors[index]
        panel.plot(distance, one, color=colour, label=label)
        panel.fill_between(distance, one - error, one + error, color=colour, alpha=0.25, lw=0)

    for panel, part, title in (
        (panels[0], CONDUCTION, "conduction edges (eV)"),
        (panels[1], VALENCE, "valence edges (eV)"),
    ):
        for index in range(len(values))[part]:
            draw(panel, index, names[index], COLOURS[index])
        if points is not None:
            row = 1 if part is CONDUCTION else 0
            place, edge, error = points[0], points[1][row], points[2][row]
            panel.errorbar(place, edge, error, fmt="k.", capsize=2, label="model")
        panel.set_ylabel(title)
        panel.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    draw(panels[2], 6, "Ge", "k")
    panels[2].set_ylabel("fraction of Ge")
    draw(panels[3], 7, "in the plane", "C0", 100.0)
    draw(panels[3], 8, "along growth", "C3", 100.0)
    panels[3].set_ylabel("strain (%)")
    panels[3].legend(fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    panels[3].set_xlabel(f"distance down the growth direction ({unit})")
    return figure


def state_figure(
    density: np.ndarray, signal: Signal2D, image: np.ndarray | None, title: str
) -> Figure:
    """Density of one state in colour, over the image in grey.

    Parameters
    ----------
    density
        Shape (rows, columns).
    signal
        Whose axes it has, in nm.
    image
        Micrograph of the same pixels.
    title
        Of the figure.
    """
    import matplotlib.pyplot as plt

    x, y = signal.axes_manager.signal_axes
    left, top = x.offset - x.scale / 2, y.offset - y.scale / 2
    extent = (left, left + x.size * x.scale, top + y.size * y.scale, top)
    figure = plt.figure(figsize=(6.0, 5.0), layout="constrained")
    axis = figure.subplots()
    opacity = 1.0
    if image is not None:
        axis.imshow(image, cmap="gray", extent=extent)
        opacity = np.clip(density / (FAINT * density.max()), 0.0, 1.0)
    shown = axis.imshow(density, cmap="inferno", extent=extent, alpha=opacity)
    figure.colorbar(shown, ax=axis, label="density (1/nm$^2$)")
    axis.set_title(title)
    axis.set_xlabel("x (nm)")
    axis.set_ylabel("y (nm)")
    return figure
