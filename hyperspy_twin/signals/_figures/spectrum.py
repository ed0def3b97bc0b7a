"""The spectrum of an image with the peaks and indices of its regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_twin.signals._figures.markers import (
    colour_of,
    find_farthest_peak,
    name_peaks,
    name_region,
)
from hyperspy_twin.signals._figures.outlines import image_extent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from hyperspy_twin.core import Grid, Peaks
    from hyperspy_twin.crystals import PhaseRecords

SAME = 0.1  # of its length: reflections of two regions that are this close share their label


def spectrum_figure(
    spectrum: np.ndarray, grid: Grid, peaks: Sequence[Peaks], records: PhaseRecords, *, unit: str
) -> Figure:
    """Logarithmic power spectrum with the peaks of all regions and their Miller indices.

    Parameters
    ----------
    spectrum
        Complex spectrum, zero frequency at index ``size // 2``.
    grid
        Its reciprocal grid.
    peaks
        Peaks of each region.
    records
        Records of the regions that have one.
    unit
        Unit of length of the image.
    """
    import matplotlib.pyplot as plt

    power = np.log(np.abs(spectrum) + 1e-12)
    figure, axis = plt.subplots(figsize=(9, 9), layout="constrained")
    low, high = np.percentile(power, [5, 99.99])
    axis.imshow(power, cmap="gray", vmin=low, vmax=high, extent=image_extent(grid), aspect="equal")
    named: list[tuple[str, float, float]] = []
    known = [records[one.region] if one.region in records else None for one in peaks]
    labels = [name_peaks(*pair) for pair in zip(peaks, known, strict=True)]
    for own, record, names in zip(peaks, known, labels, strict=True):
        colour = colour_of(own.region)
        for x, y in (own.position.T, -own.position.T):
            axis.plot(x, y, "o", ms=11, mfc="none", mec=colour)
        label = f"{own.region}: {name_region(record)}"
        axis.plot([], [], "o", mfc="none", mec=colour, label=label)
        for (x, y), name in zip(own.position.tolist(), names, strict=True):
            reach = SAME * np.hypot(x, y)
            shared = any(name == n and np.hypot(x - a, y - b) < reach for n, a, b in named)
            if name and not shared:
                axis.annotate(
                    name, (x, y), (6, 6), textcoords="offset points", color=colour, fontsize=11
                )
            named.append((name, x, y))
    reach = 1.2 * find_farthest_peak(peaks, labels)
    if reach:
        right, bottom = min(reach, float(grid.x[-1])), min(reach, float(grid.y[-1]))
        axis.set(xlim=(-right, right), ylim=(bottom, -bottom))
    if records:
        axis.legend(loc="upper right")
    axis.set(xlabel=f"x (1/{unit})", ylabel=f"y (1/{unit})")
    return figure
