"""Where an electronic state sits in the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from matplotlib.figure import Figure

# Part of the largest density below which the image shows through whole.
FAINT = 0.02


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
