"""Atoms as seen along the beam."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_twin.core import ANGSTROM_PER_NM
from hyperspy_twin.signals._figures.markers import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hyperspy_twin.signals._values import ModelBox


def model_figure(positions: np.ndarray, numbers: np.ndarray, box: ModelBox) -> Figure:
    """Atoms of one repeat as seen along the beam, coloured by element.

    Parameters
    ----------
    positions
        In Å, shape (n, 3).
    numbers
        Atomic numbers, shape (n,).
    box
        The box that they lie in.
    """
    import matplotlib.pyplot as plt
    from ase.data import chemical_symbols

    positions = positions / ANGSTROM_PER_NM
    corner = box.origin[:2] / ANGSTROM_PER_NM
    width, height, depth = np.diag(box.cell) / ANGSTROM_PER_NM
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
    axis.set_title(f"{len(numbers)} atoms, {depth:.2f} nm along the beam")
    return figure
